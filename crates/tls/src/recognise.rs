//! What a file holds that is not what was expected, and the exact command that makes it so.

use std::path::Path;

use pkcs5::der::asn1::{AnyRef, ObjectIdentifier};
use pkcs5::der::{Decode, Reader, SliceReader, Tag, Tagged};
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate, X509CertificationRequest};

use crate::file::quoted;
use crate::pem::PemBlock;

/// How many parts of a DER sequence are looked at.
const PARTS_MAX: usize = 16;

const PKCS7_SIGNED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// What a file seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Empty,
    /// Text in two bytes a character, as some Windows programs write it.
    WideText,
    Certificate(Form),
    /// What `openssl x509 -trustout` writes.
    TrustedCertificate,
    PrivateKey(Form),
    EncryptedPrivateKey(Form),
    PublicKey,
    RevocationList,
    Request,
    Pkcs12,
    Pkcs7(Form),
    JavaKeyStore,
    OpenSshKey,
    Unknown,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Pem,
    Der,
}

/// What `bytes` seem to be. `blocks` are those of the file if it is PEM.
pub(crate) fn recognise(bytes: &[u8], blocks: &[PemBlock<'_>]) -> Content {
    if let Some(block) = blocks.first() {
        return recognise_label(block.label);
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Content::Empty;
    }
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'-', 0, b'-', 0, ..] | [0, b'-', 0, b'-', ..] => Content::WideText,
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => Content::JavaKeyStore,
        _ => recognise_der(bytes),
    }
}

fn recognise_label(label: &str) -> Content {
    match label {
        "CERTIFICATE" | "X509 CERTIFICATE" => Content::Certificate(Form::Pem),
        "TRUSTED CERTIFICATE" => Content::TrustedCertificate,
        "ENCRYPTED PRIVATE KEY" => Content::EncryptedPrivateKey(Form::Pem),
        "OPENSSH PRIVATE KEY" => Content::OpenSshKey,
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Content::PublicKey,
        "X509 CRL" => Content::RevocationList,
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Content::Request,
        "PKCS7" | "CMS" => Content::Pkcs7(Form::Pem),
        other if other.ends_with("PRIVATE KEY") => Content::PrivateKey(Form::Pem),
        _ => Content::Unknown,
    }
}

fn recognise_der(bytes: &[u8]) -> Content {
    if X509Certificate::from_der(bytes).is_ok() {
        return Content::Certificate(Form::Der);
    }
    if CertificateRevocationList::from_der(bytes).is_ok() {
        return Content::RevocationList;
    }
    if X509CertificationRequest::from_der(bytes).is_ok() {
        return Content::Request;
    }
    let Some(parts) = parts(bytes) else {
        return Content::Unknown;
    };
    let tags: Vec<_> = parts.iter().map(Tagged::tag).collect();
    let version = || parts.first().map(|part| part.value());
    match tags.as_slice() {
        [Tag::Integer, Tag::Sequence, Tag::OctetString, ..] => Content::PrivateKey(Form::Der),
        [Tag::Integer, Tag::Sequence, ..] if version() == Some(&[3]) => Content::Pkcs12,
        [Tag::Integer, Tag::OctetString, ..] if version() == Some(&[1]) => Content::PrivateKey(Form::Der),
        [Tag::Integer, Tag::Integer, rest @ ..] if rest.len() >= 7 => Content::PrivateKey(Form::Der),
        [Tag::Sequence, Tag::OctetString] => Content::EncryptedPrivateKey(Form::Der),
        [Tag::Sequence, Tag::BitString] => Content::PublicKey,
        [Tag::ObjectIdentifier, ..] => match parts.first().and_then(|part| part.decode_as().ok()) {
            Some(PKCS7_SIGNED) => Content::Pkcs7(Form::Der),
            _ => Content::Unknown,
        },
        _ => Content::Unknown,
    }
}

/// The parts of a DER sequence, without looking into them.
pub(crate) fn parts(der: &[u8]) -> Option<Vec<AnyRef<'_>>> {
    let whole = AnyRef::from_der(der).ok()?;
    if whole.tag() != Tag::Sequence {
        return None;
    }
    let mut reader = SliceReader::new(whole.value()).ok()?;
    let mut parts = Vec::new();
    while !reader.is_finished() && parts.len() < PARTS_MAX {
        parts.push(AnyRef::decode(&mut reader).ok()?);
    }
    Some(parts)
}

impl Content {
    /// What to do where a certificate is wanted.
    pub(crate) fn certificate_hint(self, path: &Path) -> String {
        let (from, to) = (quoted(path), with_suffix(path, ".pem"));
        match self {
            Self::Certificate(Form::Der) => format!(
                "it is in DER form; convert it with `openssl x509 -in {from} -inform der -outform pem -out {to}`"
            ),
            Self::TrustedCertificate => {
                format!("it is in OpenSSL's own form for trust; convert it with `openssl x509 -in {from} -out {to}`")
            }
            Self::Pkcs12 => format!(
                "it is a PKCS #12 store; take the certificates out with `openssl pkcs12 -in {from} -nokeys -out {to}` and put the server's own first"
            ),
            Self::Pkcs7(form) => format!(
                "it is in PKCS #7 form; convert it with `openssl pkcs7{} -in {from} -print_certs -out {to}` and put the server's own first",
                inform(form)
            ),
            Self::PrivateKey(_) | Self::EncryptedPrivateKey(_) | Self::OpenSshKey => {
                "it holds a private key, not a certificate".to_owned()
            }
            Self::PublicKey => {
                "it holds a bare public key; ask the authority for the certificate that was made for it".to_owned()
            }
            Self::Request => {
                "it holds a request for a certificate; send it to the authority and use what comes back".to_owned()
            }
            Self::RevocationList => {
                "it holds a certificate revocation list, which belongs into the folder of revocations".to_owned()
            }
            other => other.other_hint(
                path,
                "it must hold `-----BEGIN CERTIFICATE-----` blocks (PEM), the server's own first",
            ),
        }
    }

    /// What to do where a private key is wanted.
    pub(crate) fn key_hint(self, path: &Path) -> String {
        let (from, to) = (quoted(path), with_suffix(path, ".pem"));
        match self {
            Self::PrivateKey(Form::Der) => {
                format!("it is in DER form; convert it with `openssl pkey -inform der -in {from} -out {to}`")
            }
            Self::EncryptedPrivateKey(Form::Der) => format!(
                "it is in DER form, encrypted; convert it with `openssl pkcs8 -topk8 {STRONG} -inform der -in {from} -out {to}`"
            ),
            Self::Pkcs12 => format!(
                "it is a PKCS #12 store; take the key out with `openssl pkcs12 -in {from} -nocerts -out {to}` and set the password that you give it"
            ),
            Self::OpenSshKey => {
                format!("it is in the form of OpenSSH; convert a copy of it with `ssh-keygen -p -m PKCS8 -f {from}`")
            }
            Self::Certificate(_) | Self::TrustedCertificate | Self::Pkcs7(_) => {
                "it holds a certificate, not a key".to_owned()
            }
            Self::PublicKey => "it holds a public key, not the private one".to_owned(),
            Self::Request => "it holds a request for a certificate, not a key".to_owned(),
            Self::RevocationList => "it holds a certificate revocation list, not a key".to_owned(),
            other => other.other_hint(
                path,
                "it must hold a `-----BEGIN PRIVATE KEY-----` block (PKCS #8, PEM)",
            ),
        }
    }

    fn other_hint(self, path: &Path, wanted: &str) -> String {
        match self {
            Self::Empty => format!("it is empty; {wanted}"),
            Self::WideText => format!("it is text in UTF-16; save it as plain ASCII; {wanted}"),
            Self::JavaKeyStore => {
                let (from, to) = (quoted(path), with_suffix(path, ".p12"));
                format!(
                    "it is a Java key store; convert it with `keytool -importkeystore -srckeystore {from} -destkeystore {to} -deststoretype pkcs12` and take key and certificates out of that with `openssl pkcs12`"
                )
            }
            _ => wanted.to_owned(),
        }
    }
}

/// How a key is best encrypted.
pub(crate) const STRONG: &str = "-v2 aes-256-cbc -v2prf hmacWithSHA512";

fn inform(form: Form) -> &'static str {
    match form {
        Form::Pem => "",
        Form::Der => " -inform der",
    }
}

/// A file beside `path`, as a shell takes it.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> String {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    quoted(Path::new(&name))
}
