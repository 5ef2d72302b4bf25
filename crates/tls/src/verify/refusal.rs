//! How a verifier's reasons reach whoever made the handshake: the library's errors have no room for a text.
//!
//! INVARIANT: what is remembered belongs to the handshake that is being made by the same task, and to no other.

use std::cell::RefCell;
use std::future::Future;

use rustls::{CertificateError, Error};
use rustls_pki_types::CertificateDer;

use super::facts::Facts;
use crate::handshake::{FailureReason, HandshakeFailure};

tokio::task_local! {
    static REFUSED: RefCell<Option<HandshakeFailure>>;
}

/// Runs a handshake, and returns beside its outcome why its verifier refused the other side, if it did.
pub(crate) async fn with_reasons<F: Future>(handshake: F) -> (F::Output, Option<HandshakeFailure>) {
    REFUSED
        .scope(RefCell::new(None), async {
            let outcome = handshake.await;
            let refused = REFUSED.try_with(|slot| slot.take()).unwrap_or_default();
            (outcome, refused)
        })
        .await
}

/// Remembers why the other side is refused, and returns the error whose alert tells the other side the kind of it.
pub(crate) fn refuse(failure: HandshakeFailure) -> Error {
    let error = match failure.reason {
        FailureReason::CertificateOutOfDate => CertificateError::Expired,
        FailureReason::CertificateRevoked => CertificateError::Revoked,
        FailureReason::UnknownIssuer => CertificateError::UnknownIssuer,
        FailureReason::WrongUsage => CertificateError::InvalidPurpose,
        FailureReason::WrongName => CertificateError::NotValidForName,
        FailureReason::RevocationUnknown => CertificateError::UnknownRevocationStatus,
        _ => CertificateError::BadEncoding,
    };
    remember(failure);
    Error::InvalidCertificate(error)
}

/// Remembers that the other side showed a certificate whose key it does not have, and returns the library's error.
pub(crate) fn refuse_signature(certificate: &CertificateDer<'_>, error: Error) -> Error {
    let subject = Facts::read(certificate).map_or_else(|| "somebody".to_owned(), |facts| facts.subject);
    remember(HandshakeFailure::new(
        FailureReason::BadCertificate,
        format!(
            "the certificate of {subject}: the handshake is not signed with its key, or not in an accepted way ({error})"
        ),
    ));
    error
}

/// Without a task that listens, the error alone must do.
fn remember(failure: HandshakeFailure) {
    let _ = REFUSED.try_with(|slot| slot.replace(Some(failure)));
}
