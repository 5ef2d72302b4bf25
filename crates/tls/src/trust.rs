//! Whom a server believes: authorities from `trusted_dir`, revocations from `revoked_dir`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use crate::identity::{read_certificates, read_file};
use crate::policy::ClientAuthentication;
use crate::{PolicyConfig, PolicyError};

/// Folders with more entries than this are refused.
const FILES_MAX: usize = 4_096;

/// Files of a folder by name, without hidden ones (Kubernetes keeps its links there).
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, PolicyError> {
    let failed = |source| PolicyError::Unreadable {
        path: folder.to_owned(),
        source,
    };
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

/// The verifier of client certificates that `config` asks for; `None` for no client authentication.
pub(crate) fn client_verifier(
    config: &PolicyConfig,
    provider: Arc<rustls::crypto::CryptoProvider>,
    faults: &mut Vec<PolicyError>,
) -> Option<Arc<dyn ClientCertVerifier>> {
    if config.client_authentication == ClientAuthentication::None {
        return None;
    }
    let trusted_exists = config.trusted_directory.is_dir();
    if !trusted_exists && config.client_authentication == ClientAuthentication::Optional {
        // Optional and nobody to trust: no certificate can be accepted, so none is asked for.
        return None;
    }
    let roots = authorities(&config.trusted_directory)
        .map_err(|fault| faults.push(fault))
        .ok()?;
    if roots.is_empty() {
        if config.client_authentication == ClientAuthentication::Require {
            faults.push(PolicyError::NobodyTrusted {
                path: config.trusted_directory.clone(),
            });
        }
        return None;
    }
    let revocations = revocations(&config.revoked_directory)
        .map_err(|fault| faults.push(fault))
        .ok()?;
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).with_crls(revocations);
    builder = builder.enforce_revocation_expiration();
    if !config.revoked_directory.is_dir() {
        builder = builder.allow_unknown_revocation_status();
    }
    if config.client_authentication == ClientAuthentication::Optional {
        builder = builder.allow_unauthenticated();
    }
    builder
        .build()
        .map_err(|error| {
            faults.push(PolicyError::BadTrust {
                path: config.trusted_directory.clone(),
                reason: error.to_string(),
            });
        })
        .ok()
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
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
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
