//! What a member's certificate must say beyond what TLS asks: both usages, and the name the member gives itself.

use bastide_tls::PeerCertificate;
use rustls::CommonState;
use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::{CertificateDer, ServerName};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::error::NotEstablished;
use crate::member_name::MemberName;

/// The certificate that the other end showed.
pub(crate) struct Shown {
    leaf: CertificateDer<'static>,
    pub(crate) certificate: PeerCertificate,
}

impl Shown {
    /// Takes it from a connection whose handshake is done.
    ///
    /// Every member dials and is dialled, so a certificate that is good for one direction only is no member's: without this, one
    /// that was issued for a web server could stand in for a member that is dialled.
    pub(crate) fn of(connection: &CommonState) -> Result<Self, NotEstablished> {
        let leaf = connection
            .peer_certificates()
            .and_then(|chain| chain.first())
            .ok_or(NotEstablished::NoCertificate)?;
        let certificate = PeerCertificate::of(connection).ok_or(NotEstablished::NoCertificate)?;
        if !allows_both_usages(leaf) {
            return Err(NotEstablished::OneUsageOnly);
        }
        Ok(Self {
            leaf: leaf.clone().into_owned(),
            certificate,
        })
    }

    /// Whether it vouches for a name. The common name does not count.
    pub(crate) fn vouches_for(&self, name: &MemberName) -> bool {
        let (Ok(parsed), Ok(name)) = (
            ParsedCertificate::try_from(&self.leaf),
            ServerName::try_from(name.as_str()),
        ) else {
            return false;
        };
        verify_server_name(&parsed, &name).is_ok()
    }
}

/// A certificate without the extension is good for everything (RFC 5280, 4.2.1.12).
fn allows_both_usages(leaf: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(leaf) else {
        return false;
    };
    match certificate.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.any || (usage.value.server_auth && usage.value.client_auth),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};

    use super::*;

    fn leaf(usages: &[ExtendedKeyUsagePurpose]) -> CertificateDer<'static> {
        let mut parameters = CertificateParams::new(vec!["one.test".to_owned()]).unwrap();
        parameters.extended_key_usages = usages.to_vec();
        parameters
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der()
            .clone()
    }

    #[test]
    fn a_certificate_for_one_direction_is_no_members() {
        use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
        assert!(allows_both_usages(&leaf(&[])));
        assert!(allows_both_usages(&leaf(&[Any])));
        assert!(allows_both_usages(&leaf(&[ServerAuth, ClientAuth])));
        assert!(!allows_both_usages(&leaf(&[ServerAuth])));
        assert!(!allows_both_usages(&leaf(&[ClientAuth])));
        assert!(!allows_both_usages(&CertificateDer::from(vec![0x30, 0])));
    }
}
