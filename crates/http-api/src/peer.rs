//! Whom a connection is with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The client's side of a connection; every request carries it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// The connection's name in logs and in `SHOW TRANSACTIONS`, such as `http-17`.
    pub(crate) connection_id: Arc<str>,
}

impl Peer {
    /// A new connection.
    pub(crate) fn new(address: SocketAddr) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            address,
            connection_id: format!("http-{number}").into(),
        }
    }
}
