//! The certificate that the other side showed and that was verified.

use rustls::CommonState;

use crate::certificate::{CertificateSummary, summarise_certificate};

/// A verified certificate of the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// What it says of itself.
    pub summary: CertificateSummary,
}

impl PeerCertificate {
    /// The certificate of the other side of a connection whose handshake is complete; `None` if it showed none.
    ///
    /// Under `trust_all` it was not verified: ask [`PolicyConfig::trust_all`](crate::PolicyConfig) before relying on it.
    pub fn of(connection: &CommonState) -> Option<Self> {
        let leaf = connection.peer_certificates()?.first()?;
        summarise_certificate(leaf).map(|summary| Self { summary })
    }
}
