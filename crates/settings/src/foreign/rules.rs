//! The names of Neo4j's that are not settings here, as tables; how they are matched is not decided here.

use super::{Rule, Treatment};

const NO_JVM: &str = "has no effect: Bastide has no JVM";
const NO_PAGE_CACHE: &str = "has no effect: Bastide has no page cache of this kind";
const OWN_PLANNER: &str = "has no effect: Bastide's planner has no such switch";
const OWN_LOG: &str = "has no effect: Bastide's transaction log looks after this itself";
const NO_CLUSTER: &str = "is not supported: this release runs as a single server";
const NOT_YET: &str = "is not supported in this release";
const NO_KEYSTORE: &str = "is not supported: there is no keystore";
const KEY_FILE: &str = "remove the line; the key of the data is in `dbms.security.encryption.key_file`";
const REMOVE: &str = "remove the line";

const fn warn(name: &'static str, problem: &'static str, advice: &'static str) -> Rule {
    Rule {
        name,
        treatment: Treatment::Warn,
        problem,
        advice,
    }
}

const fn refuse(name: &'static str, problem: &'static str, advice: &'static str) -> Rule {
    Rule {
        name,
        treatment: Treatment::Refuse,
        problem,
        advice,
    }
}

/// Settings of Neo4j's manual that this server has not, the special ones before the groups they belong to.
pub(super) const RULES: &[Rule] = &[
    // The JVM and its memory.
    warn("server.jvm.additional", NO_JVM, REMOVE),
    warn(
        "server.memory.heap.",
        NO_JVM,
        "remove the line; `dbms.memory.transaction.total.max` limits queries' memory",
    ),
    warn("server.logs.gc.", NO_JVM, REMOVE),
    warn(
        "server.windows_service_name",
        "has no effect: Bastide is no Windows service",
        REMOVE,
    ),
    // Storage.
    warn("server.memory.pagecache.", NO_PAGE_CACHE, REMOVE),
    warn("db.memory.pagecache.", NO_PAGE_CACHE, REMOVE),
    warn(
        "db.checkpoint",
        "has no effect: checkpoints are always made by `db.checkpoint.interval.*`",
        REMOVE,
    ),
    warn("db.checkpoint.iops.limit", OWN_LOG, REMOVE),
    warn("db.checkpoint.throughput.limit", OWN_LOG, REMOVE),
    warn("db.tx_log.", OWN_LOG, REMOVE),
    warn("db.store.files.preallocate", OWN_LOG, REMOVE),
    warn("db.filewatcher.enabled", OWN_LOG, REMOVE),
    warn(
        "db.relationship_grouping_threshold",
        "has no effect: hubs are always stored in groups",
        REMOVE,
    ),
    warn("db.format", "has no effect: Bastide has one store format", REMOVE),
    refuse(
        "db.recovery.fail_on_missing_files",
        "is not supported: a missing file always stops the start",
        "remove the line",
    ),
    warn(
        "db.lock.acquisition.timeout",
        "has no effect: readers never wait, and writers are validated at commit",
        REMOVE,
    ),
    // Queries.
    warn("db.index_sampling.", OWN_PLANNER, REMOVE),
    refuse(
        "db.index.fulltext.",
        NOT_YET,
        "remove the line; full-text indexes come in a later release",
    ),
    refuse(
        "db.import.csv.",
        "is not supported: `LOAD CSV` follows RFC 4180",
        REMOVE,
    ),
    warn(
        "db.query.default_language",
        "has no effect: Bastide speaks Cypher 5",
        REMOVE,
    ),
    warn("dbms.cypher.", OWN_PLANNER, REMOVE),
    warn("server.cypher.", OWN_PLANNER, REMOVE),
    warn(
        "server.memory.query_cache.",
        OWN_PLANNER,
        "write `server.db.query_cache_size`",
    ),
    warn("db.track_query_cpu_time", OWN_PLANNER, REMOVE),
    warn("db.transaction.sampling.percentage", OWN_PLANNER, REMOVE),
    warn("db.transaction.tracing.level", OWN_PLANNER, REMOVE),
    warn(
        "dbms.memory.tracking.enable",
        "has no effect: memory is always counted",
        REMOVE,
    ),
    refuse(
        "db.logs.query.",
        NOT_YET,
        "remove the line; the query log comes in a later release",
    ),
    refuse(
        "dbms.logs.http.enabled",
        NOT_YET,
        "remove the line; the HTTP log comes in a later release",
    ),
    warn(
        "server.logs.",
        "has no effect: Bastide has no Log4j files",
        "write `server.logs.level`",
    ),
    refuse("dbms.db.timezone", "is not supported: logs are written in UTC", REMOVE),
    refuse("dbms.max_databases", NOT_YET, REMOVE),
    refuse(
        "server.databases.",
        NOT_YET,
        "remove the line; read-only databases come in a later release",
    ),
    refuse("dbms.databases.", NOT_YET, REMOVE),
    // Security.
    refuse(
        "dbms.security.ldap.",
        NOT_YET,
        "remove the line; LDAP comes in a later release, until then users are native",
    ),
    refuse(
        "dbms.security.oidc.",
        NOT_YET,
        "remove the line; single sign-on comes in a later release",
    ),
    refuse(
        "dbms.security.abac.",
        NOT_YET,
        "remove the line; rules by attribute come in a later release",
    ),
    refuse(
        "dbms.security.allow_oidc_credential_forwarding_enabled",
        NOT_YET,
        REMOVE,
    ),
    refuse(
        "dbms.security.require_local_user",
        NOT_YET,
        "remove the line; all users are local",
    ),
    refuse("dbms.security.key.", NO_KEYSTORE, KEY_FILE),
    refuse("dbms.security.keystore.", NO_KEYSTORE, KEY_FILE),
    refuse("dbms.security.logs.", NOT_YET, REMOVE),
    refuse("dbms.security.cluster_status_auth_enabled", NO_CLUSTER, REMOVE),
    refuse(
        "dbms.security.procedures.unrestricted",
        "is not supported: there are no plug-ins with access to internals",
        "remove the line; `dbms.security.procedures.allowlist` says what may be called",
    ),
    refuse(
        "dbms.security.http_auth_allowlist",
        "is not supported: which pages need no login is fixed",
        REMOVE,
    ),
    refuse(
        "dbms.security.http_access_control_allow_origin",
        NOT_YET,
        "remove the line; no other origin is let in",
    ),
    refuse(
        "dbms.security.http_static_content_security_policy_header",
        NOT_YET,
        REMOVE,
    ),
    // Connectors.
    refuse(
        "server.bolt.additional_listen_addresses",
        NOT_YET,
        "name one address with `server.bolt.listen_address`",
    ),
    refuse("server.bolt.unix_socket_", NOT_YET, REMOVE),
    warn(
        "server.bolt.network_abort_",
        "has no effect: every refused connection is logged",
        REMOVE,
    ),
    warn(
        "server.bolt.enable_network_error_accounting",
        "has no effect: every refused connection is logged",
        REMOVE,
    ),
    warn(
        "server.bolt.thread_starvation_",
        "has no effect: waiting queries are queued in order",
        REMOVE,
    ),
    warn(
        "server.bolt.traffic_accounting_",
        "has no effect: traffic is not accounted",
        REMOVE,
    ),
    refuse(
        "server.http.x_forward.",
        NOT_YET,
        "remove the line; forwarded addresses are never believed",
    ),
    warn(
        "server.http.transaction_idle_timeout",
        "has no effect: this release has no HTTP transactions",
        REMOVE,
    ),
    warn(
        "server.queryapi.",
        "has no effect: this release has no HTTP transactions",
        REMOVE,
    ),
    warn(
        "server.http_enabled_modules",
        "has no effect: this release has no HTTP modules",
        REMOVE,
    ),
    warn(
        "server.http_enabled_transports",
        "has no effect: HTTP/1.1 and HTTP/2 are always offered",
        REMOVE,
    ),
    refuse(
        "server.unmanaged_extension_classes",
        "is not supported: there are no Java extensions",
        REMOVE,
    ),
    refuse("server.backup.exec_connector.", NOT_YET, REMOVE),
    warn(
        "server.backup.store_copy_max_retry_time_per_request",
        "has no effect in this release",
        REMOVE,
    ),
    refuse("server.dynamic.setting.allowlist", NOT_YET, REMOVE),
    warn("browser.", "has no effect: this release has no browser console", REMOVE),
    warn(
        "client.allow_telemetry",
        "has no effect: Bastide sends nothing home",
        REMOVE,
    ),
    warn(
        "dbms.usage_report.enabled",
        "has no effect: Bastide sends nothing home",
        REMOVE,
    ),
    warn(
        "dbms.fleet_manager.enabled",
        "has no effect: Bastide sends nothing home",
        REMOVE,
    ),
    warn(
        "server.fleet_discovery.",
        "has no effect: Bastide sends nothing home",
        REMOVE,
    ),
    // Folders.
    warn(
        "server.directories.plugins",
        "has no effect: there are no Java plug-ins",
        REMOVE,
    ),
    warn("server.directories.lib", NO_JVM, REMOVE),
    warn("server.directories.licenses", NO_JVM, REMOVE),
    warn(
        "server.directories.metrics",
        "has no effect: metrics are not written to files",
        REMOVE,
    ),
    refuse(
        "server.directories.neo4j_home",
        "is not supported",
        "start with `--home`, or set `BASTIDE_HOME`",
    ),
    refuse(
        "server.directories.transaction.logs.root",
        "is not supported",
        "the log is in `server.directories.data`",
    ),
    warn(
        "server.directories.",
        "has no effect: Bastide has no such folder",
        REMOVE,
    ),
    // Metrics, cluster, cloud.
    refuse(
        "server.metrics.",
        NOT_YET,
        "remove the line; Prometheus is answered with `server.metrics.prometheus.enabled=true`",
    ),
    refuse("dbms.cluster.", NO_CLUSTER, REMOVE),
    refuse("db.cluster.", NO_CLUSTER, REMOVE),
    refuse("server.cluster.", NO_CLUSTER, REMOVE),
    refuse("server.routing.", NO_CLUSTER, REMOVE),
    refuse(
        "dbms.routing.",
        NO_CLUSTER,
        "remove the line; drivers always get a table of this one server",
    ),
    refuse("dbms.kubernetes.", NO_CLUSTER, REMOVE),
    refuse("initial.", NO_CLUSTER, REMOVE),
    refuse("dbms.integrations.", NOT_YET, REMOVE),
];

/// Names that Neo4j gave up, or that end in a dot and begin such names, with what they are called now.
pub(super) const RENAMED: &[(&str, &str)] = &[
    ("dbms.connector.bolt.", "server.bolt."),
    ("dbms.connector.https.", "server.https."),
    ("dbms.connector.http.", "server.http."),
    (
        "dbms.connectors.default_listen_address",
        "server.default_listen_address",
    ),
    (
        "dbms.connectors.default_advertised_address",
        "server.default_advertised_address",
    ),
    ("dbms.default_listen_address", "server.default_listen_address"),
    ("dbms.default_advertised_address", "server.default_advertised_address"),
    ("dbms.directories.", "server.directories."),
    ("dbms.backup.", "server.backup."),
    ("dbms.default_database", "initial.dbms.default_database"),
    (
        "dbms.config.strict_validation",
        "server.config.strict_validation.enabled",
    ),
    ("dbms.transaction.timeout", "db.transaction.timeout"),
    (
        "dbms.transaction.concurrent.maximum",
        "db.transaction.concurrent.maximum",
    ),
    (
        "dbms.transaction.monitor.check.interval",
        "db.transaction.monitor.check.interval",
    ),
    (
        "dbms.transaction.bookmark_ready_timeout",
        "db.transaction.bookmark_ready_timeout",
    ),
    (
        "dbms.shutdown_transaction_end_timeout",
        "db.shutdown_transaction_end_timeout",
    ),
    (
        "dbms.memory.transaction.database_max_size",
        "db.memory.transaction.total.max",
    ),
    (
        "dbms.memory.transaction.global_max_size",
        "dbms.memory.transaction.total.max",
    ),
    ("dbms.memory.transaction.max_size", "db.memory.transaction.max"),
    ("dbms.memory.heap.", "server.memory.heap."),
    ("dbms.memory.pagecache.", "server.memory.pagecache."),
    ("dbms.checkpoint.interval.", "db.checkpoint.interval."),
    ("dbms.query_cache_size", "server.db.query_cache_size"),
    ("dbms.jvm.additional", "server.jvm.additional"),
    (
        "dbms.security.procedures.whitelist",
        "dbms.security.procedures.allowlist",
    ),
    ("dbms.security.auth_provider", "dbms.security.authentication_providers"),
    ("dbms.security.authentication_lock_time", "dbms.security.auth_lock_time"),
    ("dbms.logs.query.", "db.logs.query."),
    ("dbms.tx_log.", "db.tx_log."),
    ("dbms.threads.worker_count", "server.threads.worker_count"),
    ("metrics.", "server.metrics."),
    (
        "internal.server.bolt.unauth_connection_timeout",
        "server.bolt.unauthenticated_timeout",
    ),
    (
        "internal.server.bolt.unauth_max_inbound_bytes",
        "server.bolt.unauthenticated_max_bytes",
    ),
    (
        "internal.dbms.cypher_ip_blocklist",
        "dbms.security.load_csv.allowed_hosts",
    ),
    (
        "unsupported.dbms.cypher_ip_blocklist",
        "dbms.security.load_csv.allowed_hosts",
    ),
];

/// Suffixes that were renamed together with a prefix of [`RENAMED`].
pub(super) const RENAMED_SUFFIXES: &[(&str, &str)] = &[
    ("backup.address", "backup.listen_address"),
    ("bolt.address", "bolt.listen_address"),
];
