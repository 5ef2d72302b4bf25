//! One policy's files and lists, read for people: everything that can be told about them, whatever is wrong.
//!
//! INVARIANT: inspecting finds the same faults and warnings as loading, and puts nothing in force.

use std::path::PathBuf;

use serde::Serialize;

use crate::certificate::{CertificateSummary, summarise_certificate};
use crate::identity::IdentityParts;
use crate::policy::PolicyConfig;
use crate::private_key::KeySummary;
use crate::suites::offered_suites;
use crate::trust::{Trust, TrustSummary};

/// What a policy's files and lists say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// The scope.
    pub scope: &'static str,
    /// When this was found, in seconds since 1970.
    pub inspected_at: i64,
    /// Why the policy cannot be used; empty if it can.
    pub faults: Vec<String>,
    /// What works and deserves a thought.
    pub warnings: Vec<String>,
    /// Where the chain was read from.
    pub public_certificate: PathBuf,
    /// The chain as it is in the file.
    pub certificates: Vec<InspectedCertificate>,
    /// Where the chain ends; `None` if there is none.
    pub chain_end: Option<ChainEnd>,
    /// Where the key was read from.
    pub private_key: PathBuf,
    /// The key, if it could be read.
    pub key: Option<KeySummary>,
    /// Names and addresses under which clients that verify them can reach the server.
    pub reachable_as: Vec<String>,
    /// Versions that are offered.
    pub versions: Vec<&'static str>,
    /// Suites that are offered, most wanted first.
    pub ciphers: Vec<&'static str>,
    /// Key exchange groups that are offered, most wanted first.
    pub groups: Vec<String>,
    /// `NONE`, `OPTIONAL` or `REQUIRE`.
    pub client_authentication: &'static str,
    /// Whether names are verified where this side dials.
    pub verify_hostname: bool,
    /// Whom the policy believes and whom not.
    pub trust: TrustSummary,
}

/// A certificate, and how long it has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InspectedCertificate {
    /// What it says of itself.
    #[serde(flatten)]
    pub summary: CertificateSummary,
    /// Whole days until it ends; negative once it has ended.
    pub days_left: i64,
}

/// Where a chain ends, which decides what clients need of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ChainEnd {
    /// With the server's own certificate, which is self-signed: clients must trust that one.
    SelfSigned,
    /// With a root that is in the file, which clients have or do not trust: it need not be sent.
    Root {
        /// Its subject.
        subject: String,
    },
    /// Below an authority that this policy trusts as well.
    BelowTrusted {
        /// Its subject.
        issuer: String,
    },
    /// Below an authority that clients must know; if it is no root, the chain is incomplete.
    BelowUnknown {
        /// Its subject.
        issuer: String,
    },
}

impl Inspection {
    /// Whether the policy can be put in force.
    pub fn is_usable(&self) -> bool {
        self.faults.is_empty()
    }

    /// The fewest days that a certificate of the chain has left.
    pub fn days_left(&self) -> Option<i64> {
        self.certificates.iter().map(|certificate| certificate.days_left).min()
    }
}

/// Reads everything that `config` names; `now` is in seconds since 1970.
pub fn inspect(config: &PolicyConfig, now: i64) -> Inspection {
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    let mut offer = offered_suites(config, &mut faults, &mut warnings);
    let parts = IdentityParts::read(config, now, &mut faults, &mut warnings);
    let key = parts.key.as_ref().map(|key| key.summary.clone());
    let certificates: Vec<_> = parts
        .chain
        .iter()
        .flatten()
        .filter_map(|der| summarise_certificate(der))
        .map(|summary| InspectedCertificate {
            days_left: summary.days_left(now),
            summary,
        })
        .collect();
    if let Some(identity) = parts.joined(config, &mut faults) {
        offer.fit_to_key(&identity.key().algorithm, &mut faults, &mut warnings);
    }
    let trust = Trust::read(config, now, &mut faults, &mut warnings).summary();
    let leaf = certificates.first();
    Inspection {
        scope: config.scope,
        inspected_at: now,
        faults: faults.iter().map(ToString::to_string).collect(),
        warnings: warnings.iter().map(ToString::to_string).collect(),
        public_certificate: config.public_certificate.clone(),
        chain_end: chain_end(&certificates, &trust),
        private_key: config.private_key.clone(),
        reachable_as: leaf.map(|leaf| leaf.summary.names.clone()).unwrap_or_default(),
        certificates,
        versions: offer.versions.iter().map(|version| version.name()).collect(),
        ciphers: offer.suite_names_for(key.as_ref().map(|key| key.algorithm.as_str())),
        key,
        groups: offer.group_names(),
        client_authentication: config.client_authentication.name(),
        verify_hostname: config.verify_hostname,
        trust,
    }
}

fn chain_end(certificates: &[InspectedCertificate], trust: &TrustSummary) -> Option<ChainEnd> {
    let last = &certificates.last()?.summary;
    if last.is_self_signed {
        let subject = last.subject.clone();
        return Some(match certificates {
            [_] => ChainEnd::SelfSigned,
            _ => ChainEnd::Root { subject },
        });
    }
    let issuer = last.issuer.clone();
    let is_trusted = trust.authorities.iter().any(|authority| authority.subject == issuer);
    Some(match is_trusted {
        true => ChainEnd::BelowTrusted { issuer },
        false => ChainEnd::BelowUnknown { issuer },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;
    use crate::openssl::{AUTHORITY, Pki, SERVER};
    use crate::policy::tests::{development, now};

    /// A policy over a fresh root, intermediate authority and server's certificate, and over its folders.
    fn policy(pki: &Pki) -> PolicyConfig {
        let (_home, mut config) = development();
        config.private_key = pki.path("server.key");
        config.public_certificate = pki.chain(&["server", "middle"]);
        std::fs::create_dir(pki.path("trusted")).unwrap();
        config.trusted_directory = Some(pki.path("trusted"));
        config
    }

    fn is_in_agreement(inspection: &Inspection, config: &PolicyConfig) {
        match Policy::load(config.clone(), inspection.inspected_at) {
            Ok(policy) => {
                let warnings: Vec<_> = policy.warnings().iter().map(ToString::to_string).collect();
                assert_eq!((&inspection.faults, &inspection.warnings), (&Vec::new(), &warnings));
            }
            Err(found) => {
                let faults: Vec<_> = found.faults.iter().map(ToString::to_string).collect();
                assert_eq!(inspection.faults, faults);
            }
        }
    }

    #[test]
    #[cfg_attr(feature = "fips", ignore = "the FIPS module has no ChaCha20")]
    fn tells_what_clients_will_see() {
        let pki = Pki::new();
        let config = policy(&pki);
        let found = inspect(&config, now() + 60);
        is_in_agreement(&found, &config);
        assert!(found.is_usable());
        assert_eq!(found.days_left(), Some(999));
        assert_eq!(found.reachable_as, ["localhost"]);
        assert_eq!(found.versions, ["TLSv1.2", "TLSv1.3"]);
        assert_eq!(found.ciphers.len(), 6, "nothing that asks for an RSA key");
        assert_eq!(found.groups[0], "X25519MLKEM768");
        assert_eq!(found.key.as_ref().unwrap().algorithm, "EC P-256");
        assert_eq!(found.client_authentication, "OPTIONAL");
        let issuer = "CN=root".to_owned();
        assert_eq!(found.chain_end, Some(ChainEnd::BelowUnknown { issuer: issuer.clone() }));
        std::fs::copy(pki.path("root.crt"), pki.path("trusted/root.crt")).unwrap();
        let found = inspect(&config, now() + 60);
        assert_eq!(found.chain_end, Some(ChainEnd::BelowTrusted { issuer }));
        assert_eq!(found.trust.authorities.len(), 1);
        pki.chain(&["server", "middle", "root"]);
        let subject = "CN=root".to_owned();
        assert_eq!(inspect(&config, now() + 60).chain_end, Some(ChainEnd::Root { subject }));
    }

    #[test]
    fn tells_what_can_be_read_beside_everything_that_is_wrong() {
        let pki = Pki::new();
        let mut config = policy(&pki);
        std::fs::write(pki.path("trusted/notes.txt"), "see the wiki").unwrap();
        std::fs::copy(pki.path("root.crt"), pki.path("trusted/root.crt")).unwrap();
        config.private_key = pki.path("missing.key");
        config.ciphers = Some(vec!["nonsense".to_owned(), "TLS_AES_128_GCM_SHA256".to_owned()]);
        let found = inspect(&config, now() + 1_500 * 86_400);
        is_in_agreement(&found, &config);
        let faults = found.faults.join("\n");
        for expected in ["nonsense", "missing.key", "has expired", "notes.txt"] {
            assert!(faults.contains(expected), "{expected} is missing in: {faults}");
        }
        assert_eq!(found.certificates.len(), 2);
        assert!(found.days_left().unwrap() < -400);
        assert_eq!(found.ciphers, ["TLS_AES_128_GCM_SHA256"]);
        assert_eq!(found.trust.authorities.len(), 1);
    }

    #[test]
    fn agrees_with_loading_about_keys_that_do_not_belong_and_chains_out_of_order() {
        let pki = Pki::new();
        let mut config = policy(&pki);
        pki.chain(&["middle", "server"]);
        is_in_agreement(&inspect(&config, now() + 60), &config);
        pki.chain(&["server", "middle"]);
        config.private_key = pki.path("root.key");
        let found = inspect(&config, now() + 60);
        is_in_agreement(&found, &config);
        assert!(found.faults[0].contains("does not belong"), "{:?}", found.faults);
        pki.issue("server", "server", SERVER, "-days 100");
        config.private_key = pki.path("server.key");
        pki.chain(&["server"]);
        assert_eq!(inspect(&config, now() + 60).chain_end, Some(ChainEnd::SelfSigned));
        pki.issue("stranger", "stranger", AUTHORITY, "-days 100");
        pki.chain(&["stranger", "middle"]);
        is_in_agreement(&inspect(&config, now() + 60), &config);
    }
}
