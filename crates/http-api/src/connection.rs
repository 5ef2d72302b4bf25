//! One connection: TLS, HTTP/1.1 or HTTP/2, and closing it when it idles.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use bastide_tls::{Channel, PeerCertificate};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::activity::Activity;
use crate::config::HttpLimits;
use crate::peer::{Peer, Shown};

/// Serves one accepted socket until it ends, idles too long or the server stops.
pub(crate) async fn serve(
    socket: TcpStream,
    mut peer: Peer,
    tls: Option<Arc<Channel>>,
    router: Router,
    limits: HttpLimits,
    stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let Some(channel) = tls else {
        return serve_stream(socket, peer, router, limits, stopping).await;
    };
    let stream = channel
        .accept(socket, peer.address, limits.handshake_timeout)
        .await
        .map_err(io::Error::other)?;
    peer.shown = PeerCertificate::of(stream.get_ref().1).map(|certificate| Arc::new(Shown { certificate, channel }));
    serve_stream(stream, peer, router, limits, stopping).await
}

async fn serve_stream(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
    limits: HttpLimits,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let activity = Activity::new();
    let counted = Arc::clone(&activity);
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let under_way = counted.enter();
        let answering = inner.call(request);
        async move {
            let response: Result<Response<Body>, _> = answering.await;
            response.map(|response| response.map(|body| under_way.until_sent(body)))
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
