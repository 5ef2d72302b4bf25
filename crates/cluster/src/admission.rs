//! How many connections a listener has: strangers at the door, and members that were let in.
//!
//! INVARIANT: strangers keep no member out: a full door takes the newcomer in place of who has stood there longest, and one
//! address, or one network of IPv6, cannot fill it. A place is given back however its connection ends.

use std::net::IpAddr;
use std::sync::Arc;

use bastide_security::{AdmissionLimits, Evict, Place};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::ClusterLimits;
use crate::error::NotEstablished;

/// The places of a listener.
#[derive(Debug)]
pub(crate) struct Admission {
    connections: Arc<Semaphore>,
    door: Arc<bastide_security::Admission>,
    limits: ClusterLimits,
}

impl Admission {
    pub(crate) fn new(limits: ClusterLimits) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(limits.connections_max.min(Semaphore::MAX_PERMITS))),
            door: bastide_security::Admission::new(AdmissionLimits {
                total_max: limits.handshakes_max,
                per_address_max: limits.handshakes_per_address_max,
            }),
            limits,
        }
    }

    /// A place for the handshake of a socket that was accepted; `evict` is called if a newer one needs it.
    pub(crate) fn handshake(&self, address: IpAddr, evict: Evict) -> Result<Place, NotEstablished> {
        self.door
            .admit(address, evict)
            .map_err(|full| NotEstablished::TooManyHandshakesOfAddress { limit: full.limit })
    }

    /// Why a handshake ends whose place was needed.
    pub(crate) fn evicted(&self) -> NotEstablished {
        NotEstablished::TooManyHandshakes {
            limit: self.limits.handshakes_max,
        }
    }

    /// A place for a member that has proven itself.
    pub(crate) fn connection(&self) -> Result<OwnedSemaphorePermit, NotEstablished> {
        let limit = self.limits.connections_max;
        Arc::clone(&self.connections)
            .try_acquire_owned()
            .map_err(|_| NotEstablished::TooManyConnections { limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_members_are_limited_and_come_back() {
        let limits = ClusterLimits {
            connections_max: 1,
            ..ClusterLimits::default()
        };
        let admission = Admission::new(limits);
        let connection = admission.connection().unwrap();
        assert!(matches!(
            admission.connection(),
            Err(NotEstablished::TooManyConnections { limit: 1 })
        ));
        drop(connection);
        drop(admission.connection().unwrap());
    }

    #[test]
    fn one_address_has_its_share_of_the_door() {
        let admission = Admission::new(ClusterLimits {
            handshakes_per_address_max: 1,
            ..ClusterLimits::default()
        });
        let at = |address: &str| admission.handshake(address.parse().unwrap(), Box::new(|| {}));
        let _first = at("2001:db8::1").unwrap();
        assert!(matches!(
            at("2001:db8::2"),
            Err(NotEstablished::TooManyHandshakesOfAddress { limit: 1 })
        ));
        drop(at("10.0.0.1").unwrap());
    }
}
