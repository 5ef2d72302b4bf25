//! What the listeners need to know, as plain values.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bastide_database::Dbms;
use bastide_security::CertificateIdentity;
use bastide_tls::PeerCertificate;

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
    /// `host:port` that clients reach HTTPS at, for the page named by `security.txt` and for discovery.
    pub https_address: Option<String>,
    /// `host:port` that clients reach plain HTTP at, for discovery.
    pub http_address: Option<String>,
    /// Value of `Strict-Transport-Security` on HTTPS answers.
    pub strict_transport_security: Option<String>,
    /// The limits, shared by all listeners.
    pub limits: HttpLimits,
    /// The Query API.
    pub query: QueryConfig,
}

/// What the Query API needs.
#[derive(Clone)]
pub struct QueryConfig {
    /// Runs the statements.
    pub dbms: Arc<Dbms>,
    /// Whether requests are asked for a user and a password; must be what the database was told.
    pub authentication_enabled: bool,
    /// Reads from a verified client certificate what the database's rules are asked about; `None` where certificates are
    /// no logins.
    pub certificate_identity: Option<fn(&PeerCertificate) -> CertificateIdentity>,
    /// Its limits.
    pub limits: QueryLimits,
}

/// What requests of the Query API may use.
#[derive(Clone, Copy, Debug)]
pub struct QueryLimits {
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// Time for a body to arrive.
    pub body_timeout: Duration,
    /// Bytes of a statement.
    pub statement_bytes_max: usize,
    /// How deep the JSON of a request may nest; at most 127.
    pub json_depth_max: usize,
    /// Values in the JSON of a request; a typed one counts as three.
    pub values_max: usize,
    /// Statements that run at one time, over all connections. Each takes a thread, of which the runtime has 512.
    pub statements_max: usize,
    /// Explicit transactions that are open at one time.
    pub transactions_max: usize,
    /// How long an explicit transaction is kept without a request (`server.queryapi.transaction_idle_timeout`).
    pub transaction_idle_timeout: Duration,
    /// How long a client may refuse to take the next piece of an answer before the statement is given up.
    pub write_timeout: Duration,
    /// Bytes of a document that are held back so that an error finds its status not yet sent.
    pub buffered_bytes_max: usize,
    /// Bytes of a piece of a longer answer; exceeded by at most one row.
    pub piece_bytes: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 16 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            statement_bytes_max: 1024 * 1024,
            json_depth_max: 100,
            values_max: 1_000_000,
            statements_max: 256,
            transactions_max: 1_000,
            transaction_idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(120),
            buffered_bytes_max: 1024 * 1024,
            piece_bytes: 64 * 1024,
        }
    }
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
    /// Connections that have not logged in yet; one more takes the place of the oldest.
    pub unauthenticated_max: usize,
    /// Those of one address.
    pub unauthenticated_per_address_max: usize,
    /// Time for the TLS handshake.
    pub handshake_timeout: Duration,
    /// Time for the head of each request.
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
            unauthenticated_max: 500,
            unauthenticated_per_address_max: 128,
            handshake_timeout: Duration::from_secs(10),
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
            .field("query_limits", &self.query.limits)
            .finish_non_exhaustive()
    }
}
