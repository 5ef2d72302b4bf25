//! A TLS policy as a value, and what is built from it: one channel's configuration for accepting and for dialling.

use std::path::PathBuf;
use std::sync::Arc;

use bastide_secret::SecretString;
use rustls::client::Resumption;
use rustls::{ClientConfig, ServerConfig};

use crate::fault::{PolicyError, PolicyFaults, PolicyWarning};
use crate::identity::Identity;
use crate::presented::Presented;
use crate::suites::offered_suites;
use crate::trust::Trust;

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
    /// The scope's name, for messages: `bolt`, `https`, `cluster`, `backup`.
    pub scope: &'static str,
    /// The private key, PEM.
    pub private_key: PathBuf,
    /// What decrypts the private key, if it is encrypted.
    pub private_key_password: Option<SecretString>,
    /// The certificate chain, PEM, leaf first.
    pub public_certificate: PathBuf,
    /// Whom to believe: authorities, and certificates that are trusted for themselves. `None` believes nobody; a folder
    /// that is named must be there.
    pub trusted_directory: Option<PathBuf>,
    /// Certificate revocation lists and revoked certificates; a folder that is named must be there. As soon as it holds one
    /// list, every authority needs a current one, or what it issued is refused.
    pub revoked_directory: Option<PathBuf>,
    /// What clients must show.
    pub client_authentication: ClientAuthentication,
    /// Believes everybody who has the key of the certificate shown, under any name, and ignores `trusted_directory`. Who is
    /// named by `revoked_directory` is refused all the same.
    pub trust_all: bool,
    /// Whether the name that was dialled must be in the other side's certificate.
    pub verify_hostname: bool,
    /// Whether the certificate is shown by both ends of a connection, and so must allow both usages.
    pub serves_both_ends: bool,
    /// Suites by IANA name; `None` stands for all that are good.
    pub ciphers: Option<Vec<String>>,
    /// Versions; at least one.
    pub versions: Vec<TlsVersion>,
    /// Application protocols for ALPN, most wanted first; may be empty.
    pub application_protocols: Vec<Vec<u8>>,
}

/// A policy whose files were read and checked: ready to accept and to dial.
///
/// Session caches and ticket keys belong to the policy: what was agreed under another one cannot be resumed under this.
#[derive(Debug)]
pub struct Policy {
    config: PolicyConfig,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    pub(crate) identity: Identity,
    pub(crate) presented: Arc<Presented>,
    pub(crate) trust: Arc<Trust>,
    warnings: Vec<PolicyWarning>,
    loaded_at: i64,
}

impl Policy {
    /// Reads and checks everything that `config` names; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Every fault there is, not only the first.
    pub fn load(config: PolicyConfig, now: i64) -> Result<Self, PolicyFaults> {
        let mut faults = Vec::new();
        let mut warnings = Vec::new();
        let mut offer = offered_suites(&config, &mut faults, &mut warnings);
        let identity = Identity::load(&config, now, &mut faults, &mut warnings);
        if let Some(identity) = &identity {
            offer.fit_to_key(&identity.key().algorithm, &mut faults, &mut warnings);
        }
        let trust = Trust::load(&config, now, &mut faults, &mut warnings);
        let scope = config.scope;
        let refuse = |faults| PolicyFaults { scope, faults };
        let (Some(identity), Some(trust), true) = (identity, trust, faults.is_empty()) else {
            return Err(refuse(faults));
        };
        let unusable = |error: rustls::Error| {
            let reason = error.to_string();
            refuse(vec![PolicyError::Unusable { reason }])
        };
        let protocols = offer.protocols();
        let provider = Arc::new(offer.provider);
        let trust = Arc::new(trust);
        let presented = Arc::new(Presented::new(identity.certified()));
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&protocols)
            .map_err(unusable)?
            .with_client_cert_verifier(trust.client_verifier(config.client_authentication, &provider))
            .with_cert_resolver(Arc::clone(&presented) as _);
        let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&protocols)
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(trust.server_verifier(config.verify_hostname, &provider))
            .with_client_cert_resolver(Arc::clone(&presented) as _);
        if cfg!(feature = "fips") && !(server.fips() && client.fips()) {
            return Err(refuse(vec![PolicyError::OutsideFips]));
        }
        // The list says "best first", and says it of both ends.
        server.ignore_client_order = true;
        server.alpn_protocols.clone_from(&config.application_protocols);
        // A resumed session would bring the server's certificate of the first one along, unjudged; who is dialled stays connected
        // for long, so that there is little to gain.
        client.resumption = Resumption::disabled();
        client.alpn_protocols.clone_from(&config.application_protocols);
        Ok(Self {
            server: Arc::new(server),
            client: Arc::new(client),
            identity,
            presented,
            trust,
            warnings,
            loaded_at: now,
            config,
        })
    }

    /// What it was made from.
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }

    /// What accepts connections.
    pub fn server_config(&self) -> &Arc<ServerConfig> {
        &self.server
    }

    /// What dials connections, showing the same certificate.
    pub fn client_config(&self) -> &Arc<ClientConfig> {
        &self.client
    }

    /// What works and deserves a thought.
    pub fn warnings(&self) -> &[PolicyWarning] {
        &self.warnings
    }

    /// When its files were read, in seconds since 1970.
    pub fn loaded_at(&self) -> i64 {
        self.loaded_at
    }

    /// Whom it believes and whom not.
    pub fn trust_summary(&self) -> crate::TrustSummary {
        self.trust.summary()
    }

    /// What the own certificates say of themselves, the leaf first.
    pub fn certificates(&self) -> &[crate::CertificateSummary] {
        self.identity.certificates()
    }

    /// What the private key is, without anything secret.
    pub fn key(&self) -> &crate::KeySummary {
        self.identity.key()
    }
}

impl ClientAuthentication {
    /// Its name as settings write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Optional => "OPTIONAL",
            Self::Require => "REQUIRE",
        }
    }
}

impl TlsVersion {
    pub(crate) fn protocol(self) -> &'static rustls::SupportedProtocolVersion {
        match self {
            Self::Tls12 => &rustls::version::TLS12,
            Self::Tls13 => &rustls::version::TLS13,
        }
    }

    /// Its name as settings write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
