//! Counts connections: in all, and those of one address that have not logged on.
//!
//! INVARIANT: every count taken is given back when its guard is dropped, however a connection ends.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bastide_security::{Admission, AdmissionLimits, Place};
use tokio::sync::{Notify, watch};

use crate::events::RefusalReason;

/// Where the server stands on its way from running to stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Takes connections.
    Running,
    /// Takes none; idle ones are closed, transactions may end.
    Draining,
    /// Everything is closed at once.
    Closing,
}

/// The counts.
#[derive(Debug)]
pub(crate) struct Registry {
    total: watch::Sender<usize>,
    unauthenticated: Arc<Admission>,
    next_id: AtomicU64,
    connections_max: usize,
}

/// One counted connection.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: Arc<Registry>,
    pub(crate) connection_id: Arc<str>,
    place: Option<Place>,
    /// Told when the place is needed by somebody else, which ends only with logging on.
    pub(crate) evicted: Arc<Notify>,
}

impl Registry {
    pub(crate) fn new(connections_max: usize, unauthenticated: AdmissionLimits) -> Self {
        Self {
            total: watch::Sender::new(0),
            unauthenticated: Admission::new(unauthenticated),
            next_id: AtomicU64::new(0),
            connections_max,
        }
    }

    /// Follows the number of connections.
    pub(crate) fn total(&self) -> watch::Receiver<usize> {
        self.total.subscribe()
    }

    /// Counts a connection that has not logged on; the guard is given even where a limit is exceeded.
    pub(crate) fn register(self: &Arc<Self>, address: IpAddr) -> (Registration, Option<RefusalReason>) {
        let mut total = 0;
        self.total.send_modify(|count| {
            *count += 1;
            total = *count;
        });
        let connection_id = format!("bolt-{}", self.next_id.fetch_add(1, Ordering::Relaxed)).into();
        let evicted = Arc::new(Notify::new());
        let mut registration = Registration {
            registry: Arc::clone(self),
            connection_id,
            place: None,
            evicted: Arc::clone(&evicted),
        };
        if total > self.connections_max {
            return (registration, Some(RefusalReason::TooManyConnections));
        }
        match self
            .unauthenticated
            .admit(address, Box::new(move || evicted.notify_one()))
        {
            Ok(place) => {
                registration.place = Some(place);
                (registration, None)
            }
            Err(_) => (registration, Some(RefusalReason::TooManyUnauthenticatedOfAddress)),
        }
    }
}

impl Registration {
    /// The connection logged on: it no longer counts against its address, and nobody takes its place.
    pub(crate) fn logged_on(&mut self) {
        self.place = None;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry
            .total
            .send_modify(|count| *count = count.saturating_sub(1));
    }
}
