//! Byte streams of any kind: plain, TLS, and WebSocket frames made to look like one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

/// The longest WebSocket message: one chunk with room to spare. Drivers send a chunk or less in each.
const WEB_SOCKET_MESSAGE_BYTES_MAX: usize = 256 * 1024;
const WEB_SOCKET_BUFFER_BYTES: usize = 16 * 1024;

/// Bytes in both directions.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// A WebSocket whose binary messages carry the byte stream; where they are cut means nothing.
pub(crate) struct WebSocketBytes<S> {
    socket: WebSocketStream<S>,
    received: Bytes,
}

impl<S: ByteStream> WebSocketBytes<S> {
    /// Answers the upgrade request that `stream` begins with.
    pub(crate) async fn accept(stream: S) -> Result<Self, Error> {
        let config = WebSocketConfig::default()
            .read_buffer_size(WEB_SOCKET_BUFFER_BYTES)
            .write_buffer_size(WEB_SOCKET_BUFFER_BYTES)
            .max_message_size(Some(WEB_SOCKET_MESSAGE_BYTES_MAX))
            .max_frame_size(Some(WEB_SOCKET_MESSAGE_BYTES_MAX));
        let socket = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await?;
        Ok(Self {
            socket,
            received: Bytes::new(),
        })
    }
}

impl<S: ByteStream> AsyncRead for WebSocketBytes<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.received.has_remaining() {
            match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                Some(Ok(Message::Binary(bytes))) => self.received = bytes,
                Some(Ok(Message::Text(_))) => {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "a text frame is not Bolt",
                    )));
                }
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
            }
        }
        take_from(&mut self.received, buffer);
        Poll::Ready(Ok(()))
    }
}

impl<S: ByteStream> AsyncWrite for WebSocketBytes<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(context)).map_err(io::Error::other)?;
        let message = Message::Binary(Bytes::copy_from_slice(bytes));
        Pin::new(&mut self.socket)
            .start_send(message)
            .map_err(io::Error::other)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context).map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(context).map_err(io::Error::other)
    }
}

fn take_from(source: &mut Bytes, buffer: &mut ReadBuf<'_>) {
    let count = source.len().min(buffer.remaining());
    buffer.put_slice(&source.split_to(count));
}
