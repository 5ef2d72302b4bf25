//! From an accepted socket to an agreed version of Bolt: first bytes, TLS, WebSocket, handshake.
//!
//! INVARIANT: before TLS nothing is taken off the socket (the first byte is only peeked at), so nothing that was sent in the
//! clear can be read as if it had come encrypted; and where TLS is required nothing is answered without it.

use std::sync::Arc;

use bastide_bolt::{Handshake, HandshakeProgress, Version};
use bastide_tls::{FailureReason, PeerCertificate};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backend::Transport;
use crate::config::{Config, TlsLevel};
use crate::events::RefusalReason;
use crate::transport::{ByteStream, WebSocketBytes};

/// First byte of a TLS record that carries a ClientHello.
const TLS_HANDSHAKE_RECORD: u8 = 0x16;
/// First byte of the Bolt magic number.
const BOLT: u8 = 0x60;
/// First byte of `GET`.
const HTTP_GET: u8 = b'G';
/// Encrypted bytes that wait for the socket, in batches.
const TLS_BATCHES_MAX: usize = 2;
const HANDSHAKE_BUFFER_BYTES: usize = 512;

/// A connection that agreed on a version.
pub(crate) struct Established {
    /// The bytes of messages.
    pub(crate) stream: Box<dyn ByteStream>,
    /// Bytes of messages that came along with the handshake.
    pub(crate) received: Vec<u8>,
    /// What was agreed.
    pub(crate) version: Version,
    /// Over what.
    pub(crate) transport: Transport,
    /// Whether through TLS.
    pub(crate) encrypted: bool,
    /// What the client showed of itself.
    pub(crate) certificate: Option<Arc<PeerCertificate>>,
}

/// Why there is nothing to serve.
pub(crate) enum NotEstablished {
    /// The other side went away, or its socket failed.
    Gone,
    /// It was turned away.
    Refused(RefusalReason),
}

impl From<std::io::Error> for NotEstablished {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}

/// Takes a socket as far as an agreed version.
pub(crate) async fn establish(socket: TcpStream, config: &Config) -> Result<Established, NotEstablished> {
    let mut first = [0];
    if socket.peek(&mut first).await? == 0 {
        return Err(NotEstablished::Gone);
    }
    let [first] = first;
    match (first, config.tls_level, &config.tls) {
        (TLS_HANDSHAKE_RECORD, TlsLevel::Required | TlsLevel::Optional, Some(channel)) => {
            let peer = socket.peer_addr()?;
            let mut stream = channel
                .accept(socket, peer, config.limits.login_timeout)
                .await
                .map_err(|failure| {
                    NotEstablished::Refused(match failure.reason {
                        FailureReason::TimedOut => RefusalReason::LoginTimedOut,
                        _ => RefusalReason::TlsFailed(failure.to_string()),
                    })
                })?;
            // A batch is encrypted as a whole and then written at once, instead of all but its end and then that.
            let batch = config.limits.batch_bytes_max;
            stream
                .get_mut()
                .1
                .set_buffer_limit(Some(batch.saturating_mul(TLS_BATCHES_MAX)));
            let Some(first) = stream.fill_buf().await?.first().copied() else {
                return Err(NotEstablished::Gone);
            };
            let certificate = PeerCertificate::of(stream.get_ref().1).map(Arc::new);
            let established = over(Box::new(stream), first, true, config).await?;
            Ok(Established {
                certificate,
                ..established
            })
        }
        (TLS_HANDSHAKE_RECORD, ..) => Err(NotEstablished::Refused(RefusalReason::TlsNotConfigured)),
        (_, TlsLevel::Required, _) => Err(NotEstablished::Refused(RefusalReason::PlainRefused)),
        (_, TlsLevel::Optional | TlsLevel::Disabled, _) => over(Box::new(socket), first, false, config).await,
    }
}

async fn over(
    stream: Box<dyn ByteStream>,
    first: u8,
    encrypted: bool,
    config: &Config,
) -> Result<Established, NotEstablished> {
    match first {
        BOLT => handshake(stream, Transport::Socket, encrypted, config).await,
        HTTP_GET if config.web_socket => {
            // Boxed, as this is rare and needs more room than all the rest of a connection.
            let socket = Box::pin(WebSocketBytes::accept(stream))
                .await
                .map_err(|error| NotEstablished::Refused(RefusalReason::WebSocketFailed(error.to_string())))?;
            handshake(Box::new(socket), Transport::WebSocket, encrypted, config).await
        }
        _ => Err(NotEstablished::Refused(RefusalReason::UnknownProtocol)),
    }
}

async fn handshake(
    mut stream: Box<dyn ByteStream>,
    transport: Transport,
    encrypted: bool,
    config: &Config,
) -> Result<Established, NotEstablished> {
    let mut handshake = Handshake::new();
    let mut buffer = [0; HANDSHAKE_BUFFER_BYTES];
    let mut total = 0;
    loop {
        let count = stream.read(&mut buffer).await?;
        total += count;
        if count == 0 {
            return Err(NotEstablished::Gone);
        }
        if total > config.limits.login_bytes_max {
            return Err(NotEstablished::Refused(RefusalReason::TooManyBytesBeforeLogin));
        }
        let mut input = buffer.get(..count).unwrap_or_default();
        loop {
            let progress = handshake
                .feed(&mut input)
                .map_err(|error| NotEstablished::Refused(RefusalReason::HandshakeFailed(error.to_string())))?;
            match progress {
                HandshakeProgress::NeedMore => break,
                HandshakeProgress::Send(bytes) => send(&mut stream, &bytes).await?,
                HandshakeProgress::Agreed { version, reply } => {
                    send(&mut stream, &reply).await?;
                    return Ok(Established {
                        stream,
                        received: input.to_vec(),
                        version,
                        transport,
                        encrypted,
                        certificate: None,
                    });
                }
                HandshakeProgress::NothingInCommon { reply } => {
                    send(&mut stream, &reply).await?;
                    let _ = stream.shutdown().await;
                    let reason = "no version in common".to_owned();
                    return Err(NotEstablished::Refused(RefusalReason::HandshakeFailed(reason)));
                }
            }
        }
    }
}

async fn send(stream: &mut Box<dyn ByteStream>, bytes: &[u8]) -> std::io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    stream.write_all(bytes).await?;
    stream.flush().await
}
