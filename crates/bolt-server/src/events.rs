//! What happens to connections, for the audit log and the server's log.

use std::net::SocketAddr;

/// Why a connection was refused or ended before a login.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalReason {
    /// It was not encrypted and the listener requires TLS. Nothing was answered, so no password was sent.
    PlainRefused,
    /// It began TLS and the listener has none.
    TlsNotConfigured,
    /// It had not logged on, and its place was needed for a newer connection.
    GaveWay,
    /// The TLS handshake failed.
    TlsFailed(String),
    /// The first bytes were neither TLS, Bolt nor a WebSocket upgrade.
    UnknownProtocol,
    /// The WebSocket upgrade failed.
    WebSocketFailed(String),
    /// The handshake was broken or had no version in common.
    HandshakeFailed(String),
    /// It did not log on in time.
    LoginTimedOut,
    /// It sent more than allowed before logging on.
    TooManyBytesBeforeLogin,
    /// Too many connections in all.
    TooManyConnections,
    /// Too many connections of one address that have not logged on.
    TooManyUnauthenticatedOfAddress,
    /// It sent something that is not Bolt, or not allowed now.
    ProtocolError(String),
}

/// A connection, as the events name it.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionPoint<'a> {
    /// Unique in the life of the process.
    pub connection_id: &'a str,
    /// The client's address.
    pub peer: SocketAddr,
    /// The address it connected to.
    pub local: SocketAddr,
}

/// Is told what happens. Must not block for long.
pub trait ConnectionEvents: Send + Sync + 'static {
    /// A connection was accepted.
    fn opened(&self, _connection: ConnectionPoint<'_>) {}
    /// A connection was refused, or ended for a fault of its own.
    fn refused(&self, _connection: ConnectionPoint<'_>, _reason: &RefusalReason) {}
    /// A connection is gone.
    fn closed(&self, _connection: ConnectionPoint<'_>) {}
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl ConnectionEvents for NoEvents {}
