//! Slows down guessing of passwords without letting anybody lock somebody else out.
//!
//! Failures are counted for each pair of user and address, so that failures from one address never delay the same user
//! at another, and for each address over all users, so that trying many names is slowed too. A pair that has logged in
//! and not failed since is not held up by what others do from its address. INVARIANT: memory is bounded whatever
//! strangers send. Whether the user exists plays no part, so the delay tells nothing.

use std::hash::BuildHasher as _;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::bounded_map::BoundedMap;

/// Failures from one address over all users, as a multiple of those allowed to a pair, before the address must wait.
const ADDRESS_FACTOR: u32 = 10;
/// No delay grows beyond this.
const DELAY_MAX: Duration = Duration::from_secs(15 * 60);
/// Doublings after which the delay is at its ceiling for any useful lock time.
const DOUBLINGS_MAX: u32 = 20;
/// Failures are forgotten after this long without another.
const FORGET_AFTER: Duration = Duration::from_secs(60 * 60);

/// How lock-out behaves.
#[derive(Debug, Clone, Copy)]
pub struct LockoutConfig {
    /// Failures of a pair before it must wait, `dbms.security.auth_max_failed_attempts`; 0 switches lock-out off.
    pub failed_attempts_max: u32,
    /// The first delay, `dbms.security.auth_lock_time`; it doubles with each further failure, up to 15 minutes.
    pub lock_time: Duration,
    /// Most pairs, and most addresses, remembered.
    pub capacity: usize,
}

impl Default for LockoutConfig {
    fn default() -> Self {
        Self {
            failed_attempts_max: 3,
            lock_time: Duration::from_secs(5),
            capacity: 10_000,
        }
    }
}

/// Whether a login may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptDecision {
    /// It may.
    Allow,
    /// Not before this instant; the password must not even be looked at.
    Wait {
        /// When the next attempt is let through.
        until: Instant,
    },
}

/// Failures of one pair or address.
#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

/// What is known of a pair.
#[derive(Clone, Copy)]
enum Standing {
    Proven,
    Failing(Failures),
}

type Pair = (u64, IpAddr);

struct Counters {
    pairs: BoundedMap<Pair, Standing>,
    addresses: BoundedMap<IpAddr, Failures>,
}

/// The counters. Shared by all listeners.
pub struct Lockout {
    config: LockoutConfig,
    /// Names are kept as keyed hashes, so that an entry has a fixed size whatever name a stranger sends.
    names: std::hash::RandomState,
    counters: Mutex<Counters>,
}

impl Lockout {
    /// No failures yet.
    pub fn new(config: LockoutConfig) -> Self {
        let counters = Counters {
            pairs: BoundedMap::new(config.capacity),
            addresses: BoundedMap::new(config.capacity),
        };
        Self {
            config,
            names: std::hash::RandomState::new(),
            counters: Mutex::new(counters),
        }
    }

    /// Whether `user` may try to log in from `address` now. Ask before checking the password.
    pub fn check(&self, user: &str, address: IpAddr, now: Instant) -> AttemptDecision {
        if self.config.failed_attempts_max == 0 {
            return AttemptDecision::Allow;
        }
        let network = network_of(address);
        let counters = self.counters();
        let pair = counters.pairs.peek(&(self.names.hash_one(user), network)).copied();
        let pair_wait = match pair {
            Some(Standing::Proven) => return AttemptDecision::Allow,
            Some(Standing::Failing(failures)) => self.wait_until(failures, self.config.failed_attempts_max, now),
            None => None,
        };
        let address_max = self.config.failed_attempts_max.saturating_mul(ADDRESS_FACTOR);
        let address_wait = counters
            .addresses
            .peek(&network)
            .and_then(|failures| self.wait_until(*failures, address_max, now));
        match pair_wait.max(address_wait) {
            Some(until) => AttemptDecision::Wait { until },
            None => AttemptDecision::Allow,
        }
    }

    /// Records a wrong password or unknown user.
    pub fn failed(&self, user: &str, address: IpAddr, now: Instant) {
        let network = network_of(address);
        let pair = (self.names.hash_one(user), network);
        let mut counters = self.counters();
        let earlier = match counters.pairs.peek(&pair) {
            Some(Standing::Failing(failures)) => Some(*failures),
            _ => None,
        };
        counters.pairs.insert(pair, Standing::Failing(one_more(earlier, now)));
        let earlier = counters.addresses.peek(&network).copied();
        counters.addresses.insert(network, one_more(earlier, now));
    }

    /// Records a login. The address keeps its count, else an attacker with one account could reset it at will.
    pub fn succeeded(&self, user: &str, address: IpAddr) {
        let pair = (self.names.hash_one(user), network_of(address));
        self.counters().pairs.insert(pair, Standing::Proven);
    }

    fn wait_until(&self, failures: Failures, allowed: u32, now: Instant) -> Option<Instant> {
        if now.saturating_duration_since(failures.last) >= FORGET_AFTER {
            return None;
        }
        let doublings = failures.count.checked_sub(allowed)?.min(DOUBLINGS_MAX);
        let delay = self
            .config
            .lock_time
            .saturating_mul(1 << doublings)
            .min(DELAY_MAX.max(self.config.lock_time));
        let until = failures.last.checked_add(delay)?;
        (until > now).then_some(until)
    }

    /// A panic elsewhere cannot leave the counters half-changed in a way that matters, so poison is ignored.
    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn one_more(earlier: Option<Failures>, now: Instant) -> Failures {
    let count = match earlier {
        Some(failures) if now.saturating_duration_since(failures.last) < FORGET_AFTER => failures.count,
        _ => 0,
    };
    Failures {
        count: count.saturating_add(1),
        last: now,
    }
}

/// What counts as one address: an IPv6 customer has a whole /64, an IPv4-mapped address is the IPv4 one.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        canonical => canonical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTACKER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));
    const OFFICE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));
    const SECOND: Duration = Duration::from_secs(1);

    fn lockout(capacity: usize) -> Lockout {
        Lockout::new(LockoutConfig {
            capacity,
            ..LockoutConfig::default()
        })
    }

    fn wait(decision: AttemptDecision, now: Instant) -> Option<Duration> {
        match decision {
            AttemptDecision::Allow => None,
            AttemptDecision::Wait { until } => Some(until - now),
        }
    }

    #[test]
    fn third_failure_locks_and_the_delay_doubles() {
        let (lockout, now) = (lockout(100), Instant::now());
        for expected in [None, None, Some(5 * SECOND), Some(10 * SECOND), Some(20 * SECOND)] {
            lockout.failed("ada", ATTACKER, now);
            assert_eq!(wait(lockout.check("ada", ATTACKER, now), now), expected);
        }
        assert_eq!(
            lockout.check("ada", ATTACKER, now + 20 * SECOND),
            AttemptDecision::Allow
        );
    }

    #[test]
    fn an_attacker_elsewhere_cannot_lock_a_user_out() {
        let (lockout, now) = (lockout(100), Instant::now());
        for _ in 0..1000 {
            lockout.failed("ada", ATTACKER, now);
        }
        assert_eq!(lockout.check("ada", OFFICE, now), AttemptDecision::Allow);
    }

    #[test]
    fn trying_many_names_from_one_address_is_slowed() {
        let (lockout, now) = (lockout(1000), Instant::now());
        for index in 0..30 {
            assert_eq!(
                lockout.check(&format!("user{index}"), ATTACKER, now),
                AttemptDecision::Allow
            );
            lockout.failed(&format!("user{index}"), ATTACKER, now);
        }
        assert!(wait(lockout.check("another", ATTACKER, now), now).is_some());
    }

    #[test]
    fn a_proven_user_is_not_held_up_by_neighbours_behind_the_same_address() {
        let (lockout, now) = (lockout(1000), Instant::now());
        lockout.succeeded("ada", OFFICE);
        for index in 0..100 {
            lockout.failed(&format!("user{index}"), OFFICE, now);
        }
        assert_eq!(lockout.check("ada", OFFICE, now), AttemptDecision::Allow);
        assert!(wait(lockout.check("bob", OFFICE, now), now).is_some());
    }

    #[test]
    fn success_clears_the_pair_but_not_the_address() {
        let (lockout, now) = (lockout(1000), Instant::now());
        for _ in 0..40 {
            lockout.failed("ada", OFFICE, now);
        }
        lockout.succeeded("ada", OFFICE);
        assert_eq!(lockout.check("ada", OFFICE, now), AttemptDecision::Allow);
        assert!(wait(lockout.check("eve", OFFICE, now), now).is_some());
    }

    #[test]
    fn delay_has_a_ceiling_and_failures_are_forgotten() {
        let (lockout, now) = (lockout(100), Instant::now());
        for _ in 0..500 {
            lockout.failed("ada", ATTACKER, now);
        }
        assert_eq!(wait(lockout.check("ada", ATTACKER, now), now), Some(DELAY_MAX));
        let later = now + FORGET_AFTER;
        lockout.failed("ada", ATTACKER, later);
        assert_eq!(lockout.check("ada", ATTACKER, later), AttemptDecision::Allow);
    }

    #[test]
    fn zero_attempts_switches_it_off() {
        let lockout = Lockout::new(LockoutConfig {
            failed_attempts_max: 0,
            ..LockoutConfig::default()
        });
        let now = Instant::now();
        for _ in 0..100 {
            lockout.failed("ada", ATTACKER, now);
        }
        assert_eq!(lockout.check("ada", ATTACKER, now), AttemptDecision::Allow);
    }

    #[test]
    fn memory_is_bounded() {
        let (lockout, now) = (lockout(50), Instant::now());
        for index in 0..10_000_u32 {
            lockout.failed(&format!("user{index}"), IpAddr::V4(index.into()), now);
        }
        let counters = lockout.counters();
        assert_eq!((counters.pairs.len(), counters.addresses.len()), (50, 50));
    }

    #[test]
    fn one_ipv6_customer_is_one_address() {
        let (lockout, now) = (lockout(100), Instant::now());
        for index in 0..3_u128 {
            let address = IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) + index));
            lockout.failed("ada", address, now);
        }
        let sibling: IpAddr = "2001:db8::ffff".parse().unwrap();
        assert!(wait(lockout.check("ada", sibling, now), now).is_some());
        let mapped: IpAddr = "::ffff:203.0.113.9".parse().unwrap();
        assert_eq!(network_of(mapped), ATTACKER);
    }
}
