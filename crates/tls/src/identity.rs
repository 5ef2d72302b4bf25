//! A server's certificate chain and private key, read from PEM files and checked against each other and the clock.

use std::path::Path;
use std::sync::Arc;

use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;

use crate::PolicyConfig;
use crate::certificate::{CertificateSummary, summarise_certificate};
use crate::chain::{Purpose, check_chain};
use crate::fault::{PolicyError, PolicyWarning};
use crate::file::{check_private, read_secret_file};
use crate::pem::blocks;
use crate::private_key::{KeySummary, LoadedKey, load_private_key};
use crate::recognise::recognise;

/// All certificates of a PEM file, in order.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PolicyError> {
    let (bytes, mode) = read_secret_file(path)?;
    let damaged = |reason| PolicyError::BadPem {
        path: path.to_owned(),
        reason,
    };
    let blocks = blocks(bytes.expose()).map_err(damaged)?;
    if blocks.iter().any(|block| block.label.ends_with("PRIVATE KEY")) {
        check_private(path, mode)?;
    }
    let certificates: Vec<_> = blocks
        .iter()
        .filter(|block| matches!(block.label, "CERTIFICATE" | "X509 CERTIFICATE"))
        .map(|block| block.decode().map(|der| CertificateDer::from(der.expose().clone())))
        .collect::<Result<_, _>>()
        .map_err(damaged)?;
    if certificates.is_empty() {
        return Err(PolicyError::NoCertificate {
            path: path.to_owned(),
            hint: recognise(bytes.expose(), &blocks).certificate_hint(path),
        });
    }
    Ok(certificates)
}

/// What could be read of a chain and its key.
pub(crate) struct IdentityParts {
    pub(crate) chain: Option<Vec<CertificateDer<'static>>>,
    pub(crate) key: Option<LoadedKey>,
    /// Whether the first certificate is the server's own.
    is_leaf_first: bool,
}

impl IdentityParts {
    /// Reads and checks each part for itself; `now` is in seconds since 1970.
    pub(crate) fn read(
        config: &PolicyConfig,
        now: i64,
        faults: &mut Vec<PolicyError>,
        warnings: &mut Vec<PolicyWarning>,
    ) -> Self {
        let path = config.public_certificate.as_path();
        let chain = read_certificates(path).map_err(|fault| faults.push(fault)).ok();
        let password = config.private_key_password.as_ref();
        let key = load_private_key(&config.private_key, password, faults, warnings);
        let public_key = key.as_ref().and_then(|key| key.signing.public_key());
        let purpose = Purpose {
            path,
            now,
            serves_both_ends: config.serves_both_ends,
            public_key: public_key.as_ref().map(AsRef::as_ref),
        };
        let is_leaf_first = chain
            .as_ref()
            .is_none_or(|chain| check_chain(chain, &purpose, faults, warnings));
        Self {
            chain,
            key,
            is_leaf_first,
        }
    }

    /// Checks that chain and key belong together.
    pub(crate) fn joined(self, config: &PolicyConfig, faults: &mut Vec<PolicyError>) -> Option<Identity> {
        let (chain, key) = (self.chain?, self.key?);
        // The key belongs to a certificate, which is not the first: that was said.
        if !self.is_leaf_first {
            return None;
        }
        let certified = CertifiedKey::new(chain, key.signing);
        if let Err(error) = certified.keys_match()
            && !matches!(
                error,
                rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)
            )
        {
            faults.push(PolicyError::KeyMismatch {
                key: config.private_key.clone(),
                certificate: config.public_certificate.clone(),
            });
            return None;
        }
        let certificates = certified
            .cert
            .iter()
            .filter_map(|der| summarise_certificate(der))
            .collect();
        Some(Identity {
            certified: Arc::new(certified),
            certificates,
            key: key.summary,
        })
    }
}

/// A chain and the key that belongs to its leaf.
#[derive(Debug)]
pub(crate) struct Identity {
    certified: Arc<CertifiedKey>,
    certificates: Vec<CertificateSummary>,
    key: KeySummary,
}

impl Identity {
    /// Reads chain and key, and checks that they belong together and are valid at `now` (seconds since 1970).
    pub(crate) fn load(
        config: &PolicyConfig,
        now: i64,
        faults: &mut Vec<PolicyError>,
        warnings: &mut Vec<PolicyWarning>,
    ) -> Option<Self> {
        IdentityParts::read(config, now, faults, warnings).joined(config, faults)
    }

    /// What the key is.
    pub(crate) fn key(&self) -> &KeySummary {
        &self.key
    }

    /// What the certificates say of themselves, the leaf first.
    pub(crate) fn certificates(&self) -> &[CertificateSummary] {
        &self.certificates
    }

    /// Chain and key.
    pub(crate) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    /// The chain, DER, the leaf first.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }
}
