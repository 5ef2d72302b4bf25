//! From a client's certificate to what the rules of certificate logins are asked about, for Bolt and HTTPS alike.

use bastide_security::CertificateIdentity;
use bastide_tls::PeerCertificate;

/// What rules are asked about a verified certificate.
pub(crate) fn certificate_identity(certificate: &PeerCertificate) -> CertificateIdentity {
    let summary = &certificate.summary;
    let is_address = |name: &&String| name.parse::<std::net::IpAddr>().is_ok();
    CertificateIdentity {
        subject: summary.subject.clone(),
        common_names: summary.common_names.clone(),
        dns_names: summary.names.iter().filter(|name| !is_address(name)).cloned().collect(),
        email_names: summary.email_names.clone(),
        uri_names: summary.uri_names.clone(),
        fingerprint: summary.fingerprint.clone(),
    }
}
