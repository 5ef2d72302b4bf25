//! What a certificate says of itself, for tables, logs and checks.

use std::fmt::Write;

use aws_lc_rs::digest;
use serde::Serialize;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::distinguished_name::{common_names, is_invisible, name_text};
use crate::key_algorithm::describe_spki;
use crate::ocsp::inquiry::is_must_staple;
use crate::signature_algorithm::signature_name;

/// Where a certificate says who answers OCSP questions about it.
const OCSP_ACCESS: &str = "1.3.6.1.5.5.7.48.1";

const SECONDS_PER_DAY: i64 = 86_400;

/// What a certificate says of itself, for tables and logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateSummary {
    /// The subject's distinguished name, escaped as RFC 4514 has it and in the certificate's order: no two subjects share it.
    pub subject: String,
    /// The subject's common names, as they are.
    pub common_names: Vec<String>,
    /// The issuer's distinguished name, written like the subject's.
    pub issuer: String,
    /// DNS names and addresses it is valid for.
    pub names: Vec<String>,
    /// E-mail addresses it is valid for.
    pub email_names: Vec<String>,
    /// URIs it is valid for, such as SPIFFE identities.
    pub uri_names: Vec<String>,
    /// Seconds since 1970 from which on it is valid.
    pub not_before: i64,
    /// Seconds since 1970 until which it is valid.
    pub not_after: i64,
    /// The issuer's number for it, in hexadecimal digits.
    pub serial: String,
    /// SHA-256 over its DER, in pairs of hexadecimal digits with colons between them.
    pub fingerprint: String,
    /// `RSA`, `EC P-256`, `EC P-384`, `EC P-521`, `Ed25519`, or the name of what is not accepted.
    pub key_algorithm: String,
    /// The key's size in bits; 0 if it is not known.
    pub key_bits: u32,
    /// What its issuer signed it with.
    pub signature_algorithm: String,
    /// What its key may do (`digitalSignature`, …); empty if nothing is said, which allows everything.
    pub key_usages: Vec<String>,
    /// What it is for (`serverAuth`, `clientAuth`, …); empty if nothing is said, which allows everything.
    pub extended_key_usages: Vec<String>,
    /// Whether it may issue others.
    pub is_ca: bool,
    /// Whether it names itself as its issuer, and no other key of the same name.
    pub is_self_signed: bool,
    /// Whether clients must refuse it without an OCSP response.
    pub must_staple: bool,
    /// Where its status can be asked for.
    pub ocsp_responders: Vec<String>,
}

impl CertificateSummary {
    /// Whole days until it ends; negative once it has ended. `now` is in seconds since 1970.
    pub fn days_left(&self, now: i64) -> i64 {
        (self.not_after - now).div_euclid(SECONDS_PER_DAY)
    }

    /// Whether `now` (seconds since 1970) is within its time.
    pub fn is_valid_at(&self, now: i64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// Whether it may be used for `usage`, such as `serverAuth`.
    pub fn allows(&self, usage: &str) -> bool {
        let named = &self.extended_key_usages;
        named.is_empty() || named.iter().any(|named| named == usage || named == ANY_USAGE)
    }
}

const ANY_USAGE: &str = "anyExtendedKeyUsage";

/// Reads what a DER certificate says of itself.
pub fn summarise_certificate(der: &[u8]) -> Option<CertificateSummary> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = AlternativeNames::of(&certificate);
    let (key_algorithm, key_bits) = describe_spki(certificate.public_key());
    Some(CertificateSummary {
        subject: name_text(certificate.subject()),
        common_names: common_names(certificate.subject()),
        issuer: name_text(certificate.issuer()),
        names: names.hosts,
        email_names: names.emails,
        uri_names: names.uris,
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        serial: serial(certificate.raw_serial()),
        fingerprint: fingerprint(der),
        key_algorithm,
        key_bits,
        signature_algorithm: signature_name(&certificate.signature_algorithm),
        key_usages: key_usages(&certificate),
        extended_key_usages: extended_key_usages(&certificate),
        is_ca: certificate.is_ca(),
        is_self_signed: is_self_signed(&certificate),
        must_staple: is_must_staple(der),
        ocsp_responders: ocsp_responders(&certificate),
    })
}

/// Subject alternative names by kind.
#[derive(Default)]
struct AlternativeNames {
    hosts: Vec<String>,
    emails: Vec<String>,
    uris: Vec<String>,
}

impl AlternativeNames {
    fn of(certificate: &X509Certificate<'_>) -> Self {
        let mut names = Self::default();
        let Ok(Some(alternative)) = certificate.subject_alternative_name() else {
            return names;
        };
        for name in &alternative.value.general_names {
            match name {
                GeneralName::DNSName(dns) => names.hosts.push(printable(dns)),
                GeneralName::IPAddress(bytes) => names.hosts.extend(address_text(bytes)),
                GeneralName::RFC822Name(email) => names.emails.push(printable(email)),
                GeneralName::URI(uri) => names.uris.push(printable(uri)),
                _ => {}
            }
        }
        names
    }
}

/// A name that can be shown; what cannot be seen is replaced, so that it equals no name that somebody would write.
fn printable(name: &str) -> String {
    name.chars()
        .map(|character| if is_invisible(character) { '\u{fffd}' } else { character })
        .collect()
}

fn address_text(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes)
        .ok()
        .map(|sixteen| std::net::Ipv6Addr::from(sixteen).to_string())
}

/// A serial number in hexadecimal digits, without the leading zero that only keeps it positive.
pub(crate) fn serial(raw: &[u8]) -> String {
    let digits = match raw {
        [0, rest @ ..] if !rest.is_empty() => rest,
        digits => digits,
    };
    digits.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// SHA-256 in pairs of hexadecimal digits with colons between them.
pub(crate) fn fingerprint(der: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, der);
    let pairs: Vec<_> = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn key_usages(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(usage)) = certificate.key_usage() else {
        return Vec::new();
    };
    let usage = usage.value;
    [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "nonRepudiation"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
        (usage.encipher_only(), "encipherOnly"),
        (usage.decipher_only(), "decipherOnly"),
    ]
    .into_iter()
    .filter(|(is_set, _)| *is_set)
    .map(|(_, name)| name.to_owned())
    .collect()
}

fn extended_key_usages(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(usage)) = certificate.extended_key_usage() else {
        return Vec::new();
    };
    let usage = usage.value;
    let known = [
        (usage.any, ANY_USAGE),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let known = known
        .into_iter()
        .filter(|(is_set, _)| *is_set)
        .map(|(_, name)| name.to_owned());
    known
        .chain(usage.other.iter().map(|other| other.to_id_string()))
        .collect()
}

/// Whether subject and issuer are one, by name and, where both are given, by key.
fn is_self_signed(certificate: &X509Certificate<'_>) -> bool {
    if certificate.subject().as_raw() != certificate.issuer().as_raw() {
        return false;
    }
    let mut own = None;
    let mut issuers = None;
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => own = Some(id.0),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                issuers = id.key_identifier.as_ref().map(|id| id.0);
            }
            _ => {}
        }
    }
    match (own, issuers) {
        (Some(own), Some(issuers)) => own == issuers,
        _ => true,
    }
}

fn ocsp_responders(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut responders = Vec::new();
    for extension in certificate.extensions() {
        let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() else {
            continue;
        };
        for description in &access.accessdescs {
            if let GeneralName::URI(address) = &description.access_location
                && description.access_method.to_id_string() == OCSP_ACCESS
            {
                responders.push(printable(address));
            }
        }
    }
    responders
}

#[cfg(test)]
mod tests;
