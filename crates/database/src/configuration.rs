//! What the facade needs to know from outside, as plain values.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bastide_security::{CertificateRules, LockoutConfig, PasswordPolicy, RemoteAllowList};

use crate::control::{NoControl, ServerControl};

/// One setting as `SHOW SETTINGS` tells it; secrets are masked already.
#[derive(Clone, Debug)]
pub struct SettingRow {
    /// Its name.
    pub name: String,
    /// Its value now.
    pub value: String,
    /// The value that the server started with.
    pub startup_value: String,
    /// Whether it can be changed while the server runs.
    pub is_dynamic: bool,
    /// Its default.
    pub default_value: String,
    /// What it does.
    pub description: String,
    /// Whether it was set by somebody.
    pub is_explicitly_set: bool,
}

/// How the facade works. Built by `server` from the settings.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Folder with one folder a database; `None` keeps everything in memory, for tests and the TCK.
    pub data_directory: Option<PathBuf>,
    /// The file with the key-encryption key; made at first start.
    pub key_file: PathBuf,
    /// The database that is there from the first start and the home of users without another.
    pub default_database: Arc<str>,
    /// Whether logins are asked for a password at all.
    pub authentication_enabled: bool,
    /// Rules for new passwords.
    pub password_policy: PasswordPolicy,
    /// Delays after failed logins.
    pub lockout: LockoutConfig,
    /// How long a proven password is remembered, so that a pool of connections pays for one hash; `None` for not at all.
    pub login_cache_time_to_live: Option<Duration>,
    /// How many logins are remembered.
    pub login_cache_capacity: usize,
    /// How many logins may wait for hashing at once.
    pub login_queue_max: usize,
    /// Limit of a transaction without one of its own; `None` for none.
    pub transaction_timeout: Option<Duration>,
    /// Memory that the changes and intermediate results of one transaction may take, in bytes.
    pub transaction_memory_max: usize,
    /// How many transactions may run at once.
    pub transactions_max: usize,
    /// How long a transaction waits for the commits that its bookmarks name.
    pub bookmark_timeout: Duration,
    /// How many plans are kept.
    pub plan_cache_capacity: usize,
    /// Zone of temporal values without one.
    pub default_zone: Arc<str>,
    /// Where `LOAD CSV` finds `file:///`; `None` forbids it.
    pub import_directory: Option<PathBuf>,
    /// Whether `LOAD CSV` may ask other servers, and which private addresses among them.
    pub remote_import: Option<RemoteAllowList>,
    /// Name patterns of procedures that may be called; `*` is any text.
    pub procedures_allowed: Vec<String>,
    /// Checkpoint after this long, if anything changed.
    pub checkpoint_interval: Duration,
    /// Checkpoint after this many commits.
    pub checkpoint_commits: u64,
    /// Checkpoint after this many bytes of log.
    pub checkpoint_bytes: u64,
    /// Whether successful logins are audited.
    pub log_successful_logins: bool,
    /// What users a verified client certificate stands for; `None` if certificates are no logins.
    pub certificate_rules: Option<Arc<CertificateRules>>,
    /// The server around the facade.
    pub control: Arc<dyn ServerControl>,
    /// The address clients reach Bolt at, for `SHOW DATABASES`; known once the listener is bound.
    pub bolt_address: Option<SocketAddr>,
}

impl Configuration {
    /// Everything in memory, for tests and the TCK.
    pub fn in_memory() -> Self {
        Self {
            data_directory: None,
            key_file: PathBuf::new(),
            default_database: "neo4j".into(),
            authentication_enabled: true,
            password_policy: PasswordPolicy::default(),
            lockout: LockoutConfig::default(),
            login_cache_time_to_live: Some(Duration::from_secs(600)),
            login_cache_capacity: 10_000,
            login_queue_max: 64,
            transaction_timeout: None,
            transaction_memory_max: 1 << 30,
            transactions_max: 1_000,
            bookmark_timeout: Duration::from_secs(30),
            plan_cache_capacity: 1_000,
            default_zone: "Z".into(),
            import_directory: None,
            remote_import: None,
            procedures_allowed: vec!["*".to_owned()],
            checkpoint_interval: Duration::from_secs(900),
            checkpoint_commits: 100_000,
            checkpoint_bytes: 250 << 20,
            log_successful_logins: true,
            certificate_rules: None,
            control: Arc::new(NoControl),
            bolt_address: None,
        }
    }
}
