//! The private key of a policy: found in its file, decrypted, checked, and made into what signs handshakes.
//!
//! INVARIANT: the key's bytes are wiped when this module is done with them, and neither they nor the password are in any
//! error or in any `Debug` text.

use std::path::Path;
use std::sync::Arc;

use bastide_secret::{Secret, SecretString};
use rustls::sign::SigningKey;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use serde::Serialize;

use crate::fault::{PolicyError, PolicyWarning};
use crate::file::{check_private, quoted, read_secret_file};
use crate::key_algorithm::{algorithm_of_pkcs8, algorithm_of_spki, check_rsa_size};
use crate::key_encryption::{DecryptionError, decrypt};
use crate::pem::{PemBlock, blocks};
use crate::recognise::{STRONG, recognise, with_suffix};

/// What a private key is, without anything secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeySummary {
    /// `RSA`, `EC P-256`, `EC P-384`, `EC P-521` or `Ed25519`.
    pub algorithm: String,
    /// Its size in bits.
    pub bits: u32,
    /// `PKCS #8`, `PKCS #1` or `SEC1`.
    pub format: &'static str,
    /// How it is encrypted in its file; `None` if it is not.
    pub encryption: Option<String>,
}

/// A key that signs.
#[derive(Debug)]
pub(crate) struct LoadedKey {
    pub(crate) signing: Arc<dyn SigningKey>,
    pub(crate) summary: KeySummary,
}

/// The forms of a key's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Pkcs8,
    Pkcs1,
    Sec1,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Pkcs8 => "PKCS #8",
            Self::Pkcs1 => "PKCS #1",
            Self::Sec1 => "SEC1",
        }
    }
}

/// Reads the key in `path`. What is wrong goes to `faults`, and the rest is checked nevertheless.
pub(crate) fn load_private_key(
    path: &Path,
    password: Option<&SecretString>,
    faults: &mut Vec<PolicyError>,
    warnings: &mut Vec<PolicyWarning>,
) -> Option<LoadedKey> {
    let (bytes, mode) = read_secret_file(path).map_err(|fault| faults.push(fault)).ok()?;
    if let Err(fault) = check_private(path, mode) {
        faults.push(fault);
    }
    read_key(path, bytes.expose(), password, warnings)
        .map_err(|fault| faults.push(fault))
        .ok()
}

fn read_key(
    path: &Path,
    bytes: &[u8],
    password: Option<&SecretString>,
    warnings: &mut Vec<PolicyWarning>,
) -> Result<LoadedKey, PolicyError> {
    let damaged = |reason| PolicyError::BadPem {
        path: path.to_owned(),
        reason,
    };
    let blocks = blocks(bytes).map_err(damaged)?;
    let block = only_key(path, bytes, &blocks)?;
    let der = block.decode().map_err(damaged)?;
    let (der, format, encryption) = match block.label {
        "ENCRYPTED PRIVATE KEY" => {
            let (der, encryption) = decrypted(path, der.expose(), password)?;
            (der, Format::Pkcs8, Some(encryption))
        }
        "RSA PRIVATE KEY" => (der, Format::Pkcs1, None),
        "EC PRIVATE KEY" => (der, Format::Sec1, None),
        _ => (der, Format::Pkcs8, None),
    };
    if encryption.is_none() && password.is_some() {
        warnings.push(PolicyWarning::PasswordNotNeeded {
            path: path.to_owned(),
            command: conversion(path, STRONG),
        });
    }
    if format != Format::Pkcs8 {
        warnings.push(PolicyWarning::DeprecatedKeyFormat {
            path: path.to_owned(),
            format: format.name(),
            command: conversion(path, "-nocrypt"),
        });
    }
    let (signing, algorithm, bits) = signing_key(path, der.expose(), format)?;
    Ok(LoadedKey {
        signing,
        summary: KeySummary {
            algorithm,
            bits,
            format: format.name(),
            encryption,
        },
    })
}

/// The block of the file's one key, in a form that can be read.
fn only_key<'a>(path: &Path, bytes: &[u8], blocks: &'a [PemBlock<'a>]) -> Result<&'a PemBlock<'a>, PolicyError> {
    let keys: Vec<_> = blocks
        .iter()
        .filter(|block| block.label.ends_with("PRIVATE KEY"))
        .collect();
    let none = |hint: String| PolicyError::NoPrivateKey {
        path: path.to_owned(),
        hint,
    };
    let [block] = keys.as_slice() else {
        return Err(match keys.len() {
            0 => none(recognise(bytes, blocks).key_hint(path)),
            count => PolicyError::SeveralKeys {
                path: path.to_owned(),
                count,
            },
        });
    };
    match block.label {
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY" if block.has_headers() => {
            Err(PolicyError::KeyEncryption {
                path: path.to_owned(),
                found: "the old `Proc-Type` header".to_owned(),
                command: conversion(path, STRONG),
            })
        }
        "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => Ok(block),
        "OPENSSH PRIVATE KEY" => Err(none(recognise(bytes, std::slice::from_ref(*block)).key_hint(path))),
        other => Err(PolicyError::UnsupportedKey {
            path: path.to_owned(),
            reason: format!("a `{other}` cannot be used; {ACCEPTED}"),
        }),
    }
}

/// What is accepted, for errors.
pub(crate) const ACCEPTED: &str = "use RSA (2048 bits or more), EC P-256, P-384 or P-521, or Ed25519";

fn decrypted(
    path: &Path,
    der: &[u8],
    password: Option<&SecretString>,
) -> Result<(Secret<Vec<u8>>, String), PolicyError> {
    let path = path.to_owned();
    decrypt(der, password).map_err(|error| match error {
        DecryptionError::NoPassword => PolicyError::KeyPasswordMissing { path },
        DecryptionError::WrongPassword => PolicyError::KeyPasswordWrong { path },
        DecryptionError::Damaged => PolicyError::BadPem {
            path,
            reason: "the encrypted key is damaged".to_owned(),
        },
        DecryptionError::Unsupported { found, provider } => PolicyError::KeyEncryption {
            command: conversion(&path, &format!("{STRONG}{provider}")),
            found,
            path,
        },
    })
}

/// The command that writes the key anew beside `path`.
fn conversion(path: &Path, options: &str) -> String {
    let (from, to) = (quoted(path), with_suffix(path, ".pem"));
    format!("openssl pkcs8 -topk8 {options} -in {from} -out {to}")
}

fn signing_key(path: &Path, der: &[u8], format: Format) -> Result<(Arc<dyn SigningKey>, String, u32), PolicyError> {
    let refused = |reason: String| PolicyError::UnsupportedKey {
        path: path.to_owned(),
        reason,
    };
    match format {
        Format::Pkcs8 => algorithm_of_pkcs8(der).map_err(|reason| refused(reason.with_path(path)))?,
        Format::Pkcs1 => check_rsa_size(der).map_err(|reason| refused(reason.with_path(path)))?,
        Format::Sec1 => {}
    }
    // Borrowed, because what owns such bytes in this library does not wipe them.
    let borrowed = match format {
        Format::Pkcs8 => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
        Format::Pkcs1 => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
        Format::Sec1 => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
    };
    let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(&borrowed)
        .map_err(|_| refused(format!("it is damaged, or of a kind that cannot be used; {ACCEPTED}")))?;
    let public = signing.public_key();
    let (algorithm, bits) = public
        .as_ref()
        .and_then(|public| algorithm_of_spki(public.as_ref()))
        .unwrap_or_else(|| ("unknown".to_owned(), 0));
    Ok((signing, algorithm, bits))
}

#[cfg(test)]
mod tests;
