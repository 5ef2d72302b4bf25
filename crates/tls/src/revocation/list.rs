//! One certificate revocation list: what it says, for which certificates it speaks, and whose signature it bears.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::OnceLock;

use webpki::{BorrowedCertRevocationList, Error};
use x509_parser::prelude::{
    CertificateRevocationList, FromDer, IssuingDistributionPoint, ParsedExtension, X509Version,
};

use crate::fault::PolicyError;
use crate::verify::facts::{Facts, addresses_of, is_signed_by, name_text, plain_serial};

/// A list.
#[derive(Debug)]
pub(crate) struct List {
    /// The file it came from.
    pub(crate) file: PathBuf,
    /// Its issuer, for people.
    pub(crate) issuer: String,
    /// Its issuer's name, DER.
    pub(crate) issuer_der: Vec<u8>,
    /// Its number, without leading zeros; an issuer counts its lists.
    pub(crate) number: Vec<u8>,
    /// When it was issued, in seconds since 1970.
    pub(crate) this_update: i64,
    /// When it expires, in seconds since 1970.
    pub(crate) next_update: i64,
    /// The numbers of revoked certificates, without leading zeros.
    revoked: HashSet<Box<[u8]>>,
    scope: Scope,
    der: Vec<u8>,
    /// The public key that signed it, once it was found. No other can have done so.
    signer: OnceLock<Vec<u8>>,
    /// Public keys of trusted authorities that did not sign it although they bear its issuer's name.
    not_signers: Vec<Vec<u8>>,
}

/// Which of its issuer's certificates a list speaks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Scope {
    no_authorities: bool,
    no_leaves: bool,
    /// Only certificates that name one of these addresses; all if there are none.
    addresses: Vec<String>,
}

impl List {
    /// Reads a DER list. The library's reader decides which are accepted: version 2, complete, of one issuer.
    pub(crate) fn read(file: PathBuf, der: Vec<u8>) -> Result<Self, PolicyError> {
        let unsupported = |reason: String| PolicyError::UnsupportedList {
            path: file.clone(),
            reason,
        };
        let (_, parsed) = CertificateRevocationList::from_der(&der).map_err(|error| unsupported(error.to_string()))?;
        if parsed.version() != Some(X509Version::V2) {
            return Err(unsupported(OLD_VERSION.to_owned()));
        }
        let next_update = parsed.next_update().ok_or_else(|| unsupported(NO_END.to_owned()))?;
        let entries = BorrowedCertRevocationList::from_der(&der).map_err(|error| unsupported(words(&error)))?;
        let revoked = entries
            .into_iter()
            .map(|entry| entry.map(|entry| Box::from(plain_serial(entry.serial_number))))
            .collect::<Result<HashSet<_>, _>>()
            .map_err(|error| unsupported(words(&error)))?;
        Ok(Self {
            issuer: name_text(parsed.issuer()),
            issuer_der: parsed.issuer().as_raw().to_vec(),
            number: parsed
                .crl_number()
                .map(|number| number.to_bytes_be())
                .unwrap_or_default(),
            this_update: parsed.last_update().timestamp(),
            next_update: next_update.timestamp(),
            scope: Scope::of(&parsed),
            revoked,
            signer: OnceLock::new(),
            not_signers: Vec::new(),
            file,
            der,
        })
    }

    /// How many certificates it revokes.
    pub(crate) fn entries(&self) -> usize {
        self.revoked.len()
    }

    /// Whether it revokes the certificate with this number.
    pub(crate) fn revokes(&self, serial: &[u8]) -> bool {
        self.revoked.contains(serial)
    }

    /// Whether it speaks for a certificate of its issuer.
    pub(crate) fn covers(&self, certificate: &Facts, as_authority: bool) -> bool {
        let excluded = if as_authority {
            self.scope.no_authorities
        } else {
            self.scope.no_leaves
        };
        let (wanted, named) = (&self.scope.addresses, &certificate.list_addresses);
        let addressed = wanted.is_empty() || named.is_empty() || named.iter().any(|address| wanted.contains(address));
        self.issuer_der == certificate.issuer_der && !excluded && addressed
    }

    /// Whether it speaks for the same certificates as another list of the same issuer.
    pub(crate) fn has_scope_of(&self, other: &Self) -> bool {
        self.issuer_der == other.issuer_der && self.scope == other.scope && self.signer() == other.signer()
    }

    /// Whether `public_key` signed it.
    pub(crate) fn is_signed_by(&self, public_key: &[u8]) -> bool {
        if let Some(signer) = self.signer.get() {
            return signer == public_key;
        }
        if self.not_signers.iter().any(|key| key == public_key) {
            return false;
        }
        let signed = is_signed_by(&self.der, public_key);
        if signed {
            let _ = self.signer.set(public_key.to_vec());
        }
        signed
    }

    /// Remembers whether `public_key` signed it; a large list takes its time.
    pub(crate) fn try_signer(&mut self, public_key: &[u8]) {
        if !self.is_signed_by(public_key) {
            self.not_signers.push(public_key.to_vec());
        }
    }

    /// The public key that signed it, if that is known.
    pub(crate) fn signer(&self) -> Option<&[u8]> {
        self.signer.get().map(Vec::as_slice)
    }

    /// Its number as authorities print it, in hexadecimal digits; empty if it has none.
    pub(crate) fn number_text(&self) -> String {
        self.number.iter().map(|byte| format!("{byte:02X}")).collect()
    }
}

impl Scope {
    fn of(list: &CertificateRevocationList<'_>) -> Self {
        let points = list
            .extensions()
            .iter()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::IssuingDistributionPoint(found) => Some(found),
                _ => None,
            });
        points.map(Self::of_points).unwrap_or_default()
    }

    fn of_points(points: &IssuingDistributionPoint<'_>) -> Self {
        let attributes_only = points.only_contains_attribute_certs;
        Self {
            no_authorities: points.only_contains_user_certs || attributes_only,
            no_leaves: points.only_contains_ca_certs || attributes_only,
            addresses: points.distribution_point.iter().flat_map(addresses_of).collect(),
        }
    }
}

/// What is said of lists that cannot have a number or extensions.
const OLD_VERSION: &str =
    "it is of version 1; have it made with a number (`crlnumber` in the configuration of `openssl ca`)";
/// What is said of lists that would be believed for ever.
const NO_END: &str = "it does not say when the next one comes (next update)";

/// Why the library does not take a list.
fn words(error: &Error) -> String {
    match error {
        Error::UnsupportedDeltaCrl => {
            "it is a delta list, which says only what changed; have the complete one made".to_owned()
        }
        Error::UnsupportedIndirectCrl => {
            "it is an indirect list, which revokes certificates of other issuers; have each issuer make its own"
                .to_owned()
        }
        Error::UnsupportedRevocationReasonsPartitioning => {
            "it covers only some reasons of revocation; have one made that covers all".to_owned()
        }
        Error::UnsupportedCrlIssuingDistributionPoint => {
            "its distribution point has no name, so it cannot be told for which certificates it speaks".to_owned()
        }
        Error::UnsupportedCriticalExtension => "it has a critical extension that is not known here".to_owned(),
        Error::BadDer | Error::BadDerTime => "it is damaged".to_owned(),
        other => format!("{other}"),
    }
}
