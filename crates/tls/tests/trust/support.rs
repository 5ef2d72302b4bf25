//! A channel that accepts or dials, and strangers that show it whatever they like.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bastide_tls::{
    Channel, Channels, ClientAuthentication, DEVELOPMENT_CA_FILE, FailureReason, HandshakeFailure, PolicyConfig,
    PolicyFaults, PolicyWarning, TlsVersion, create_development_certificates,
};
use rustls::{RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::pki::{Identity, pem};

pub const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
pub const LIMIT: Duration = Duration::from_secs(10);
pub const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A home with development certificates and empty folders.
pub struct Home {
    pub folder: tempfile::TempDir,
    pub config: PolicyConfig,
    pub trusted: PathBuf,
    pub revoked: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificates = folder.path().join("certificates");
        create_development_certificates(&certificates, &["bolt"]).unwrap();
        let (trusted, revoked) = (folder.path().join("trusted"), folder.path().join("revoked"));
        std::fs::create_dir(&trusted).unwrap();
        std::fs::create_dir(&revoked).unwrap();
        let config = PolicyConfig {
            scope: "bolt",
            private_key: certificates.join("bolt/private.key"),
            public_certificate: certificates.join("bolt/public.crt"),
            private_key_password: None,
            trusted_directory: Some(trusted.clone()),
            revoked_directory: Some(revoked.clone()),
            trust_all: false,
            verify_hostname: true,
            serves_both_ends: false,
            client_authentication: ClientAuthentication::Require,
            ciphers: None,
            versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            application_protocols: Vec::new(),
        };
        Self {
            folder,
            config,
            trusted,
            revoked,
        }
    }

    /// A home that trusts these certificates.
    pub fn trusting(certificates: &[&CertificateDer<'_>]) -> Self {
        let home = Self::new();
        for (place, certificate) in certificates.iter().enumerate() {
            home.trust(&format!("{place}.crt"), pem("CERTIFICATE", certificate));
        }
        home
    }

    pub fn trust(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.trusted.join(name), content).unwrap();
    }

    pub fn revoke(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.revoked.join(name), content).unwrap();
    }

    pub fn channels(&self) -> Channels {
        self.try_channels().unwrap_or_else(|faults| panic!("{faults}"))
    }

    pub fn try_channels(&self) -> Result<Channels, PolicyFaults> {
        Channels::load(vec![self.config.clone()], now()).map_err(|mut faults| faults.remove(0))
    }

    pub fn channel(&self) -> Arc<Channel> {
        Arc::clone(self.channels().channel("bolt").unwrap())
    }

    /// A channel whose policy was loaded a while ago; the certificate of `bolt` began an hour ago.
    pub fn channel_loaded_minutes_ago(&self, minutes: i64) -> Arc<Channel> {
        let channels = Channels::load(vec![self.config.clone()], now() - minutes * 60).unwrap();
        Arc::clone(channels.channel("bolt").unwrap())
    }

    /// What the policy warns of, each as text.
    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.channel().policy().unwrap().warnings().to_vec();
        warnings.iter().map(PolicyWarning::to_string).collect()
    }

    /// The text of what is wrong.
    #[track_caller]
    pub fn faults(&self) -> String {
        self.try_channels().expect_err("it should be refused").to_string()
    }

    fn authority(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.folder.path().join("certificates").join(DEVELOPMENT_CA_FILE)).unwrap()
    }

    /// What a client of this version has that shows `identity`.
    pub fn client(
        &self,
        version: &'static SupportedProtocolVersion,
        identity: Option<Arc<Identity>>,
    ) -> rustls::ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        match identity {
            Some(identity) => builder.with_client_cert_resolver(identity),
            None => builder.with_no_client_auth(),
        }
    }

    /// Shows `identity` in both versions, which must agree, and returns why it is refused.
    pub async fn accepts(&self, channel: &Channel, identity: Identity) -> Result<(), HandshakeFailure> {
        self.accepts_any(channel, Some(identity)).await
    }

    pub async fn accepts_any(&self, channel: &Channel, identity: Option<Identity>) -> Result<(), HandshakeFailure> {
        let identity = identity.map(Arc::new);
        let mut outcomes = Vec::new();
        for version in VERSIONS {
            outcomes.push(greet(channel, self.client(version, identity.clone())).await);
        }
        let (second, first) = (outcomes.pop().unwrap(), outcomes.pop().unwrap());
        let reason = |outcome: &Result<_, HandshakeFailure>| outcome.as_ref().err().map(|failure| failure.reason);
        assert_eq!(
            reason(&first),
            reason(&second),
            "the versions disagree: {first:?} {second:?}"
        );
        second.map(|_| ())
    }
}

/// What a client saw of a connection on which it was served.
#[derive(Debug)]
pub struct Served {
    pub resumed: bool,
    pub config: rustls::ClientConfig,
}

/// A handshake and one byte from the server, which in TLS 1.3 is the first that tells the client whether it is let in. A
/// refused client must not get the byte.
pub async fn greet(channel: &Channel, config: rustls::ClientConfig) -> Result<Served, HandshakeFailure> {
    let (near, far) = tokio::io::duplex(1 << 16);
    let connector = TlsConnector::from(Arc::new(config.clone()));
    let server = async {
        let mut stream = channel.accept(near, PEER, LIMIT).await?;
        stream.write_all(b"!").await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read(&mut [0]).await;
        Ok::<_, HandshakeFailure>(())
    };
    let client = async {
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, far).await?;
        let resumed = stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        // Takes in the tickets that come along.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        Ok::<_, std::io::Error>(resumed)
    };
    let (accepted, greeted) = tokio::join!(server, client);
    assert_eq!(accepted.is_ok(), greeted.is_ok(), "{accepted:?} {greeted:?}");
    accepted.map(|()| Served {
        resumed: greeted.unwrap(),
        config,
    })
}

/// Dials a server that shows `identity`, in both versions, which must agree.
pub async fn dial(channel: &Channel, identity: Identity, host: &str) -> Result<(), HandshakeFailure> {
    let identity = Arc::new(identity);
    let mut outcomes = Vec::new();
    for version in VERSIONS {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&identity) as _);
        let (near, far) = tokio::io::duplex(1 << 16);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (_, dialled) = tokio::join!(acceptor.accept(near), channel.connect(far, host, PEER, LIMIT));
        outcomes.push(dialled.map(|_| ()));
    }
    let (second, first) = (outcomes.pop().unwrap(), outcomes.pop().unwrap());
    let reason = |outcome: &Result<_, HandshakeFailure>| outcome.as_ref().err().map(|failure| failure.reason);
    assert_eq!(
        reason(&first),
        reason(&second),
        "the versions disagree: {first:?} {second:?}"
    );
    second
}

/// That an outcome is a refusal for this reason, whose text holds all of `parts`.
#[track_caller]
pub fn assert_refused(outcome: Result<(), HandshakeFailure>, reason: FailureReason, parts: &[&str]) {
    let failure = outcome.expect_err("it should be refused");
    assert_eq!(failure.reason, reason, "{failure}");
    for part in parts {
        assert!(failure.to_string().contains(part), "`{part}` is missing in: {failure}");
    }
}
