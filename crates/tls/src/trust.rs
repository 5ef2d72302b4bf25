//! Whom a channel believes: what `trusted_dir` and `revoked_dir` hold, read and sorted.
//!
//! A certificate of `trusted_dir` that may issue others is an authority: whoever it vouches for is believed. Every
//! certificate of the folder is also believed for itself, byte by byte, if the other side shows it (*pinned*). In both
//! cases time, usage and revocation still count. INVARIANT: nobody is believed whom the folders do not name, unless
//! `trust_all` says so.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::DistinguishedName;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor};
use webpki::anchor_from_trusted_cert;

use crate::fault::{PolicyError, PolicyWarning, time_text};
use crate::policy::{ClientAuthentication, PolicyConfig};
use crate::revocation::{Revocations, Standing};
use crate::verify::client::ClientVerifier;
use crate::verify::facts::{Facts, is_signed_by, signature_is_accepted};
use crate::verify::server::ServerVerifier;
use folder::{Kind, read_folder};
pub use summary::{RevocationListSummary, RevokedSummary, TrustSummary, TrustedSummary};

pub(crate) mod folder;
mod summary;

/// Names of authorities that clients are sent at most, in bytes; with more than that, none are sent. The message's own limit
/// is 65,535, and clients differ in what they take.
const HINTS_SIZE_MAX: usize = 16_000;

/// A certificate of `trusted_dir`.
#[derive(Debug)]
pub(crate) struct Trusted {
    pub(crate) file: PathBuf,
    pub(crate) facts: Facts,
    /// Whether its own signature is of a kind that is accepted. An authority's does not matter, a leaf's does.
    pub(crate) signature_accepted: bool,
    /// The key of the trusted authority that signed it, if there is one.
    pub(crate) issuer_key: Option<Vec<u8>>,
    /// Why it was revoked, if it was.
    pub(crate) revoked: Option<String>,
}

/// Whom a policy believes.
#[derive(Debug)]
pub(crate) struct Trust {
    pub(crate) everybody: bool,
    pub(crate) trusted: Vec<Trusted>,
    /// Places in `trusted`, by certificate.
    pinned: HashMap<CertificateDer<'static>, usize>,
    /// Authorities as the library wants them.
    pub(crate) anchors: Vec<TrustAnchor<'static>>,
    /// The place in `trusted` of each of `anchors`.
    anchored: Vec<usize>,
    pub(crate) revocations: Revocations,
    pub(crate) algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    loaded_at: i64,
}

impl Trust {
    /// Reads both folders; `now` is in seconds since 1970.
    pub(crate) fn load(
        config: &PolicyConfig,
        now: i64,
        faults: &mut Vec<PolicyError>,
        warnings: &mut Vec<PolicyWarning>,
    ) -> Option<Self> {
        let before = faults.len();
        let trust = Self::read(config, now, faults, warnings);
        (faults.len() == before).then_some(trust)
    }

    /// Reads what can be read of both folders.
    pub(crate) fn read(
        config: &PolicyConfig,
        now: i64,
        faults: &mut Vec<PolicyError>,
        warnings: &mut Vec<PolicyWarning>,
    ) -> Self {
        let before = faults.len();
        let mut trust = Self {
            everybody: config.trust_all,
            trusted: Vec::new(),
            pinned: HashMap::new(),
            anchors: Vec::new(),
            anchored: Vec::new(),
            revocations: Revocations::default(),
            algorithms: rustls::crypto::aws_lc_rs::default_provider()
                .signature_verification_algorithms
                .all,
            loaded_at: now,
        };
        if config.trust_all {
            warnings.push(PolicyWarning::TrustsEverybody);
        } else if let Some(folder) = &config.trusted_directory {
            for found in read_folder(folder, not_a_certificate, faults) {
                match found.kind {
                    Kind::Certificate => trust.add(found.file, found.der, now, faults, warnings),
                    Kind::List => faults.push(not_a_certificate(found.file, LIST_AMONG_TRUSTED.to_owned())),
                }
            }
        }
        if let Some(folder) = &config.revoked_directory {
            trust.revocations = Revocations::load(folder, faults);
        }
        trust.settle(now, warnings);
        if faults.len() == before
            && !trust.everybody
            && trust.usable().next().is_none()
            && config.client_authentication == ClientAuthentication::Require
        {
            faults.push(PolicyError::NobodyTrusted {
                path: config.trusted_directory.clone().unwrap_or_default(),
            });
        }
        trust
    }

    /// Takes in one certificate of the folder.
    fn add(
        &mut self,
        file: PathBuf,
        der: Vec<u8>,
        now: i64,
        faults: &mut Vec<PolicyError>,
        warnings: &mut Vec<PolicyWarning>,
    ) {
        let bad = |path, reason: &str| PolicyError::BadTrust {
            path,
            reason: reason.to_owned(),
        };
        let Some(facts) = Facts::read(&der) else {
            faults.push(bad(file, "its certificate has an extension that cannot be read"));
            return;
        };
        if !facts.is_version_3 {
            faults.push(bad(file, OLD_VERSION));
            return;
        }
        if facts.not_after < now {
            warnings.push(PolicyWarning::TrustedNotUsed {
                path: file,
                reason: format!("it has expired ({})", time_text(facts.not_after)),
                subject: facts.subject,
            });
            return;
        }
        let certificate = CertificateDer::from(der);
        if self.pinned.contains_key(&certificate) {
            return;
        }
        let place = self.trusted.len();
        if facts.is_authority {
            match anchor_from_trusted_cert(&certificate) {
                Ok(anchor) => {
                    self.anchors.push(anchor.to_owned());
                    self.anchored.push(place);
                }
                Err(error) => {
                    faults.push(bad(file, &format!("{error}")));
                    return;
                }
            }
        }
        self.trusted.push(Trusted {
            signature_accepted: signature_is_accepted(&certificate),
            issuer_key: None,
            revoked: None,
            file,
            facts,
        });
        self.pinned.insert(certificate, place);
    }

    /// Relates what both folders hold: who signed which list, and which of the trusted are revoked.
    fn settle(&mut self, now: i64, warnings: &mut Vec<PolicyWarning>) {
        let keys: Vec<_> = self
            .pinned
            .iter()
            .map(|(der, place)| (*place, self.issuer_key(der, *place)))
            .collect();
        for (place, key) in keys {
            if let Some(trusted) = self.trusted.get_mut(place) {
                trusted.issuer_key = key;
            }
        }
        let authorities: Vec<_> = self
            .trusted
            .iter()
            .filter(|trusted| trusted.facts.is_authority)
            .collect();
        self.revocations.settle(&authorities, now, warnings);
        let reasons: Vec<_> = self
            .pinned
            .iter()
            .map(|(der, place)| (*place, self.revocation(der, *place, now)))
            .collect();
        for (place, reason) in reasons {
            if let Some(trusted) = self.trusted.get_mut(place) {
                trusted.revoked = reason;
            }
        }
        for trusted in &self.trusted {
            let reason = match &trusted.revoked {
                Some(revoked) => revoked.clone(),
                None if !trusted.facts.is_authority && !trusted.signature_accepted => WEAK_SIGNATURE.to_owned(),
                None => continue,
            };
            warnings.push(PolicyWarning::TrustedNotUsed {
                path: trusted.file.clone(),
                subject: trusted.facts.subject.clone(),
                reason,
            });
        }
    }

    /// The key of the trusted authority that signed the certificate at `place`.
    fn issuer_key(&self, der: &[u8], place: usize) -> Option<Vec<u8>> {
        let certificate = self.trusted.get(place)?;
        self.trusted
            .iter()
            .filter(|other| other.facts.is_authority && other.facts.subject_der == certificate.facts.issuer_der)
            .find(|other| is_signed_by(der, &other.facts.public_key))
            .map(|issuer| issuer.facts.public_key.clone())
    }

    /// Why the trusted certificate at `place` was revoked, if it was.
    fn revocation(&self, der: &[u8], place: usize, now: i64) -> Option<String> {
        let trusted = self.trusted.get(place)?;
        let dropped = self
            .revocations
            .dropped_authority(&trusted.facts)
            .or_else(|| self.revocations.dropped_issuer(&trusted.facts, der));
        if let Some(dropped) = dropped {
            return Some(format!("it is revoked by `{}`", dropped.file.display()));
        }
        match self
            .revocations
            .standing_by_name(&trusted.facts, trusted.issuer_key.as_deref(), now)
        {
            Standing::Revoked(list) => Some(format!("it is revoked by the list `{}`", list.file.display())),
            _ => None,
        }
    }

    /// The trusted certificates that can let anybody in.
    fn usable(&self) -> impl Iterator<Item = &Trusted> {
        self.trusted
            .iter()
            .filter(|trusted| trusted.revoked.is_none() && (trusted.facts.is_authority || trusted.signature_accepted))
    }

    /// The trusted certificate that is byte by byte this one.
    pub(crate) fn pinned(&self, certificate: &CertificateDer<'_>) -> Option<&Trusted> {
        self.trusted.get(*self.pinned.get(certificate)?)
    }

    /// The authority behind one of `anchors`.
    pub(crate) fn authority_of(&self, anchor: &TrustAnchor<'_>) -> Option<&Trusted> {
        let place = self.anchors.iter().position(|known| std::ptr::eq(known, anchor))?;
        self.trusted.get(*self.anchored.get(place)?)
    }

    /// Whose certificates clients are asked for. Nobody is named as soon as a leaf is trusted for itself, because some
    /// clients (Java) show only certificates of issuers that were named.
    pub(crate) fn hints(&self) -> Vec<DistinguishedName> {
        let authorities = || self.usable().filter(|trusted| trusted.facts.is_authority);
        let size: usize = authorities().map(|trusted| trusted.facts.subject_der.len() + 2).sum();
        let leaves = self.usable().any(|trusted| !trusted.facts.is_authority);
        if self.everybody || leaves || size > HINTS_SIZE_MAX {
            return Vec::new();
        }
        let mut names: Vec<&[u8]> = authorities()
            .map(|trusted| trusted.facts.subject_der.as_slice())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .map(|name| DistinguishedName::from(name.to_vec()))
            .collect()
    }

    /// The authorities, as what may have issued the own certificate.
    pub(crate) fn issuers(&self) -> &[rustls_pki_types::TrustAnchor<'static>] {
        &self.anchors
    }

    /// What checks the certificates of clients.
    pub(crate) fn client_verifier(
        self: &Arc<Self>,
        asked: ClientAuthentication,
        provider: &Arc<CryptoProvider>,
    ) -> Arc<dyn ClientCertVerifier> {
        let nobody = !self.everybody && self.trusted.is_empty();
        match asked {
            ClientAuthentication::None => WebPkiClientVerifier::no_client_auth(),
            ClientAuthentication::Optional if nobody => WebPkiClientVerifier::no_client_auth(),
            ClientAuthentication::Optional => Arc::new(ClientVerifier::new(Arc::clone(self), false, provider)),
            ClientAuthentication::Require => Arc::new(ClientVerifier::new(Arc::clone(self), true, provider)),
        }
    }

    /// What checks the certificates of servers that are dialled.
    pub(crate) fn server_verifier(
        self: &Arc<Self>,
        verify_hostname: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Arc<dyn ServerCertVerifier> {
        Arc::new(ServerVerifier::new(Arc::clone(self), verify_hostname, provider))
    }
}

fn not_a_certificate(path: PathBuf, hint: String) -> PolicyError {
    PolicyError::NotACertificate { path, hint }
}

/// What is said of a list in the wrong folder.
const LIST_AMONG_TRUSTED: &str = "it holds a certificate revocation list, which belongs into the folder of revocations";
/// What is said of certificates that cannot say what they are for.
pub(crate) const OLD_VERSION: &str =
    "it is an X.509 certificate of version 1, which cannot say what it is for; have one of version 3 made";
/// What is said of SHA-1 and its like.
pub(crate) const WEAK_SIGNATURE: &str =
    "it is signed in a way that is not accepted (SHA-1, MD5 or unknown); have it signed with SHA-256 or better";
