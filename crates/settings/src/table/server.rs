//! Settings of the server as a whole: addresses, folders, validation, logs.

crate::table::settings_table! {
    /// Host or address that connectors listen on when their own `listen_address` names none.
    SERVER_DEFAULT_LISTEN_ADDRESS: String = Kind::HostName, "server.default_listen_address", Some("localhost"), neo4j;
    /// Host or address that clients are told to connect to when a connector's `advertised_address` names none.
    SERVER_DEFAULT_ADVERTISED_ADDRESS: String =
        Kind::HostName, "server.default_advertised_address", Some("localhost"), neo4j;
    /// Folder of all durable data. Group and others must have no access.
    SERVER_DIRECTORIES_DATA: PathBuf = Kind::Path, "server.directories.data", Some("data"), neo4j;
    /// Folder of the logs, the audit log among them. Group and others must have no access.
    SERVER_DIRECTORIES_LOGS: PathBuf = Kind::Path, "server.directories.logs", Some("logs"), neo4j;
    /// The only folder that `LOAD CSV` reads files from.
    SERVER_DIRECTORIES_IMPORT: PathBuf = Kind::Path, "server.directories.import", Some("import"), neo4j;
    /// Folder of what lives only while the server runs, such as `bastide.json` with the bound addresses.
    SERVER_DIRECTORIES_RUN: PathBuf = Kind::Path, "server.directories.run", Some("run"), neo4j;
    /// Folder of the certificates made at the first start; the TLS policies have folders of their own.
    SERVER_DIRECTORIES_CERTIFICATES: PathBuf =
        Kind::Path, "server.directories.certificates", Some("certificates"), bastide;
    /// Folder of configuration files.
    SERVER_DIRECTORIES_CONFIGURATION: PathBuf =
        Kind::Path, "server.directories.configuration", Some("conf"), neo4j;
    /// Whether an unknown setting stops the start. If false it is only warned of, except a misspelled TLS policy setting,
    /// which always stops the start.
    SERVER_CONFIG_STRICT_VALIDATION_ENABLED: bool =
        Kind::Boolean, "server.config.strict_validation.enabled", Some("true"), neo4j;
    /// Whether the server stops when a part of it fails in a way that cannot be contained.
    SERVER_PANIC_SHUTDOWN_ON_PANIC: bool = Kind::Boolean, "server.panic.shutdown_on_panic", Some("true"), neo4j;
    /// Whether Prometheus is answered: how long certificates last, handshakes and why they failed, connections, transactions.
    SERVER_METRICS_PROMETHEUS_ENABLED: bool =
        Kind::Boolean, "server.metrics.prometheus.enabled", Some("false"), neo4j;
    /// Where it is answered, at `/metrics`. Callers are not asked who they are, so it must be an address of loopback.
    SERVER_METRICS_PROMETHEUS_ENDPOINT: SocketAddress =
        Kind::SocketAddress, "server.metrics.prometheus.endpoint", Some("localhost:2004"), neo4j;
    /// Whether `debug.log` is written.
    SERVER_LOGS_DEBUG_ENABLED: bool = Kind::Boolean, "server.logs.debug.enabled", Some("true"), neo4j;
    /// The least severe messages written to the server's log.
    SERVER_LOGS_LEVEL: String =
        Kind::Choice(&["ERROR", "WARN", "INFO", "DEBUG", "TRACE"]), "server.logs.level", Some("INFO"), bastide;
    /// Threads that run queries and serve connections; as many as the machine has processors if not set.
    SERVER_THREADS_WORKER_COUNT: Option<u64> = Kind::Integer(1, 44_738), "server.threads.worker_count", None, neo4j;
    /// Name of the database that is made at the first start and used when a session names none.
    INITIAL_DBMS_DEFAULT_DATABASE: String =
        Kind::DatabaseName, "initial.dbms.default_database", Some("neo4j"), neo4j;
    /// How long a driver may keep a routing table.
    DBMS_ROUTING_TTL: Duration = Kind::Duration(1000, DURATION_MAX), "dbms.routing_ttl", Some("5m"), neo4j;
    /// Most plans kept for each database; 0 keeps none.
    SERVER_DB_QUERY_CACHE_SIZE: u64 = Kind::Integer(0, 1_000_000), "server.db.query_cache_size", Some("1000"), neo4j;
}
