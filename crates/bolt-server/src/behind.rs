//! Sends a batch of rows while the next one is made.
//!
//! What a batch costs to encrypt and to write is then no longer added to what it costs to make. INVARIANT: at most one batch is
//! under way, and nothing else is sent before it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::worker::Output;

/// A batch under way; given up when dropped.
pub(crate) struct Behind(JoinHandle<io::Result<Vec<u8>>>);

impl Behind {
    pub(crate) fn start(sending: &Output, bytes: Vec<u8>, limit: Duration) -> Self {
        let sending = Arc::clone(sending);
        Self(tokio::spawn(async move {
            send(&sending, &bytes, limit).await?;
            Ok(bytes)
        }))
    }

    /// Waits until the client's side took it; gives the buffer back.
    pub(crate) async fn finish(mut self) -> io::Result<Vec<u8>> {
        match (&mut self.0).await {
            Ok(Ok(mut bytes)) => {
                bytes.clear();
                Ok(bytes)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends bytes and waits until the client's side took them, within `limit`.
pub(crate) async fn send(sending: &Output, bytes: &[u8], limit: Duration) -> io::Result<()> {
    let sent = async {
        let mut sending = sending.lock().await;
        sending.write_all(bytes).await?;
        sending.flush().await
    };
    timeout(limit, sent)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

#[cfg(test)]
mod tests;
