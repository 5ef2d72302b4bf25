//! Kinds and sizes of keys, by what their DER says, before anything is done with them.

use std::path::Path;

use pkcs5::AlgorithmIdentifierRef;
use pkcs5::der::asn1::{AnyRef, ObjectIdentifier};
use pkcs5::der::{Tag, Tagged};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};
use x509_parser::public_key::PublicKey;

use crate::file::quoted;
use crate::private_key::ACCEPTED;
use crate::recognise::{parts, with_suffix};

/// Smaller RSA keys are too weak, in bits.
pub(crate) const RSA_BITS_MIN: u32 = 2_048;
/// Larger RSA keys are not offered by the provider, in bits.
pub(crate) const RSA_BITS_MAX: u32 = 8_192;

const RSA: &str = "1.2.840.113549.1.1.1";
const RSA_PSS: &str = "1.2.840.113549.1.1.10";
const EC: &str = "1.2.840.10045.2.1";
const ED25519: &str = "1.3.101.112";

/// Curves that TLS clients have.
const CURVES: [(&str, &str, u32); 3] = [
    ("1.2.840.10045.3.1.7", "EC P-256", 256),
    ("1.3.132.0.34", "EC P-384", 384),
    ("1.3.132.0.35", "EC P-521", 521),
];

/// Kinds and curves that are met and not accepted.
const OTHERS: [(&str, &str); 14] = [
    ("1.2.840.10040.4.1", "DSA"),
    ("1.2.840.113549.1.3.1", "Diffie-Hellman"),
    ("1.3.101.110", "X25519 (which cannot sign)"),
    ("1.3.101.111", "X448 (which cannot sign)"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
    ("1.3.132.0.10", "EC secp256k1"),
    ("1.3.132.0.33", "EC P-224"),
    ("1.2.840.10045.3.1.1", "EC P-192"),
    ("1.3.36.3.3.2.8.1.1.7", "EC brainpoolP256r1"),
    ("1.3.36.3.3.2.8.1.1.11", "EC brainpoolP384r1"),
    ("1.3.36.3.3.2.8.1.1.13", "EC brainpoolP512r1"),
];

/// Why a key is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// It does not parse.
    Damaged,
    /// RSA of a size that is not accepted, in bits.
    RsaSize(u32),
    /// RSA that may be used for PSS signatures alone.
    RsaPss,
    /// A curve that is spelled out rather than named.
    UnnamedCurve,
    /// Another kind, by name or number.
    Other(String),
}

impl Rejection {
    /// In words, with what to do about the file in `path`.
    pub(crate) fn with_path(self, path: &Path) -> String {
        match self {
            Self::Damaged => format!("it is damaged; {ACCEPTED}"),
            Self::RsaSize(bits) if bits < RSA_BITS_MIN => format!(
                "it is RSA of {bits} bits, which is too weak; use {RSA_BITS_MIN} or more, or EC P-256, and have the certificate issued again"
            ),
            Self::RsaSize(bits) => format!("it is RSA of {bits} bits; at most {RSA_BITS_MAX} can be used"),
            Self::RsaPss => {
                "it is RSA for PSS signatures alone; use an ordinary RSA key, which makes PSS signatures as well"
                    .to_owned()
            }
            Self::UnnamedCurve => format!(
                "its curve is spelled out instead of named; convert it with `openssl pkey -ec_param_enc named_curve -in {} -out {}`",
                quoted(path),
                with_suffix(path, ".pem")
            ),
            Self::Other(name) => format!("it is {name}; {ACCEPTED}"),
        }
    }
}

/// Checks the kind and size of a PKCS #8 key.
pub(crate) fn algorithm_of_pkcs8(der: &[u8]) -> Result<(), Rejection> {
    let parts = parts(der).ok_or(Rejection::Damaged)?;
    let [version, algorithm, key, ..] = parts.as_slice() else {
        return Err(Rejection::Damaged);
    };
    let tags = (version.tag(), key.tag());
    if tags != (Tag::Integer, Tag::OctetString) {
        return Err(Rejection::Damaged);
    }
    let algorithm: AlgorithmIdentifierRef<'_> = algorithm.decode_as().map_err(|_| Rejection::Damaged)?;
    match algorithm.oid.to_string().as_str() {
        RSA => check_rsa_size(key.value()),
        RSA_PSS => Err(Rejection::RsaPss),
        EC => check_curve(algorithm.parameters),
        ED25519 => Ok(()),
        other => Err(Rejection::Other(name_of(other))),
    }
}

fn check_curve(parameters: Option<AnyRef<'_>>) -> Result<(), Rejection> {
    let parameters = parameters.ok_or(Rejection::Damaged)?;
    if parameters.tag() == Tag::Sequence {
        return Err(Rejection::UnnamedCurve);
    }
    let curve: ObjectIdentifier = parameters.decode_as().map_err(|_| Rejection::Damaged)?;
    let curve = curve.to_string();
    if CURVES.iter().any(|(known, _, _)| *known == curve) {
        return Ok(());
    }
    Err(Rejection::Other(name_of(&curve)))
}

fn name_of(number: &str) -> String {
    OTHERS
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("of the kind {number}"), |(_, name)| (*name).to_owned())
}

/// Checks the size of a PKCS #1 key.
pub(crate) fn check_rsa_size(der: &[u8]) -> Result<(), Rejection> {
    let parts = parts(der).ok_or(Rejection::Damaged)?;
    let [_, modulus, ..] = parts.as_slice() else {
        return Err(Rejection::Damaged);
    };
    match bits_of(modulus.value()) {
        RSA_BITS_MIN..=RSA_BITS_MAX => Ok(()),
        bits => Err(Rejection::RsaSize(bits)),
    }
}

/// The length in bits of a big-endian number.
fn bits_of(number: &[u8]) -> u32 {
    let mut digits = number.iter().skip_while(|byte| **byte == 0);
    let Some(first) = digits.next() else { return 0 };
    let rest = u32::try_from(digits.count()).unwrap_or(u32::MAX / 16);
    rest * 8 + (8 - first.leading_zeros())
}

/// The kind of a public key and its size in bits; kinds that are not accepted are named as well.
pub(crate) fn algorithm_of_spki(der: &[u8]) -> Option<(String, u32)> {
    let (_, spki) = SubjectPublicKeyInfo::from_der(der).ok()?;
    Some(describe_spki(&spki))
}

/// The kind of a public key and its size in bits.
pub(crate) fn describe_spki(spki: &SubjectPublicKeyInfo<'_>) -> (String, u32) {
    let number = spki.algorithm.algorithm.to_id_string();
    match number.as_str() {
        RSA | RSA_PSS => {
            let bits = match spki.parsed() {
                Ok(PublicKey::RSA(key)) => bits_of(key.modulus),
                _ => 0,
            };
            let name = if number == RSA { "RSA" } else { "RSA-PSS" };
            (name.to_owned(), bits)
        }
        EC => {
            let parameters = spki.algorithm.parameters.as_ref();
            let curve = parameters
                .and_then(|any| any.as_oid().ok())
                .map(|oid| oid.to_id_string());
            let Some(curve) = curve else {
                return ("EC with an unnamed curve".to_owned(), 0);
            };
            let known = CURVES.iter().find(|(known, _, _)| *known == curve);
            known.map_or_else(|| (name_of(&curve), 0), |(_, name, bits)| ((*name).to_owned(), *bits))
        }
        ED25519 => ("Ed25519".to_owned(), 256),
        other => (name_of(other), 0),
    }
}
