//! Cipher suites by their IANA names, as Neo4j's settings spell them.

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::cipher_suite as suite;
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use crate::PolicyConfig;
use crate::fault::{PolicyError, PolicyWarning};

/// Every suite that can be offered, strongest first.
const TABLE: &[(&str, SupportedCipherSuite)] = &[
    ("TLS_AES_256_GCM_SHA384", suite::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", suite::TLS13_AES_128_GCM_SHA256),
    ("TLS_CHACHA20_POLY1305_SHA256", suite::TLS13_CHACHA20_POLY1305_SHA256),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// The suite with this IANA name.
pub fn suite_by_name(name: &str) -> Option<SupportedCipherSuite> {
    TABLE.iter().find(|(known, _)| *known == name).map(|(_, suite)| *suite)
}

/// All names that [`suite_by_name`] knows, for error messages.
pub fn suite_names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, _)| *name)
}

/// The IANA name of a suite that was agreed.
pub(crate) fn suite_name(suite: rustls::CipherSuite) -> &'static str {
    TABLE
        .iter()
        .find(|(_, known)| known.suite() == suite)
        .map_or("unknown", |(name, _)| name)
}

/// What a policy offers.
pub(crate) struct Offer {
    /// The provider, reduced to the suites.
    pub(crate) provider: CryptoProvider,
    /// The versions that have a suite.
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
}

/// The suites and versions that `config` leaves.
pub(crate) fn offered_suites(
    config: &PolicyConfig,
    faults: &mut Vec<PolicyError>,
    warnings: &mut Vec<PolicyWarning>,
) -> Offer {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    let all = || suite_names().collect::<Vec<_>>().join(", ");
    if let Some(names) = &config.ciphers {
        provider.cipher_suites.clear();
        for name in names {
            match suite_by_name(name) {
                Some(suite) => provider.cipher_suites.push(suite),
                None => faults.push(PolicyError::UnknownCipher {
                    name: name.clone(),
                    allowed: all(),
                }),
            }
        }
    }
    let mut versions = Vec::new();
    for version in &config.versions {
        let has_suite = |suite: &SupportedCipherSuite| suite.version() == version.protocol();
        if provider.cipher_suites.iter().any(has_suite) {
            versions.push(version.protocol());
        } else {
            warnings.push(PolicyWarning::VersionNotOffered {
                version: version.name(),
                suites: all(),
            });
        }
    }
    if versions.is_empty() {
        let names: Vec<_> = config.versions.iter().map(|version| version.name()).collect();
        faults.push(PolicyError::NothingToOffer {
            versions: names.join(", "),
            allowed: all(),
        });
    }
    Offer { provider, versions }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_everything_the_provider_has() {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        for offered in &provider.cipher_suites {
            assert!(TABLE.iter().any(|(_, known)| known == offered), "{offered:?}");
        }
        assert!(suite_by_name("TLS_RSA_WITH_AES_128_CBC_SHA").is_none());
    }
}
