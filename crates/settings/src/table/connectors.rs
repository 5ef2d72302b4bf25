//! Settings of the connectors: Bolt, HTTP, HTTPS, backup.

crate::table::settings_table! {
    /// Whether the Bolt connector is on.
    SERVER_BOLT_ENABLED: bool = Kind::Boolean, "server.bolt.enabled", Some("true"), neo4j;
    /// Where the Bolt connector listens. The host is `server.default_listen_address` if left out; port 0 lets the operating
    /// system choose.
    SERVER_BOLT_LISTEN_ADDRESS: SocketAddress = Kind::SocketAddress, "server.bolt.listen_address", Some(":7687"), neo4j;
    /// What drivers are told to connect to. The host is `server.default_advertised_address` if left out, the port the one
    /// listened on.
    SERVER_BOLT_ADVERTISED_ADDRESS: SocketAddress =
        Kind::SocketAddress, "server.bolt.advertised_address", Some(":7687"), neo4j;
    /// Whether Bolt connections must, may or cannot use TLS. With `REQUIRED`, plain connections are closed before the
    /// handshake is answered, so that no driver sends its password in clear. Neo4j's default is `DISABLED`.
    SERVER_BOLT_TLS_LEVEL: TlsLevel = Kind::Choice(TlsLevel::WORDS), "server.bolt.tls_level", Some("REQUIRED"), neo4j;
    /// Confirms that plain Bolt may be offered to other machines: needed when `server.bolt.tls_level` is not `REQUIRED` and
    /// the connector listens on more than loopback.
    SERVER_BOLT_PLAINTEXT_OFF_LOOPBACK_ENABLED: bool =
        Kind::Boolean, "server.bolt.plaintext_off_loopback_enabled", Some("false"), bastide;
    /// Most bytes a connection may send before it has logged in. Larger tokens need more.
    SERVER_BOLT_UNAUTHENTICATED_MAX_BYTES: ByteSize =
        Kind::Bytes(1024, 16 << 20), "server.bolt.unauthenticated_max_bytes", Some("8KiB"), bastide;
    /// How long a connection may take to log in, TLS included.
    SERVER_BOLT_UNAUTHENTICATED_TIMEOUT: Duration =
        Kind::Duration(100, 3_600_000), "server.bolt.unauthenticated_timeout", Some("30s"), bastide;
    /// What the server calls itself to drivers. Some insist that it begins with `Neo4j/`. `<version>` stands for the version
    /// of this server.
    SERVER_BOLT_AGENT: String =
        Kind::Text, "server.bolt.agent", Some("Neo4j/5.26.0 compatible (Bastide/<version>)"), bastide;
    /// Most Bolt connections at one time; further ones are closed at once.
    SERVER_BOLT_CONNECTIONS_MAX: u64 = Kind::Integer(1, 1_000_000), "server.bolt.connections_max", Some("10000"), bastide;
    /// Most Bolt connections at one time that have not logged in.
    SERVER_BOLT_UNAUTHENTICATED_CONNECTIONS_MAX: u64 =
        Kind::Integer(1, 1_000_000), "server.bolt.unauthenticated_connections_max", Some("1000"), bastide;
    /// Most bytes of one message once logged in.
    SERVER_BOLT_MESSAGE_MAX_BYTES: ByteSize =
        Kind::Bytes(64 << 10, 1 << 30), "server.bolt.message_max_bytes", Some("64MiB"), bastide;
    /// Threads kept for running queries while there is nothing to do.
    SERVER_BOLT_THREAD_POOL_MIN_SIZE: u64 = Kind::Integer(0, 10_000), "server.bolt.thread_pool_min_size", Some("5"), neo4j;
    /// Most queries that run at one time; further ones wait.
    SERVER_BOLT_THREAD_POOL_MAX_SIZE: u64 =
        Kind::Integer(1, 10_000), "server.bolt.thread_pool_max_size", Some("400"), neo4j;
    /// How long an idle thread is kept.
    SERVER_BOLT_THREAD_POOL_KEEP_ALIVE: Duration =
        Kind::Duration(0, DURATION_MAX), "server.bolt.thread_pool_keep_alive", Some("5m"), neo4j;
    /// How often an idle client that waits for an answer is sent a sign of life; 0 sends none.
    SERVER_BOLT_CONNECTION_KEEP_ALIVE: Duration =
        Kind::Duration(0, DURATION_MAX), "server.bolt.connection_keep_alive", Some("1m"), neo4j;
    /// For which requests signs of life are sent.
    SERVER_BOLT_CONNECTION_KEEP_ALIVE_FOR_REQUESTS: String =
        Kind::Choice(&["ALL", "STREAMING", "OFF"]), "server.bolt.connection_keep_alive_for_requests", Some("ALL"), neo4j;
    /// Signs of life that may fail before the connection is taken for dead.
    SERVER_BOLT_CONNECTION_KEEP_ALIVE_PROBES: u64 =
        Kind::Integer(1, 1000), "server.bolt.connection_keep_alive_probes", Some("2"), neo4j;
    /// How often connections that stream results are looked at for signs of life.
    SERVER_BOLT_CONNECTION_KEEP_ALIVE_STREAMING_SCHEDULING_INTERVAL: Duration = Kind::Duration(0, DURATION_MAX),
        "server.bolt.connection_keep_alive_streaming_scheduling_interval", Some("1m"), neo4j;
    /// Whether drivers are asked to tell which of their interfaces they use. Nothing leaves the server.
    SERVER_BOLT_TELEMETRY_ENABLED: bool = Kind::Boolean, "server.bolt.telemetry.enabled", Some("false"), neo4j;
    /// Whether TLS handshakes carry a stapled OCSP response.
    SERVER_BOLT_OCSP_STAPLING_ENABLED: bool = Kind::Boolean, "server.bolt.ocsp_stapling_enabled", Some("false"), neo4j;

    /// Whether the plain HTTP connector is on. Neo4j's default is `true`.
    SERVER_HTTP_ENABLED: bool = Kind::Boolean, "server.http.enabled", Some("false"), neo4j;
    /// Where the HTTP connector listens; see `server.bolt.listen_address`.
    SERVER_HTTP_LISTEN_ADDRESS: SocketAddress = Kind::SocketAddress, "server.http.listen_address", Some(":7474"), neo4j;
    /// What clients are told to connect to over HTTP; see `server.bolt.advertised_address`.
    SERVER_HTTP_ADVERTISED_ADDRESS: SocketAddress =
        Kind::SocketAddress, "server.http.advertised_address", Some(":7474"), neo4j;
    /// Confirms that plain HTTP may be offered to other machines: needed when the HTTP connector is on and listens on more
    /// than loopback.
    SERVER_HTTP_PLAINTEXT_OFF_LOOPBACK_ENABLED: bool =
        Kind::Boolean, "server.http.plaintext_off_loopback_enabled", Some("false"), bastide;
    /// Most HTTP and HTTPS connections at one time; further ones are closed at once.
    SERVER_HTTP_CONNECTIONS_MAX: u64 = Kind::Integer(1, 1_000_000), "server.http.connections_max", Some("1000"), bastide;
    /// How long an HTTP or HTTPS client may take to send the head of a request.
    SERVER_HTTP_REQUEST_TIMEOUT: Duration =
        Kind::Duration(100, 3_600_000), "server.http.request_timeout", Some("30s"), bastide;
    /// Whether the HTTPS connector is on. Neo4j's default is `false`.
    SERVER_HTTPS_ENABLED: bool = Kind::Boolean, "server.https.enabled", Some("true"), neo4j;
    /// Where the HTTPS connector listens; see `server.bolt.listen_address`.
    SERVER_HTTPS_LISTEN_ADDRESS: SocketAddress =
        Kind::SocketAddress, "server.https.listen_address", Some(":7473"), neo4j;
    /// What clients are told to connect to over HTTPS; see `server.bolt.advertised_address`.
    SERVER_HTTPS_ADVERTISED_ADDRESS: SocketAddress =
        Kind::SocketAddress, "server.https.advertised_address", Some(":7473"), neo4j;
    /// Value of the `Strict-Transport-Security` header of HTTPS answers. If not set, it is `max-age=31536000` with a TLS policy of your
    /// own, and none is sent with development certificates; Neo4j sends none. `max-age=0` takes it back from browsers.
    DBMS_SECURITY_HTTP_STRICT_TRANSPORT_SECURITY: Option<String> =
        Kind::Text, "dbms.security.http_strict_transport_security", None, neo4j;

    /// Whether the backup connector is on. Neo4j's default is `true`.
    SERVER_BACKUP_ENABLED: bool = Kind::Boolean, "server.backup.enabled", Some("false"), neo4j;
    /// Where the backup connector listens; see `server.bolt.listen_address`.
    SERVER_BACKUP_LISTEN_ADDRESS: SocketAddress =
        Kind::SocketAddress, "server.backup.listen_address", Some("127.0.0.1:6362"), neo4j;
    /// What backup clients are told to connect to; see `server.bolt.advertised_address`.
    SERVER_BACKUP_ADVERTISED_ADDRESS: SocketAddress =
        Kind::SocketAddress, "server.backup.advertised_address", Some(":0"), neo4j;
}
