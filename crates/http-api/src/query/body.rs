//! Bodies: reading those of requests within limits, sending those of answers piece by piece.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use http_body::Frame;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::failure::Failure;
use crate::config::QueryLimits;

/// Reads the body of a request.
///
/// # Errors
/// One that is too long, too slow or breaks off.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limits: &QueryLimits) -> Result<Vec<u8>, Failure> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let discarded_max = limits.body_bytes_max.saturating_mul(DISCARDED_FACTOR_MAX);
    if announced.is_some_and(|length| length > discarded_max) {
        return Err(too_long(limits));
    }
    match timeout(limits.body_timeout, read_all(body, announced.unwrap_or(0), limits)).await {
        Ok(read) => read,
        Err(_) => Err(Failure::format(
            StatusCode::REQUEST_TIMEOUT,
            "the body of the request did not arrive in time",
        )),
    }
}

/// What a client merely announces is not reserved beyond this.
const RESERVED_BYTES_MAX: usize = 64 * 1024;
/// A body up to this many times too long is taken and thrown away: a client that is cut off while it sends does not see why.
const DISCARDED_FACTOR_MAX: usize = 4;

async fn read_all(mut body: Body, announced: usize, limits: &QueryLimits) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(announced.min(RESERVED_BYTES_MAX));
    let mut length = 0_usize;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let broken = |_| Failure::format(StatusCode::BAD_REQUEST, "the body of the request broke off");
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length <= limits.body_bytes_max {
            bytes.extend_from_slice(&data);
        } else if length <= limits.body_bytes_max.saturating_mul(DISCARDED_FACTOR_MAX) {
            bytes = Vec::new();
        } else {
            break;
        }
    }
    if length > limits.body_bytes_max {
        return Err(too_long(limits));
    }
    Ok(bytes)
}

fn too_long(limits: &QueryLimits) -> Failure {
    Failure::format(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body of a request may have at most {} bytes", limits.body_bytes_max),
    )
}

/// Stops what runs for a request when its client goes away.
pub(crate) struct InterruptOnDrop {
    flag: Arc<AtomicBool>,
    is_armed: bool,
}

impl InterruptOnDrop {
    pub(crate) fn new(flag: Arc<AtomicBool>) -> Self {
        Self { flag, is_armed: true }
    }

    /// The work is done; there is nothing to stop.
    pub(crate) fn disarm(&mut self) {
        self.is_armed = false;
    }
}

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        if self.is_armed {
            self.flag.store(true, Ordering::Release);
        }
    }
}

/// A piece of an answer.
pub(crate) enum Piece {
    /// Bytes of it.
    Bytes(Bytes),
    /// The last bytes.
    Last(Bytes),
}

/// An answer that is made while it is sent. If it ends without its last piece, the client sees it break off.
pub(crate) struct Streamed {
    /// What was made before anything was sent.
    first: Option<Bytes>,
    pieces: mpsc::Receiver<Piece>,
    interrupt: InterruptOnDrop,
    is_over: bool,
}

impl Streamed {
    pub(crate) fn new(first: Vec<u8>, pieces: mpsc::Receiver<Piece>, interrupt: InterruptOnDrop) -> Self {
        Self {
            first: Some(first.into()),
            pieces,
            interrupt,
            is_over: false,
        }
    }
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if self.is_over {
            return Poll::Ready(None);
        }
        match self.pieces.poll_recv(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Piece::Bytes(bytes))) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Poll::Ready(Some(Piece::Last(bytes))) => {
                self.is_over = true;
                self.interrupt.disarm();
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Poll::Ready(None) => {
                self.is_over = true;
                Poll::Ready(Some(Err(io::ErrorKind::BrokenPipe.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }
}
