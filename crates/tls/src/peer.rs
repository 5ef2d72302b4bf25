//! The certificate that the other side showed and that was verified.

use rustls::CommonState;
use rustls_pki_types::CertificateDer;

use crate::certificate::{CertificateSummary, summarise_certificate};

/// A verified certificate of the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// What it says of itself.
    pub summary: CertificateSummary,
    /// The certificate and those shown above it.
    chain: Vec<CertificateDer<'static>>,
}

impl PeerCertificate {
    /// The certificate of the other side of a connection whose handshake is complete; `None` if it showed none.
    ///
    /// Under `trust_all` it was not verified: ask [`PolicyConfig::trust_all`](crate::PolicyConfig) before relying on it.
    pub fn of(connection: &CommonState) -> Option<Self> {
        let chain = connection.peer_certificates()?;
        Some(Self {
            summary: summarise_certificate(chain.first()?)?,
            chain: chain.to_vec(),
        })
    }

    /// The certificate, and those that were shown above it.
    pub(crate) fn shown(&self) -> Option<(&CertificateDer<'static>, &[CertificateDer<'static>])> {
        self.chain.split_first()
    }
}
