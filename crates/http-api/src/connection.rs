//! One connection: TLS, HTTP/1.1 or HTTP/2, and closing it when it idles.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use crate::config::{HttpLimits, TlsSource};

/// Serves one accepted socket until it ends, idles too long or the server stops.
pub(crate) async fn serve(
    socket: TcpStream,
    tls: Option<TlsSource>,
    router: Router,
    limits: HttpLimits,
    stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let Some(tls) = tls else {
        return serve_stream(socket, router, limits, stopping).await;
    };
    let accepting = TlsAcceptor::from(tls()).accept(socket);
    let stream = timeout(limits.request_timeout, accepting)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    serve_stream(stream, router, limits, stopping).await
}

async fn serve_stream(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    limits: HttpLimits,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let activity = Arc::new(Activity::new());
    let counted = Arc::clone(&activity);
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let answering = inner.call(request);
        let counted = Arc::clone(&counted);
        async move {
            counted.touch();
            let response: Result<Response<Body>, _> = answering.await;
            counted.touch();
            response
        }
    });
    let builder = builder(limits);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = &mut connection => return ended.map_err(io::Error::other),
        () = activity.idle(limits.idle_timeout) => {}
        // A server that is gone is a server that stops.
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    connection.as_mut().graceful_shutdown();
    // A client that neither finishes nor hangs up is dropped.
    match timeout(limits.request_timeout, &mut connection).await {
        Ok(ended) => ended.map_err(io::Error::other),
        Err(_) => Ok(()),
    }
}

fn builder(limits: HttpLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request_timeout)
        .max_buf_size(limits.head_bytes_max.max(8 * 1024))
        .max_headers(limits.headers_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.idle_timeout)
        .keep_alive_timeout(limits.request_timeout);
    builder
}

/// When a connection last had a request.
struct Activity {
    began: Instant,
    last_ms: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            last_ms: AtomicU64::new(0),
        }
    }

    fn touch(&self) {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(elapsed, Ordering::Relaxed);
    }

    /// Returns once there was no request for `limit`.
    async fn idle(&self, limit: Duration) {
        loop {
            let ends = self.began + Duration::from_millis(self.last_ms.load(Ordering::Relaxed)) + limit;
            if Instant::now() >= ends {
                return;
            }
            tokio::time::sleep_until(ends).await;
        }
    }
}
