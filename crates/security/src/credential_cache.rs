//! Remembers passwords that were proven lately, so that a repeated login need not pay for Argon2id.
//!
//! Holds only HMAC-SHA-256 values under a random key that lives as long as the process. INVARIANT: an entry counts only
//! for the very stored credential it was made with, so changing or resetting a password makes it worthless at once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use bastide_secret::SecretString;

use crate::bounded_map::BoundedMap;
use crate::password_hash::PasswordHash;
use crate::user::{User, UserName};

struct Entry {
    tag: hmac::Tag,
    credential: PasswordHash,
    expires: Option<Instant>,
}

/// The cache, `dbms.security.auth_cache_*`.
pub(crate) struct CredentialCache {
    key: hmac::Key,
    /// How long an entry counts; without end if absent.
    time_to_live: Option<Duration>,
    capacity: usize,
    entries: Mutex<BoundedMap<UserName, Entry>>,
}

impl CredentialCache {
    /// An empty cache under `key`, random bytes made for this process. A capacity of 0 switches it off.
    pub(crate) fn new(key: &[u8; 32], capacity: usize, time_to_live: Option<Duration>) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            time_to_live,
            capacity,
            entries: Mutex::new(BoundedMap::new(capacity)),
        }
    }

    /// Whether `password` was proven to be that of `user` lately.
    pub(crate) fn proves(&self, user: &User, password: &SecretString, now: Instant) -> bool {
        let entries = self.entries();
        let Some(entry) = entries.peek(&user.name) else {
            return false;
        };
        entry.credential == user.credential
            && entry.expires.is_none_or(|expires| now < expires)
            && hmac::verify(&self.key, password.expose().as_bytes(), entry.tag.as_ref()).is_ok()
    }

    /// Remembers that `password` was just proven to be that of `user`.
    pub(crate) fn remember(&self, user: &User, password: &SecretString, now: Instant) {
        if self.capacity == 0 {
            return;
        }
        let entry = Entry {
            tag: hmac::sign(&self.key, password.expose().as_bytes()),
            credential: user.credential.clone(),
            expires: self.time_to_live.and_then(|time| now.checked_add(time)),
        };
        self.entries().insert(user.name.clone(), entry);
    }

    /// Forgets a user.
    pub(crate) fn forget(&self, user: &UserName) {
        self.entries().remove(user);
    }

    fn entries(&self) -> MutexGuard<'_, BoundedMap<UserName, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
