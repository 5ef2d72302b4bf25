//! `GET /metrics` in the OpenMetrics text format.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prometheus_client::collector::Collector;
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Connections at one time; further ones are closed at once.
const CONNECTIONS_MAX: usize = 16;
/// From accepting to the end of the answer.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// Pause after a failed accept (out of file descriptors, mostly), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What every figure's name begins with.
const PREFIX: &str = "bastide";
/// Of the OpenMetrics specification.
const TEXT: HeaderValue = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// A running endpoint; it ends when this is dropped.
#[derive(Debug)]
pub struct Endpoint {
    serving: JoinHandle<()>,
}

impl Endpoint {
    /// Answers `GET /metrics` on `listener`, whose callers are not asked who they are: it must be on loopback.
    pub fn start(listener: TcpListener, figures: Vec<Box<dyn Collector>>) -> Self {
        let router = Router::new()
            .route("/metrics", get(metrics))
            .with_state(Arc::new(registry(figures)));
        Self {
            serving: tokio::spawn(accept(listener, router)),
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::warn!(%error, "a connection for the metrics could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let router = router.clone();
            tokio::spawn(async move {
                let _place = place;
                // Whoever is too slow, or speaks something else, is dropped; nobody misses the answer.
                let _ = timeout(REQUEST_TIME, serve(socket, router)).await;
            });
        }
    }
}

async fn serve(socket: TcpStream, router: Router) -> hyper::Result<()> {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIME)
        .keep_alive(false)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(router))
        .await
}

async fn metrics(State(registry): State<Arc<Registry>>) -> Response {
    const HEADERS: [(HeaderName, HeaderValue); 3] = [
        (CONTENT_TYPE, TEXT),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (HEADERS, text_of(&registry)).into_response()
}

/// All figures as text.
pub fn render(figures: Vec<Box<dyn Collector>>) -> String {
    text_of(&registry(figures))
}

fn registry(figures: Vec<Box<dyn Collector>>) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    for collector in figures {
        registry.register_collector(collector);
    }
    registry
}

fn text_of(registry: &Registry) -> String {
    let mut text = String::new();
    // Only a collector of ours can fail, and a `String` takes everything.
    if prometheus_client::encoding::text::encode(&mut text, registry).is_err() {
        tracing::error!("the metrics could not be written");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Figures, Gauge};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn ask(address: std::net::SocketAddr, path: &str) -> String {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_scrape_reads_the_figures_of_that_moment_and_nothing_else_is_served() {
        let count = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let counted = Arc::clone(&count);
        let gauge = Gauge {
            name: "answers",
            help: "Answers given",
            is_counter: true,
            value: Arc::new(move || counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let endpoint = Endpoint::start(listener, vec![Box::new(Figures(vec![gauge]))]);
        for expected in 0..3 {
            let answer = ask(address, "/metrics").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(
                answer.contains(&format!("bastide_answers_total {expected}\n")),
                "{answer}"
            );
        }
        assert!(ask(address, "/").await.starts_with("HTTP/1.1 404"));
        drop(endpoint);
    }
}
