//! A connection between two members that have proven who they are.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bastide_tls::PeerCertificate;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsStream;

use crate::events::ClusterEvents;
use crate::member_name::MemberName;

/// What the handshake and the hello told of the other end.
pub(crate) type Known = (MemberName, PeerCertificate);

/// Who began a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The other member did.
    Accepted,
    /// This one did.
    Dialled,
}

impl Direction {
    /// Its word in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Dialled => "dialled",
        }
    }
}

/// Bytes in both directions between this member and another. Keeps its certificate's rights for as long as it lives: a reload does
/// not end it.
pub struct MemberConnection {
    stream: TlsStream<TcpStream>,
    direction: Direction,
    peer: SocketAddr,
    member: MemberName,
    certificate: PeerCertificate,
    events: Arc<dyn ClusterEvents>,
    _place: Option<OwnedSemaphorePermit>,
}

impl MemberConnection {
    pub(crate) fn new(
        stream: TlsStream<TcpStream>,
        direction: Direction,
        peer: SocketAddr,
        (member, certificate): Known,
        events: Arc<dyn ClusterEvents>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        events.joined(direction, peer, &member, &certificate);
        Self {
            stream,
            direction,
            peer,
            member,
            certificate,
            events,
            _place: place,
        }
    }

    /// The other member.
    pub fn member(&self) -> &MemberName {
        &self.member
    }

    /// The certificate it showed.
    pub fn certificate(&self) -> &PeerCertificate {
        &self.certificate
    }

    /// Its address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Who began.
    pub fn direction(&self) -> Direction {
        self.direction
    }
}

impl Drop for MemberConnection {
    fn drop(&mut self) {
        self.events.left(self.direction, self.peer, &self.member);
    }
}

impl fmt::Debug for MemberConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MemberConnection")
            .field("direction", &self.direction)
            .field("peer", &self.peer)
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for MemberConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for MemberConnection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
