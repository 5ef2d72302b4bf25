//! From settings to the plain configurations of the other crates. One place for every setting that takes effect.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bastide_bolt_server::{ConnectionLimits, TlsLevel};
use bastide_database::{Configuration, ServerControl};
use bastide_http_api::HttpLimits;
use bastide_security::{CertificateRules, InvalidCertificateRules, LockoutConfig, PasswordPolicy, RemoteAllowList};
use bastide_settings::{AdvertisedAddress, ByteSize, Fault, Settings, names, policy};

use crate::VERSION;
use crate::check::placed;
use crate::tls_service::TlsService;

/// Stands for the version in `server.bolt.agent`.
const VERSION_MARK: &str = "<version>";
/// The version that clients may take this server for, if the agent does not say.
const NEO4J_VERSION: &str = "5.26.0";
/// Logins that may wait for hashing at once.
const LOGIN_QUEUE_MAX: usize = 64;
/// A year, if the certificate is one's own and nothing else is set.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=31536000";
/// Share of the machine's memory that one transaction may take if nothing limits it.
const MEMORY_PERCENT: u64 = 70;
/// The machine's memory if it cannot be told.
const MEMORY_FALLBACK_BYTES: u64 = 4 << 30;

/// Faults that only show when settings are put to use.
pub(crate) fn faults(settings: &Settings, conf: &Path) -> Vec<Fault> {
    let mut faults = Vec::new();
    let setting = names::DBMS_SECURITY_LOAD_CSV_ALLOWED_HOSTS;
    if let Err(error) = RemoteAllowList::parse(settings.value(setting)) {
        let advice = "write host names, addresses and networks such as `files.internal,10.1.0.0/16`";
        faults.push(placed(Fault::new(setting.name(), error.to_string(), advice), conf));
    }
    if let Some(Err(error)) = certificate_rules(settings) {
        let setting = names::DBMS_SECURITY_AUTHENTICATION_CERTIFICATE_RULES;
        let advice = "write `kind:pattern=user`, several with `;` between, such as `email:*@example.com=*`";
        faults.push(placed(Fault::new(setting.name(), error.to_string(), advice), conf));
    }
    faults
}

/// Whether client certificates are logins.
pub(crate) fn certificates_log_in(settings: &Settings) -> bool {
    let rules: Option<String> = settings.value(names::DBMS_SECURITY_AUTHENTICATION_CERTIFICATE_RULES);
    rules.is_some()
}

/// What users client certificates stand for, if they are logins.
fn certificate_rules(settings: &Settings) -> Option<Result<CertificateRules, InvalidCertificateRules>> {
    let rules: Option<String> = settings.value(names::DBMS_SECURITY_AUTHENTICATION_CERTIFICATE_RULES);
    rules.map(|rules| CertificateRules::parse(&rules))
}

/// Of the database.
pub(crate) fn database(settings: &Settings, tls: &Arc<TlsService>, bolt_address: Option<SocketAddr>) -> Configuration {
    let use_ttl = settings.value(names::DBMS_SECURITY_AUTH_CACHE_USE_TTL);
    let remote = settings.value(names::DBMS_SECURITY_LOAD_CSV_HTTP_ENABLED);
    let hosts = settings.value(names::DBMS_SECURITY_LOAD_CSV_ALLOWED_HOSTS);
    let files = settings.value(names::DBMS_SECURITY_ALLOW_CSV_IMPORT_FROM_FILE_URLS);
    let ByteSize(checkpoint_bytes) = settings.value(names::DB_CHECKPOINT_INTERVAL_VOLUME);
    let attempts = settings.value(names::DBMS_SECURITY_AUTH_MAX_FAILED_ATTEMPTS);
    Configuration {
        data_directory: Some(settings.path(names::SERVER_DIRECTORIES_DATA)),
        key_file: settings.path(names::DBMS_SECURITY_ENCRYPTION_KEY_FILE),
        default_database: settings.value(names::INITIAL_DBMS_DEFAULT_DATABASE).into(),
        authentication_enabled: settings.value(names::DBMS_SECURITY_AUTH_ENABLED),
        password_policy: password_policy(settings),
        lockout: LockoutConfig {
            failed_attempts_max: u32::try_from(attempts).unwrap_or(u32::MAX),
            lock_time: settings.value(names::DBMS_SECURITY_AUTH_LOCK_TIME),
            ..LockoutConfig::default()
        },
        login_cache_time_to_live: use_ttl.then(|| settings.value(names::DBMS_SECURITY_AUTH_CACHE_TTL)),
        login_cache_capacity: count(settings.value(names::DBMS_SECURITY_AUTH_CACHE_MAX_CAPACITY)),
        login_queue_max: LOGIN_QUEUE_MAX,
        transaction_timeout: non_zero(settings.value(names::DB_TRANSACTION_TIMEOUT)),
        transaction_memory_max: transaction_memory(settings),
        transactions_max: match settings.value(names::DB_TRANSACTION_CONCURRENT_MAXIMUM) {
            0 => usize::MAX,
            limit => count(limit),
        },
        bookmark_timeout: settings.value(names::DB_TRANSACTION_BOOKMARK_READY_TIMEOUT),
        plan_cache_capacity: count(settings.value(names::SERVER_DB_QUERY_CACHE_SIZE)),
        default_zone: settings.value(names::DB_TEMPORAL_TIMEZONE).into(),
        import_directory: files.then(|| settings.path(names::SERVER_DIRECTORIES_IMPORT)),
        // An entry that cannot be read stopped the start before; nothing may be fetched if it did not.
        remote_import: remote.then(|| RemoteAllowList::parse(hosts).ok()).flatten(),
        procedures_allowed: settings.value(names::DBMS_SECURITY_PROCEDURES_ALLOWLIST),
        checkpoint_interval: settings.value(names::DB_CHECKPOINT_INTERVAL_TIME),
        checkpoint_commits: settings.value(names::DB_CHECKPOINT_INTERVAL_TX),
        checkpoint_bytes,
        log_successful_logins: settings.value(names::DBMS_SECURITY_LOG_SUCCESSFUL_AUTHENTICATION),
        certificate_rules: certificate_rules(settings).and_then(Result::ok).map(Arc::new),
        control: Arc::clone(tls) as Arc<dyn ServerControl>,
        bolt_address,
    }
}

/// Rules for new passwords.
pub(crate) fn password_policy(settings: &Settings) -> PasswordPolicy {
    PasswordPolicy {
        characters_min: count(settings.value(names::DBMS_SECURITY_AUTH_MINIMUM_PASSWORD_LENGTH)),
        entropy_bits_min: settings.value(names::DBMS_SECURITY_AUTH_MINIMUM_PASSWORD_ENTROPY_BITS),
    }
}

fn transaction_memory(settings: &Settings) -> usize {
    let ByteSize(own) = settings.value(names::DB_MEMORY_TRANSACTION_MAX);
    let limit = if own > 0 {
        own
    } else {
        memory_bytes() / 100 * MEMORY_PERCENT
    };
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// The machine's memory.
fn memory_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = text.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .trim()
            .strip_suffix("kB")?
            .trim()
            .parse::<u64>()
            .ok()
    });
    kibibytes.map_or(MEMORY_FALLBACK_BYTES, |kibibytes| kibibytes.saturating_mul(1024))
}

/// Of Bolt connections, without what depends on the bound address.
pub(crate) fn bolt(settings: &Settings) -> bastide_bolt_server::Config {
    let ByteSize(login_bytes) = settings.value(names::SERVER_BOLT_UNAUTHENTICATED_MAX_BYTES);
    let ByteSize(message_bytes) = settings.value(names::SERVER_BOLT_MESSAGE_MAX_BYTES);
    let defaults = ConnectionLimits::default();
    let keeps_alive = settings.value(names::SERVER_BOLT_CONNECTION_KEEP_ALIVE_FOR_REQUESTS) != "OFF";
    let keep_alive = non_zero(settings.value(names::SERVER_BOLT_CONNECTION_KEEP_ALIVE)).filter(|_| keeps_alive);
    let probes = u32::try_from(settings.value(names::SERVER_BOLT_CONNECTION_KEEP_ALIVE_PROBES)).unwrap_or(u32::MAX);
    bastide_bolt_server::Config {
        tls_level: match settings.value(names::SERVER_BOLT_TLS_LEVEL) {
            bastide_settings::TlsLevel::Required => TlsLevel::Required,
            bastide_settings::TlsLevel::Optional => TlsLevel::Optional,
            bastide_settings::TlsLevel::Disabled => TlsLevel::Disabled,
        },
        keep_alive,
        receive_timeout_hint_seconds: keep_alive.map(|interval| {
            let seconds = interval.saturating_mul(probes).as_secs().max(1);
            u32::try_from(seconds).unwrap_or(u32::MAX)
        }),
        limits: ConnectionLimits {
            connections_max: count(settings.value(names::SERVER_BOLT_CONNECTIONS_MAX)),
            unauthenticated_max: count(settings.value(names::SERVER_BOLT_UNAUTHENTICATED_CONNECTIONS_MAX)),
            login_timeout: settings.value(names::SERVER_BOLT_UNAUTHENTICATED_TIMEOUT),
            login_bytes_max: usize::try_from(login_bytes).unwrap_or(usize::MAX),
            message_bytes_max: usize::try_from(message_bytes).unwrap_or(usize::MAX),
            ..defaults
        },
        ..bastide_bolt_server::Config::without_tls(agent(settings))
    }
}

/// What the server calls itself.
fn agent(settings: &Settings) -> String {
    settings.value(names::SERVER_BOLT_AGENT).replace(VERSION_MARK, VERSION)
}

/// The version of Neo4j in the agent, so that Bolt and HTTP tell the same.
pub(crate) fn neo4j_version(settings: &Settings) -> String {
    let agent = agent(settings);
    let version = agent
        .strip_prefix("Neo4j/")
        .and_then(|rest| rest.split_whitespace().next());
    version.unwrap_or(NEO4J_VERSION).to_owned()
}

/// Of HTTP and HTTPS connections.
pub(crate) fn http_limits(settings: &Settings) -> HttpLimits {
    HttpLimits {
        connections_max: count(settings.value(names::SERVER_HTTP_CONNECTIONS_MAX)),
        request_timeout: settings.value(names::SERVER_HTTP_REQUEST_TIMEOUT),
        ..HttpLimits::default()
    }
}

/// What HTTPS says of itself to browsers: nothing with development certificates, since that would hold for everything else
/// on this machine, too.
pub(crate) fn strict_transport_security(settings: &Settings) -> Option<String> {
    let set = settings.value(names::DBMS_SECURITY_HTTP_STRICT_TRANSPORT_SECURITY);
    set.or_else(|| {
        settings
            .value(policy::HTTPS.enabled)
            .then(|| STRICT_TRANSPORT_SECURITY.to_owned())
    })
}

/// `host:port` of an advertised address, with the bound port where none was set.
pub(crate) fn advertised(address: &AdvertisedAddress, bound: SocketAddr) -> String {
    let port = address.port.unwrap_or(bound.port());
    if address.host.contains(':') {
        format!("[{}]:{port}", address.host)
    } else {
        format!("{}:{port}", address.host)
    }
}

/// How long transactions may go on when the server stops.
pub(crate) fn grace(settings: &Settings) -> Duration {
    settings.value(names::DB_SHUTDOWN_TRANSACTION_END_TIMEOUT)
}

/// The folder of the logs.
pub(crate) fn log_folder(settings: &Settings) -> Arc<Path> {
    settings.path(names::SERVER_DIRECTORIES_LOGS).into()
}

fn count(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn non_zero(duration: Duration) -> Option<Duration> {
    (!duration.is_zero()).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_names_the_version_and_http_tells_the_same_neo4j() {
        let settings = Settings::defaults(Path::new("/"));
        assert_eq!(agent(&settings), format!("Neo4j/5.26.0 compatible (Bastide/{VERSION})"));
        assert_eq!(neo4j_version(&settings), "5.26.0");
    }

    #[test]
    fn defaults_are_closed() {
        let settings = Settings::defaults(Path::new("/home"));
        let channels = Arc::new(bastide_tls::Channels::load(Vec::new(), 0).unwrap());
        let tls = TlsService::new(settings.clone(), channels, crate::tls_watch::Contents::default());
        let database = database(&settings, &tls, None);
        assert!(database.authentication_enabled && database.remote_import.is_none());
        assert_eq!(database.import_directory.as_deref(), Some(Path::new("/home/import")));
        assert!(database.transaction_memory_max > 0);
        let bolt = bolt(&settings);
        assert_eq!(
            (bolt.tls_level, bolt.limits.login_bytes_max),
            (TlsLevel::Required, 8 * 1024)
        );
        assert_eq!(
            (bolt.keep_alive, bolt.receive_timeout_hint_seconds),
            (Some(Duration::from_secs(60)), Some(120))
        );
    }

    #[test]
    fn an_advertised_address_has_the_bound_port_unless_one_is_set() {
        let bound = "127.0.0.1:4711".parse().unwrap();
        let address = |host: &str, port| AdvertisedAddress {
            host: host.to_owned(),
            port,
        };
        assert_eq!(advertised(&address("db", None), bound), "db:4711");
        assert_eq!(advertised(&address("::1", Some(1)), bound), "[::1]:1");
    }
}
