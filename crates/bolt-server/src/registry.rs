//! Counts connections: in all, and those of one address that have not logged on.
//!
//! INVARIANT: every count taken is given back when its guard is dropped, however a connection ends.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

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
    unauthenticated: Mutex<HashMap<IpAddr, usize>>,
    next_id: AtomicU64,
    connections_max: usize,
    unauthenticated_per_address_max: usize,
}

/// One counted connection.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: Arc<Registry>,
    pub(crate) connection_id: Arc<str>,
    unauthenticated: Option<IpAddr>,
}

impl Registry {
    pub(crate) fn new(connections_max: usize, unauthenticated_per_address_max: usize) -> Self {
        Self {
            total: watch::Sender::new(0),
            unauthenticated: Mutex::default(),
            next_id: AtomicU64::new(0),
            connections_max,
            unauthenticated_per_address_max,
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
        let of_address = {
            let mut counts = self.unauthenticated.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(address).or_default();
            *count += 1;
            *count
        };
        let connection_id = format!("bolt-{}", self.next_id.fetch_add(1, Ordering::Relaxed)).into();
        let registration = Registration {
            registry: Arc::clone(self),
            connection_id,
            unauthenticated: Some(address),
        };
        let reason = if total > self.connections_max {
            Some(RefusalReason::TooManyConnections)
        } else if of_address > self.unauthenticated_per_address_max {
            Some(RefusalReason::TooManyUnauthenticatedOfAddress)
        } else {
            None
        };
        (registration, reason)
    }
}

impl Registration {
    /// The connection logged on: it no longer counts against its address.
    pub(crate) fn logged_on(&mut self) {
        let Some(address) = self.unauthenticated.take() else {
            return;
        };
        let mut counts = self
            .registry
            .unauthenticated
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.logged_on();
        self.registry
            .total
            .send_modify(|count| *count = count.saturating_sub(1));
    }
}
