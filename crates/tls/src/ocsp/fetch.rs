//! Asking a responder over HTTP: one POST, bounded in time and size.
//!
//! INVARIANT: only the host that the certificate names is asked, with no proxy from the environment; a redirect is
//! followed once and only within that host. Must not know what is asked or answered.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::{Host, Url};

/// Longer responses are refused, in bytes.
pub(crate) const RESPONSE_SIZE_MAX: usize = 64 * 1024;
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
const TOTAL_TIME_MAX: Duration = Duration::from_secs(10);
/// In bytes.
const HEADERS_SIZE_MAX: usize = 16 * 1024;

/// What a fetch becomes.
pub type FetchFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchError>> + Send + 'a>>;

/// What carries requests to responders.
pub trait Fetch: Send + Sync + fmt::Debug {
    /// Sends `request` (DER) to `responder`, an `http://` address, and returns the response (DER, not verified).
    fn fetch<'a>(&'a self, responder: &'a str, request: Vec<u8>) -> FetchFuture<'a>;
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address is none that is asked.
    #[error("`{address}` is not an http:// address")]
    BadAddress {
        /// As written.
        address: String,
    },
    /// There is no connection.
    #[error("cannot connect to {host}: {source}")]
    Connect {
        /// The host and port.
        host: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It takes too long.
    #[error("no answer in {} s", limit.as_secs())]
    TimedOut {
        /// The limit that was reached.
        limit: Duration,
    },
    /// The exchange was cut, or was not HTTP.
    #[error("the exchange failed: {reason}")]
    Exchange {
        /// What the library says.
        reason: String,
    },
    /// The answer is longer than responses are.
    #[error("the answer is longer than {RESPONSE_SIZE_MAX} bytes")]
    TooLong,
    /// Another status than 200.
    #[error("the answer is HTTP status {status}")]
    Status {
        /// Which.
        status: u16,
    },
    /// A redirect that is not followed.
    #[error("the redirect to `{location}` is not followed")]
    Redirect {
        /// Where to.
        location: String,
    },
}

/// Asks over HTTP/1.1.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpFetch;

impl Fetch for HttpFetch {
    fn fetch<'a>(&'a self, responder: &'a str, request: Vec<u8>) -> FetchFuture<'a> {
        Box::pin(ask_within(TOTAL_TIME_MAX, responder, request))
    }
}

pub(super) async fn ask_within(limit: Duration, responder: &str, request: Vec<u8>) -> Result<Vec<u8>, FetchError> {
    let asked = tokio::time::timeout(limit, ask(responder, request.into()));
    asked.await.unwrap_or(Err(FetchError::TimedOut { limit }))
}

enum Reply {
    Answer(Vec<u8>),
    Redirect(Url),
}

async fn ask(responder: &str, request: Bytes) -> Result<Vec<u8>, FetchError> {
    let address = usable(responder)?;
    let next = match post(&address, request.clone()).await? {
        Reply::Answer(answer) => return Ok(answer),
        Reply::Redirect(next) => next,
    };
    if next.scheme() != address.scheme() || next.host() != address.host() {
        let location = next.to_string();
        return Err(FetchError::Redirect { location });
    }
    match post(&next, request).await? {
        Reply::Answer(answer) => Ok(answer),
        Reply::Redirect(location) => Err(FetchError::Redirect {
            location: location.to_string(),
        }),
    }
}

fn usable(address: &str) -> Result<Url, FetchError> {
    let parsed = Url::parse(address).ok();
    let usable = parsed.filter(|url| url.scheme() == "http" && url.host().is_some());
    usable.ok_or_else(|| FetchError::BadAddress {
        address: address.to_owned(),
    })
}

async fn post(url: &Url, request: Bytes) -> Result<Reply, FetchError> {
    let stream = connect(url).await?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEADERS_SIZE_MAX)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let request = request_of(url, request)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        read(url, response).await
    };
    tokio::pin!(exchange);
    tokio::select! {
        reply = &mut exchange => reply,
        // Whatever ended it, what was read of it decides.
        _ = connection => exchange.await,
    }
}

async fn connect(url: &Url) -> Result<TcpStream, FetchError> {
    let port = url.port_or_known_default().unwrap_or(80);
    let connecting = async {
        match url.host() {
            Some(Host::Domain(name)) => TcpStream::connect((name, port)).await,
            Some(Host::Ipv4(address)) => TcpStream::connect((address, port)).await,
            Some(Host::Ipv6(address)) => TcpStream::connect((address, port)).await,
            None => Err(std::io::ErrorKind::InvalidInput.into()),
        }
    };
    let limit = CONNECT_TIME_MAX;
    let connected = tokio::time::timeout(limit, connecting).await;
    connected
        .map_err(|_| FetchError::TimedOut { limit })?
        .map_err(|source| FetchError::Connect {
            host: authority(url),
            source,
        })
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn request_of(url: &Url, body: Bytes) -> Result<Request<Full<Bytes>>, FetchError> {
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Request::post(path)
        .header(header::HOST, authority(url))
        .header(header::CONTENT_TYPE, "application/ocsp-request")
        .header(header::ACCEPT, "application/ocsp-response")
        .header(header::CONNECTION, "close")
        .body(Full::new(body))
        .map_err(|error| FetchError::Exchange {
            reason: error.to_string(),
        })
}

async fn read(url: &Url, response: Response<hyper::body::Incoming>) -> Result<Reply, FetchError> {
    let status = response.status();
    if status.is_redirection() {
        let location = response.headers().get(header::LOCATION);
        let location = location.and_then(|value| value.to_str().ok()).unwrap_or_default();
        return url
            .join(location)
            .map(Reply::Redirect)
            .map_err(|_| FetchError::Redirect {
                location: location.to_owned(),
            });
    }
    if status != StatusCode::OK {
        let status = status.as_u16();
        return Err(FetchError::Status { status });
    }
    let body = Limited::new(response.into_body(), RESPONSE_SIZE_MAX).collect().await;
    match body {
        Ok(body) => Ok(Reply::Answer(body.to_bytes().to_vec())),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(FetchError::TooLong),
        Err(error) => Err(FetchError::Exchange {
            reason: error.to_string(),
        }),
    }
}

fn broken(error: hyper::Error) -> FetchError {
    FetchError::Exchange {
        reason: error.to_string(),
    }
}
