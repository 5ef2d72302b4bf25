//! Settings of authentication, encryption at rest, external data and procedures.

crate::table::settings_table! {
    /// Whether clients must log in. Only for loopback: the server does not start with this off and a connector that others
    /// can reach.
    DBMS_SECURITY_AUTH_ENABLED: bool = Kind::Boolean, "dbms.security.auth_enabled", Some("true"), neo4j;
    /// Fewest characters of a new password.
    DBMS_SECURITY_AUTH_MINIMUM_PASSWORD_LENGTH: u64 =
        Kind::Integer(1, 1024), "dbms.security.auth_minimum_password_length", Some("8"), neo4j;
    /// Fewest bits of entropy of a new password, estimated from its length and the kinds of its characters; 0 switches the
    /// rule off.
    DBMS_SECURITY_AUTH_MINIMUM_PASSWORD_ENTROPY_BITS: f64 =
        Kind::Float(0.0, 1024.0), "dbms.security.auth_minimum_password_entropy_bits", Some("60"), bastide;
    /// How long a user must wait at an address after too many failed logins from there. Doubles with each further failure.
    DBMS_SECURITY_AUTH_LOCK_TIME: Duration =
        Kind::Duration(0, 86_400_000), "dbms.security.auth_lock_time", Some("5s"), neo4j;
    /// Failed logins of a user from one address before that user must wait there; 0 switches this off. Logins from other
    /// addresses are not held up.
    DBMS_SECURITY_AUTH_MAX_FAILED_ATTEMPTS: u64 =
        Kind::Integer(0, 1_000_000), "dbms.security.auth_max_failed_attempts", Some("3"), neo4j;
    /// How long a proven password is remembered, as a keyed hash, to make repeated logins cheap.
    DBMS_SECURITY_AUTH_CACHE_TTL: Duration =
        Kind::Duration(0, DURATION_MAX), "dbms.security.auth_cache_ttl", Some("10m"), neo4j;
    /// Whether remembered passwords expire after `dbms.security.auth_cache_ttl`.
    DBMS_SECURITY_AUTH_CACHE_USE_TTL: bool = Kind::Boolean, "dbms.security.auth_cache_use_ttl", Some("true"), neo4j;
    /// Most users whose password is remembered; 0 switches that off.
    DBMS_SECURITY_AUTH_CACHE_MAX_CAPACITY: u64 =
        Kind::Integer(0, 10_000_000), "dbms.security.auth_cache_max_capacity", Some("10000"), neo4j;
    /// Which users verified client certificates stand for; none if not set. Rules `kind:pattern=user` with `;` between them,
    /// of which the first that fits decides. The kind is `email`, `dns`, `uri` (subject alternative names), `cn` (common
    /// name) or `subject` (the whole name, as `SHOW TLS POLICIES` writes names, such as `CN=alice, OU=ops`). A pattern is
    /// the whole name; one `*` in it stands for one part of it, that is for neither `@`, `/`, `,`, `:`, `+` nor white space,
    /// in `dns` and `uri` not for a dot either, and a `*` in the user's name for the same text, as in
    /// `email:*@example.com=*;dns:reports.example.com=reporting`. The user must exist. Clients log in over Bolt with
    /// the scheme `none`, over HTTPS without the header `Authorization`.
    DBMS_SECURITY_AUTHENTICATION_CERTIFICATE_RULES: Option<String> =
        Kind::Text, "dbms.security.authentication.certificate.rules", None, bastide;
    /// Where users are authenticated.
    DBMS_SECURITY_AUTHENTICATION_PROVIDERS: Vec<String> =
        Kind::ChoiceList(&["native"]), "dbms.security.authentication_providers", Some("native"), neo4j;
    /// Where users' rights come from.
    DBMS_SECURITY_AUTHORIZATION_PROVIDERS: Vec<String> =
        Kind::ChoiceList(&["native"]), "dbms.security.authorization_providers", Some("native"), neo4j;
    /// Whether successful logins are put into the audit log too.
    DBMS_SECURITY_LOG_SUCCESSFUL_AUTHENTICATION: bool =
        Kind::Boolean, "dbms.security.log_successful_authentication", Some("true"), neo4j;
    /// File of the key that all data are encrypted under, 32 bytes made at the first start. Must not be accessible to group
    /// and others. Without it the data cannot be read: keep a copy elsewhere.
    DBMS_SECURITY_ENCRYPTION_KEY_FILE: PathBuf =
        Kind::Path, "dbms.security.encryption.key_file", Some("conf/encryption.key"), bastide;
    /// Whether `LOAD CSV` may read files of `server.directories.import`.
    DBMS_SECURITY_ALLOW_CSV_IMPORT_FROM_FILE_URLS: bool =
        Kind::Boolean, "dbms.security.allow_csv_import_from_file_urls", Some("true"), neo4j;
    /// Whether `LOAD CSV` may fetch http and https addresses. Neo4j always allows it.
    DBMS_SECURITY_LOAD_CSV_HTTP_ENABLED: bool =
        Kind::Boolean, "dbms.security.load_csv.http_enabled", Some("false"), bastide;
    /// Host names, addresses and networks that `LOAD CSV` may fetch from although they are not on the public internet, such
    /// as `files.internal,10.1.0.0/16`.
    DBMS_SECURITY_LOAD_CSV_ALLOWED_HOSTS: Vec<String> =
        Kind::List, "dbms.security.load_csv.allowed_hosts", Some(""), bastide;
    /// How long fetching one address with `LOAD CSV` may take to connect and to deliver each part.
    DBMS_SECURITY_LOAD_CSV_HTTP_TIMEOUT: Duration =
        Kind::Duration(100, 3_600_000), "dbms.security.load_csv.http_timeout", Some("30s"), bastide;
    /// Most bytes of one line that `LOAD CSV` reads.
    DBMS_SECURITY_LOAD_CSV_LINE_MAX_BYTES: ByteSize =
        Kind::Bytes(1024, 1 << 30), "dbms.security.load_csv.line_max_bytes", Some("4MiB"), bastide;
    /// Procedures and functions that may be called, with `*` as wildcard; empty allows none.
    DBMS_SECURITY_PROCEDURES_ALLOWLIST: Vec<String> =
        Kind::List, "dbms.security.procedures.allowlist", Some("*"), neo4j;
    /// Neo4j's choice between two libraries for TLS. Accepted for its sake: here there is one, and all values mean it.
    DBMS_NETTY_SSL_PROVIDER: String =
        Kind::Choice(&["JDK", "OPENSSL", "OPENSSL_REFCNT"]), "dbms.netty.ssl.provider", Some("JDK"), neo4j;
    /// Whether certificates, keys and revocation lists can be read again while the server runs: by themselves when their
    /// content changes, on SIGHUP, and with `CALL dbms.security.reloadTLS()`. Neo4j's default is `false`.
    DBMS_SECURITY_TLS_RELOAD_ENABLED: bool = Kind::Boolean, "dbms.security.tls_reload_enabled", Some("true"), neo4j;
}
