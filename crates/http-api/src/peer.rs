//! Whom a connection is with.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bastide_security::Place;
use bastide_tls::{Channel, PeerCertificate};

/// The client's side of a connection; every request carries it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// The connection's name in logs and in `SHOW TRANSACTIONS`, such as `http-17`.
    pub(crate) connection_id: Arc<str>,
    /// Held until somebody logged in over the connection.
    place: Arc<Mutex<Option<Place>>>,
    /// What it showed in its handshake, if anything.
    pub(crate) shown: Option<Arc<Shown>>,
}

/// A client's certificate.
#[derive(Debug)]
pub(crate) struct Shown {
    /// As it was verified in the handshake.
    pub(crate) certificate: PeerCertificate,
    /// Where it was shown.
    pub(crate) channel: Arc<Channel>,
}

impl Peer {
    /// A new connection, and its place among those that have not logged in.
    pub(crate) fn new(address: SocketAddr, place: Place) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            address,
            connection_id: format!("http-{number}").into(),
            place: Arc::new(Mutex::new(Some(place))),
            shown: None,
        }
    }

    /// Somebody logged in: nobody takes the connection's place any more.
    pub(crate) fn logged_in(&self) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
