//! A TLS policy as a value, and the server configuration that is built from it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;

use crate::identity::load_identity;
use crate::suites::{suite_by_name, suite_names};
use crate::trust::client_verifier;

/// A protocol version that may be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2, RFC 5246.
    Tls12,
    /// TLS 1.3, RFC 8446.
    Tls13,
}

/// What a client must show of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// Not asked.
    None,
    /// Asked; a certificate that is shown must be good.
    Optional,
    /// Without a good certificate there is no connection.
    Require,
}

/// One scope's policy, with all paths absolute.
#[derive(Clone, Debug)]
pub struct PolicyConfig {
    /// The scope's name, for messages: `bolt`, `https`.
    pub scope: &'static str,
    /// The private key, PEM.
    pub private_key: PathBuf,
    /// The certificate chain, PEM, leaf first.
    pub public_certificate: PathBuf,
    /// Authorities that client certificates are checked against.
    pub trusted_directory: PathBuf,
    /// Certificate revocation lists.
    pub revoked_directory: PathBuf,
    /// What clients must show.
    pub client_authentication: ClientAuthentication,
    /// Suites by IANA name; `None` stands for all that are good.
    pub ciphers: Option<Vec<String>>,
    /// Versions; at least one.
    pub versions: Vec<TlsVersion>,
    /// Application protocols for ALPN, most wanted first; may be empty.
    pub application_protocols: Vec<Vec<u8>>,
}

/// One thing that is wrong with a policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is too large to be what it should be.
    #[error("`{}` is larger than {limit} bytes, which no certificate or key is", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A folder holds too many files.
    #[error("`{}` holds more than {limit} files", path.display())]
    TooManyFiles {
        /// Which.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// A PEM file is damaged.
    #[error("`{}` cannot be read as PEM: {reason}", path.display())]
    BadPem {
        /// Which.
        path: PathBuf,
        /// What the reader says.
        reason: String,
    },
    /// No certificate where one was expected.
    #[error("`{}` holds no certificate: {hint}", path.display())]
    NoCertificate {
        /// Which.
        path: PathBuf,
        /// What it seems to be, and what to do.
        hint: String,
    },
    /// No key where one was expected.
    #[error("`{}` holds no usable private key: {hint}", path.display())]
    NoPrivateKey {
        /// Which.
        path: PathBuf,
        /// What it seems to be, and what to do.
        hint: String,
    },
    /// The key is of a kind or size that is not accepted.
    #[error("the private key `{}` is not accepted: {reason}", path.display())]
    UnsupportedKey {
        /// Which.
        path: PathBuf,
        /// What the provider says.
        reason: String,
    },
    /// Key and certificate do not belong together.
    #[error("the key `{}` does not belong to the certificate `{}`", key.display(), certificate.display())]
    KeyMismatch {
        /// The key.
        key: PathBuf,
        /// The certificate.
        certificate: PathBuf,
    },
    /// A certificate's time is over.
    #[error("the certificate of {subject} in `{}` has expired; renew it", path.display())]
    Expired {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate's time has not begun.
    #[error("the certificate of {subject} in `{}` is not valid yet; check the clock", path.display())]
    NotYetValid {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate without subject alternative names, which no driver accepts.
    #[error("the certificate of {subject} in `{}` names no host (subject alternative name)", path.display())]
    NoNames {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        subject: String,
    },
    /// The chain does not run from the leaf upwards.
    #[error("the chain in `{}` is out of order; put the server's own certificate first, then each one's issuer", path.display())]
    WrongOrder {
        /// The file.
        path: PathBuf,
    },
    /// Client certificates are required and nobody is trusted.
    #[error("client certificates are required and `{}` holds no authority to check them against", path.display())]
    NobodyTrusted {
        /// The folder.
        path: PathBuf,
    },
    /// A trusted certificate or revocation list is not usable.
    #[error("`{}` cannot be used to check clients: {reason}", path.display())]
    BadTrust {
        /// Which.
        path: PathBuf,
        /// What the verifier says.
        reason: String,
    },
    /// A file in the revocation folder is something else.
    #[error("`{}` is no certificate revocation list; move it out of the folder", path.display())]
    NotARevocationList {
        /// Which.
        path: PathBuf,
    },
    /// A cipher suite that is not offered.
    #[error("the cipher suite `{name}` is not offered; choose from {allowed}")]
    UnknownCipher {
        /// The name as written.
        name: String,
        /// All names, comma-separated.
        allowed: String,
    },
    /// The list of suites leaves an enabled version without any.
    #[error("the ciphers leave {version} without a suite, yet it is enabled; add one or take the version out")]
    NothingToOffer {
        /// The version.
        version: &'static str,
    },
}

/// Everything that is wrong with a policy.
#[derive(Debug)]
pub struct PolicyFaults {
    /// The scope.
    pub scope: &'static str,
    /// Each fault.
    pub faults: Vec<PolicyError>,
}

impl fmt::Display for PolicyFaults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the TLS policy `{}` cannot be used", self.scope)?;
        self.faults
            .iter()
            .try_for_each(|fault| write!(formatter, "\n  {fault}"))
    }
}

impl std::error::Error for PolicyFaults {}

/// A policy that was checked, ready to serve.
#[derive(Clone, Debug)]
pub struct ServerPolicy {
    /// What accepts connections.
    pub config: Arc<ServerConfig>,
    identity: Arc<CertifiedKey>,
}

/// Answers every client with the same certificate.
#[derive(Debug)]
struct SingleIdentity(Arc<CertifiedKey>);

impl ResolvesServerCert for SingleIdentity {
    fn resolve(&self, _hello: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

impl ServerPolicy {
    /// Reads and checks everything that `config` names; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Every fault there is, not only the first.
    pub fn load(config: &PolicyConfig, now: i64) -> Result<Self, PolicyFaults> {
        let mut faults = Vec::new();
        let provider = Arc::new(provider(config, &mut faults));
        let identity = load_identity(&config.public_certificate, &config.private_key, now, &mut faults);
        let verifier = client_verifier(config, Arc::clone(&provider), &mut faults);
        let scope = config.scope;
        let Some(identity) = identity.filter(|_| faults.is_empty()) else {
            return Err(PolicyFaults { scope, faults });
        };
        let versions: Vec<_> = config.versions.iter().map(|version| version.protocol()).collect();
        let builder = match ServerConfig::builder_with_provider(provider).with_protocol_versions(&versions) {
            Ok(builder) => builder,
            Err(_) => {
                return Err(PolicyFaults {
                    scope,
                    faults: vec![PolicyError::NothingToOffer { version: "TLS" }],
                });
            }
        };
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut server = builder.with_cert_resolver(Arc::new(SingleIdentity(Arc::clone(&identity))));
        server.alpn_protocols.clone_from(&config.application_protocols);
        Ok(Self {
            config: Arc::new(server),
            identity,
        })
    }

    /// What the server's own certificate says of itself.
    pub fn certificate(&self) -> Option<crate::CertificateSummary> {
        self.identity
            .cert
            .first()
            .and_then(|der| crate::summarise_certificate(der))
    }
}

impl TlsVersion {
    fn protocol(self) -> &'static rustls::SupportedProtocolVersion {
        match self {
            Self::Tls12 => &rustls::version::TLS12,
            Self::Tls13 => &rustls::version::TLS13,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }
}

fn provider(config: &PolicyConfig, faults: &mut Vec<PolicyError>) -> CryptoProvider {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    if let Some(names) = &config.ciphers {
        provider.cipher_suites = names
            .iter()
            .filter_map(|name| {
                let suite = suite_by_name(name);
                if suite.is_none() {
                    let allowed = suite_names().collect::<Vec<_>>().join(", ");
                    faults.push(PolicyError::UnknownCipher {
                        name: name.clone(),
                        allowed,
                    });
                }
                suite
            })
            .collect();
    }
    for version in &config.versions {
        if !provider
            .cipher_suites
            .iter()
            .any(|suite| suite.version() == version.protocol())
        {
            faults.push(PolicyError::NothingToOffer {
                version: version.name(),
            });
        }
    }
    provider
}

#[cfg(test)]
mod tests;
