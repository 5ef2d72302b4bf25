//! Staples through their life: shown, renewed, kept while the responder is down, dropped at their end, carried over.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::authority::{Authority, P256};
use crate::ocsp::stapler::{Staples, refresh_within};
use crate::ocsp::{Fetch, FetchError, FetchFuture, HttpFetch, StapleState, Stapler, staple_warnings};
use crate::policy::tests::now;
use crate::{Channel, Channels, PolicyWarning};

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);
const LIMIT: Duration = Duration::from_secs(10);
const NOWHERE: &str = "http://127.0.0.1:1/";

/// An authority that is asked without a network, and may be down.
struct Responder {
    authority: Authority,
    /// What somebody between it and the server has recorded and answers instead.
    repeated: Mutex<Option<Vec<u8>>>,
    /// Further options for the answers; `None` while it is down.
    options: Mutex<Option<&'static str>>,
    asked: AtomicUsize,
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Responder")
    }
}

impl Responder {
    /// With the certificates `server` (0x1001) and `next` (0x1002, must-staple), both good.
    fn new() -> Arc<Self> {
        let authority = Authority::new(P256);
        authority.issue_server("server", 0x1001, NOWHERE, false);
        authority.issue_server("next", 0x1002, NOWHERE, true);
        authority.record(&[(0x1001, "V"), (0x1002, "V")]);
        Arc::new(Self {
            authority,
            repeated: Mutex::new(None),
            options: Mutex::new(Some("-nmin 60")),
            asked: AtomicUsize::new(0),
        })
    }

    fn set(&self, options: Option<&'static str>) {
        *self.options.lock().unwrap() = options;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn channels(&self) -> Arc<Channels> {
        Arc::new(Channels::load(vec![self.authority.config("bolt", "server")], now()).unwrap())
    }
}

impl Fetch for Responder {
    fn fetch<'a>(&'a self, _responder: &'a str, request: Vec<u8>) -> FetchFuture<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let options = *self.options.lock().unwrap();
        if let Some(repeated) = self.repeated.lock().unwrap().clone() {
            return Box::pin(std::future::ready(Ok(repeated)));
        }
        let answer = match options {
            Some(options) => Ok(self.authority.answer(&request, "ca", options)),
            None => Err(FetchError::Status { status: 503 }),
        };
        Box::pin(std::future::ready(answer))
    }
}

#[derive(Debug)]
struct Silent;

impl Fetch for Silent {
    fn fetch<'a>(&'a self, _responder: &'a str, _request: Vec<u8>) -> FetchFuture<'a> {
        Box::pin(std::future::pending())
    }
}

/// A client that believes everybody and keeps what was stapled.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<u8>>);

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.0.lock().unwrap() = response.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// What a client of this version is shown with the certificate; empty for nothing.
async fn shown(channel: &Channel, version: &'static SupportedProtocolVersion) -> Vec<u8> {
    let recorder = Arc::new(Recorder::default());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&recorder) as _)
        .with_no_client_auth();
    let (near, far) = tokio::io::duplex(1 << 16);
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let (accepted, dialled) = tokio::join!(
        channel.accept(near, PEER, LIMIT),
        connector.connect("localhost".try_into().unwrap(), far)
    );
    assert!(accepted.is_ok() && dialled.is_ok());
    let response = recorder.0.lock().unwrap();
    response.clone()
}

/// `openssl ocsp` as a responder on loopback; ended when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a responder on a port that is free, and may have to try another: it takes no port 0. It is not asked whether it
/// is there, because a connection without a request stops this responder for good.
fn listening(authority: &Authority) -> (Process, String) {
    for _ in 0..20 {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let words = format!("ocsp -port {port} -index index.txt -CA ca.crt -rsigner ca.crt -rkey ca.key -ndays 1");
        let mut child = Command::new("openssl")
            .args(words.split(' '))
            .current_dir(authority.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let process = Process(child);
        let mut lines = said.lines().map_while(Result::ok);
        if lines.any(|line| line.contains("waiting for OCSP client connections")) {
            std::thread::spawn(move || lines.for_each(drop));
            return (process, format!("http://127.0.0.1:{port}/"));
        }
    }
    panic!("no responder");
}

#[tokio::test]
async fn a_client_sees_the_staple_of_a_real_responder_over_both_versions() {
    let authority = Authority::new(P256);
    authority.record(&[(0x1001, "V")]);
    let (_process, address) = listening(&authority);
    authority.issue_server("server", 0x1001, &address, false);
    let channels = Arc::new(Channels::load(vec![authority.config("bolt", "server")], now()).unwrap());
    let channel = channels.channel("bolt").unwrap();
    assert_eq!(channel.staple_status().state, StapleState::Off);
    assert!(shown(channel, &rustls::version::TLS13).await.is_empty());
    let stapler = Stapler::start(Arc::clone(&channels), vec!["bolt"], Arc::new(HttpFetch)).await;
    let status = channel.staple_status();
    assert_eq!(
        (&status.state, status.stapled),
        (&StapleState::Good, true),
        "{status:?}"
    );
    assert_eq!(status.responder.as_deref(), Some(address.as_str()));
    let in_1_3 = shown(channel, &rustls::version::TLS13).await;
    assert!(!in_1_3.is_empty());
    assert_eq!(in_1_3, shown(channel, &rustls::version::TLS12).await);
    drop(stapler);
    assert_eq!(channel.staple_status().state, StapleState::Off);
    assert!(shown(channel, &rustls::version::TLS12).await.is_empty());
}

#[tokio::test]
async fn openssl_verifies_the_staple_over_both_versions() {
    let responder = Responder::new();
    let channels = responder.channels();
    let _stapler = Stapler::start(Arc::clone(&channels), vec!["bolt"], Arc::clone(&responder) as _).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for version in ["-tls1_2", "-tls1_3"] {
        let words = format!("s_client -connect 127.0.0.1:{port} -status {version} -CAfile ca.crt -verify_return_error");
        let client = Command::new("openssl")
            .args(words.split(' '))
            .current_dir(responder.authority.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let accepted = channels.channel("bolt").unwrap().accept(stream, peer, LIMIT).await;
        drop(accepted.unwrap());
        let said = client.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.contains("OCSP Response Status: successful"), "{version}: {said}");
        assert!(said.contains("Cert Status: good"), "{version}: {said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{version}: {said}");
    }
}

/// Staples of `channels`, with nobody to renew them but the test.
fn adopted(channels: &Channels, responder: &Arc<Responder>) -> Arc<Staples> {
    let staples = Arc::new(Staples::new(vec!["bolt"], Arc::clone(responder) as _));
    assert!(staples.adopt(&channels.policies(), now()));
    staples
}

/// Asks if it is time at `now`; whether it was.
async fn refresh(staples: &Staples, at: i64) -> bool {
    let due = {
        let mut slots = staples.slots();
        let slot = slots.get_mut("bolt").unwrap();
        slot.expire(at);
        slot.take_due(at)
    };
    match due {
        Some(inquiry) => {
            staples.refresh("bolt", inquiry, || at).await;
            true
        }
        None => false,
    }
}

#[tokio::test]
async fn the_last_good_answer_is_kept_while_the_responder_is_down_and_dropped_at_its_end() {
    let responder = Responder::new();
    let channels = responder.channels();
    let channel = channels.channel("bolt").unwrap();
    let staples = adopted(&channels, &responder);
    assert!(refresh(&staples, now()).await);
    let good = channel.staple_status();
    let (from, end) = (good.this_update.unwrap(), good.next_update.unwrap());
    assert_eq!((good.state, end), (StapleState::Good, from + 3_600));
    assert!(!refresh(&staples, from + 60).await, "not yet time");
    assert!(refresh(&staples, from - 86_400).await, "the clock was set back");
    assert!(refresh(&staples, now()).await, "and forth");
    // The answers need not be of the same second.
    let good = channel.staple_status();
    let (from, end) = (good.this_update.unwrap(), good.next_update.unwrap());
    responder.set(None);
    assert!(refresh(&staples, from + 1_860).await);
    assert!(!refresh(&staples, from + 1_861).await, "at most once a minute");
    let kept = channel.staple_status();
    assert!(
        matches!(&kept.state, StapleState::Failed { reason } if reason.contains("503")),
        "{kept:?}"
    );
    assert_eq!((kept.stapled, kept.next_update), (true, Some(end)));
    assert!(!shown(channel, &rustls::version::TLS13).await.is_empty());
    let policy = channel.policy().unwrap();
    assert!(policy.presented.at(end - 1).ocsp.is_some());
    assert!(policy.presented.at(end).ocsp.is_none(), "even if nobody looks after it");
    refresh(&staples, end).await;
    let dropped = channel.staple_status();
    assert_eq!((dropped.stapled, dropped.next_update), (false, None));
    assert!(shown(channel, &rustls::version::TLS13).await.is_empty());
}

#[tokio::test]
async fn a_revoked_answer_takes_the_good_one_away_and_an_unknown_one_does_not() {
    let responder = Responder::new();
    let channels = responder.channels();
    let channel = channels.channel("bolt").unwrap();
    let staples = adopted(&channels, &responder);
    let ask_again = async || {
        staples.slots().values_mut().for_each(|slot| slot.hurry(now()));
        assert!(refresh(&staples, now()).await);
        channel.staple_status()
    };
    assert_eq!(ask_again().await.state, StapleState::Good);
    responder.authority.record(&[]);
    let unknown = ask_again().await;
    assert_eq!((unknown.state, unknown.stapled), (StapleState::Unknown, true));
    responder.authority.record(&[(0x1001, "superseded")]);
    let revoked = ask_again().await;
    let expected = StapleState::Revoked {
        since: 1_704_164_645,
        reason: "superseded",
    };
    assert_eq!((revoked.state, revoked.stapled), (expected, false));
    assert!(shown(channel, &rustls::version::TLS12).await.is_empty());
    responder.authority.record(&[(0x1001, "V")]);
    let again = ask_again().await;
    assert_eq!(
        (again.state, again.stapled),
        (StapleState::Good, true),
        "a hold may be lifted"
    );
}

#[tokio::test]
async fn an_answer_of_before_the_revocation_cannot_be_repeated_after_it() {
    let responder = Responder::new();
    let channels = responder.channels();
    let channel = channels.channel("bolt").unwrap();
    let staples = adopted(&channels, &responder);
    let ask_again = async || {
        staples.slots().values_mut().for_each(|slot| slot.hurry(now()));
        assert!(refresh(&staples, now()).await);
        channel.staple_status()
    };
    assert_eq!(ask_again().await.state, StapleState::Good);
    let recorded = shown(channel, &rustls::version::TLS13).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    responder.authority.record(&[(0x1001, "keyCompromise")]);
    assert!(!ask_again().await.stapled);
    let repeat = |answer: &[u8]| *responder.repeated.lock().unwrap() = Some(answer.to_vec());
    repeat(&recorded);
    let repeated = ask_again().await;
    assert!(
        !repeated.stapled && matches!(repeated.state, StapleState::Revoked { .. }),
        "{repeated:?}"
    );
    // Nor after something else went wrong, or a reload.
    repeat(b"garbage");
    ask_again().await;
    channels
        .reload(vec![responder.authority.config("bolt", "server")], now())
        .unwrap();
    staples.adopt(&channels.policies(), now());
    repeat(&recorded);
    assert!(!ask_again().await.stapled);
    assert!(shown(channel, &rustls::version::TLS13).await.is_empty());
}

#[tokio::test]
async fn a_reload_carries_the_staple_over_and_asks_about_a_new_certificate_before_it_is_shown() {
    let responder = Responder::new();
    let channels = responder.channels();
    let channel = channels.channel("bolt").unwrap();
    let _stapler = Stapler::start(Arc::clone(&channels), vec!["bolt"], Arc::clone(&responder) as _).await;
    let first = shown(channel, &rustls::version::TLS13).await;
    channels
        .reload(vec![responder.authority.config("bolt", "server")], now())
        .unwrap();
    assert_eq!(first, shown(channel, &rustls::version::TLS13).await);
    assert_eq!(responder.asked(), 1);
    channels
        .reload(vec![responder.authority.config("bolt", "next")], now())
        .unwrap();
    let status = channel.staple_status();
    assert_eq!(
        (&status.state, status.must_staple),
        (&StapleState::Good, true),
        "{status:?}"
    );
    assert_eq!(responder.asked(), 2);
    assert_ne!(first, shown(channel, &rustls::version::TLS13).await);
}

#[tokio::test]
async fn a_reload_goes_on_without_a_staple_when_the_responder_is_down_or_silent() {
    let responder = Responder::new();
    let channels = responder.channels();
    let channel = channels.channel("bolt").unwrap();
    let _stapler = Stapler::start(Arc::clone(&channels), vec!["bolt"], Arc::clone(&responder) as _).await;
    responder.set(None);
    channels
        .reload(vec![responder.authority.config("bolt", "next")], now())
        .unwrap();
    let status = channel.staple_status();
    assert!(matches!(status.state, StapleState::Failed { .. }), "{status:?}");
    assert!(!status.stapled, "the staple of another certificate");
    assert!(shown(channel, &rustls::version::TLS13).await.is_empty());
    let silent = Arc::new(Staples::new(vec!["bolt"], Arc::new(Silent)));
    assert!(silent.adopt(&channels.policies(), now()));
    refresh_within(&silent, Duration::from_millis(50));
    assert_eq!(channel.staple_status().state, StapleState::None);
}

#[tokio::test]
async fn warns_of_must_staple_certificates_without_stapling_and_of_missing_responders() {
    let responder = Responder::new();
    responder
        .authority
        .issue("silent", "ca", 3, "subjectAltName=DNS:localhost");
    let configs = vec![
        responder.authority.config("bolt", "next"),
        responder.authority.config("https", "silent"),
    ];
    let channels = Channels::load(configs, now()).unwrap();
    let warnings = staple_warnings(&channels, &[]);
    assert!(
        matches!(warnings.as_slice(), [("bolt", PolicyWarning::MustStapleOff { .. })]),
        "{warnings:?}"
    );
    let warnings = staple_warnings(&channels, &["bolt", "https"]);
    assert!(
        matches!(warnings.as_slice(), [("https", PolicyWarning::NoResponder { .. })]),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn the_status_reads_well_as_json() {
    let responder = Responder::new();
    let channels = responder.channels();
    let channel = channels.channel("bolt").unwrap();
    let off = serde_json::to_value(channel.staple_status()).unwrap();
    assert_eq!((&off["state"], &off["stapled"]), (&"off".into(), &false.into()));
    responder.set(None);
    let _stapler = Stapler::start(Arc::clone(&channels), vec!["bolt"], Arc::clone(&responder) as _).await;
    let failed = serde_json::to_value(channel.staple_status()).unwrap();
    assert_eq!(
        (&failed["state"], &failed["responder"]),
        (&"failed".into(), &NOWHERE.into())
    );
    assert_eq!(failed["reason"], "the answer is HTTP status 503");
}
