//! Encrypted PKCS #8 keys: what they are encrypted with, and their content once the password is known.
//!
//! INVARIANT: no file decides how long or with how much memory the password is worked on; both have limits.

use bastide_secret::{Secret, SecretString};
use pkcs5::AlgorithmIdentifierRef;
use pkcs5::der::{Tag, Tagged};
use pkcs5::pbes2::{EncryptionScheme, Kdf, Parameters, Pbkdf2Prf};
use zeroize::Zeroizing;

use crate::recognise::parts;

/// PBKDF2 rounds beyond this are refused: some seconds of work.
const ROUNDS_MAX: u32 = 5_000_000;
/// scrypt's memory beyond this is refused, in bytes.
const SCRYPT_BYTES_MAX: u64 = 256 << 20;
/// scrypt's passes beyond this are refused.
const SCRYPT_PASSES_MAX: u16 = 16;

const PBES2: &str = "1.2.840.113549.1.5.13";

/// Schemes of PKCS #5 version 1 and PKCS #12, whether OpenSSL needs its legacy provider for them, and their names.
const OLD_SCHEMES: [(&str, &str, bool); 12] = [
    ("1.2.840.113549.1.5.1", "PBE-MD2-DES", true),
    ("1.2.840.113549.1.5.3", "PBE-MD5-DES", true),
    ("1.2.840.113549.1.5.4", "PBE-MD2-RC2-64", true),
    ("1.2.840.113549.1.5.6", "PBE-MD5-RC2-64", true),
    ("1.2.840.113549.1.5.10", "PBE-SHA1-DES", true),
    ("1.2.840.113549.1.5.11", "PBE-SHA1-RC2-64", true),
    ("1.2.840.113549.1.12.1.1", "PBE-SHA1-RC4-128", true),
    ("1.2.840.113549.1.12.1.2", "PBE-SHA1-RC4-40", true),
    ("1.2.840.113549.1.12.1.3", "PBE-SHA1-3DES", false),
    ("1.2.840.113549.1.12.1.4", "PBE-SHA1-2DES", false),
    ("1.2.840.113549.1.12.1.5", "PBE-SHA1-RC2-128", true),
    ("1.2.840.113549.1.12.1.6", "PBE-SHA1-RC2-40", true),
];

/// Why a key was not decrypted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DecryptionError {
    NoPassword,
    /// Or damaged content, which cannot be told apart.
    WrongPassword,
    Damaged,
    /// Encryption that is old, unknown or too costly.
    Unsupported {
        /// What it is.
        found: String,
        /// What the converting command needs beside the rest; begins with a space if there is anything.
        provider: &'static str,
    },
}

/// Decrypts a PKCS #8 key. Returns it, and what it was encrypted with.
pub(crate) fn decrypt(
    der: &[u8],
    password: Option<&SecretString>,
) -> Result<(Secret<Vec<u8>>, String), DecryptionError> {
    let outer = parts(der).ok_or(DecryptionError::Damaged)?;
    let [scheme, content] = outer.as_slice() else {
        return Err(DecryptionError::Damaged);
    };
    if content.tag() != Tag::OctetString {
        return Err(DecryptionError::Damaged);
    }
    let parameters = parameters(scheme.decode_as().map_err(|_| DecryptionError::Damaged)?)?;
    check_cost(&parameters.kdf)?;
    let password = password.ok_or(DecryptionError::NoPassword)?;
    let mut plain = Zeroizing::new(content.value().to_vec());
    let length = parameters
        .decrypt_in_place(password.expose(), &mut plain)
        .map_err(|_| DecryptionError::WrongPassword)?
        .len();
    plain.truncate(length);
    // About one wrong password in 256 leaves padding that looks right.
    match parts(&plain).as_deref() {
        Some([version, _, key, ..]) if (version.tag(), key.tag()) == (Tag::Integer, Tag::OctetString) => {}
        _ => return Err(DecryptionError::WrongPassword),
    }
    Ok((Secret::new(std::mem::take(&mut *plain)), describe(&parameters)))
}

fn parameters(scheme: AlgorithmIdentifierRef<'_>) -> Result<Parameters, DecryptionError> {
    let number = scheme.oid.to_string();
    if number == PBES2 {
        let parameters = scheme.parameters.ok_or(DecryptionError::Damaged)?;
        return Parameters::try_from(parameters).map_err(|_| unsupported(unknown_parameters(parameters.value()), ""));
    }
    let old = OLD_SCHEMES.iter().find(|(known, _, _)| *known == number);
    Err(match old {
        Some((_, name, true)) => unsupported((*name).to_owned(), " -provider legacy -provider default"),
        Some((_, name, false)) => unsupported((*name).to_owned(), ""),
        None => unsupported(format!("an unknown scheme ({number})"), ""),
    })
}

fn unsupported(found: String, provider: &'static str) -> DecryptionError {
    DecryptionError::Unsupported { found, provider }
}

/// What PBES2 uses that is not known here: triple DES, mostly.
fn unknown_parameters(value: &[u8]) -> String {
    const TRIPLE_DES: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
    let has_triple_des = value.windows(TRIPLE_DES.len()).any(|window| window == TRIPLE_DES);
    let found = if has_triple_des {
        "triple DES"
    } else {
        "a cipher or key derivation that is not known"
    };
    found.to_owned()
}

fn check_cost(kdf: &Kdf) -> Result<(), DecryptionError> {
    let too_costly = |what: String| Err(unsupported(what, ""));
    match kdf {
        Kdf::Pbkdf2(parameters) if parameters.iteration_count > ROUNDS_MAX => too_costly(format!(
            "{} rounds of PBKDF2 (at most {ROUNDS_MAX} are accepted)",
            parameters.iteration_count
        )),
        Kdf::Scrypt(parameters) => {
            let bytes = parameters
                .cost_parameter
                .saturating_mul(u64::from(parameters.block_size))
                .saturating_mul(128);
            if bytes > SCRYPT_BYTES_MAX || parameters.parallelization > SCRYPT_PASSES_MAX {
                return too_costly(format!(
                    "scrypt of {bytes} bytes and {} passes (at most {SCRYPT_BYTES_MAX} and {SCRYPT_PASSES_MAX} are accepted)",
                    parameters.parallelization
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn describe(parameters: &Parameters) -> String {
    let cipher = match parameters.encryption {
        EncryptionScheme::Aes128Cbc { .. } => "aes-128-cbc",
        EncryptionScheme::Aes192Cbc { .. } => "aes-192-cbc",
        EncryptionScheme::Aes256Cbc { .. } => "aes-256-cbc",
        EncryptionScheme::Aes128Gcm { .. } => "aes-128-gcm",
        EncryptionScheme::Aes256Gcm { .. } => "aes-256-gcm",
        _ => "another cipher",
    };
    let derivation = match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) => match pbkdf2.prf {
            Pbkdf2Prf::HmacWithSha1 => "hmacWithSHA1",
            Pbkdf2Prf::HmacWithSha224 => "hmacWithSHA224",
            Pbkdf2Prf::HmacWithSha256 => "hmacWithSHA256",
            Pbkdf2Prf::HmacWithSha384 => "hmacWithSHA384",
            Pbkdf2Prf::HmacWithSha512 => "hmacWithSHA512",
            _ => "PBKDF2",
        },
        Kdf::Scrypt(_) => "scrypt",
        _ => "another key derivation",
    };
    format!("{cipher}, {derivation}")
}
