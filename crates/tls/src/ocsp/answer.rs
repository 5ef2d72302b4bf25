//! What a responder answered: read, and verified against the inquiry, the clock and the issuer.
//!
//! INVARIANT: an [`Answer`] exists only for a response that the issuer, or a responder that it appointed, signed about this
//! certificate, and that is in time.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, Reader, SliceReader, Tagged};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_ocsp::{
    CertStatus, OcspGeneralizedTime, OcspResponse, OcspResponseStatus, ResponderId, ResponseData, SingleResponse,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::fetch::RESPONSE_SIZE_MAX;
use super::inquiry::{Inquiry, key_hash};
use super::signature::{PublicKey, SignatureFault, Signed};

/// How far a responder's clock may be ahead, in seconds.
const CLOCK_SKEW: i64 = 300;
/// For how long a response without an end of its own is used, in seconds from its `thisUpdate`.
const LIFE_WITHOUT_END: i64 = 86_400;
/// How many certificates of a response are looked at.
const CERTIFICATES_MAX: usize = 8;
/// `id-kp-OCSPSigning`, RFC 6960 §4.2.2.2, as the content of an object identifier.
const OCSP_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09];
/// `id-pkix-ocsp-basic`, RFC 6960 §4.2.1.
const BASIC: &str = "1.3.6.1.5.5.7.48.1.1";
/// `id-pkix-ocsp-nocheck`, RFC 6960 §4.2.2.2.1.
const NO_CHECK: &str = "1.3.6.1.5.5.7.48.1.5";

/// Why a response is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerFault {
    #[error("the response is longer than {RESPONSE_SIZE_MAX} bytes")]
    TooLong,
    #[error("the response is not well-formed")]
    Malformed,
    #[error("the responder refuses: {0}")]
    Refused(&'static str),
    #[error("the response is not a basic one but {0}")]
    OtherType(String),
    #[error("the response is not about this certificate")]
    OtherCertificate,
    #[error("the response holds an extension that must be understood and is not: {0}")]
    CriticalExtension(String),
    #[error("the response names a signer that is neither the issuer nor among its certificates")]
    UnknownSigner,
    #[error("the responder's certificate is not good for OCSP under this issuer: {0}")]
    BadResponder(String),
    #[error("the response is not accepted: {0}")]
    Signature(#[from] SignatureFault),
    #[error("the response is from the future; check the clock")]
    NotYetValid,
    #[error("the response has expired")]
    Expired,
    #[error("the response ends before it begins")]
    Reversed,
}

impl From<der::Error> for AnswerFault {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// What a verified response says of the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CertificateStatus {
    Good,
    /// Revoked since a time in seconds since 1970, for a reason in RFC 5280's words.
    Revoked {
        since: i64,
        reason: &'static str,
    },
    Unknown,
}

/// A verified response. Times are in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The whole response, DER.
    pub(crate) der: Vec<u8>,
    pub(crate) status: CertificateStatus,
    pub(crate) produced_at: i64,
    pub(crate) this_update: i64,
    pub(crate) next_update: Option<i64>,
    /// Whether the responder has a certificate of its own whose revocation nothing tells of (no `id-pkix-ocsp-nocheck`).
    pub(crate) unchecked_responder: bool,
}

impl Answer {
    /// Reads and verifies a response to `inquiry` at `now`.
    pub(crate) fn verify(response: Vec<u8>, inquiry: &Inquiry, now: i64) -> Result<Self, AnswerFault> {
        if response.len() > RESPONSE_SIZE_MAX {
            return Err(AnswerFault::TooLong);
        }
        let basic = basic_response(&response)?;
        let signed = Signed::from_der(&basic)?;
        let data = ResponseData::from_der(signed.message)?;
        let unchecked_responder = verify_signer(&signed, &data.responder_id, inquiry, now)?;
        let mut extensions = data.response_extensions.iter().flatten();
        refuse(
            extensions
                .find(|extension| extension.critical)
                .map(|extension| extension.extn_id),
        )?;
        let single = data.responses.iter().find(|single| inquiry.is_about(&single.cert_id));
        let single = single.ok_or(AnswerFault::OtherCertificate)?;
        let mut extensions = single.single_extensions.iter().flatten();
        refuse(
            extensions
                .find(|extension| extension.critical)
                .map(|extension| extension.extn_id),
        )?;
        let answer = Self {
            status: status(single),
            produced_at: seconds(data.produced_at),
            this_update: seconds(single.this_update),
            next_update: single.next_update.map(seconds),
            unchecked_responder,
            der: response,
        };
        answer.check_times(now)?;
        Ok(answer)
    }

    /// From when on it is not to be shown any more.
    pub(crate) fn until(&self) -> i64 {
        self.next_update
            .unwrap_or_else(|| self.this_update.saturating_add(LIFE_WITHOUT_END))
    }

    /// The skew is for the beginning only: whoever is shown a response after its end refuses it.
    fn check_times(&self, now: i64) -> Result<(), AnswerFault> {
        let latest = now.saturating_add(CLOCK_SKEW);
        if self.this_update > latest || self.produced_at > latest {
            Err(AnswerFault::NotYetValid)
        } else if self.until() < self.this_update {
            Err(AnswerFault::Reversed)
        } else if self.until() <= now {
            Err(AnswerFault::Expired)
        } else {
            Ok(())
        }
    }
}

/// The basic response inside of a successful one.
fn basic_response(response: &[u8]) -> Result<Vec<u8>, AnswerFault> {
    let response = OcspResponse::from_der(response)?;
    let refused = match response.response_status {
        OcspResponseStatus::Successful => None,
        OcspResponseStatus::MalformedRequest => Some("malformed request"),
        OcspResponseStatus::InternalError => Some("internal error"),
        OcspResponseStatus::TryLater => Some("try later"),
        OcspResponseStatus::SigRequired => Some("it wants signed requests"),
        OcspResponseStatus::Unauthorized => Some("unauthorized, or it does not know this certificate"),
    };
    if let Some(refused) = refused {
        return Err(AnswerFault::Refused(refused));
    }
    let bytes = response.response_bytes.ok_or(AnswerFault::Malformed)?;
    let kind = bytes.response_type.to_string();
    if kind != BASIC {
        return Err(AnswerFault::OtherType(kind));
    }
    Ok(bytes.response.into_bytes())
}

/// Verifies that the issuer signed, or somebody to whom the issuer gave a certificate for it. Returns whether that
/// certificate would have to be checked for revocation.
fn verify_signer(signed: &Signed<'_>, named: &ResponderId, inquiry: &Inquiry, now: i64) -> Result<bool, AnswerFault> {
    let issuer_key = PublicKey::from_content(&inquiry.issuer.subject_public_key_info)?;
    let by_issuer = is_named(named, &inquiry.issuer.subject, &issuer_key)?.then(|| signed.verify(&issuer_key));
    if matches!(by_issuer, Some(Ok(()))) {
        return Ok(false);
    }
    // A responder may have its issuer's name, so that a wrong signature is not the end of it.
    for der in certificates(signed)?.into_iter().take(CERTIFICATES_MAX) {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| AnswerFault::Malformed)?;
        let key = PublicKey::from_der(certificate.public_key().raw)?;
        let subject = AnyRef::from_der(certificate.subject().as_raw())?;
        if is_named(named, subject.value(), &key)? && key.bits != issuer_key.bits {
            appointed(der, inquiry, now)?;
            signed.verify(&key)?;
            let mut extensions = certificate.extensions().iter();
            return Ok(!extensions.any(|extension| extension.oid.to_id_string() == NO_CHECK));
        }
    }
    match by_issuer {
        Some(Err(fault)) => Err(fault.into()),
        _ => Err(AnswerFault::UnknownSigner),
    }
}

/// Whether a responder of this name (content of the distinguished name) and key is the one that is meant.
fn is_named(named: &ResponderId, subject: &[u8], key: &PublicKey<'_>) -> der::Result<bool> {
    Ok(match named {
        ResponderId::ByName(name) => AnyRef::from_der(&name.to_der()?)?.value() == subject,
        ResponderId::ByKey(hash) => hash.as_bytes() == key_hash(key.bits).as_ref(),
    })
}

/// Whether the issuer of the certificate in question issued this one for signing OCSP responses, and for now.
fn appointed(responder: &[u8], inquiry: &Inquiry, now: i64) -> Result<(), AnswerFault> {
    let bad = |error: webpki::Error| AnswerFault::BadResponder(format!("{error:?}"));
    let certificate = CertificateDer::from(responder);
    let certificate = EndEntityCert::try_from(&certificate).map_err(bad)?;
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now.max(0).unsigned_abs()));
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    certificate
        .verify_for_usage(
            provider.signature_verification_algorithms.all,
            std::slice::from_ref(&inquiry.issuer),
            &[],
            time,
            KeyUsage::required(OCSP_SIGNING),
            None,
            None,
        )
        .map(|_| ())
        .map_err(bad)
}

/// The certificates that come with a response, DER.
fn certificates<'a>(signed: &Signed<'a>) -> der::Result<Vec<&'a [u8]>> {
    let Some(rest) = signed.rest else {
        return Ok(Vec::new());
    };
    let tag = der::Tag::ContextSpecific {
        constructed: true,
        number: der::TagNumber::N0,
    };
    rest.tag().assert_eq(tag)?;
    let list = AnyRef::from_der(rest.value())?;
    list.tag().assert_eq(der::Tag::Sequence)?;
    let mut reader = SliceReader::new(list.value())?;
    let mut certificates = Vec::new();
    while !reader.is_finished() {
        certificates.push(reader.tlv_bytes()?);
    }
    Ok(certificates)
}

/// No extension of responses has to be understood here.
fn refuse(critical: Option<ObjectIdentifier>) -> Result<(), AnswerFault> {
    critical.map_or(Ok(()), |extension| {
        Err(AnswerFault::CriticalExtension(extension.to_string()))
    })
}

fn seconds(time: OcspGeneralizedTime) -> i64 {
    i64::try_from(time.0.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

fn status(single: &SingleResponse) -> CertificateStatus {
    match &single.cert_status {
        CertStatus::Good(_) => CertificateStatus::Good,
        CertStatus::Unknown(_) => CertificateStatus::Unknown,
        CertStatus::Revoked(information) => CertificateStatus::Revoked {
            since: seconds(information.revocation_time),
            reason: reason(information.revocation_reason.map_or(0, |reason| reason as u32)),
        },
    }
}

/// `CRLReason`, RFC 5280 §5.3.1.
fn reason(code: u32) -> &'static str {
    match code {
        1 => "keyCompromise",
        2 => "cACompromise",
        3 => "affiliationChanged",
        4 => "superseded",
        5 => "cessationOfOperation",
        6 => "certificateHold",
        8 => "removeFromCRL",
        9 => "privilegeWithdrawn",
        10 => "aACompromise",
        _ => "unspecified",
    }
}
