//! How a listener behaves; plain values, filled in by whoever reads the settings.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bastide_bolt::limits;
use bastide_tls::Channel;

/// Whether connections must, may or cannot use TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsLevel {
    /// Plain connections are closed before anything is answered.
    Required,
    /// Both work.
    Optional,
    /// No TLS.
    Disabled,
}

/// How to listen.
#[derive(Clone)]
pub struct Config {
    /// Whether TLS is required, optional or off.
    pub tls_level: TlsLevel,
    /// Where TLS configurations come from; must be given unless TLS is off.
    pub tls: Option<Arc<Channel>>,
    /// What HELLO's answer calls the server, e.g. `Neo4j/5.26.0 compatible (Bastide/0.1.0)`.
    pub server_agent: String,
    /// Host and port for browsers and drivers (`server.bolt.advertised_address`), sent in LOGON's answer from 5.8 on.
    pub advertised_address: Option<String>,
    /// Whether WebSocket upgrades are taken.
    pub web_socket: bool,
    /// Seconds without a byte after which drivers give the connection up (hint `connection.recv_timeout_seconds`).
    /// Only sent when `keep_alive` is on, and should be at least twice that.
    pub receive_timeout_hint_seconds: Option<u32>,
    /// How often a NOOP is sent while a request takes long; `None` for never (`server.bolt.connection_keep_alive`).
    pub keep_alive: Option<Duration>,
    /// The limits.
    pub limits: ConnectionLimits,
}

/// What connections may use.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections in all.
    pub connections_max: usize,
    /// Connections that have not logged on; one more takes the place of the oldest.
    pub unauthenticated_max: usize,
    /// Connections of one address that have not logged on.
    pub unauthenticated_per_address_max: usize,
    /// Time from accepting to logging on, TLS handshake included.
    pub login_timeout: Duration,
    /// Bytes a client may send before it is logged on, TLS handshake not counted.
    pub login_bytes_max: usize,
    /// Bytes of one message after login.
    pub message_bytes_max: usize,
    /// How long a client may refuse to take bytes before it is disconnected.
    pub write_timeout: Duration,
    /// Rows that are made before the next look at whether to stop.
    pub batch_rows_max: usize,
    /// Bytes in one batch, exceeded by at most one row; a client that does not read holds two batches.
    pub batch_bytes_max: usize,
    /// Messages that are read ahead of the one being worked on.
    pub requests_ahead_max: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            unauthenticated_max: 1_000,
            unauthenticated_per_address_max: 256,
            login_timeout: Duration::from_secs(30),
            login_bytes_max: limits::UNAUTHENTICATED_BYTES_MAX,
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
            write_timeout: Duration::from_secs(120),
            batch_rows_max: 1_024,
            batch_bytes_max: 64 * 1024,
            requests_ahead_max: 64,
        }
    }
}

impl Config {
    /// Requires TLS from `tls`; everything else at its default.
    pub fn requiring_tls(tls: Arc<Channel>, server_agent: impl Into<String>) -> Self {
        Self {
            tls_level: TlsLevel::Required,
            tls: Some(tls),
            ..Self::without_tls(server_agent)
        }
    }

    /// No TLS; everything else at its default.
    pub fn without_tls(server_agent: impl Into<String>) -> Self {
        Self {
            tls_level: TlsLevel::Disabled,
            tls: None,
            server_agent: server_agent.into(),
            advertised_address: None,
            web_socket: true,
            receive_timeout_hint_seconds: Some(120),
            keep_alive: Some(Duration::from_secs(60)),
            limits: ConnectionLimits::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("tls_level", &self.tls_level)
            .field("server_agent", &self.server_agent)
            .field("web_socket", &self.web_socket)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
