//! The TLS policies: `dbms.ssl.policy.<scope>.<suffix>`, the same suffixes for each of the four channels.
//!
//! A suffix or scope not in this table is a fault whatever `server.config.strict_validation.enabled` says. All but `enabled` can
//! be changed while the server runs and take effect when the policies are next read again.

use std::path::PathBuf;

use bastide_secret::SecretString;

use crate::row::{Kind, Row, Setting};
use crate::value::{ClientAuthentication, TlsVersion};

/// What every policy setting begins with.
pub const PREFIX: &str = "dbms.ssl.policy.";
/// The channels.
pub const SCOPES: [&str; 4] = ["bolt", "https", "cluster", "backup"];

/// The settings of one policy.
#[derive(Clone, Copy)]
pub struct PolicySettings {
    /// The channel.
    pub scope: &'static str,
    /// Whether the policy is in force.
    pub enabled: Setting<bool>,
    /// Folder that the other paths are relative to.
    pub base_directory: Setting<PathBuf>,
    /// The private key.
    pub private_key: Setting<PathBuf>,
    /// The password of an encrypted private key.
    pub private_key_password: Setting<Option<SecretString>>,
    /// The certificate chain.
    pub public_certificate: Setting<PathBuf>,
    /// Folder of trusted certificates.
    pub trusted_dir: Setting<PathBuf>,
    /// Folder of revocation lists.
    pub revoked_dir: Setting<PathBuf>,
    /// Whether the other side's name is checked when this server is the client.
    pub verify_hostname: Setting<bool>,
    /// Cipher suites; the server's own list if absent.
    pub ciphers: Setting<Option<Vec<String>>>,
    /// Protocol versions.
    pub tls_versions: Setting<Vec<TlsVersion>>,
    /// Whether clients need a certificate.
    pub client_auth: Setting<ClientAuthentication>,
    /// Whether any certificate is trusted.
    pub trust_all: Setting<bool>,
}

/// One row; `concat!` needs literals, hence a macro.
macro_rules! row {
    ($scope:literal, $suffix:literal, $kind:expr, $default:expr, $is_dynamic:literal, $help:expr) => {
        Setting::new(&Row {
            name: concat!("dbms.ssl.policy.", $scope, ".", $suffix),
            kind: $kind,
            default: $default,
            is_dynamic: $is_dynamic,
            in_neo4j: true,
            since: "0.1.0",
            help: $help,
        })
    };
}

macro_rules! policy {
    ($scope:literal, $client_auth:literal) => {
        PolicySettings {
            scope: $scope,
            enabled: row!($scope, "enabled", Kind::Boolean, Some("false"), false, "Whether this TLS policy is in force."),
            base_directory: row!($scope, "base_directory", Kind::Path, Some(concat!("certificates/", $scope)), true,
                "Folder that the other paths of this policy are relative to; itself relative to the home directory."),
            private_key: row!($scope, "private_key", Kind::Path, Some("private.key"), true,
                "Private key in PEM, PKCS#8 for preference. Must not be accessible to group and others."),
            private_key_password: row!($scope, "private_key_password", Kind::Secret, None, true,
                "Password of an encrypted private key. `$(command)` with `--expand-commands` keeps it out of the file."),
            public_certificate: row!($scope, "public_certificate", Kind::Path, Some("public.crt"), true,
                "Certificate chain in PEM: the server's own first, then the intermediate ones."),
            trusted_dir: row!($scope, "trusted_dir", Kind::Path, Some("trusted"), true,
                "Folder of certificates that are trusted: authorities, and single certificates for themselves. Must be there."),
            revoked_dir: row!($scope, "revoked_dir", Kind::Path, Some("revoked"), true,
                "Folder of certificate revocation lists and of revoked certificates. Must be there."),
            verify_hostname: row!($scope, "verify_hostname", Kind::Boolean, Some("true"), true,
                "Whether the name in the other side's certificate must match when this server is the client."),
            ciphers: row!($scope, "ciphers", Kind::List, None, true,
                "Cipher suites by their IANA names, best first; the server's own secure list if not set."),
            tls_versions: row!($scope, "tls_versions", Kind::ChoiceList(TlsVersion::WORDS), Some("TLSv1.2,TLSv1.3"), true,
                "Protocol versions offered."),
            client_auth: row!($scope, "client_auth", Kind::Choice(ClientAuthentication::WORDS), Some($client_auth), true,
                "Whether clients must show a certificate: `NONE`, `OPTIONAL` or `REQUIRE`."),
            trust_all: row!($scope, "trust_all", Kind::Boolean, Some("false"), true,
                "Whether any certificate of the other side is accepted; `trusted_dir` is then ignored. Not for production."),
        }
    };
}

/// The policy of Bolt.
pub const BOLT: PolicySettings = policy!("bolt", "OPTIONAL");
/// The policy of HTTPS.
pub const HTTPS: PolicySettings = policy!("https", "OPTIONAL");
/// The policy of traffic within a cluster.
pub const CLUSTER: PolicySettings = policy!("cluster", "REQUIRE");
/// The policy of the backup channel.
pub const BACKUP: PolicySettings = policy!("backup", "REQUIRE");
/// All policies, in the order of [`SCOPES`].
pub const ALL: [PolicySettings; 4] = [BOLT, HTTPS, CLUSTER, BACKUP];

impl PolicySettings {
    /// The rows of this policy.
    pub fn rows(&self) -> [&'static Row; 12] {
        [
            self.enabled.row(),
            self.base_directory.row(),
            self.private_key.row(),
            self.private_key_password.row(),
            self.public_certificate.row(),
            self.trusted_dir.row(),
            self.revoked_dir.row(),
            self.verify_hostname.row(),
            self.ciphers.row(),
            self.tls_versions.row(),
            self.client_auth.row(),
            self.trust_all.row(),
        ]
    }
}

pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    ALL.into_iter().flat_map(|policy| policy.rows())
}

/// The last part of each policy setting's name.
pub(crate) fn suffixes() -> impl Iterator<Item = &'static str> {
    BOLT.rows().into_iter().filter_map(|row| row.name.rsplit('.').next())
}
