//! Who is logged in, and what they may do.
//!
//! Owns the way from a password to a [`Principal`] and from a principal to a permit. In this release there is one role,
//! `admin`: who has it may do everything, any other active user everything but administer; a user whose password must be
//! changed may only change it, and a session in access mode READ gets no permit to change anything. A principal is revoked
//! the moment its user is dropped or suspended, and loses the role the moment its user does.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bastide_secret::SecretString;

use crate::credential_cache::CredentialCache;
use crate::password_hash::PasswordHash;
use crate::permit::{AccessMode, Action, Denied, Grant, Permit, Scope};
use crate::user::{User, UserName};

const ACTIVE: u8 = 0;
const CHANGE_REQUIRED: u8 = 1;
const REVOKED: u8 = 2;
const ADMINISTRATOR: u8 = 3;

/// Somebody who has proven who they are. Only [`Authority`] makes one.
#[derive(Clone)]
pub struct Principal {
    user: Arc<str>,
    home_database: Option<Arc<str>>,
    /// Shared by all sessions of the user since the last change of standing.
    standing: Arc<AtomicU8>,
}

impl Principal {
    /// The user's name; empty where authentication is switched off.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The user's home database, if one is set.
    pub fn home_database(&self) -> Option<&str> {
        self.home_database.as_deref()
    }

    /// Whether the password must be changed before anything else.
    pub fn password_change_required(&self) -> bool {
        self.standing.load(Ordering::Acquire) == CHANGE_REQUIRED
    }

    /// Whether the user may administer the server now.
    pub fn is_administrator(&self) -> bool {
        self.standing.load(Ordering::Acquire) == ADMINISTRATOR
    }

    /// Whether the user was dropped or suspended since; the session must end.
    pub fn is_revoked(&self) -> bool {
        self.standing.load(Ordering::Acquire) == REVOKED
    }

    /// Whoever connects while `dbms.security.auth_enabled` is false.
    pub fn with_authentication_disabled() -> Self {
        Self {
            user: Arc::from(""),
            home_database: None,
            standing: Arc::new(AtomicU8::new(ADMINISTRATOR)),
        }
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Principal")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Why a login failed. A client is told the same for each; the difference is for the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationFailure {
    /// There is no such user.
    #[error("unknown user")]
    UnknownUser,
    /// The password is wrong.
    #[error("wrong password")]
    WrongPassword,
    /// The password is right but the user is suspended.
    #[error("the user is suspended")]
    Suspended,
    /// The user was altered or dropped while the password was being checked.
    #[error("the user was changed during the login")]
    ChangedMeanwhile,
}

/// A password proven against a user record read some time ago. Becomes a [`Principal`] once the record is read again, so
/// that a user suspended or dropped while Argon2id was running does not slip in.
#[must_use]
#[derive(Debug)]
pub struct Unconfirmed {
    proven: User,
    principal: Principal,
}

impl Unconfirmed {
    /// `current` is the record as it is stored now, after the password was checked.
    pub fn confirm(self, current: Option<&User>) -> Result<Principal, AuthenticationFailure> {
        // The standing was shared before `current` was read and is revoked after a change is stored, so one of the two
        // sees any change.
        if current == Some(&self.proven) && !self.principal.is_revoked() {
            Ok(self.principal)
        } else {
            Err(AuthenticationFailure::ChangedMeanwhile)
        }
    }
}

/// How the authority behaves.
#[derive(Debug, Clone, Copy)]
pub struct AuthorityConfig {
    /// Most users whose password is remembered, `dbms.security.auth_cache_max_capacity`; 0 switches that off.
    pub cache_capacity: usize,
    /// How long it is remembered, `dbms.security.auth_cache_ttl`; without end if absent.
    pub cache_time_to_live: Option<Duration>,
}

impl Default for AuthorityConfig {
    fn default() -> Self {
        Self {
            cache_capacity: 10_000,
            cache_time_to_live: Some(Duration::from_secs(600)),
        }
    }
}

/// Proves users and hands out permits.
pub struct Authority {
    cache: CredentialCache,
    /// INVARIANT: at most one entry for each user who logged in since start, so bounded by the number of users.
    standings: Mutex<HashMap<UserName, Arc<AtomicU8>>>,
}

impl Authority {
    /// `process_key` is 32 bytes from the operating system's random source, made anew at each start.
    pub fn new(config: AuthorityConfig, process_key: &[u8; 32]) -> Self {
        Self {
            cache: CredentialCache::new(process_key, config.cache_capacity, config.cache_time_to_live),
            standings: Mutex::new(HashMap::new()),
        }
    }

    /// The quick way in: the principal if this password was proven lately and nothing changed since, else `None`, which
    /// says nothing about the password: [`authenticate`](Self::authenticate) must then decide.
    pub fn authenticate_from_cache(&self, user: &User, password: &SecretString, now: Instant) -> Option<Unconfirmed> {
        (!user.suspended && self.cache.proves(user, password, now)).then(|| self.unconfirmed(user))
    }

    /// Checks a password, taking the same time whether the user is unknown, suspended or the password wrong. Slow by
    /// design: run it on a bounded blocking pool. `user` is what the system database has under the name given, if any.
    pub fn authenticate(
        &self,
        user: Option<&User>,
        password: &SecretString,
        now: Instant,
    ) -> Result<Unconfirmed, AuthenticationFailure> {
        let Some(user) = user else {
            PasswordHash::verify_nobody(password);
            return Err(AuthenticationFailure::UnknownUser);
        };
        if !user.credential.verify(password) {
            return Err(AuthenticationFailure::WrongPassword);
        }
        if user.suspended {
            return Err(AuthenticationFailure::Suspended);
        }
        self.cache.remember(user, password, now);
        Ok(self.unconfirmed(user))
    }

    /// Takes the word of somebody else, such as a verified client certificate, for who the user is.
    pub fn vouched_for(&self, user: Option<&User>) -> Result<Unconfirmed, AuthenticationFailure> {
        match user {
            None => Err(AuthenticationFailure::UnknownUser),
            Some(user) if user.suspended => Err(AuthenticationFailure::Suspended),
            Some(user) => Ok(self.unconfirmed(user)),
        }
    }

    /// Decides whether `principal` may have permit `P` in `scope`. The caller audits a refusal.
    pub fn decide<P: Permit>(&self, principal: &Principal, scope: Scope<'_>) -> Result<P, Denied> {
        let user = &principal.user;
        match principal.standing.load(Ordering::Acquire) {
            ADMINISTRATOR => {}
            ACTIVE if P::ACTION == Action::Administer => return Err(Denied::NotAdministrator { user: user.clone() }),
            ACTIVE => {}
            CHANGE_REQUIRED if P::ACTION == Action::ChangeOwnPassword => {}
            CHANGE_REQUIRED => return Err(Denied::CredentialsExpired { user: user.clone() }),
            _ => return Err(Denied::Revoked { user: user.clone() }),
        }
        if scope.access_mode == AccessMode::Read && P::ACTION.changes_something() {
            let (action, database) = (P::ACTION, Arc::from(scope.database));
            return Err(Denied::ReadOnlySession {
                user: user.clone(),
                action,
                database,
            });
        }
        Ok(P::from_grant(Grant {
            user: user.clone(),
            database: Arc::from(scope.database),
        }))
    }

    /// To be called once a user was created or altered, with the record now stored: forgets the cached password, ends
    /// the sessions of a suspended user and lets those of one whose password was changed go on under the new rule.
    pub fn user_changed(&self, user: &User) {
        if user.suspended {
            return self.revoke(&user.name);
        }
        self.cache.forget(&user.name);
        if let Some(standing) = self.standings().get(&user.name) {
            standing.store(standing_of(user), Ordering::Release);
        }
    }

    /// To be called once a user was dropped or suspended: every session of that user is refused from now on.
    pub fn revoke(&self, user: &UserName) {
        self.cache.forget(user);
        if let Some(standing) = self.standings().remove(user) {
            standing.store(REVOKED, Ordering::Release);
        }
    }

    fn unconfirmed(&self, user: &User) -> Unconfirmed {
        let standing = self
            .standings()
            .entry(user.name.clone())
            .or_insert_with(|| Arc::new(AtomicU8::new(standing_of(user))))
            .clone();
        let principal = Principal {
            user: Arc::from(user.name.as_str()),
            home_database: user.home_database.as_deref().map(Arc::from),
            standing,
        };
        Unconfirmed {
            proven: user.clone(),
            principal,
        }
    }

    fn standings(&self) -> MutexGuard<'_, HashMap<UserName, Arc<AtomicU8>>> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn standing_of(user: &User) -> u8 {
    if user.password_change_required {
        CHANGE_REQUIRED
    } else if user.administrator {
        ADMINISTRATOR
    } else {
        ACTIVE
    }
}

impl Action {
    /// Whether a session in access mode READ is refused it. Reading other data with `LOAD CSV` is no change, and
    /// administration is judged by the statement, since `SHOW USERS` runs in read sessions too.
    fn changes_something(self) -> bool {
        match self {
            Self::Write | Self::ChangeSchema | Self::ChangeOwnPassword => true,
            Self::Read | Self::Load | Self::Administer => false,
        }
    }
}

#[cfg(test)]
mod tests;
