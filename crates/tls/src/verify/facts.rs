//! What a certificate says of itself, as far as trusting it depends on it.
//!
//! INVARIANT: texts are fit for a log: what a stranger wrote into a certificate cannot break a line or fill a disk.

use x509_parser::prelude::{
    DistributionPointName, FromDer, GeneralName, ParsedExtension, X509Certificate, X509Name, X509Version,
};

use crate::distinguished_name;
use crate::ocsp::signature::{PublicKey, Signed};

/// Longer names are cut, in characters.
const NAME_LENGTH_MAX: usize = 200;

/// What a certificate says.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The subject, for people.
    pub(crate) subject: String,
    /// The issuer, for people.
    pub(crate) issuer: String,
    /// The subject's name, DER.
    pub(crate) subject_der: Vec<u8>,
    /// The issuer's name, DER.
    pub(crate) issuer_der: Vec<u8>,
    /// The number that the issuer gave it, without leading zeros.
    pub(crate) serial: Vec<u8>,
    /// The public key with its algorithm (SubjectPublicKeyInfo), DER.
    pub(crate) public_key: Vec<u8>,
    /// Seconds since 1970 from which on it is valid.
    pub(crate) not_before: i64,
    /// Seconds since 1970 until which it is valid.
    pub(crate) not_after: i64,
    /// Whether it is of version 3; older ones cannot say what they are for.
    pub(crate) is_version_3: bool,
    /// Whether it may issue certificates.
    pub(crate) is_authority: bool,
    /// How many authorities may stand between it and a leaf.
    pub(crate) authorities_below_max: Option<u32>,
    /// Whether it may sign revocation lists.
    pub(crate) may_sign_lists: bool,
    /// Whether its key may sign a handshake.
    pub(crate) may_sign_handshakes: bool,
    /// Whether it may stand for a server.
    pub(crate) may_serve: bool,
    /// Whether it may stand for a client.
    pub(crate) may_be_client: bool,
    /// Whether it limits the names below it.
    pub(crate) constrains_names: bool,
    /// Whether it has subject alternative names.
    pub(crate) has_alternative_names: bool,
    /// The last common name of its subject.
    pub(crate) common_name: Option<String>,
    /// Where its issuer says that revocation lists are to be had.
    pub(crate) list_addresses: Vec<String>,
}

impl Facts {
    /// Reads a DER certificate; `None` if it is none, or has an extension that cannot be read.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let key_usage = certificate.key_usage().ok()?.map(|found| *found.value);
        let extended = certificate.extended_key_usage().ok()?.map(|found| found.value.clone());
        let constraints = certificate.basic_constraints().ok()?.map(|found| found.value.clone());
        let issues = key_usage.as_ref().is_none_or(|usage| usage.key_cert_sign());
        Some(Self {
            subject: name_text(certificate.subject()),
            issuer: name_text(certificate.issuer()),
            subject_der: certificate.subject().as_raw().to_vec(),
            issuer_der: certificate.issuer().as_raw().to_vec(),
            serial: plain_serial(certificate.raw_serial()).to_vec(),
            public_key: certificate.public_key().raw.to_vec(),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            is_version_3: certificate.version() == X509Version::V3,
            is_authority: issues && constraints.as_ref().is_some_and(|found| found.ca),
            authorities_below_max: constraints.as_ref().and_then(|found| found.path_len_constraint),
            may_sign_lists: key_usage.as_ref().is_none_or(|usage| usage.crl_sign()),
            may_sign_handshakes: key_usage.as_ref().is_none_or(|usage| usage.digital_signature()),
            may_serve: extended.as_ref().is_none_or(|usage| usage.server_auth),
            may_be_client: extended.as_ref().is_none_or(|usage| usage.client_auth),
            constrains_names: !matches!(certificate.name_constraints(), Ok(None)),
            has_alternative_names: !matches!(certificate.subject_alternative_name(), Ok(None)),
            common_name: certificate
                .subject()
                .iter_common_name()
                .last()
                .and_then(|name| name.as_str().ok())
                .map(str::to_owned),
            list_addresses: list_addresses(&certificate),
        })
    }

    /// The number as authorities print it.
    pub(crate) fn serial_text(&self) -> String {
        serial_text(&self.serial)
    }
}

/// A serial number as authorities print it: hexadecimal digits.
pub(crate) fn serial_text(serial: &[u8]) -> String {
    if serial.is_empty() {
        return "00".to_owned();
    }
    serial.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A serial number without leading zeros, which DER and sloppy issuers add.
pub(crate) fn plain_serial(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    serial.get(zeros..).unwrap_or_default()
}

/// A distinguished name as text, cut where it is long.
pub(crate) fn name_text(name: &X509Name<'_>) -> String {
    let text = distinguished_name::name_text(name);
    if text.is_empty() {
        return "an empty name".to_owned();
    }
    let mut short: String = text.chars().take(NAME_LENGTH_MAX).collect();
    if text.chars().nth(NAME_LENGTH_MAX).is_some() {
        short.push('…');
    }
    short
}

fn list_addresses(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut addresses = Vec::new();
    for extension in certificate.extensions() {
        if let ParsedExtension::CRLDistributionPoints(points) = extension.parsed_extension() {
            for point in points.iter() {
                addresses.extend(point.distribution_point.iter().flat_map(addresses_of));
            }
        }
    }
    addresses
}

/// The addresses of a distribution point.
pub(crate) fn addresses_of(name: &DistributionPointName<'_>) -> Vec<String> {
    let DistributionPointName::FullName(names) = name else {
        return Vec::new();
    };
    let address = |name: &GeneralName<'_>| match name {
        GeneralName::URI(address) => Some((*address).to_owned()),
        _ => None,
    };
    names.iter().filter_map(address).collect()
}

/// Whether `signed` (a certificate or a list, DER) is signed in a way that is accepted.
pub(crate) fn signature_is_accepted(signed: &[u8]) -> bool {
    Signed::from_der(signed).is_ok_and(|signed| signed.is_of_accepted_kind())
}

/// Whether `signed` (a certificate or a list, DER) was signed by `public_key` (DER) in a way that is accepted.
pub(crate) fn is_signed_by(signed: &[u8], public_key: &[u8]) -> bool {
    match (Signed::from_der(signed), PublicKey::from_der(public_key)) {
        (Ok(signed), Ok(key)) => signed.verify(&key).is_ok(),
        _ => false,
    }
}
