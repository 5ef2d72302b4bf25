//! Whom the shell believes: a file of authorities, the system's, or anybody where `+ssc` says so.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::error::ConnectionError;

/// A longer file is no file of certificates.
const AUTHORITIES_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Whose certificates are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those that an authority of this PEM file signed.
    File(std::path::PathBuf),
    /// Those that an authority the system trusts signed.
    System,
    /// Any.
    Anybody,
}

/// What the shell shows of itself to servers that ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The chain, PEM, its own certificate first.
    pub certificate: std::path::PathBuf,
    /// The key, PEM.
    pub private_key: std::path::PathBuf,
}

/// A configuration that trusts as told, and shows `identity` if there is one.
///
/// # Errors
/// Authorities, a certificate or a key that cannot be read, or none at all.
pub fn client_config(trust: &Trust, identity: Option<&ClientIdentity>) -> Result<Arc<ClientConfig>, ConnectionError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectionError::Tls {
            host: String::new(),
            reason: error.to_string(),
        })?;
    let builder = match trust {
        Trust::File(path) => builder.with_root_certificates(authorities_of(path)?),
        Trust::System => builder.with_root_certificates(system_authorities()?),
        Trust::Anybody => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AcceptAny(provider))),
    };
    let config = match identity {
        Some(identity) => {
            let bad = |error: rustls::Error| identity.bad(&identity.certificate, error.to_string());
            let (chain, key) = identity.read()?;
            builder.with_client_auth_cert(chain, key).map_err(bad)?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

impl ClientIdentity {
    fn bad(&self, path: &Path, reason: String) -> ConnectionError {
        ConnectionError::BadIdentity {
            path: path.to_owned(),
            reason,
        }
    }

    fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), ConnectionError> {
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .map_err(|error| self.bad(&self.certificate, error.to_string()))?;
        if chain.is_empty() {
            return Err(self.bad(&self.certificate, "there is no PEM certificate in it".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.private_key).map_err(|_| {
            let reason = "there is no PEM key in it that the shell can read; an encrypted one is decrypted with `openssl pkcs8 -in \
                          FILE -out plain.key`";
            self.bad(&self.private_key, reason.to_owned())
        })?;
        Ok((chain, key))
    }
}

fn authorities_of(path: &Path) -> Result<RootCertStore, ConnectionError> {
    let bad = |reason: String| ConnectionError::BadAuthority {
        path: path.to_owned(),
        reason,
    };
    let length = std::fs::metadata(path).map_err(|error| bad(error.to_string()))?.len();
    if length > AUTHORITIES_BYTES_MAX {
        return Err(bad(format!("it is longer than {AUTHORITIES_BYTES_MAX} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("there is no PEM certificate in it".to_owned()));
    }
    Ok(roots)
}

fn system_authorities() -> Result<RootCertStore, ConnectionError> {
    let mut roots = RootCertStore::empty();
    // Systems ship certificates that are malformed in the eyes of strict parsers; those are left out, as browsers do.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(ConnectionError::Tls {
            host: "the server".to_owned(),
            reason: "this system trusts no authority; name a file of certificates with --ca".to_owned(),
        });
    }
    Ok(roots)
}

/// Accepts every certificate, but still demands that the other side holds its key.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "nothing").unwrap();
        let error = client_config(&Trust::File(file.path().to_owned()), None).unwrap_err();
        assert!(
            error.to_string().contains("there is no PEM certificate in it"),
            "{error}"
        );
    }

    #[test]
    fn any_certificate_needs_no_authority() {
        assert!(client_config(&Trust::Anybody, None).is_ok());
    }
}
