//! Places for connections of strangers: how many may stand at the door at one time, and who makes room.
//!
//! A full door is not shut: the one that has stood there longest loses its place to the newcomer, so that whoever wants to keep others
//! out must win a race all the time instead of once per time limit. INVARIANT: a place is given back however its connection ends.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tells a connection that its place is gone.
pub type Evict = Box<dyn FnOnce() + Send>;

/// How many strangers there may be.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionLimits {
    /// In all.
    pub total_max: usize,
    /// From one address; the /64 network for IPv6, since one host has all of its addresses.
    pub per_address_max: usize,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address has {limit} connections already that have not shown who they are")]
pub struct TooManyOfAddress {
    /// The limit.
    pub limit: usize,
}

/// The door.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    /// In the order of arrival.
    strangers: BTreeMap<u64, (IpAddr, Evict)>,
    of_address: HashMap<IpAddr, usize>,
}

/// A place at the door, from the first byte until the connection has shown who it is.
#[derive(Debug)]
pub struct Place {
    admission: Arc<Admission>,
    number: u64,
}

impl Admission {
    /// A door with nobody at it.
    pub fn new(limits: AdmissionLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            waiting: Mutex::default(),
        })
    }

    /// Gives a place to a connection of `address`; `evict` is called at most once, if somebody else needs the place.
    ///
    /// # Errors
    /// The address has too many already. It evicts nobody, least of all others.
    pub fn admit(self: &Arc<Self>, address: IpAddr, evict: Evict) -> Result<Place, TooManyOfAddress> {
        let address = network_of(address);
        let (number, evicted) = {
            let mut waiting = self.lock();
            let count = waiting.of_address.get(&address).copied().unwrap_or_default();
            if count >= self.limits.per_address_max {
                return Err(TooManyOfAddress {
                    limit: self.limits.per_address_max,
                });
            }
            let evicted = if waiting.strangers.len() >= self.limits.total_max {
                waiting.remove_oldest()
            } else {
                None
            };
            let number = waiting.next;
            waiting.next += 1;
            waiting.strangers.insert(number, (address, evict));
            *waiting.of_address.entry(address).or_default() += 1;
            (number, evicted)
        };
        if let Some(evict) = evicted {
            evict();
        }
        Ok(Place {
            admission: Arc::clone(self),
            number,
        })
    }

    /// How many stand there.
    pub fn waiting(&self) -> usize {
        self.lock().strangers.len()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn remove_oldest(&mut self) -> Option<Evict> {
        let (_, (address, evict)) = self.strangers.pop_first()?;
        self.forget(address);
        Some(evict)
    }

    fn forget(&mut self, address: IpAddr) {
        if let Some(count) = self.of_address.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.of_address.remove(&address);
            }
        }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Waiting")
            .field("strangers", &self.strangers.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.admission.lock();
        if let Some((address, _)) = waiting.strangers.remove(&self.number) {
            waiting.forget(address);
        }
    }
}

/// The address that is counted.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn door(total_max: usize, per_address_max: usize) -> Arc<Admission> {
        Admission::new(AdmissionLimits {
            total_max,
            per_address_max,
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn nobody() -> Evict {
        Box::new(|| panic!("nobody should lose a place"))
    }

    #[test]
    fn a_full_door_evicts_the_oldest_and_only_once() {
        let door = door(2, 2);
        let evicted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&evicted);
        let first = door
            .admit(
                address("10.0.0.1"),
                Box::new(move || _ = count.fetch_add(1, Ordering::Relaxed)),
            )
            .unwrap();
        let _second = door.admit(address("10.0.0.2"), nobody()).unwrap();
        let _third = door.admit(address("10.0.0.3"), nobody()).unwrap();
        assert_eq!((evicted.load(Ordering::Relaxed), door.waiting()), (1, 2));
        drop(first);
        assert_eq!(door.waiting(), 2, "an evicted place was given back twice");
    }

    #[test]
    fn an_address_with_too_many_is_refused_and_takes_no_place_of_others() {
        let door = door(2, 1);
        let _other = door.admit(address("10.0.0.2"), nobody()).unwrap();
        let own = door.admit(address("10.0.0.1"), nobody()).unwrap();
        let refused = door.admit(address("::ffff:10.0.0.1"), nobody()).unwrap_err();
        assert_eq!(refused, TooManyOfAddress { limit: 1 });
        drop(own);
        assert!(door.admit(address("10.0.0.1"), nobody()).is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let door = door(9, 1);
        let _one = door.admit(address("2001:db8:0:1::1"), nobody()).unwrap();
        assert!(door.admit(address("2001:db8:0:1:ffff::9"), nobody()).is_err());
        assert!(door.admit(address("2001:db8:0:2::1"), nobody()).is_ok());
    }
}
