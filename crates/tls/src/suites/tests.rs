//! Lists of suites as administrators write them: what is offered, and what each mistake is told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::*;
use crate::openssl::{AUTHORITY, Pki, SERVER};
use crate::policy::tests::{development, now};
use crate::{Channel, Policy};

struct Offered {
    offer: Offer,
    faults: Vec<PolicyError>,
    warnings: Vec<PolicyWarning>,
}

fn offered(list: &str, versions: &[TlsVersion], key: &str) -> Offered {
    let (_home, mut config) = development();
    config.ciphers = Some(list.split(',').map(str::to_owned).collect());
    config.versions = versions.to_vec();
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    let mut offer = offered_suites(&config, &mut faults, &mut warnings);
    if faults.is_empty() {
        offer.fit_to_key(key, &mut faults, &mut warnings);
    }
    Offered {
        offer,
        faults,
        warnings,
    }
}

const BOTH: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

#[test]
fn offers_everything_the_provider_has() {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    for offered in &provider.cipher_suites {
        assert!(TABLE.iter().any(|(_, known)| known == offered), "{offered:?}");
    }
    assert!(suite_by_name("TLS_RSA_WITH_AES_128_CBC_SHA").is_none());
}

#[test]
#[cfg_attr(feature = "fips", ignore = "the FIPS module has no ChaCha20")]
fn the_manuals_own_list_starts_and_says_what_it_leaves_out() {
    const LIST: &str = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_DHE_RSA_WITH_AES_256_GCM_SHA384";
    let found = offered(LIST, &BOTH, "RSA");
    assert!(found.faults.is_empty(), "{:?}", found.faults);
    let [
        finite @ PolicyWarning::SuiteNotOffered { .. },
        version @ PolicyWarning::VersionNotOffered { suites, .. },
    ] = found.warnings.as_slice()
    else {
        panic!("{:?}", found.warnings)
    };
    let text = finite.to_string();
    assert!(text.contains("`TLS_DHE_RSA_WITH_AES_256_GCM_SHA384`"), "{text}");
    assert!(
        text.contains("; TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 serves instead"),
        "{text}"
    );
    assert!(version.to_string().starts_with("TLSv1.3 is enabled"));
    assert_eq!(
        suites,
        "TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256"
    );
    assert_eq!(found.offer.suite_names().join(","), LIST.rsplit_once(',').unwrap().0);
    assert_eq!(found.offer.versions, [TlsVersion::Tls12]);
}

#[test]
fn a_list_that_leaves_nothing_is_refused() {
    for (list, versions) in [
        (
            "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
            &BOTH[..],
        ),
        ("TLS_AES_256_GCM_SHA384", &[TlsVersion::Tls12]),
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", &[TlsVersion::Tls13]),
        ("TLS_AES_256_GCM_SHA384", &[]),
    ] {
        let found = offered(list, versions, "RSA");
        let [fault @ PolicyError::NothingToOffer { allowed, .. }] = found.faults.as_slice() else {
            panic!("{list}")
        };
        assert_eq!(
            allowed.contains("TLS_AES_256_GCM_SHA384"),
            versions.contains(&TlsVersion::Tls13),
            "{fault}"
        );
    }
}

#[test]
#[cfg_attr(feature = "fips", ignore = "the FIPS module has no ChaCha20")]
fn names_that_are_not_offered_are_told_why_and_which_one_is_near() {
    for (name, expected) in [
        (
            "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
            "CBC mode, which is not safe in TLS; did you mean `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`?",
        ),
        ("TLS_RSA_WITH_AES_128_GCM_SHA256", "no forward secrecy"),
        (
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA3844",
            "did you mean `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`?",
        ),
        (
            "ECDHE-RSA-AES256-GCM-SHA384",
            "did you mean `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`?",
        ),
        ("tls_aes_128_gcm_sha256", "did you mean `TLS_AES_128_GCM_SHA256`?"),
        ("nonsense", "is not offered; choose from TLS_AES_256_GCM_SHA384, "),
        ("", "is not offered; choose from"),
    ] {
        let found = offered(&format!("TLS_AES_256_GCM_SHA384,{name}"), &BOTH, "RSA");
        let [fault @ PolicyError::UnknownCipher { .. }] = found.faults.as_slice() else {
            panic!("{name}")
        };
        let text = fault.to_string();
        assert!(
            text.contains(expected) && text.contains("TLS_CHACHA20_POLY1305_SHA256"),
            "{text}"
        );
    }
    assert_eq!(advice_for(&"x".repeat(100_000)), "");
}

#[test]
fn suites_must_fit_the_key_in_tls_1_2() {
    const ECDSA: &str = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    const RSA: &str = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
    for (list, key) in [(ECDSA, "RSA"), (RSA, "EC P-384"), (RSA, "Ed25519")] {
        let found = offered(list, &[TlsVersion::Tls12], key);
        assert!(
            matches!(found.faults.as_slice(), [PolicyError::NoSuiteForKey { .. }]),
            "{:?}",
            found.faults
        );
        let found = offered(&format!("{list},TLS_AES_128_GCM_SHA256"), &BOTH, key);
        assert!(
            matches!(found.warnings.as_slice(), [PolicyWarning::NoSuiteForKey { .. }]),
            "{:?}",
            found.warnings
        );
        assert_eq!(found.offer.versions, [TlsVersion::Tls13]);
        assert_eq!(found.offer.suite_names(), ["TLS_AES_128_GCM_SHA256"]);
    }
    for (list, key) in [(ECDSA, "EC P-256"), (ECDSA, "Ed25519"), (RSA, "RSA")] {
        let found = offered(list, &[TlsVersion::Tls12], key);
        assert!(found.faults.is_empty() && found.warnings.is_empty());
    }
}

#[test]
fn a_suite_that_is_listed_twice_is_offered_once() {
    let found = offered(
        "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384",
        &[TlsVersion::Tls13],
        "RSA",
    );
    assert!(matches!(found.warnings.as_slice(), [PolicyWarning::SuiteTwice { .. }]));
    assert_eq!(
        found.offer.suite_names(),
        ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"]
    );
}

/// What is agreed between a server and a client that believe each other.
async fn agreed(server: &crate::PolicyConfig, client: &crate::PolicyConfig) -> (String, String) {
    let [server, client] = [server, client].map(|config| {
        let mut config = config.clone();
        config.trust_all = true;
        Channel::of(Policy::load(config, now()).unwrap())
    });
    let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
    let limit = Duration::from_secs(5);
    let (near, far) = tokio::io::duplex(1 << 16);
    let (accepted, dialled) = tokio::join!(
        server.accept(near, peer, limit),
        client.connect(far, "localhost", peer, limit)
    );
    dialled.unwrap();
    let accepted = accepted.unwrap();
    let connection = accepted.get_ref().1;
    let suite = suite_name(connection.negotiated_cipher_suite().unwrap().suite());
    let group = connection.negotiated_key_exchange_group().unwrap().name();
    (suite.to_owned(), format!("{group:?}"))
}

#[tokio::test]
#[cfg_attr(feature = "fips", ignore = "the FIPS module has no ChaCha20")]
async fn the_servers_order_decides_and_a_post_quantum_group_is_first() {
    let (_home, mut server) = development();
    let mut client = server.clone();
    for (first, second) in [
        ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"),
        ("TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"),
        (
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ),
    ] {
        server.ciphers = Some(vec![first.to_owned(), second.to_owned()]);
        client.ciphers = Some(vec![second.to_owned(), first.to_owned()]);
        let (suite, group) = agreed(&server, &client).await;
        assert_eq!(suite, first);
        let post_quantum = if first.contains("ECDHE") {
            "X25519"
        } else {
            "X25519MLKEM768"
        };
        assert_eq!(group, post_quantum);
    }
    let mut nothing = (Vec::new(), Vec::new());
    let groups = offered_suites(&server, &mut nothing.0, &mut nothing.1).group_names();
    assert_eq!(groups.first().map(String::as_str), Some("X25519MLKEM768"));
}

#[tokio::test]
async fn keys_of_every_kind_make_handshakes_of_both_versions() {
    for algorithm in [
        "RSA -pkeyopt rsa_keygen_bits:2048",
        "EC -pkeyopt ec_paramgen_curve:P-256",
        "EC -pkeyopt ec_paramgen_curve:P-384",
        "EC -pkeyopt ec_paramgen_curve:P-521",
        "ED25519",
    ] {
        let pki = Pki::empty();
        pki.issue("root", "root", AUTHORITY, "-days 300");
        pki.key("server", algorithm);
        pki.issue("server", "root", SERVER, "-days 200");
        let (_home, mut config) = development();
        config.private_key = pki.path("server.key");
        config.public_certificate = pki.path("server.crt");
        for version in BOTH {
            config.versions = vec![version];
            let (suite, _) = agreed(&config, &config).await;
            let kind = if algorithm.starts_with("RSA") {
                "_RSA_"
            } else {
                "_ECDSA_"
            };
            assert!(
                version == TlsVersion::Tls13 || suite.contains(kind),
                "{algorithm}: {suite}"
            );
        }
    }
}

#[cfg(feature = "fips")]
#[test]
fn a_fips_build_offers_only_what_the_module_does() {
    assert!(suite_by_name("TLS_CHACHA20_POLY1305_SHA256").is_none());
    assert!(suite_names().all(|name| name.contains("_AES_")));
    let (_home, config) = crate::policy::tests::development();
    let policy = crate::Policy::load(config, crate::policy::tests::now()).unwrap();
    assert!(policy.server_config().fips() && policy.client_config().fips());
}
