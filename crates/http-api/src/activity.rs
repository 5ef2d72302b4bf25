//! What a connection is busy with, so that only idle ones are closed.
//!
//! INVARIANT: a request counts from its head until the last byte of its answer was handed to the connection, however long the
//! answer takes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

/// Requests under way, and when the last one ended.
pub(crate) struct Activity {
    began: Instant,
    under_way: AtomicUsize,
    last_ms: AtomicU64,
}

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            under_way: AtomicUsize::new(0),
            last_ms: AtomicU64::new(0),
        })
    }

    /// Counts a request until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Returns once there was no request for `limit`.
    pub(crate) async fn idle(&self, limit: Duration) {
        loop {
            let now = Instant::now();
            let ends = match self.under_way.load(Ordering::Relaxed) {
                0 => self.began + Duration::from_millis(self.last_ms.load(Ordering::Relaxed)) + limit,
                _ => now + limit,
            };
            if now >= ends {
                return;
            }
            tokio::time::sleep_until(ends).await;
        }
    }
}

/// A request under way.
pub(crate) struct UnderWay(Arc<Activity>);

impl UnderWay {
    /// Keeps the request under way until its answer was sent.
    pub(crate) fn until_sent(self, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::new(Answer { body, _under_way: self })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let elapsed = u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.last_ms.store(elapsed, Ordering::Relaxed);
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer.
struct Answer {
    body: Body,
    _under_way: UnderWay,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
