//! The folders `trusted_dir` and `revoked_dir`: every certificate and revocation list in them, PEM or DER.
//!
//! INVARIANT: no file is passed over in silence. What is neither a certificate nor a list is a fault; hidden files are
//! the only exception, because Kubernetes keeps its links in them. Must not know what the certificates are for.

use std::path::{Path, PathBuf};

use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use crate::fault::PolicyError;
use crate::file::read_file;
use crate::pem::blocks;
use crate::recognise::recognise;

/// Folders with more entries than this are refused.
const FILES_MAX: usize = 4_096;
/// Larger files are refused, in bytes. Public authorities have lists of some megabytes.
const FILE_SIZE_MAX: u64 = 32 << 20;
/// Folders that hold more than this in all are refused, in bytes.
const FOLDER_SIZE_MAX: u64 = 128 << 20;

/// One thing that a file holds.
#[derive(Debug)]
pub(crate) struct Found {
    /// The file.
    pub(crate) file: PathBuf,
    /// DER.
    pub(crate) der: Vec<u8>,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What is found in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An X.509 certificate.
    Certificate,
    /// A certificate revocation list.
    List,
}

/// Everything that the files of a folder hold, by file name. Each file that is something else is a fault,
/// made by `other` from its path and a hint.
pub(crate) fn read_folder(
    folder: &Path,
    other: fn(PathBuf, String) -> PolicyError,
    faults: &mut Vec<PolicyError>,
) -> Vec<Found> {
    let files = match files_of(folder) {
        Ok(files) => files,
        Err(fault) => {
            faults.push(fault);
            return Vec::new();
        }
    };
    let mut all = Vec::new();
    let mut size = 0;
    for file in files {
        let limit = FILE_SIZE_MAX.min(FOLDER_SIZE_MAX.saturating_sub(size));
        let bytes = match read_file(&file, limit) {
            Ok(bytes) => bytes,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        size += bytes.len() as u64;
        match contents(&file, &bytes) {
            Ok(found) => all.extend(found.into_iter().map(|(kind, der)| Found {
                file: file.clone(),
                der,
                kind,
            })),
            Err(Other::Damaged(reason)) => faults.push(PolicyError::BadPem { path: file, reason }),
            Err(Other::Strange(hint)) => faults.push(other(file, hint)),
        }
    }
    all
}

/// Files of a folder by name, without hidden ones.
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

/// What a file holds.
///
/// # Errors
/// What it seems to be, and what to do, if anything in it is neither certificate nor list.
fn contents(path: &Path, bytes: &[u8]) -> Result<Vec<(Kind, Vec<u8>)>, Other> {
    let blocks = blocks(bytes).map_err(Other::Damaged)?;
    let strange = || Other::Strange(recognise(bytes, &blocks).certificate_hint(path));
    if blocks.is_empty() {
        let kind = der_contents(bytes).ok_or_else(strange)?;
        return Ok(vec![(kind, bytes.to_vec())]);
    }
    let mut found = Vec::new();
    for block in &blocks {
        let kind = match block.label {
            "CERTIFICATE" | "X509 CERTIFICATE" => Kind::Certificate,
            "X509 CRL" => Kind::List,
            label if label.ends_with("PRIVATE KEY") => return Err(Other::Strange(KEY.to_owned())),
            _ => return Err(strange()),
        };
        let der = block.decode().map_err(Other::Damaged)?;
        if der_contents(der.expose()) != Some(kind) {
            let reason = format!(
                "the block `{}` that begins on line {} holds none",
                block.label, block.line
            );
            return Err(Other::Damaged(reason));
        }
        found.push((kind, der.expose().clone()));
    }
    Ok(found)
}

/// What is said of keys, which have no place here.
const KEY: &str = "it holds a private key; move the key away, and keep it readable by its owner only";

/// What a file is if it is not what is wanted.
enum Other {
    Damaged(String),
    Strange(String),
}

fn der_contents(bytes: &[u8]) -> Option<Kind> {
    if matches!(X509Certificate::from_der(bytes), Ok(([], _))) {
        return Some(Kind::Certificate);
    }
    matches!(CertificateRevocationList::from_der(bytes), Ok(([], _))).then_some(Kind::List)
}
