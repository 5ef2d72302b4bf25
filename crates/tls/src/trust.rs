//! Whom a server believes: authorities from `trusted_dir`, revocations from `revoked_dir`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use crate::fault::{PolicyError, PolicyWarning};
use crate::identity::{read_certificates, read_file};
use crate::policy::{ClientAuthentication, PolicyConfig};

/// Folders with more entries than this are refused.
const FILES_MAX: usize = 4_096;

/// Files of a folder by name, without hidden ones (Kubernetes keeps its links there).
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, PolicyError> {
    let failed = |source| PolicyError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    if !folder.is_dir() {
        return Err(PolicyError::MissingFolder {
            path: folder.to_owned(),
        });
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            files.push(entry.path());
        }
        if files.len() > FILES_MAX {
            return Err(PolicyError::TooManyFiles {
                path: folder.to_owned(),
                limit: FILES_MAX,
            });
        }
    }
    files.sort();
    Ok(files)
}

/// Whom a policy believes.
#[derive(Debug)]
pub(crate) struct Trust {
    authorities: Arc<RootCertStore>,
    revocations: Vec<CertificateRevocationListDer<'static>>,
}

impl Trust {
    /// Reads both folders.
    pub(crate) fn load(
        config: &PolicyConfig,
        _now: i64,
        faults: &mut Vec<PolicyError>,
        warnings: &mut Vec<PolicyWarning>,
    ) -> Option<Self> {
        if config.trust_all {
            warnings.push(PolicyWarning::TrustsEverybody);
        }
        let before = faults.len();
        let roots = config
            .trusted_directory
            .as_deref()
            .map_or_else(|| Ok(RootCertStore::empty()), authorities)
            .map_err(|fault| faults.push(fault));
        let revocations = config
            .revoked_directory
            .as_deref()
            .map_or_else(|| Ok(Vec::new()), revocations)
            .map_err(|fault| faults.push(fault));
        let (roots, revocations) = (roots.ok()?, revocations.ok()?);
        if roots.is_empty() && config.client_authentication == ClientAuthentication::Require {
            faults.push(PolicyError::NobodyTrusted {
                path: config.trusted_directory.clone().unwrap_or_default(),
            });
        }
        (faults.len() == before).then(|| Self {
            authorities: Arc::new(roots),
            revocations,
        })
    }

    /// The authorities, as what may have issued the own certificate.
    pub(crate) fn issuers(&self) -> &[rustls_pki_types::TrustAnchor<'static>] {
        &self.authorities.roots
    }

    /// What checks the certificates of clients.
    pub(crate) fn client_verifier(
        &self,
        asked: ClientAuthentication,
        provider: &Arc<CryptoProvider>,
    ) -> Arc<dyn ClientCertVerifier> {
        if asked == ClientAuthentication::None || self.authorities.is_empty() {
            return WebPkiClientVerifier::no_client_auth();
        }
        let mut builder =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&self.authorities), Arc::clone(provider))
                .with_crls(self.revocations.clone())
                .enforce_revocation_expiration();
        if asked == ClientAuthentication::Optional {
            builder = builder.allow_unauthenticated();
        }
        builder.build().unwrap_or_else(|_| Arc::new(Nobody))
    }

    /// What checks the certificates of servers that are dialled.
    pub(crate) fn server_verifier(
        &self,
        _verify_hostname: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Arc<dyn ServerCertVerifier> {
        rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.authorities), Arc::clone(provider))
            .with_crls(self.revocations.clone())
            .build()
            .map_or_else(|_| Arc::new(Nobody) as Arc<dyn ServerCertVerifier>, |verifier| verifier)
    }
}

/// Believes nobody.
#[derive(Debug)]
struct Nobody;

const UNKNOWN: rustls::Error = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);

impl ClientCertVerifier for Nobody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Err(UNKNOWN)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(UNKNOWN)
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(UNKNOWN)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl ServerCertVerifier for Nobody {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Err(UNKNOWN)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ClientCertVerifier::verify_tls12_signature(self, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ClientCertVerifier::verify_tls13_signature(self, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ClientCertVerifier::supported_verify_schemes(self)
    }
}

fn authorities(folder: &Path) -> Result<RootCertStore, PolicyError> {
    let mut roots = RootCertStore::empty();
    for file in files_of(folder)? {
        for certificate in read_certificates(&file)? {
            roots.add(certificate).map_err(|error| PolicyError::BadTrust {
                path: file.clone(),
                reason: error.to_string(),
            })?;
        }
    }
    Ok(roots)
}

/// All CRLs of a folder, newest first, because the first that matches an issuer is the one that counts.
fn revocations(folder: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, PolicyError> {
    let mut lists = Vec::new();
    for file in files_of(folder)? {
        let bytes = read_file(&file)?;
        let mut found: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&bytes)
            .collect::<Result<_, _>>()
            .map_err(|error| PolicyError::BadPem {
                path: file.clone(),
                reason: error.to_string(),
            })?;
        if found.is_empty() {
            found.push(CertificateRevocationListDer::from(bytes));
        }
        for list in found {
            let (_, parsed) = CertificateRevocationList::from_der(&list)
                .map_err(|_| PolicyError::NotARevocationList { path: file.clone() })?;
            let issued = parsed.last_update().timestamp();
            lists.push((issued, list.clone()));
        }
    }
    lists.sort_by_key(|(issued, _)| std::cmp::Reverse(*issued));
    Ok(lists.into_iter().map(|(_, list)| list).collect())
}
