//! The one event type.
//!
//! Owns what an event can say. INVARIANT: no field takes a password, key or query text; free texts are cut to
//! [`DETAIL_CHARACTERS_MAX`].

use std::net::SocketAddr;

use jiff::Timestamp;

/// Longest free text, in characters; the rest is cut off and marked.
pub const DETAIL_CHARACTERS_MAX: usize = 512;
/// Most details of one event; further ones are left out and marked.
pub const DETAILS_MAX: usize = 32;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Somebody logged in, or failed to.
    Login,
    /// A session ended.
    Logout,
    /// A user was created.
    UserCreated,
    /// A user was altered in another way than those below.
    UserAltered,
    /// A user was renamed.
    UserRenamed,
    /// A user was dropped.
    UserDropped,
    /// A user was suspended.
    UserSuspended,
    /// A suspended user was made active again.
    UserActivated,
    /// A role was granted to a user.
    RoleGranted,
    /// A role was taken from a user.
    RoleRevoked,
    /// A password was changed or reset.
    PasswordChanged,
    /// The configuration in force when the server started.
    Configuration,
    /// A dynamic setting was changed.
    SettingChanged,
    /// Certificates, keys and revocation lists were read again, or could not be.
    TlsPoliciesReloaded,
    /// The log of TLS handshakes was switched on for a time, or off.
    HandshakeLogChanged,
    /// A connection was refused before login: plain text, limits, timeouts.
    ConnectionRefused,
    /// The server started.
    ServerStarted,
    /// The server stopped.
    ServerStopped,
    /// A permit was refused.
    PermissionDenied,
    /// `LOAD CSV` read a file or address, or was refused it.
    ExternalDataAccess,
    /// An index or constraint was created or dropped.
    SchemaChanged,
    /// A database was created, dropped, started or stopped.
    DatabaseChanged,
    /// The taking of a backup began, or was refused.
    BackupStarted,
    /// The taking of a backup ended: it is complete, was cut off or was given up.
    BackupEnded,
    /// A database was brought back from a backup while the server was stopped.
    DatabaseRestored,
    /// The audit log itself was repaired after a crash.
    LogRecovered,
    /// Events were lost because the log could not be written; says how many.
    EventsLost,
}

impl Action {
    /// Every action, for documentation and tests.
    pub const ALL: [Self; 27] = [
        Self::Login,
        Self::Logout,
        Self::UserCreated,
        Self::UserAltered,
        Self::UserRenamed,
        Self::UserDropped,
        Self::UserSuspended,
        Self::UserActivated,
        Self::RoleGranted,
        Self::RoleRevoked,
        Self::PasswordChanged,
        Self::Configuration,
        Self::SettingChanged,
        Self::TlsPoliciesReloaded,
        Self::HandshakeLogChanged,
        Self::ConnectionRefused,
        Self::ServerStarted,
        Self::ServerStopped,
        Self::PermissionDenied,
        Self::ExternalDataAccess,
        Self::SchemaChanged,
        Self::DatabaseChanged,
        Self::BackupStarted,
        Self::BackupEnded,
        Self::DatabaseRestored,
        Self::LogRecovered,
        Self::EventsLost,
    ];

    /// The category, for filtering.
    pub const fn category(self) -> &'static str {
        match self {
            Self::Login | Self::Logout => "authentication",
            Self::UserCreated
            | Self::UserAltered
            | Self::UserRenamed
            | Self::UserDropped
            | Self::UserSuspended
            | Self::UserActivated
            | Self::RoleGranted
            | Self::RoleRevoked
            | Self::PasswordChanged => "user",
            Self::Configuration
            | Self::SettingChanged
            | Self::TlsPoliciesReloaded
            | Self::HandshakeLogChanged
            | Self::ServerStarted
            | Self::ServerStopped => "server",
            Self::ConnectionRefused => "connection",
            Self::PermissionDenied | Self::ExternalDataAccess => "access",
            Self::SchemaChanged | Self::DatabaseChanged => "schema",
            Self::BackupStarted | Self::BackupEnded | Self::DatabaseRestored => "backup",
            Self::LogRecovered | Self::EventsLost => "audit",
        }
    }

    /// The word in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::UserCreated => "user_created",
            Self::UserAltered => "user_altered",
            Self::UserRenamed => "user_renamed",
            Self::UserDropped => "user_dropped",
            Self::UserSuspended => "user_suspended",
            Self::UserActivated => "user_activated",
            Self::RoleGranted => "role_granted",
            Self::RoleRevoked => "role_revoked",
            Self::PasswordChanged => "password_changed",
            Self::Configuration => "configuration",
            Self::SettingChanged => "setting_changed",
            Self::TlsPoliciesReloaded => "tls_policies_reloaded",
            Self::HandshakeLogChanged => "handshake_log_changed",
            Self::ConnectionRefused => "connection_refused",
            Self::ServerStarted => "server_started",
            Self::ServerStopped => "server_stopped",
            Self::PermissionDenied => "permission_denied",
            Self::ExternalDataAccess => "external_data_access",
            Self::SchemaChanged => "schema_changed",
            Self::DatabaseChanged => "database_changed",
            Self::BackupStarted => "backup_started",
            Self::BackupEnded => "backup_ended",
            Self::DatabaseRestored => "database_restored",
            Self::LogRecovered => "log_recovered",
            Self::EventsLost => "events_lost",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was tried and failed.
    Failure,
    /// It was not allowed.
    Refused,
}

impl Outcome {
    /// The word in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Refused => "refused",
        }
    }
}

/// One thing that happened. Built with the `with_` methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub(crate) time: Timestamp,
    pub(crate) action: Action,
    pub(crate) outcome: Outcome,
    pub(crate) user: Option<String>,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) database: Option<String>,
    pub(crate) details: Vec<(&'static str, String)>,
}

impl Event {
    /// An event that happens now.
    pub fn new(action: Action, outcome: Outcome) -> Self {
        Self::at(Timestamp::now(), action, outcome)
    }

    /// An event that happened at `time`.
    pub fn at(time: Timestamp, action: Action, outcome: Outcome) -> Self {
        Self {
            time,
            action,
            outcome,
            user: None,
            address: None,
            database: None,
            details: Vec::new(),
        }
    }

    /// Who did it, or claimed to be.
    #[must_use]
    pub fn with_user(mut self, user: &str) -> Self {
        self.user = Some(shortened(user));
        self
    }

    /// From where.
    #[must_use]
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// In which database.
    #[must_use]
    pub fn with_database(mut self, database: &str) -> Self {
        self.database = Some(shortened(database));
        self
    }

    /// A further fact. The caller must not put a secret or query text in.
    #[must_use]
    pub fn with_detail(mut self, name: &'static str, value: &str) -> Self {
        if self.details.len() < DETAILS_MAX {
            self.details.push((name, shortened(value)));
        } else if self.details.len() == DETAILS_MAX {
            self.details.push(("details_left_out", "true".to_owned()));
        }
        self
    }

    /// What happened.
    pub fn action(&self) -> Action {
        self.action
    }

    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(DETAIL_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_own_name() {
        let names: std::collections::HashSet<_> = Action::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(names.len(), Action::ALL.len());
    }

    #[test]
    fn long_texts_are_cut_and_marked() {
        let event = Event::new(Action::Login, Outcome::Failure).with_user(&"é".repeat(DETAIL_CHARACTERS_MAX + 1));
        assert_eq!(event.user.unwrap().chars().count(), DETAIL_CHARACTERS_MAX + 1);
        let event = Event::new(Action::Login, Outcome::Failure).with_user(&"é".repeat(DETAIL_CHARACTERS_MAX));
        assert!(!event.user.unwrap().ends_with('…'));
    }

    #[test]
    fn the_number_of_details_is_bounded() {
        let mut event = Event::new(Action::Configuration, Outcome::Success);
        for _ in 0..100 {
            event = event.with_detail("name", "value");
        }
        assert_eq!(event.details.len(), DETAILS_MAX + 1);
        assert_eq!(event.details.last().unwrap().0, "details_left_out");
    }
}
