//! Whether the other side's certificate is believed, and the reason in words when it is not.
//!
//! Accepted is a certificate that chains to a trusted authority, or that is trusted itself, byte by byte; and in both cases
//! one whose time, usage, signature and revocation are in order. INVARIANT: every way to acceptance goes through the
//! revocation check, and the work for one certificate has limits that its owner cannot raise.
//!
//! `trust_all` accepts everybody who has the key of the certificate shown, except those who are revoked by number.

use std::cell::RefCell;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath};

use crate::fault::time_text;
use crate::handshake::{FailureReason, HandshakeFailure};
use crate::revocation::{Dropped, Standing};
use crate::trust::{OLD_VERSION, Trust, Trusted, WEAK_SIGNATURE};
use facts::Facts;

pub(crate) mod client;
pub(crate) mod facts;
pub(crate) mod refusal;
pub(crate) mod server;

/// Certificates that may be shown above the leaf.
const INTERMEDIATES_MAX: usize = 8;
/// Certificates above the leaf that may have the same subject: two authorities that certified the same one. The library
/// tries every order in which names fit, so that eight certificates of one name cost hundreds of milliseconds.
const SAME_NAME_MAX: usize = 2;

/// What a certificate is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// By a client.
    Client,
    /// By a server.
    Server,
}

/// A certificate that is believed.
#[derive(Debug)]
pub(crate) struct Believed {
    /// What it says.
    pub(crate) facts: Facts,
    /// Whether an authority above it limits names.
    pub(crate) names_constrained: bool,
}

type Verdict<T> = Result<T, HandshakeFailure>;

fn refusal(reason: FailureReason, certificate: &Facts, because: impl AsRef<str>) -> HandshakeFailure {
    HandshakeFailure::new(
        reason,
        format!("the certificate of {}: {}", certificate.subject, because.as_ref()),
    )
}

impl Trust {
    /// Judges the certificate that the other side showed, with those it showed above it.
    pub(crate) fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        usage: Usage,
    ) -> Verdict<Believed> {
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let facts = Facts::read(leaf).ok_or_else(|| {
            HandshakeFailure::new(
                FailureReason::BadCertificate,
                "it cannot be read as an X.509 certificate",
            )
        })?;
        if !facts.is_version_3 {
            return Err(refusal(FailureReason::BadCertificate, &facts, OLD_VERSION));
        }
        if let Some(dropped) = self.revocations.dropped_in(&facts) {
            return Err(revoked_by_file(&facts, &facts, dropped));
        }
        if intermediates.len() > INTERMEDIATES_MAX {
            let because = format!("it was shown with more than {INTERMEDIATES_MAX} certificates above it");
            return Err(refusal(FailureReason::BadCertificate, &facts, because));
        }
        let names_constrained = if self.everybody {
            self.judge_unknown(leaf, intermediates, &facts, seconds)?;
            false
        } else {
            judge_usage(&facts, usage)?;
            match self.pinned(leaf) {
                Some(pinned) => self.judge_pinned(leaf, pinned, &facts, seconds).map(|()| false)?,
                None => self.judge_chain(leaf, intermediates, &facts, now, usage)?,
            }
        };
        Ok(Believed {
            facts,
            names_constrained,
        })
    }

    /// Under `trust_all`: nothing counts but revocation by number.
    fn judge_unknown(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        facts: &Facts,
        now: i64,
    ) -> Verdict<()> {
        let mut shown = vec![(leaf, facts.clone())];
        for der in intermediates {
            shown.extend(Facts::read(der).map(|facts| (der, facts)));
        }
        for (der, certificate) in &shown {
            let dropped = self
                .revocations
                .dropped_authority(certificate)
                .or_else(|| self.revocations.dropped_issuer(certificate, der));
            if let Some(dropped) = dropped {
                return Err(revoked_by_file(facts, certificate, dropped));
            }
            if let standing @ Standing::Revoked(_) = self.revocations.standing_by_name(certificate, None, now) {
                judge_standing(facts, certificate, &standing)?;
            }
        }
        Ok(())
    }

    /// A certificate that is in the folder itself.
    fn judge_pinned(&self, der: &CertificateDer<'_>, pinned: &Trusted, facts: &Facts, now: i64) -> Verdict<()> {
        judge_time(facts, now)?;
        if !pinned.signature_accepted {
            return Err(refusal(FailureReason::BadCertificate, facts, WEAK_SIGNATURE));
        }
        // The library must be able to read it, or it cannot check the handshake's signature.
        EndEntityCert::try_from(der).map_err(|error| failure_of(&error, facts))?;
        let dropped = self
            .revocations
            .dropped_authority(facts)
            .or_else(|| self.revocations.dropped_issuer(facts, der));
        if let Some(dropped) = dropped {
            return Err(revoked_by_file(facts, facts, dropped));
        }
        match self
            .revocations
            .standing_by_name(facts, pinned.issuer_key.as_deref(), now)
        {
            // Its issuer need not be known for it to be trusted, so there need be no list of it.
            Standing::Unknown => Ok(()),
            standing => judge_standing(facts, facts, &standing),
        }
    }

    /// A certificate that must chain to an authority. Returns whether an authority of the chain limits names.
    fn judge_chain(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        facts: &Facts,
        now: UnixTime,
        usage: Usage,
    ) -> Verdict<bool> {
        let certificate = EndEntityCert::try_from(leaf).map_err(|error| failure_of(&error, facts))?;
        let intermediates = &distinct(intermediates, facts)?;
        let usage = match usage {
            Usage::Client => KeyUsage::client_auth(),
            Usage::Server => KeyUsage::server_auth(),
        };
        let refused: RefCell<Option<HandshakeFailure>> = RefCell::new(None);
        let constrained = RefCell::new(false);
        let check = |path: &VerifiedPath<'_>| match self.judge_path(path, facts, now) {
            Ok(names_constrained) => {
                constrained.replace(names_constrained);
                Ok(())
            }
            Err(failure) => {
                refused.borrow_mut().get_or_insert(failure);
                Err(Error::CertRevoked)
            }
        };
        certificate
            .verify_for_usage(
                self.algorithms,
                &self.anchors,
                intermediates,
                now,
                usage,
                None,
                Some(&check),
            )
            .map_err(|error| refused.take().unwrap_or_else(|| failure_of(&error, facts)))?;
        Ok(constrained.take())
    }

    /// What the library leaves open of a chain whose signatures, times and usages are in order: the authority's own time and
    /// depth, and revocation of everything in it.
    fn judge_path(&self, path: &VerifiedPath<'_>, leaf: &Facts, now: UnixTime) -> Verdict<bool> {
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let unknown = || refusal(FailureReason::UnknownIssuer, leaf, "its chain cannot be followed");
        let authority = self.authority_of(path.anchor()).ok_or_else(unknown)?;
        let mut chain = vec![leaf.clone()];
        for intermediate in path.intermediate_certificates() {
            chain.push(Facts::read(&intermediate.der()).ok_or_else(unknown)?);
        }
        // The library looks at the basic constraints only.
        if let Some(other) = chain.iter().skip(1).find(|other| !other.is_authority) {
            let because = format!(
                "the key usage of {} above it does not include keyCertSign",
                other.subject
            );
            return Err(refusal(FailureReason::BadCertificate, leaf, because));
        }
        chain.push(authority.facts.clone());
        judge_time(&authority.facts, seconds)?;
        if let Some(revoked) = &authority.revoked {
            let because = format!(
                "the authority {} above it is not used: {revoked}",
                authority.facts.subject
            );
            return Err(refusal(FailureReason::CertificateRevoked, leaf, because));
        }
        let between = chain.len().saturating_sub(2);
        if authority
            .facts
            .authorities_below_max
            .is_some_and(|most| between > most as usize)
        {
            let because = format!(
                "{} may not have {between} authorities below it",
                authority.facts.subject
            );
            return Err(refusal(FailureReason::BadCertificate, leaf, because));
        }
        for (place, pair) in chain.windows(2).enumerate() {
            let [certificate, issuer] = pair else { continue };
            let dropped = self
                .revocations
                .dropped_in(certificate)
                .or_else(|| self.revocations.dropped_authority(issuer));
            if let Some(dropped) = dropped {
                return Err(revoked_by_file(leaf, certificate, dropped));
            }
            let standing = self.revocations.standing(certificate, place > 0, issuer, seconds);
            judge_standing(leaf, certificate, &standing)?;
        }
        Ok(chain.iter().any(|certificate| certificate.constrains_names))
    }
}

/// The certificates above the leaf that can be read, each once.
fn distinct<'a>(intermediates: &'a [CertificateDer<'_>], leaf: &Facts) -> Verdict<Vec<CertificateDer<'a>>> {
    let mut kept: Vec<CertificateDer<'a>> = Vec::new();
    let mut names: Vec<Vec<u8>> = Vec::new();
    for der in intermediates {
        let Some(facts) = Facts::read(der).filter(|_| !kept.iter().any(|seen| seen.as_ref() == der.as_ref())) else {
            continue;
        };
        if names.iter().filter(|name| **name == facts.subject_der).count() == SAME_NAME_MAX {
            let because = format!(
                "more than {SAME_NAME_MAX} certificates of {} were shown above it",
                facts.subject
            );
            return Err(refusal(FailureReason::BadCertificate, leaf, because));
        }
        names.push(facts.subject_der);
        kept.push(CertificateDer::from(der.as_ref()));
    }
    Ok(kept)
}

fn judge_time(certificate: &Facts, now: i64) -> Verdict<()> {
    let because = if now < certificate.not_before {
        format!("it is not valid before {}", time_text(certificate.not_before))
    } else if now > certificate.not_after {
        format!("it has expired ({})", time_text(certificate.not_after))
    } else {
        return Ok(());
    };
    Err(refusal(FailureReason::CertificateOutOfDate, certificate, because))
}

fn judge_usage(certificate: &Facts, usage: Usage) -> Verdict<()> {
    let because = match usage {
        _ if !certificate.may_sign_handshakes => "its key usage does not include digital signatures",
        Usage::Client if !certificate.may_be_client => "its extended key usage does not include clients (clientAuth)",
        Usage::Server if !certificate.may_serve => "its extended key usage does not include servers (serverAuth)",
        _ => return Ok(()),
    };
    Err(refusal(FailureReason::WrongUsage, certificate, because))
}

/// `certificate` is `leaf` or one above it.
fn which(leaf: &Facts, certificate: &Facts) -> String {
    let number = certificate.serial_text();
    if leaf.subject_der == certificate.subject_der && leaf.serial == certificate.serial {
        format!("number {number} of {}", certificate.issuer)
    } else {
        format!(
            "{} above it, number {number} of {},",
            certificate.subject, certificate.issuer
        )
    }
}

fn revoked_by_file(leaf: &Facts, certificate: &Facts, dropped: &Dropped) -> HandshakeFailure {
    let because = format!(
        "{} is revoked by `{}`",
        which(leaf, certificate),
        dropped.file.display()
    );
    refusal(FailureReason::CertificateRevoked, leaf, because)
}

fn judge_standing(leaf: &Facts, certificate: &Facts, standing: &Standing<'_>) -> Verdict<()> {
    let which = || which(leaf, certificate);
    let (reason, because) = match standing {
        Standing::Good => return Ok(()),
        Standing::Revoked(list) => (
            FailureReason::CertificateRevoked,
            format!("{} is revoked by the list `{}`", which(), list.file.display()),
        ),
        Standing::Unknown => (
            FailureReason::RevocationUnknown,
            format!("there is no revocation list for {}, although there are lists", which()),
        ),
        Standing::Expired(list) => (
            FailureReason::RevocationUnknown,
            format!(
                "the revocation list `{}` of {} has expired ({}), and it decides about {}",
                list.file.display(),
                list.issuer,
                time_text(list.next_update),
                which()
            ),
        ),
        Standing::NotBegun(list) => (
            FailureReason::RevocationUnknown,
            format!(
                "the revocation list `{}` of {} is not valid before {}",
                list.file.display(),
                list.issuer,
                time_text(list.this_update)
            ),
        ),
    };
    Err(refusal(reason, leaf, because))
}

/// What the library says against a certificate.
fn failure_of(error: &Error, leaf: &Facts) -> HandshakeFailure {
    let (reason, because) = match error {
        Error::CertExpired { not_after, .. } => (
            FailureReason::CertificateOutOfDate,
            format!("it, or one above it, has expired ({})", unix_text(*not_after)),
        ),
        Error::CertNotValidYet { not_before, .. } => (
            FailureReason::CertificateOutOfDate,
            format!("it, or one above it, is not valid before {}", unix_text(*not_before)),
        ),
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => (
            FailureReason::WrongUsage,
            "an authority above it may not issue certificates for this use (extended key usage)".to_owned(),
        ),
        Error::UnknownIssuer | Error::CaUsedAsEndEntity => (
            FailureReason::UnknownIssuer,
            format!("it was issued by {}", leaf.issuer),
        ),
        Error::UnsupportedSignatureAlgorithmContext(_) | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            (
                FailureReason::BadCertificate,
                format!("it, or one above it: {WEAK_SIGNATURE}"),
            )
        }
        Error::InvalidSignatureForPublicKey => (
            FailureReason::UnknownIssuer,
            format!(
                "it was not signed by the trusted {}, but by another of the same name",
                leaf.issuer
            ),
        ),
        Error::NameConstraintViolation => (
            FailureReason::BadCertificate,
            "an authority above it may not issue certificates for its names".to_owned(),
        ),
        Error::PathLenConstraintViolated | Error::EndEntityUsedAsCa => (
            FailureReason::BadCertificate,
            "a certificate above it may not issue others".to_owned(),
        ),
        Error::UnsupportedCriticalExtension => (
            FailureReason::BadCertificate,
            "it has a critical extension that is not known here".to_owned(),
        ),
        other => (FailureReason::BadCertificate, format!("{other}")),
    };
    refusal(reason, leaf, because)
}

fn unix_text(time: UnixTime) -> String {
    time_text(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}
