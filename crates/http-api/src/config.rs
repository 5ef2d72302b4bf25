//! What the listeners need to know, as plain values.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Says whether the server can take work now.
pub type ReadyCheck = Arc<dyn Fn() -> bool + Send + Sync>;

/// What the listeners serve.
#[derive(Clone)]
pub struct Config {
    /// What `GET /` says.
    pub discovery: Discovery,
    /// Answers `/health/ready`.
    pub ready: ReadyCheck,
    /// Where weaknesses are to be reported, as a URI (`mailto:` or `https:`). If absent, the contact is a page of this
    /// server that says whom to ask.
    pub security_contact: Option<String>,
    /// `host:port` that clients reach HTTPS at, for the page named by `security.txt`.
    pub https_address: Option<String>,
    /// Value of `Strict-Transport-Security` on HTTPS answers.
    pub strict_transport_security: Option<String>,
    /// The limits, shared by all listeners.
    pub limits: HttpLimits,
}

/// What the discovery document says.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// URI for drivers that route, such as `neo4j+s://localhost:7687`; absent if Bolt is off.
    pub bolt_routing: Option<String>,
    /// URI for drivers that do not.
    pub bolt_direct: Option<String>,
    /// The version of Neo4j that clients may take this server for.
    pub neo4j_version: String,
    /// Its edition: `community`, as clients derive from `enterprise` that roles and several databases are there.
    pub neo4j_edition: String,
}

/// What connections may use.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Connections at one time; further ones are closed at once.
    pub connections_max: usize,
    /// Time for the TLS handshake, and for the head of each request.
    pub request_timeout: Duration,
    /// How long a connection without a request under way is kept.
    pub idle_timeout: Duration,
    /// Bytes of a request's head.
    pub head_bytes_max: usize,
    /// Header fields of a request.
    pub headers_max: usize,
    /// Streams of one HTTP/2 connection at one time.
    pub streams_max: u32,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections_max: 1_000,
            request_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            head_bytes_max: 16 * 1024,
            headers_max: 64,
            streams_max: 32,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("discovery", &self.discovery)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
