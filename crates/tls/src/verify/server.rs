//! The verifier that a dialler asks about servers' certificates, and the check of the name that was dialled.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::EndEntityCert;

use super::facts::Facts;
use super::refusal::{refuse, refuse_signature};
use super::{Believed, Usage, refusal};
use crate::certificate::summarise_certificate;
use crate::handshake::{FailureReason, HandshakeFailure};
use crate::trust::Trust;

/// Names of a certificate that a refusal lists at most.
const NAMES_SHOWN_MAX: usize = 8;

/// Judges servers.
#[derive(Debug)]
pub(crate) struct ServerVerifier {
    trust: Arc<Trust>,
    verify_hostname: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerVerifier {
    pub(crate) fn new(trust: Arc<Trust>, verify_hostname: bool, provider: &CryptoProvider) -> Self {
        Self {
            trust,
            verify_hostname,
            algorithms: provider.signature_verification_algorithms,
        }
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), HandshakeFailure> {
        let believed = self.trust.judge(leaf, intermediates, now, Usage::Server)?;
        // With `trust_all` names mean nothing: whoever made the certificate wrote into it what he liked.
        if self.verify_hostname && !self.trust.everybody {
            judge_name(leaf, &believed, name)?;
        }
        Ok(())
    }
}

/// Subject alternative names decide if there are any, of whatever kind. Only without them does the common name count, and
/// then only for DNS names, and not below an authority that limits names, because those limits do not reach it.
fn judge_name(leaf: &CertificateDer<'_>, believed: &Believed, name: &ServerName<'_>) -> Result<(), HandshakeFailure> {
    let facts = &believed.facts;
    let matches = if facts.has_alternative_names {
        EndEntityCert::try_from(leaf).is_ok_and(|leaf| leaf.verify_is_valid_for_subject_name(name).is_ok())
    } else {
        !believed.names_constrained && matches_common_name(facts, name)
    };
    if matches {
        return Ok(());
    }
    let mut names = summarise_certificate(leaf)
        .map(|summary| summary.names)
        .unwrap_or_default();
    names.truncate(NAMES_SHOWN_MAX);
    let names = if names.is_empty() {
        "no host".to_owned()
    } else {
        names.join(", ").escape_debug().to_string()
    };
    let because = format!("it names {names}, not {}", name.to_str());
    Err(refusal(FailureReason::WrongName, facts, because))
}

fn matches_common_name(facts: &Facts, name: &ServerName<'_>) -> bool {
    let (Some(common), ServerName::DnsName(dialled)) = (&facts.common_name, name) else {
        return false;
    };
    let dialled = dialled.as_ref().trim_end_matches('.');
    match common.strip_prefix("*.") {
        // A star stands for one whole label, and never for one directly below a top-level domain.
        Some(domain) => {
            domain.contains('.')
                && dialled
                    .split_once('.')
                    .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain))
        }
        None => dialled.eq_ignore_ascii_case(common),
    }
}

impl ServerCertVerifier for ServerVerifier {
    /// A stapled OCSP response is not asked of servers that are dialled: their revocation is decided by the folder.
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(leaf, intermediates, name, now)
            .map(|()| ServerCertVerified::assertion())
            .map_err(refuse)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
            .map_err(|error| refuse_signature(certificate, error))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
            .map_err(|error| refuse_signature(certificate, error))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
