//! What became of handshakes: reasons in words, counts by reason, and a log that is switched on for a time.
//!
//! INVARIANT: the log holds what both sides could see on the wire, never keys or passwords.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::{
    AlertDescription, CertificateError, CommonState, Error, HandshakeKind, PeerIncompatible, ProtocolVersion,
};

use crate::peer::PeerCertificate;
use crate::suites::suite_name;

/// Why there is no connection, as a word for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(usize)]
pub enum FailureReason {
    /// A certificate is required and none was shown.
    NoCertificate,
    /// The other side's certificate, or one above it, has expired or is not valid yet.
    CertificateOutOfDate,
    /// It was revoked.
    CertificateRevoked,
    /// Nobody vouches for it.
    UnknownIssuer,
    /// It is not meant for this use.
    WrongUsage,
    /// It is for another name than the one that was dialled.
    WrongName,
    /// It cannot be told whether it was revoked: no list, or an expired one.
    RevocationUnknown,
    /// It is damaged, or wrong in some other way.
    BadCertificate,
    /// No version in common.
    NoCommonVersion,
    /// No suite, group or signature in common.
    NoCommonSuite,
    /// The other side did not accept this one's certificate.
    RefusedByPeer,
    /// What came was not TLS, or not as the protocol has it.
    ProtocolViolation,
    /// The other side went away.
    Closed,
    /// It took too long.
    TimedOut,
    /// Something on this side.
    Internal,
}

/// All reasons, for tables and metrics.
pub const FAILURE_REASONS: [FailureReason; 15] = [
    FailureReason::NoCertificate,
    FailureReason::CertificateOutOfDate,
    FailureReason::CertificateRevoked,
    FailureReason::UnknownIssuer,
    FailureReason::WrongUsage,
    FailureReason::WrongName,
    FailureReason::RevocationUnknown,
    FailureReason::BadCertificate,
    FailureReason::NoCommonVersion,
    FailureReason::NoCommonSuite,
    FailureReason::RefusedByPeer,
    FailureReason::ProtocolViolation,
    FailureReason::Closed,
    FailureReason::TimedOut,
    FailureReason::Internal,
];

impl FailureReason {
    /// The word that metrics use.
    pub fn label(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::CertificateOutOfDate => "certificate_out_of_date",
            Self::CertificateRevoked => "certificate_revoked",
            Self::UnknownIssuer => "unknown_issuer",
            Self::WrongUsage => "wrong_usage",
            Self::WrongName => "wrong_name",
            Self::RevocationUnknown => "revocation_unknown",
            Self::BadCertificate => "bad_certificate",
            Self::NoCommonVersion => "no_common_version",
            Self::NoCommonSuite => "no_common_suite",
            Self::RefusedByPeer => "refused_by_peer",
            Self::ProtocolViolation => "protocol_violation",
            Self::Closed => "closed",
            Self::TimedOut => "timed_out",
            Self::Internal => "internal",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::NoCertificate => "a certificate is required and the other side showed none",
            Self::CertificateOutOfDate => "the other side's certificate has expired or is not valid yet",
            Self::CertificateRevoked => "the other side's certificate was revoked",
            Self::UnknownIssuer => "nobody in the trusted folder vouches for the other side's certificate",
            Self::WrongUsage => "the other side's certificate is not meant for this use (extended key usage)",
            Self::WrongName => "the other side's certificate is for another name",
            Self::RevocationUnknown => "it cannot be told whether the other side's certificate was revoked",
            Self::BadCertificate => "the other side's certificate is not acceptable",
            Self::NoCommonVersion => "no protocol version in common",
            Self::NoCommonSuite => "no cipher suite, group or signature in common",
            Self::RefusedByPeer => "the other side refused",
            Self::ProtocolViolation => "what came is not as TLS has it",
            Self::Closed => "the other side closed the connection",
            Self::TimedOut => "the handshake took too long",
            Self::Internal => "an error on this side",
        }
    }
}

/// Why a handshake ended without a connection.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}{}{detail}", reason.words(), if detail.is_empty() { "" } else { ": " })]
pub struct HandshakeFailure {
    /// The kind.
    pub reason: FailureReason,
    /// The subject and what is wrong with this one, or what the library says of it; may be empty.
    pub detail: String,
}

impl HandshakeFailure {
    pub(crate) fn new(reason: FailureReason, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { reason, detail }
    }

    pub(crate) fn no_policy() -> Self {
        Self::new(FailureReason::Internal, "the channel has no policy")
    }

    pub(crate) fn bad_host(host: &str) -> Self {
        Self::new(
            FailureReason::Internal,
            format!("`{host}` is neither a DNS name nor an address"),
        )
    }

    pub(crate) fn timed_out() -> Self {
        Self::new(FailureReason::TimedOut, "")
    }

    pub(crate) fn from_io(error: &std::io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match tls {
            Some(tls) => Self::new(reason_of(tls), tls.to_string()),
            None => Self::new(FailureReason::Closed, error.to_string()),
        }
    }
}

fn reason_of(error: &Error) -> FailureReason {
    match error {
        Error::NoCertificatesPresented => FailureReason::NoCertificate,
        Error::InvalidCertificate(certificate) => certificate_reason(certificate),
        Error::InvalidCertRevocationList(_) => FailureReason::RevocationUnknown,
        Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            // Clients that know TLS 1.2 send it; the library looks for it before it looks at the version.
            | PeerIncompatible::SignatureAlgorithmsExtensionRequired,
        )
        | Error::AlertReceived(AlertDescription::ProtocolVersion) => FailureReason::NoCommonVersion,
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => FailureReason::NoCommonSuite,
        Error::AlertReceived(_) => FailureReason::RefusedByPeer,
        Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::InvalidMessage(_)
        | Error::PeerMisbehaved(_)
        | Error::DecryptError
        | Error::PeerSentOversizedRecord => FailureReason::ProtocolViolation,
        _ => FailureReason::Internal,
    }
}

fn certificate_reason(error: &CertificateError) -> FailureReason {
    match error {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => FailureReason::CertificateOutOfDate,
        CertificateError::Revoked => FailureReason::CertificateRevoked,
        CertificateError::UnknownIssuer => FailureReason::UnknownIssuer,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => FailureReason::WrongUsage,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => FailureReason::WrongName,
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => FailureReason::RevocationUnknown,
        _ => FailureReason::BadCertificate,
    }
}

/// What became of a channel's handshakes.
#[derive(Debug, Default)]
pub(crate) struct Handshakes {
    tls12: AtomicU64,
    tls13: AtomicU64,
    resumed: AtomicU64,
    failures: [AtomicU64; FAILURE_REASONS.len()],
}

/// Counts of a channel's handshakes since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeStatistics {
    /// Connections over TLS 1.2.
    pub tls12: u64,
    /// Connections over TLS 1.3.
    pub tls13: u64,
    /// Those of both that resumed an earlier session.
    pub resumed: u64,
    /// Handshakes that failed, by reason, in the order of [`FAILURE_REASONS`].
    pub failures: Vec<(FailureReason, u64)>,
}

impl HandshakeStatistics {
    /// Handshakes that ended in a connection.
    pub fn made(&self) -> u64 {
        self.tls12 + self.tls13
    }

    /// Handshakes that did not.
    pub fn failed(&self) -> u64 {
        self.failures.iter().map(|(_, count)| count).sum()
    }
}

impl Handshakes {
    pub(crate) fn count(&self, made: &Result<&CommonState, &HandshakeFailure>) {
        let one = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        match made {
            Ok(connection) => {
                one(match connection.protocol_version() {
                    Some(ProtocolVersion::TLSv1_2) => &self.tls12,
                    _ => &self.tls13,
                });
                if connection.handshake_kind() == Some(HandshakeKind::Resumed) {
                    one(&self.resumed);
                }
            }
            Err(failure) => {
                self.failures.get(failure.reason as usize).map(one);
            }
        }
    }

    pub(crate) fn read(&self) -> HandshakeStatistics {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HandshakeStatistics {
            tls12: value(&self.tls12),
            tls13: value(&self.tls13),
            resumed: value(&self.resumed),
            failures: FAILURE_REASONS
                .into_iter()
                .zip(self.failures.iter().map(value))
                .collect(),
        }
    }
}

/// Whether handshakes are logged one by one.
#[derive(Debug, Default)]
pub(crate) struct HandshakeLog {
    until: Mutex<Option<Instant>>,
}

impl HandshakeLog {
    pub(crate) fn switch_on(&self, now: Instant, time: Duration) {
        let until = now.checked_add(time).filter(|_| !time.is_zero());
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn is_on(&self, now: Instant) -> bool {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.is_some_and(|until| now >= until) {
            *until = None;
        }
        until.is_some()
    }

    pub(crate) fn write(
        &self,
        scope: &str,
        side: &str,
        peer: SocketAddr,
        made: &Result<&CommonState, &HandshakeFailure>,
        now: Instant,
    ) {
        if !self.is_on(now) {
            return;
        }
        match made {
            Ok(connection) => {
                let suite = connection
                    .negotiated_cipher_suite()
                    .map(|suite| suite_name(suite.suite()));
                let group = connection.negotiated_key_exchange_group().map(|group| group.name());
                let subject = PeerCertificate::of(connection).map(|certificate| certificate.summary.subject);
                tracing::info!(
                    scope, side, %peer, version = ?connection.protocol_version(), suite, ?group,
                    resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed),
                    certificate = subject.as_deref().unwrap_or("none"),
                    "TLS handshake"
                );
            }
            Err(failure) => {
                tracing::info!(scope, side, %peer, reason = failure.reason.label(), %failure, "TLS handshake failed");
            }
        }
    }
}
