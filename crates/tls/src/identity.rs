//! A server's certificate chain and private key, read from PEM files and checked against each other and the clock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use bastide_secret::Secret;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::PolicyConfig;
use crate::certificate::{CertificateSummary, summarise_certificate};
use crate::fault::{PolicyError, PolicyWarning};

/// Files larger than this are no certificates or keys, in bytes.
const FILE_SIZE_MAX: u64 = 1 << 20;

/// Reads at most [`FILE_SIZE_MAX`] bytes of a file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, PolicyError> {
    let failed = |source| PolicyError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > FILE_SIZE_MAX {
        return Err(PolicyError::TooLarge {
            path: path.to_owned(),
            limit: FILE_SIZE_MAX,
        });
    }
    std::fs::read(path).map_err(failed)
}

/// All certificates of a PEM file, in order.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PolicyError> {
    let bytes = read_file(path)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, pem::Error>>()
        .map_err(|error| PolicyError::BadPem {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    if certificates.is_empty() {
        return Err(PolicyError::NoCertificate {
            path: path.to_owned(),
            hint: missing_certificate_hint(path, &bytes),
        });
    }
    Ok(certificates)
}

fn missing_certificate_hint(path: &Path, bytes: &[u8]) -> String {
    if X509Certificate::from_der(bytes).is_ok() {
        let file = path.display();
        return format!(
            "it is in DER form; convert it with `openssl x509 -in {file} -inform der -outform pem -out public.crt`"
        );
    }
    if find(bytes, b"PRIVATE KEY-----") {
        return "it holds a private key, not a certificate".to_owned();
    }
    "it must hold `-----BEGIN CERTIFICATE-----` blocks, the server's own first".to_owned()
}

fn find(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Reads the private key of a PEM file. The file's bytes are wiped after use.
fn read_private_key(path: &Path) -> Result<PrivateKeyDer<'static>, PolicyError> {
    let bytes = Secret::new(read_file(path)?);
    let fault = |hint: &str| PolicyError::NoPrivateKey {
        path: path.to_owned(),
        hint: hint.to_owned(),
    };
    if find(bytes.expose(), b"ENCRYPTED PRIVATE KEY") || find(bytes.expose(), b"Proc-Type: 4,ENCRYPTED") {
        return Err(fault(
            "it is encrypted, which this version cannot read yet; decrypt it with `openssl pkcs8 -in private.key -out plain.key` and keep it 0400",
        ));
    }
    if find(bytes.expose(), b"BEGIN CERTIFICATE") && !find(bytes.expose(), b"PRIVATE KEY") {
        return Err(fault("it holds a certificate, not a key"));
    }
    PrivateKeyDer::from_pem_slice(bytes.expose())
        .map_err(|_| fault("it must hold a `-----BEGIN PRIVATE KEY-----` block (PKCS #8, PEM)"))
}

/// A chain and the key that belongs to its leaf.
#[derive(Debug)]
pub(crate) struct Identity {
    certified: Arc<CertifiedKey>,
    certificates: Vec<CertificateSummary>,
}

impl Identity {
    /// Reads chain and key, and checks that they belong together and are valid at `now` (seconds since 1970).
    pub(crate) fn load(
        config: &PolicyConfig,
        now: i64,
        faults: &mut Vec<PolicyError>,
        _warnings: &mut Vec<PolicyWarning>,
    ) -> Option<Self> {
        let (certificate_path, key_path) = (config.public_certificate.as_path(), config.private_key.as_path());
        let chain = read_certificates(certificate_path)
            .map_err(|fault| faults.push(fault))
            .ok();
        let key = read_private_key(key_path).map_err(|fault| faults.push(fault)).ok();
        if let Some(chain) = &chain {
            check_chain(certificate_path, chain, now, faults);
        }
        let (chain, key) = (chain?, key?);
        let signing_key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)
            .map_err(|error| {
                faults.push(PolicyError::UnsupportedKey {
                    path: key_path.to_owned(),
                    reason: error.to_string(),
                })
            })
            .ok()?;
        let certified = CertifiedKey::new(chain, signing_key);
        if let Err(error) = certified.keys_match()
            && !matches!(
                error,
                rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)
            )
        {
            let (key, certificate) = (key_path.to_owned(), certificate_path.to_owned());
            faults.push(PolicyError::KeyMismatch { key, certificate });
            return None;
        }
        let certificates = certified
            .cert
            .iter()
            .filter_map(|der| summarise_certificate(der))
            .collect();
        Some(Self {
            certified: Arc::new(certified),
            certificates,
        })
    }

    /// What the certificates say of themselves, the leaf first.
    pub(crate) fn certificates(&self) -> &[CertificateSummary] {
        &self.certificates
    }

    /// The chain, DER, the leaf first.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }
}

/// What the other side is shown: always the same certificate, with the newest OCSP response stapled to it.
#[derive(Debug)]
pub(crate) struct Presented {
    current: ArcSwap<CertifiedKey>,
}

impl Presented {
    pub(crate) fn new(identity: &Identity) -> Self {
        Self {
            current: ArcSwap::new(Arc::clone(&identity.certified)),
        }
    }

    /// Staples `response` (DER, already verified) from the next handshake on, or nothing.
    pub(crate) fn staple(&self, response: Option<Vec<u8>>) {
        let mut next = CertifiedKey::clone(&self.current.load());
        next.ocsp = response;
        self.current.store(Arc::new(next));
    }
}

impl ResolvesServerCert for Presented {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl ResolvesClientCert for Presented {
    fn resolve(&self, _hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let current = self.current.load_full();
        current.key.choose_scheme(schemes).map(|_| current)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn check_chain(path: &Path, chain: &[CertificateDer<'_>], now: i64, faults: &mut Vec<PolicyError>) {
    for (place, der) in chain.iter().enumerate() {
        let Some(summary) = summarise_certificate(der) else {
            faults.push(PolicyError::BadPem {
                path: path.to_owned(),
                reason: "it is no X.509 certificate".to_owned(),
            });
            return;
        };
        let path = PathBuf::from(path);
        if summary.not_after < now {
            faults.push(PolicyError::Expired {
                path,
                subject: summary.subject,
            });
        } else if summary.not_before > now {
            faults.push(PolicyError::NotYetValid {
                path,
                subject: summary.subject,
            });
        } else if place == 0 && summary.names.is_empty() {
            faults.push(PolicyError::NoNames {
                path,
                subject: summary.subject,
            });
        }
    }
    if chain.len() > 1 && is_reversed(chain) {
        faults.push(PolicyError::WrongOrder { path: path.to_owned() });
    }
}

/// Whether the first certificate issued the last one rather than the other way round.
fn is_reversed(chain: &[CertificateDer<'_>]) -> bool {
    let pairs: Option<Vec<_>> = chain.iter().map(|der| summarise_certificate(der)).collect();
    let Some(summaries) = pairs else { return false };
    summaries
        .windows(2)
        .any(|pair| matches!(pair, [first, second] if first.issuer != second.subject))
}
