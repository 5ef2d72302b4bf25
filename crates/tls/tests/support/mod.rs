//! Authorities, certificates and lists made while a test runs; a channel that accepts, one that dials, and strangers that
//! show whatever they like.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, not all used by each of them"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bastide_tls::{
    Channel, Channels, ClientAuthentication, DEVELOPMENT_CA_FILE, FailureReason, HandshakeFailure, PolicyConfig,
    PolicyFaults, PolicyWarning, TlsVersion, create_development_certificates,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use time::{Duration as Span, OffsetDateTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
pub const LIMIT: Duration = Duration::from_secs(10);
pub const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// So many hours from now.
pub fn hours(count: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + Span::hours(count)
}

/// An authority.
pub struct Authority {
    pub issuer: Issuer<'static, KeyPair>,
    pub certificate: CertificateDer<'static>,
    pub name: String,
    pub serial: u64,
    /// Authorities between this one and its root, this one first.
    pub above: Vec<CertificateDer<'static>>,
}

fn authority_params(name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(serial.into());
    params.not_before = hours(-48);
    params.not_after = hours(24 * 365);
    params
}

impl Authority {
    pub fn new(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    pub fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::with_key(name, KeyPair::generate().unwrap(), change)
    }

    pub fn with_key(name: &str, key: KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority_params(name, 1);
        change(&mut params);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
            name: name.to_owned(),
            serial: 1,
            above: Vec::new(),
        }
    }

    /// An authority below this one.
    pub fn below(&self, name: &str, serial: u64, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = authority_params(name, serial);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let mut above = vec![certificate.clone()];
        above.extend(self.above.iter().cloned());
        Self {
            issuer: Issuer::new(params, key),
            certificate,
            name: name.to_owned(),
            serial,
            above,
        }
    }

    /// A leaf with this number for clients and servers, named `localhost`.
    pub fn issue(&self, serial: u64) -> Identity {
        self.issue_with(serial, |_| {})
    }

    pub fn issue_with(&self, serial: u64, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = leaf_params(serial);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut chain = vec![certificate.der().clone()];
        chain.extend(self.above.iter().cloned());
        Identity::new(chain, key.serialize_der())
    }

    /// A list that was issued an hour ago and is valid for a day.
    pub fn list(&self, number: u64, revoked: &[u64]) -> Vec<u8> {
        self.list_at(number, revoked, -1, 24)
    }

    /// A list between two hours from now.
    pub fn list_at(&self, number: u64, revoked: &[u64], from: i64, until: i64) -> Vec<u8> {
        self.list_with(number, revoked, from, until, |_| {})
    }

    pub fn list_with(
        &self,
        number: u64,
        revoked: &[u64],
        from: i64,
        until: i64,
        change: impl FnOnce(&mut rcgen::CertificateRevocationListParams),
    ) -> Vec<u8> {
        let revoked = revoked.iter().map(|serial| rcgen::RevokedCertParams {
            serial_number: (*serial).into(),
            revocation_time: hours(from),
            reason_code: None,
            invalidity_date: None,
        });
        let mut params = rcgen::CertificateRevocationListParams {
            this_update: hours(from),
            next_update: hours(until),
            crl_number: number.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        change(&mut params);
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }
}

pub fn leaf_params(serial: u64) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("leaf {serial}"));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params.serial_number = Some(serial.into());
    params.not_before = hours(-24);
    params.not_after = hours(24 * 90);
    params
}

/// A chain and the key of its leaf.
#[derive(Debug)]
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    certified: Arc<CertifiedKey>,
}

impl Identity {
    pub fn new(chain: Vec<CertificateDer<'static>>, pkcs8: Vec<u8>) -> Self {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8));
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
        let certified = Arc::new(CertifiedKey::new(chain.clone(), key));
        Self { chain, certified }
    }

    /// What `openssl` wrote to `<name>.crt` and `<name>.key`.
    pub fn from_files(folder: &Path, name: &str) -> Self {
        let chain = CertificateDer::pem_file_iter(folder.join(format!("{name}.crt")))
            .unwrap()
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        let PrivateKeyDer::Pkcs8(key) = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap()
        else {
            panic!("{name}.key is not PKCS #8");
        };
        Self::new(chain, key.secret_pkcs8_der().to_vec())
    }

    pub fn leaf(&self) -> CertificateDer<'static> {
        self.chain[0].clone()
    }

    /// The same key with only some of the chain.
    pub fn showing(&self, chain: Vec<CertificateDer<'static>>) -> Self {
        let certified = Arc::new(CertifiedKey::new(chain.clone(), Arc::clone(&self.certified.key)));
        Self { chain, certified }
    }

    /// Another key under the same certificates: somebody who copied them.
    pub fn stolen(&self) -> Self {
        let key = KeyPair::generate().unwrap();
        Self::new(self.chain.clone(), key.serialize_der())
    }
}

impl rustls::client::ResolvesClientCert for Identity {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.certified))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl rustls::server::ResolvesServerCert for Identity {
    fn resolve(&self, _hello: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.certified))
    }
}

/// A home with development certificates and empty folders.
pub struct Home {
    pub folder: tempfile::TempDir,
    pub config: PolicyConfig,
    pub trusted: PathBuf,
    pub revoked: PathBuf,
}

pub fn pem(label: &str, der: &[u8]) -> String {
    let body = base64(der);
    let lines: Vec<String> = body
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut bits = 0_u32;
        for place in 0..3 {
            bits = bits << 8 | u32::from(group.get(place).copied().unwrap_or(0));
        }
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) as usize & 63;
            text.push(if place <= group.len() {
                char::from(DIGITS[digit])
            } else {
                '='
            });
        }
    }
    text
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

/// Runs `openssl` in a folder.
#[track_caller]
pub fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("openssl is needed for this test");
    assert!(
        output.status.success(),
        "openssl {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
