//! Settings of databases: transactions, memory, checkpoints.

crate::table::settings_table! {
    /// How long a transaction may run before it is ended; 0 sets no limit.
    DB_TRANSACTION_TIMEOUT: Duration =
        Kind::Duration(0, DURATION_MAX), "db.transaction.timeout", Some("0s"), neo4j;
    /// Most transactions of a database at one time; 0 sets no limit.
    DB_TRANSACTION_CONCURRENT_MAXIMUM: u64 =
        Kind::Integer(0, COUNT_MAX), "db.transaction.concurrent.maximum", Some("1000"), neo4j;
    /// How often running transactions are looked at for their timeout.
    DB_TRANSACTION_MONITOR_CHECK_INTERVAL: Duration =
        Kind::Duration(10, 3_600_000), "db.transaction.monitor.check.interval", Some("2s"), neo4j;
    /// How long a transaction waits for the state named by a bookmark.
    DB_TRANSACTION_BOOKMARK_READY_TIMEOUT: Duration =
        Kind::Duration(1000, DURATION_MAX), "db.transaction.bookmark_ready_timeout", Some("30s"), neo4j;
    /// Most memory one transaction may take; 0 leaves only the limit of all together.
    DB_MEMORY_TRANSACTION_MAX: ByteSize =
        Kind::Bytes(0, BYTES_MAX), "db.memory.transaction.max", Some("0B"), neo4j;
    /// Most memory all transactions of one database may take; 0 leaves only the limit of the whole server.
    DB_MEMORY_TRANSACTION_TOTAL_MAX: ByteSize =
        Kind::Bytes(0, BYTES_MAX), "db.memory.transaction.total.max", Some("0B"), neo4j;
    /// Most memory all transactions of the server may take; 70 % of the machine's memory if not set, and 0 sets no limit.
    DBMS_MEMORY_TRANSACTION_TOTAL_MAX: Option<ByteSize> =
        Kind::Bytes(0, BYTES_MAX), "dbms.memory.transaction.total.max", None, neo4j;
    /// Longest time between two checkpoints.
    DB_CHECKPOINT_INTERVAL_TIME: Duration =
        Kind::Duration(1000, DURATION_MAX), "db.checkpoint.interval.time", Some("15m"), neo4j;
    /// Most transactions between two checkpoints.
    DB_CHECKPOINT_INTERVAL_TX: u64 = Kind::Integer(1, COUNT_MAX), "db.checkpoint.interval.tx", Some("100000"), neo4j;
    /// Most bytes of log between two checkpoints.
    DB_CHECKPOINT_INTERVAL_VOLUME: ByteSize =
        Kind::Bytes(1024, BYTES_MAX), "db.checkpoint.interval.volume", Some("250.00MiB"), neo4j;
    /// How long running transactions may go on when the server stops or a database is stopped.
    DB_SHUTDOWN_TRANSACTION_END_TIMEOUT: Duration =
        Kind::Duration(0, 3_600_000), "db.shutdown_transaction_end_timeout", Some("10s"), neo4j;
    /// Time zone of temporal values that name none: `Z`, an offset or the name of a zone.
    DB_TEMPORAL_TIMEZONE: String = Kind::TimeZone, "db.temporal.timezone", Some("Z"), neo4j;
}
