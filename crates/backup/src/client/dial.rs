//! How a client reaches a backup server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bastide_tls::{Channel, HandshakeFailure};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// How long one address may take to answer.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long the TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(15);

/// Why a server cannot be reached.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DialError {
    /// No address, or none that answers.
    #[error("cannot connect to {address}")]
    Connect {
        /// As it was given.
        address: String,
        /// Why the last address that was tried did not answer.
        #[source]
        source: io::Error,
    },
    /// No secure connection.
    #[error("there is no secure connection to {address}")]
    Handshake {
        /// As it was given.
        address: String,
        /// Why.
        #[source]
        source: HandshakeFailure,
    },
}

/// Makes connections to one backup server.
pub trait Dial: Send + Sync {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// Makes a connection.
    fn dial(&self) -> impl Future<Output = Result<Self::Stream, DialError>> + Send;
}

/// Reaches a server over TLS.
#[derive(Clone, Debug)]
pub struct TlsDialer {
    channel: Arc<Channel>,
    host: String,
    port: u16,
}

impl TlsDialer {
    /// Reaches `host`, a DNS name or an address, whose certificate must be good for it as far as the channel's policy says.
    pub fn new(channel: Arc<Channel>, host: String, port: u16) -> Self {
        Self { channel, host, port }
    }

    fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in lookup_host((self.host.as_str(), self.port)).await? {
            match timeout(CONNECT_TIME, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failure = error,
                Err(_) => failure = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(failure)
    }
}

impl Dial for TlsDialer {
    type Stream = tokio_rustls::client::TlsStream<TcpStream>;

    async fn dial(&self) -> Result<Self::Stream, DialError> {
        let failed = |source| DialError::Connect {
            address: self.address(),
            source,
        };
        let stream = self.connect().await.map_err(failed)?;
        let peer = stream.peer_addr().map_err(failed)?;
        let secured = self.channel.connect(stream, &self.host, peer, HANDSHAKE_TIME).await;
        secured.map_err(|source| DialError::Handshake {
            address: self.address(),
            source,
        })
    }
}
