//! Handshakes between a channel and itself, and replacing policies under it.

use super::*;
use crate::policy::tests::{development, now};
use crate::{ClientAuthentication, FailureReason};

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);
const LIMIT: Duration = Duration::from_secs(5);

fn trusting_itself() -> (tempfile::TempDir, PolicyConfig) {
    let (home, mut config) = development();
    let trusted = home.path().join("trusted");
    std::fs::create_dir(&trusted).unwrap();
    let authority = home.path().join("certificates").join(crate::DEVELOPMENT_CA_FILE);
    std::fs::copy(authority, trusted.join("ca.crt")).unwrap();
    config.trusted_directory = Some(trusted);
    config.client_authentication = ClientAuthentication::Require;
    (home, config)
}

async fn meet(server: &Channel, client: &Channel, host: &str) -> (Option<FailureReason>, Option<FailureReason>) {
    let (near, far) = tokio::io::duplex(1 << 16);
    let (accepted, dialled) = tokio::join!(server.accept(near, PEER, LIMIT), client.connect(far, host, PEER, LIMIT));
    (
        accepted.err().map(|failure| failure.reason),
        dialled.err().map(|failure| failure.reason),
    )
}

#[tokio::test]
async fn both_ends_of_a_channel_believe_each_other_and_the_name_is_checked() {
    let (_home, config) = trusting_itself();
    let channels = Channels::load(vec![config], now()).unwrap();
    let channel = channels.channel("bolt").unwrap();
    assert_eq!(meet(channel, channel, "localhost").await, (None, None));
    assert_eq!(meet(channel, channel, "127.0.0.1").await, (None, None));
    let (accepted, dialled) = meet(channel, channel, "elsewhere").await;
    assert_eq!(dialled, Some(FailureReason::WrongName));
    assert_eq!(accepted, Some(FailureReason::RefusedByPeer));
    let statistics = channel.statistics();
    assert_eq!((statistics.tls13, statistics.tls12, statistics.failed()), (4, 0, 2));
}

#[tokio::test]
#[cfg_attr(feature = "fips", ignore = "the FIPS module has no ChaCha20")]
async fn the_servers_order_of_suites_counts() {
    let (_home, mut config) = trusting_itself();
    let suite_of = async |server: PolicyConfig, client: PolicyConfig| {
        let (server, client) = (
            Channel::of(Policy::load(server, now()).unwrap()),
            Channel::of(Policy::load(client, now()).unwrap()),
        );
        let (near, far) = tokio::io::duplex(1 << 16);
        let (accepted, dialled) = tokio::join!(
            server.accept(near, PEER, LIMIT),
            client.connect(far, "localhost", PEER, LIMIT)
        );
        drop(dialled);
        accepted.unwrap().get_ref().1.negotiated_cipher_suite().unwrap().suite()
    };
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    config.ciphers = names(&["TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384"]);
    let mut client = config.clone();
    client.ciphers = names(&["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]);
    assert_eq!(
        suite_of(config, client).await,
        rustls::CipherSuite::TLS13_CHACHA20_POLY1305_SHA256
    );
}

#[tokio::test]
async fn a_reload_with_one_bad_policy_changes_none() {
    let (home, bolt) = trusting_itself();
    let folder = home.path().join("certificates");
    let https = PolicyConfig {
        scope: "https",
        private_key: folder.join("https/private.key"),
        public_certificate: folder.join("https/public.crt"),
        ..bolt.clone()
    };
    let channels = Channels::load(vec![bolt.clone(), https.clone()], now()).unwrap();
    let before = channels.channel("bolt").unwrap().policy().unwrap();
    let broken = PolicyConfig {
        private_key: folder.join("bolt/private.key"),
        ..https.clone()
    };
    let error = channels.reload(vec![bolt.clone(), broken], now()).unwrap_err();
    assert!(error.to_string().contains("https"), "{error}");
    assert!(Arc::ptr_eq(
        &before,
        &channels.channel("bolt").unwrap().policy().unwrap()
    ));
    assert!(matches!(
        channels.reload(vec![bolt.clone()], now()),
        Err(ReloadError::OtherChannels { .. })
    ));
    assert_eq!(channels.generation(), 1);
    assert_eq!(channels.reload(vec![bolt, https], now()).unwrap(), 2);
    assert!(!Arc::ptr_eq(
        &before,
        &channels.channel("bolt").unwrap().policy().unwrap()
    ));
}

#[tokio::test]
async fn a_client_is_judged_again_by_the_policy_in_force_now() {
    let (home, config) = trusting_itself();
    let channels = Channels::load(vec![config.clone()], now()).unwrap();
    let channel = channels.channel("bolt").unwrap();
    let (near, far) = tokio::io::duplex(1 << 16);
    let (accepted, dialled) = tokio::join!(
        channel.accept(near, PEER, LIMIT),
        channel.connect(far, "localhost", PEER, LIMIT)
    );
    drop(dialled);
    let certificate = PeerCertificate::of(accepted.unwrap().get_ref().1).unwrap();
    let judged = |at| {
        channel
            .judge_client(&certificate, at)
            .err()
            .map(|failure| failure.reason)
    };
    assert_eq!(judged(now()), None);
    assert_eq!(
        judged(certificate.summary.not_after + 1),
        Some(FailureReason::CertificateOutOfDate)
    );
    let revoked = home.path().join("revoked");
    std::fs::create_dir(&revoked).unwrap();
    std::fs::copy(&config.public_certificate, revoked.join("client.crt")).unwrap();
    let with = |change: &dyn Fn(&mut PolicyConfig)| {
        let mut config = config.clone();
        change(&mut config);
        channels.reload(vec![config], now()).unwrap();
        judged(now())
    };
    let outcome = with(&|config| config.revoked_directory = Some(revoked.clone()));
    assert_eq!(outcome, Some(FailureReason::CertificateRevoked));
    let outcome = with(&|config| config.trust_all = true);
    assert_eq!(outcome, Some(FailureReason::UnknownIssuer));
    let outcome = with(&|config| config.client_authentication = ClientAuthentication::None);
    assert_eq!(outcome, Some(FailureReason::UnknownIssuer));
    assert_eq!(with(&|_| {}), None);
}
