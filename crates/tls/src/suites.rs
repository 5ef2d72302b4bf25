//! Cipher suites by their IANA names, as Neo4j's settings spell them.

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::cipher_suite as suite;
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use crate::PolicyConfig;
use crate::fault::{PolicyError, PolicyWarning};
use crate::policy::TlsVersion;

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

/// The suites that this build offers: with the feature `fips`, those of the validated module.
fn offerable() -> impl Iterator<Item = &'static (&'static str, SupportedCipherSuite)> {
    TABLE
        .iter()
        .filter(|(_, suite)| !cfg!(feature = "fips") || suite.fips())
}

/// The suite with this IANA name.
pub fn suite_by_name(name: &str) -> Option<SupportedCipherSuite> {
    offerable().find(|(known, _)| *known == name).map(|(_, suite)| *suite)
}

/// All names that [`suite_by_name`] knows, for error messages.
pub fn suite_names() -> impl Iterator<Item = &'static str> {
    offerable().map(|(name, _)| *name)
}

/// The IANA name of a suite that was agreed.
pub(crate) fn suite_name(suite: rustls::CipherSuite) -> &'static str {
    TABLE
        .iter()
        .find(|(_, known)| known.suite() == suite)
        .map_or("unknown", |(name, _)| name)
}

/// Suites with finite-field Diffie-Hellman: known, and not offered.
const FINITE_FIELD: [&str; 3] = [
    "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

/// Names that are wrong in more characters than this are near to nothing.
const EDITS_MAX: usize = 4;
/// Names longer than this are near to nothing.
const NAME_LENGTH_MAX: usize = 64;

/// What a policy offers.
pub(crate) struct Offer {
    /// The provider, reduced to the suites, in the order of the list.
    pub(crate) provider: CryptoProvider,
    /// The versions that have a suite.
    pub(crate) versions: Vec<TlsVersion>,
}

/// The suites and versions that `config` leaves.
pub(crate) fn offered_suites(
    config: &PolicyConfig,
    faults: &mut Vec<PolicyError>,
    warnings: &mut Vec<PolicyWarning>,
) -> Offer {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    if let Some(names) = &config.ciphers {
        provider.cipher_suites = listed_suites(names, faults, warnings);
    }
    let mut offer = Offer {
        provider,
        versions: config.versions.clone(),
    };
    offer.versions.dedup();
    let has_suite: Vec<_> = offer
        .versions
        .iter()
        .copied()
        .filter(|version| offer.suites_of(*version).next().is_some())
        .collect();
    if has_suite.is_empty() {
        faults.push(PolicyError::NothingToOffer {
            versions: match config.versions.as_slice() {
                [] => "no version at all".to_owned(),
                versions => joined(versions.iter().map(|version| version.name())),
            },
            allowed: joined(config.versions.iter().flat_map(|version| known_suites(*version))),
        });
        return offer;
    }
    for missing in offer.versions.iter().filter(|version| !has_suite.contains(version)) {
        warnings.push(PolicyWarning::VersionNotOffered {
            version: missing.name(),
            suites: joined(known_suites(*missing)),
        });
    }
    offer.versions = has_suite;
    offer
}

impl Offer {
    /// Leaves out what cannot be agreed with a key of this kind (`RSA`, `EC P-256`, `Ed25519`, …): in TLS 1.2 a suite names it.
    pub(crate) fn fit_to_key(
        &mut self,
        algorithm: &str,
        faults: &mut Vec<PolicyError>,
        warnings: &mut Vec<PolicyWarning>,
    ) {
        let kind = key_part(algorithm);
        let fits = |suite: &SupportedCipherSuite| suite_name(suite.suite()).contains(kind);
        if !self.versions.contains(&TlsVersion::Tls12) || self.suites_of(TlsVersion::Tls12).any(|suite| fits(&suite)) {
            return;
        }
        let algorithm = algorithm.to_owned();
        let suites = joined(known_suites(TlsVersion::Tls12).filter(|name| name.contains(kind)));
        if self.versions.contains(&TlsVersion::Tls13) {
            self.versions.retain(|version| *version != TlsVersion::Tls12);
            warnings.push(PolicyWarning::NoSuiteForKey { algorithm, suites });
        } else {
            faults.push(PolicyError::NoSuiteForKey { algorithm, suites });
        }
    }

    /// The versions as the library wants them.
    pub(crate) fn protocols(&self) -> Vec<&'static SupportedProtocolVersion> {
        self.versions.iter().map(|version| version.protocol()).collect()
    }

    fn suites_of(&self, version: TlsVersion) -> impl Iterator<Item = SupportedCipherSuite> {
        let suites = self.provider.cipher_suites.iter().copied();
        suites.filter(move |suite| suite.version() == version.protocol())
    }

    /// Names of the suites of the versions that are offered, most wanted first.
    pub(crate) fn suite_names(&self) -> Vec<&'static str> {
        let suites = self.provider.cipher_suites.iter();
        suites
            .filter(|suite| {
                self.versions
                    .iter()
                    .any(|version| suite.version() == version.protocol())
            })
            .map(|suite| suite_name(suite.suite()))
            .collect()
    }

    /// The [`suite_names`](Self::suite_names) that a server with a key of this kind can agree on; all without a key.
    pub(crate) fn suite_names_for(&self, algorithm: Option<&str>) -> Vec<&'static str> {
        let mut names = self.suite_names();
        if let Some(kind) = algorithm.map(key_part) {
            names.retain(|name| !name.contains("_WITH_") || name.contains(kind));
        }
        names
    }

    /// Names of the key exchange groups, most wanted first.
    pub(crate) fn group_names(&self) -> Vec<String> {
        let groups = self.provider.kx_groups.iter();
        groups.map(|group| format!("{:?}", group.name())).collect()
    }
}

/// What the names of TLS 1.2 suites have for a kind of key.
fn key_part(algorithm: &str) -> &'static str {
    if algorithm.starts_with("RSA") {
        "_RSA_"
    } else {
        "_ECDSA_"
    }
}

fn listed_suites(
    names: &[String],
    faults: &mut Vec<PolicyError>,
    warnings: &mut Vec<PolicyWarning>,
) -> Vec<SupportedCipherSuite> {
    let mut suites: Vec<SupportedCipherSuite> = Vec::new();
    let mut not_offered: Vec<&str> = Vec::new();
    for name in names {
        match suite_by_name(name) {
            Some(suite) if suites.contains(&suite) => warnings.push(PolicyWarning::SuiteTwice { name: name.clone() }),
            Some(suite) => suites.push(suite),
            None if FINITE_FIELD.contains(&name.as_str()) => not_offered.push(name),
            None => faults.push(PolicyError::UnknownCipher {
                name: name.clone(),
                advice: advice_for(name),
                allowed: joined(suite_names()),
            }),
        }
    }
    not_offered.dedup();
    let serving = suites.iter().map(|suite| suite_name(suite.suite()));
    let instead = joined(serving.filter(|name| !name.contains("_ECDSA_")));
    for name in not_offered {
        warnings.push(PolicyWarning::SuiteNotOffered {
            name: name.to_owned(),
            instead: if instead.is_empty() {
                "nothing in the list".to_owned()
            } else {
                instead.clone()
            },
        });
    }
    suites
}

fn known_suites(version: TlsVersion) -> impl Iterator<Item = &'static str> {
    let of_version = offerable().filter(move |(_, suite)| suite.version() == version.protocol());
    of_version.map(|(name, _)| *name)
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// Why a name is not known, and which one may be meant; empty, or ends with `; `.
fn advice_for(name: &str) -> String {
    let letters = letters_of(name);
    let reason = if letters.contains("CBC") {
        "it encrypts in CBC mode, which is not safe in TLS; "
    } else if name.starts_with("TLS_RSA_") {
        "it has no forward secrecy; "
    } else {
        ""
    };
    let near = suite_names()
        .map(|known| (distance(&letters, &letters_of(known)), known))
        .filter(|(edits, _)| *edits <= EDITS_MAX && name.len() <= NAME_LENGTH_MAX)
        .min();
    match near {
        Some((_, known)) => format!("{reason}did you mean `{known}`? "),
        None => reason.to_owned(),
    }
}

/// What two spellings of a suite have in common: OpenSSL leaves out `TLS` and `WITH`, and joins by hyphens.
fn letters_of(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    let words = upper.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !matches!(*word, "TLS" | "WITH")).collect()
}

/// How many insertions, deletions and replacements lie between two names.
fn distance(left: &str, right: &str) -> usize {
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, from) in left.bytes().take(NAME_LENGTH_MAX).enumerate() {
        let mut current = vec![row + 1];
        for (pair, to) in last.windows(2).zip(right.bytes()) {
            let [diagonal, above] = pair else { continue };
            let before = current.last().copied().unwrap_or_default();
            current.push((diagonal + usize::from(from != to)).min(above + 1).min(before + 1));
        }
        last = current;
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
