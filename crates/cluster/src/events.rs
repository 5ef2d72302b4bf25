//! What happens on the channel, for the audit log and the server's log.

use std::net::SocketAddr;

use bastide_tls::PeerCertificate;

use crate::connection::Direction;
use crate::error::NotEstablished;
use crate::member_name::MemberName;

/// Is told what happens. Must not block for long.
pub trait ClusterEvents: Send + Sync + 'static {
    /// A connection with another member is there.
    fn joined(&self, _direction: Direction, _peer: SocketAddr, _member: &MemberName, _certificate: &PeerCertificate) {}
    /// Somebody was turned away, or turned this member away.
    fn refused(&self, _direction: Direction, _peer: SocketAddr, _reason: &NotEstablished) {}
    /// A connection is gone.
    fn left(&self, _direction: Direction, _peer: SocketAddr, _member: &MemberName) {}
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl ClusterEvents for NoEvents {}
