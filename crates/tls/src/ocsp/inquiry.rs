//! What is asked about a certificate, and of whom: the leaf's serial number, its issuer's name and key, the responder's address.
//!
//! INVARIANT: the issuer of an inquiry has signed the leaf.

use aws_lc_rs::digest;
use der::asn1::{Null, ObjectIdentifier, OctetString};
use der::{Decode, Encode};
use rustls_pki_types::{CertificateDer, TrustAnchor};
use url::Url;
use x509_ocsp::{CertId, OcspRequest, Request, TbsRequest};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::signature::{PublicKey, Signed};
use crate::fault::PolicyWarning;
use crate::policy::Policy;

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
/// `id-ad-ocsp`, RFC 5280 §4.2.2.1.
const OCSP_ACCESS: &str = "1.3.6.1.5.5.7.48.1";
/// `id-pe-tlsfeature`, RFC 7633.
const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";
/// The TLS extension `status_request`, RFC 6066 §8.
const STATUS_REQUEST: u8 = 5;
/// Addresses longer than this are not asked, in bytes.
const ADDRESS_LENGTH_MAX: usize = 2_048;

/// A question about one certificate.
#[derive(Debug)]
pub(crate) struct Inquiry {
    /// What vouches for the answer, directly or by a certificate that it issued.
    pub(crate) issuer: TrustAnchor<'static>,
    /// The address that is asked.
    pub(crate) responder: String,
    /// Whose status is asked for, for messages.
    pub(crate) subject: String,
    /// The certificate by each hash that an answer may use, SHA-1 first.
    ids: [CertId; 2],
}

impl Inquiry {
    /// The inquiry about a policy's own certificate.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn of(policy: &Policy) -> Result<Self, PolicyWarning> {
        let path = policy.config().public_certificate.clone();
        let leaf = policy
            .identity
            .chain()
            .first()
            .map_or(&[] as &[u8], |leaf| leaf.as_ref());
        let Ok((_, certificate)) = X509Certificate::from_der(leaf) else {
            let (subject, reason) = (String::new(), "it is no X.509 certificate".to_owned());
            return Err(PolicyWarning::NoInquiry { path, subject, reason });
        };
        let subject = certificate.subject().to_string();
        let Some(responder) = responder(&certificate) else {
            return Err(PolicyWarning::NoResponder { path, subject });
        };
        let Some(issuer) = issuer(&certificate, policy) else {
            let issuer = certificate.issuer().to_string();
            return Err(PolicyWarning::IssuerMissing { path, subject, issuer });
        };
        match Self::new(&certificate, issuer, responder) {
            Ok(inquiry) => Ok(inquiry),
            Err(error) => Err(PolicyWarning::NoInquiry {
                path,
                subject,
                reason: error.to_string(),
            }),
        }
    }

    fn new(leaf: &X509Certificate<'_>, issuer: TrustAnchor<'static>, responder: String) -> der::Result<Self> {
        let key = PublicKey::from_content(&issuer.subject_public_key_info)?;
        let serial = der::asn1::AnyRef::new(der::Tag::Integer, leaf.raw_serial())?.to_der()?;
        let id = |oid, algorithm| -> der::Result<CertId> {
            Ok(CertId {
                hash_algorithm: Decode::from_der(&algorithm_identifier(oid)?)?,
                issuer_name_hash: octets(algorithm, leaf.issuer().as_raw())?,
                issuer_key_hash: octets(algorithm, key.bits)?,
                serial_number: Decode::from_der(&serial)?,
            })
        };
        let ids = [
            id(SHA1, &digest::SHA1_FOR_LEGACY_USE_ONLY)?,
            id(SHA256, &digest::SHA256)?,
        ];
        let subject = leaf.subject().to_string();
        Ok(Self {
            issuer,
            responder,
            subject,
            ids,
        })
    }

    /// The request, DER.
    ///
    /// # Errors
    /// Only if it cannot be encoded, which cannot be.
    pub(crate) fn request(&self) -> der::Result<Vec<u8>> {
        let [by_sha1, _] = &self.ids;
        let request = Request {
            req_cert: by_sha1.clone(),
            single_request_extensions: None,
        };
        let tbs_request = TbsRequest {
            request_list: vec![request],
            ..TbsRequest::default()
        };
        let request = OcspRequest {
            tbs_request,
            optional_signature: None,
        };
        request.to_der()
    }

    /// Whether an answer is about this certificate.
    pub(crate) fn is_about(&self, answered: &CertId) -> bool {
        self.ids.iter().any(|id| {
            id.hash_algorithm.oid == answered.hash_algorithm.oid
                && id.issuer_name_hash == answered.issuer_name_hash
                && id.issuer_key_hash == answered.issuer_key_hash
                && id.serial_number == answered.serial_number
        })
    }
}

/// With the NULL parameters that old responders want.
fn algorithm_identifier(oid: ObjectIdentifier) -> der::Result<Vec<u8>> {
    let mut content = oid.to_der()?;
    content.extend(Null.to_der()?);
    der::asn1::AnyRef::new(der::Tag::Sequence, &content)?.to_der()
}

fn octets(algorithm: &'static digest::Algorithm, bytes: &[u8]) -> der::Result<OctetString> {
    OctetString::new(digest::digest(algorithm, bytes).as_ref())
}

/// SHA-1 as RFC 6960 names keys by it.
pub(crate) fn key_hash(bits: &[u8]) -> impl AsRef<[u8]> {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bits)
}

/// Whether a certificate says that clients must refuse it without a staple.
pub(crate) fn is_must_staple(leaf: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(leaf) else {
        return false;
    };
    let mut extensions = certificate.extensions().iter();
    extensions
        .find(|extension| extension.oid.to_id_string() == TLS_FEATURE)
        .and_then(|extension| <Vec<u16> as Decode>::from_der(extension.value).ok())
        .is_some_and(|features| features.contains(&u16::from(STATUS_REQUEST)))
}

/// The warning about a must-staple certificate whose channel staples nothing.
pub(crate) fn must_staple_off(policy: &Policy) -> Option<PolicyWarning> {
    let leaf = policy.identity.chain().first()?;
    is_must_staple(leaf).then(|| PolicyWarning::MustStapleOff {
        path: policy.config().public_certificate.clone(),
        subject: X509Certificate::from_der(leaf)
            .map(|(_, certificate)| certificate.subject().to_string())
            .unwrap_or_default(),
    })
}

/// The first `http://` address of a responder that a certificate names.
fn responder(leaf: &X509Certificate<'_>) -> Option<String> {
    let addresses = leaf.extensions().iter().filter_map(|extension| {
        let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() else {
            return None;
        };
        let mut descriptions = access.accessdescs.iter();
        descriptions.find_map(|description| match &description.access_location {
            GeneralName::URI(address) if description.access_method.to_id_string() == OCSP_ACCESS => {
                usable_address(address)
            }
            _ => None,
        })
    });
    addresses.into_iter().next()
}

fn usable_address(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let usable = address.len() <= ADDRESS_LENGTH_MAX && url.scheme() == "http" && url.host().is_some();
    usable.then(|| url.to_string())
}

/// Who signed the leaf: one of the certificates that come with it, or an authority that the policy trusts.
fn issuer(leaf: &X509Certificate<'_>, policy: &Policy) -> Option<TrustAnchor<'static>> {
    let chain = policy.identity.chain().iter().skip(1);
    let from_chain = chain.filter_map(|der: &CertificateDer<'_>| {
        webpki::anchor_from_trusted_cert(der)
            .ok()
            .map(|anchor| anchor.to_owned())
    });
    let trusted = policy.trust.issuers().iter().cloned();
    from_chain.chain(trusted).find(|anchor| has_issued(anchor, leaf))
}

fn has_issued(anchor: &TrustAnchor<'_>, leaf: &X509Certificate<'_>) -> bool {
    let named =
        der::asn1::AnyRef::from_der(leaf.issuer().as_raw()).is_ok_and(|name| name.value() == anchor.subject.as_ref());
    let signed = Signed::from_der(leaf.as_raw());
    let key = PublicKey::from_content(&anchor.subject_public_key_info);
    named && matches!((signed, key), (Ok(signed), Ok(key)) if signed.verify(&key).is_ok())
}
