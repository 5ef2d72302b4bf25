//! Reads a connection's bytes into messages, ahead of the one being worked on, so that a RESET is seen at once.
//!
//! Until the login the reader goes in step with the worker, so that the limits before login hold to the byte; after it, the
//! number and the bytes of the messages ahead are limited, and a client that sends more waits. Where it runs is decided by
//! [`Reading`](crate::reading::Reading).

use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
use std::sync::Arc;

use bastide_bolt::{Dechunker, RequestKind, Version};
use tokio::io::{AsyncReadExt, ReadHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use zeroize::Zeroizing;

use crate::config::ConnectionLimits;
use crate::control::Control;
use crate::events::RefusalReason;
use crate::transport::ByteStream;

const BUFFER_BYTES: usize = 16 * 1024;
/// While there may be passwords among the bytes: a small buffer is wiped faster.
const LOGIN_BUFFER_BYTES: usize = 1024;
/// Messages after which a login's are long worked off.
const LOGIN_MESSAGES_MAX: u64 = 8;

/// What the reader hands to the worker.
pub(crate) enum Incoming {
    /// A whole message.
    Message {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Its share of the bytes that may wait.
        _share: OwnedSemaphorePermit,
    },
    /// The client broke the rules of framing.
    Broken(RefusalReason),
}

/// The reading side of a connection.
pub(crate) struct MessageReader {
    stream: ReadHalf<Box<dyn ByteStream>>,
    version: Version,
    limits: ConnectionLimits,
    control: Arc<Control>,
    incoming: mpsc::Sender<Incoming>,
    dechunker: Dechunker,
    bytes_ahead: Arc<Semaphore>,
    login_bytes: usize,
    messages: u64,
    logged_on: bool,
}

impl MessageReader {
    pub(crate) fn new(
        stream: ReadHalf<Box<dyn ByteStream>>,
        version: Version,
        limits: ConnectionLimits,
        control: Arc<Control>,
        incoming: mpsc::Sender<Incoming>,
    ) -> Self {
        let share = limits.message_bytes_max.min(Semaphore::MAX_PERMITS);
        Self {
            stream,
            version,
            limits,
            control,
            incoming,
            dechunker: Dechunker::new(limits.login_bytes_max),
            bytes_ahead: Arc::new(Semaphore::new(share)),
            login_bytes: 0,
            messages: 0,
            logged_on: false,
        }
    }

    /// Reads until the client goes away, breaks the rules, or the worker has ended; running work is then interrupted.
    pub(crate) async fn run(mut self, received: Vec<u8>) {
        if !self.take(&Zeroizing::new(received)).await {
            return;
        }
        let mut buffer = Zeroizing::new(vec![0; LOGIN_BUFFER_BYTES]);
        while !self.logged_on || self.messages < LOGIN_MESSAGES_MAX {
            if !self.read(&mut buffer).await {
                return;
            }
        }
        drop(buffer);
        let mut buffer = vec![0; BUFFER_BYTES];
        while self.read(&mut buffer).await {}
    }

    /// Reads and takes what has come; whether to go on.
    async fn read(&mut self, buffer: &mut [u8]) -> bool {
        match self.stream.read(buffer).await {
            Ok(count @ 1..) => self.take(buffer.get(..count).unwrap_or_default()).await,
            Ok(0) => false,
            Err(error) => {
                if matches!(
                    error.kind(),
                    UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe
                ) {
                    self.control.set_cut();
                }
                false
            }
        }
    }

    /// Takes bytes; whether to go on.
    async fn take(&mut self, bytes: &[u8]) -> bool {
        let mut input = bytes;
        loop {
            let before = input.len();
            let result = self.dechunker.feed(&mut input);
            if !self.logged_on {
                self.login_bytes += before - input.len();
                if self.login_bytes > self.limits.login_bytes_max || result.is_err() {
                    let _ = self
                        .incoming
                        .send(Incoming::Broken(RefusalReason::TooManyBytesBeforeLogin))
                        .await;
                    return false;
                }
            }
            match result {
                Ok(None) => return true,
                Ok(Some(message)) => {
                    if !self.hand_over(message).await {
                        return false;
                    }
                }
                Err(error) => {
                    let _ = self
                        .incoming
                        .send(Incoming::Broken(RefusalReason::ProtocolError(error.to_string())))
                        .await;
                    return false;
                }
            }
        }
    }

    async fn hand_over(&mut self, bytes: Vec<u8>) -> bool {
        if RequestKind::of_message(&bytes, self.version) == Some(RequestKind::Reset) {
            self.control.raise();
        }
        let share = bytes.len().min(self.limits.message_bytes_max);
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let Ok(share) = Arc::clone(&self.bytes_ahead).acquire_many_owned(share).await else {
            return false;
        };
        if self
            .incoming
            .send(Incoming::Message { bytes, _share: share })
            .await
            .is_err()
        {
            return false;
        }
        self.messages += 1;
        if !self.logged_on {
            let messages = self.messages;
            if self.control.reached(messages).await {
                self.logged_on = true;
                self.dechunker.limit_messages_to(self.limits.message_bytes_max);
            }
        }
        true
    }
}

/// However the reader ends (also when the whole runtime does, with a query still running): nobody will read the answer.
impl Drop for MessageReader {
    fn drop(&mut self) {
        self.control.raise();
    }
}
