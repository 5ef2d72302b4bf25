//! Places for those who come: handshakes under way in all and of one address, and connections.
//!
//! INVARIANT: every place taken is given back when its guard is dropped, however a connection ends.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::ClusterLimits;
use crate::error::NotEstablished;

/// The places of a listener.
#[derive(Debug)]
pub(crate) struct Admission {
    connections: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    of_address: Mutex<HashMap<IpAddr, usize>>,
    limits: ClusterLimits,
}

/// The place of one handshake under way.
#[derive(Debug)]
pub(crate) struct HandshakePlace {
    admission: Arc<Admission>,
    address: IpAddr,
    _place: OwnedSemaphorePermit,
}

impl Admission {
    pub(crate) fn new(limits: ClusterLimits) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            connections: places(limits.connections_max),
            handshakes: places(limits.handshakes_max),
            of_address: Mutex::default(),
            limits,
        }
    }

    /// A place for the handshake of a socket that was accepted.
    pub(crate) fn handshake(self: &Arc<Self>, address: IpAddr) -> Result<HandshakePlace, NotEstablished> {
        let limit = self.limits.handshakes_max;
        let place = Arc::clone(&self.handshakes)
            .try_acquire_owned()
            .map_err(|_| NotEstablished::TooManyHandshakes { limit })?;
        let address = address.to_canonical();
        let mut counts = self.of_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        let limit = self.limits.handshakes_per_address_max;
        if *count >= limit {
            return Err(NotEstablished::TooManyHandshakesOfAddress { limit });
        }
        *count += 1;
        Ok(HandshakePlace {
            admission: Arc::clone(self),
            address,
            _place: place,
        })
    }

    /// A place for a member that has proven itself.
    pub(crate) fn connection(&self) -> Result<OwnedSemaphorePermit, NotEstablished> {
        let limit = self.limits.connections_max;
        Arc::clone(&self.connections)
            .try_acquire_owned()
            .map_err(|_| NotEstablished::TooManyConnections { limit })
    }
}

impl Drop for HandshakePlace {
    fn drop(&mut self) {
        let mut counts = self.admission.of_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_in_all_and_per_address_and_come_back() {
        let limits = ClusterLimits {
            handshakes_max: 3,
            handshakes_per_address_max: 2,
            connections_max: 1,
            ..ClusterLimits::default()
        };
        let admission = Arc::new(Admission::new(limits));
        let address = |last| IpAddr::from([10, 0, 0, last]);
        let first = admission.handshake(address(1)).unwrap();
        let _second = admission.handshake(address(1)).unwrap();
        assert!(matches!(
            admission.handshake(address(1)),
            Err(NotEstablished::TooManyHandshakesOfAddress { limit: 2 })
        ));
        let _third = admission.handshake(address(2)).unwrap();
        assert!(matches!(
            admission.handshake(address(3)),
            Err(NotEstablished::TooManyHandshakes { limit: 3 })
        ));
        drop(first);
        drop(admission.handshake(address(1)).unwrap());
        let connection = admission.connection().unwrap();
        assert!(matches!(
            admission.connection(),
            Err(NotEstablished::TooManyConnections { limit: 1 })
        ));
        drop(connection);
        drop(admission.connection().unwrap());
    }

    #[test]
    fn an_address_that_has_gone_leaves_nothing_behind() {
        let admission = Arc::new(Admission::new(ClusterLimits::default()));
        drop(admission.handshake(IpAddr::from([10, 0, 0, 1])).unwrap());
        assert!(admission.of_address.lock().unwrap().is_empty());
    }
}
