//! Who is revoked: by lists and by certificates in the folder, along the whole chain, and after a reload.

use bastide_tls::FailureReason;
use rcgen::KeyPair;

use crate::pki::{Authority, hours, pem};
use crate::support::{Home, LIMIT, PEER, VERSIONS, assert_refused, greet, now};

const LABEL: &str = "X509 CRL";

#[tokio::test]
async fn with_one_list_each_authority_needs_one_and_without_any_none() {
    let (first, second) = (Authority::new("First"), Authority::new("Second"));
    let home = Home::trusting(&[&first.certificate, &second.certificate]);
    home.accepts(&home.channel(), second.issue(7)).await.unwrap();
    home.revoke("first.crl", first.list(1, &[]));
    let channel = home.channel();
    home.accepts(&channel, first.issue(7)).await.unwrap();
    let outcome = home.accepts(&channel, second.issue(7)).await;
    assert_refused(
        outcome,
        FailureReason::RevocationUnknown,
        &["CN=leaf 7", "no revocation list", "CN=Second"],
    );
    let warnings = home.warnings();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("CN=Second") && warning.contains("1.crt")),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn revocation_reaches_the_intermediate_authority() {
    let root = Authority::new("Root");
    let between = root.below("Between", 20, |_| {});
    let home = Home::trusting(&[&root.certificate]);
    home.revoke("between.crl", between.list(1, &[7]));
    home.revoke("root.crl", root.list(1, &[]));
    let channel = home.channel();
    home.accepts(&channel, between.issue(8)).await.unwrap();
    let outcome = home.accepts(&channel, between.issue(7)).await;
    assert_refused(
        outcome,
        FailureReason::CertificateRevoked,
        &["CN=leaf 7", "between.crl"],
    );

    home.revoke("root.crl", root.list(1, &[20]));
    let outcome = home.accepts(&home.channel(), between.issue(8)).await;
    assert_refused(
        outcome,
        FailureReason::CertificateRevoked,
        &["CN=leaf 8", "CN=Between above it", "number 14 of CN=Root", "root.crl"],
    );

    std::fs::remove_file(home.revoked.join("root.crl")).unwrap();
    let outcome = home.accepts(&home.channel(), between.issue(8)).await;
    assert_refused(outcome, FailureReason::RevocationUnknown, &["CN=Between above it"]);
    let warnings = home.warnings();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("between.crl") && warning.contains("CN=Between"))
    );
}

#[tokio::test]
async fn a_certificate_in_the_folder_is_revoked_in_pem_and_der_with_and_without_lists() {
    let authority = Authority::new("Trusted");
    for (with_list, der) in [(false, false), (false, true), (true, false), (true, true)] {
        let thief = authority.issue(7);
        let home = Home::trusting(&[&authority.certificate]);
        if with_list {
            home.revoke("ca.crl", authority.list(1, &[]));
        }
        let content = if der {
            thief.leaf().to_vec()
        } else {
            pem("CERTIFICATE", &thief.leaf()).into_bytes()
        };
        home.revoke("thief.crt", content);
        let channel = home.channel();
        let outcome = home.accepts(&channel, thief).await;
        assert_refused(outcome, FailureReason::CertificateRevoked, &["CN=leaf 7", "thief.crt"]);
        // Another certificate of this number and issuer is taken for the same.
        home.accepts(&channel, authority.issue(7)).await.unwrap_err();
        home.accepts(&channel, authority.issue(8)).await.unwrap();
        // Whatever else is wrong with it, it is called revoked.
        let stranger = Authority::new("Trusted").issue_with(7, |params| params.not_after = hours(-1));
        let outcome = home.accepts(&channel, stranger).await;
        assert_refused(outcome, FailureReason::CertificateRevoked, &["thief.crt"]);
    }
}

#[tokio::test]
async fn an_authority_in_the_folder_takes_all_below_it_along() {
    let root = Authority::new("Root");
    let between = root.below("Between", 20, |_| {});
    let home = Home::trusting(&[&root.certificate]);
    home.revoke("between.crt", pem("CERTIFICATE", &between.certificate));
    let channel = home.channel();
    let outcome = home.accepts(&channel, between.issue(7)).await;
    assert_refused(
        outcome,
        FailureReason::CertificateRevoked,
        &["CN=leaf 7", "between.crt"],
    );
    home.accepts(&channel, root.issue(7)).await.unwrap();

    let pinned = between.issue(7);
    let alone = || pinned.showing(vec![pinned.leaf()]);
    let home = Home::trusting(&[&pinned.leaf()]);
    home.accepts(&home.channel(), alone()).await.unwrap();
    home.revoke("between.crt", pem("CERTIFICATE", &between.certificate));
    let faults = home.faults();
    assert!(faults.contains("holds nobody to trust"), "{faults}");
    home.trust("root.crt", pem("CERTIFICATE", &root.certificate));
    let outcome = home.accepts(&home.channel(), alone()).await;
    assert_refused(
        outcome,
        FailureReason::CertificateRevoked,
        &["CN=leaf 7", "between.crt"],
    );
}

#[tokio::test]
async fn an_authority_in_the_folder_is_revoked_with_every_certificate_of_its_key() {
    let root = Authority::new("Root");
    let between = root.below("Between", 20, |_| {});
    let renewed = between.certified_again(&root, 21);
    let home = Home::trusting(&[&root.certificate]);
    let leaf = between.issue(7);
    let over_renewed = || leaf.showing(vec![leaf.leaf(), renewed.clone()]);
    home.accepts(&home.channel(), over_renewed()).await.unwrap();
    home.revoke("between.crt", pem("CERTIFICATE", &between.certificate));
    let outcome = home.accepts(&home.channel(), over_renewed()).await;
    assert_refused(
        outcome,
        FailureReason::CertificateRevoked,
        &["CN=leaf 7", "between.crt"],
    );
}

#[tokio::test]
async fn a_trusted_authority_in_the_folder_is_trusted_no_longer() {
    let (first, second) = (Authority::new("First"), Authority::new("Second"));
    let home = Home::trusting(&[&first.certificate, &second.certificate]);
    home.revoke("first.crt", pem("CERTIFICATE", &first.certificate));
    let channel = home.channel();
    let outcome = home.accepts(&channel, first.issue(7)).await;
    assert_refused(outcome, FailureReason::CertificateRevoked, &["CN=First", "first.crt"]);
    home.accepts(&channel, second.issue(7)).await.unwrap();
    let warnings = home.warnings();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("first.crt") && warning.contains("not used"))
    );
    let summary = channel.policy().unwrap().trust_summary();
    assert!(summary.authorities[0].revoked.is_some() && summary.authorities[1].revoked.is_none());
}

#[tokio::test]
async fn a_trusted_authority_that_its_issuer_revoked_is_trusted_no_longer() {
    let root = Authority::new("Root");
    let between = root.below("Between", 20, |_| {});
    for with_root in [false, true] {
        let mut trusted = vec![&between.certificate];
        trusted.extend(with_root.then_some(&root.certificate));
        let leaf = between.issue(7);
        trusted.push(&leaf.chain[0]);
        let home = Home::trusting(&trusted);
        home.revoke("between.crl", between.list(1, &[]));
        home.revoke("root.crl", root.list(1, &[20]));
        let outcome = home.accepts(&home.channel(), between.issue(8)).await;
        assert_refused(outcome, FailureReason::CertificateRevoked, &["CN=Between", "root.crl"]);
    }
}

#[tokio::test]
async fn a_pinned_leaf_is_revoked_by_its_own_certificate_and_by_lists_of_its_issuer() {
    let (authority, other) = (Authority::new("Trusted"), Authority::new("Other"));
    for with_authority in [false, true] {
        let leaf = authority.issue(7);
        let fresh = || {
            let home = Home::trusting(&[&leaf.chain[0], &other.certificate]);
            if with_authority {
                home.trust("issuer.crt", pem("CERTIFICATE", &authority.certificate));
            }
            home
        };
        let leaf_again = || leaf.showing(leaf.chain.clone());

        let home = fresh();
        home.revoke("7.crt", pem("CERTIFICATE", &leaf.chain[0]));
        let outcome = home.accepts(&home.channel(), leaf_again()).await;
        assert_refused(outcome, FailureReason::CertificateRevoked, &["CN=leaf 7", "7.crt"]);

        let home = fresh();
        home.revoke("other.crl", other.list(1, &[7]));
        home.accepts(&home.channel(), leaf_again()).await.unwrap();

        home.revoke("ca.crl", authority.list(1, &[8]));
        home.accepts(&home.channel(), leaf_again()).await.unwrap();

        home.revoke("ca.crl", authority.list(1, &[7]));
        let outcome = home.accepts(&home.channel(), leaf_again()).await;
        assert_refused(outcome, FailureReason::CertificateRevoked, &["CN=leaf 7", "ca.crl"]);
        assert!(home.warnings().iter().any(|warning| warning.contains("CN=leaf 7")));

        home.revoke("ca.crl", authority.list_at(1, &[], -9, -2));
        let outcome = home.accepts(&home.channel(), leaf_again()).await;
        assert_refused(outcome, FailureReason::RevocationUnknown, &["CN=leaf 7", "ca.crl"]);

        // With the issuer at hand its signature counts, without it the name must do.
        home.revoke("ca.crl", Authority::new("Trusted").list(1, &[7]));
        let outcome = home.accepts(&home.channel(), leaf_again()).await;
        assert_eq!(outcome.is_ok(), with_authority, "{outcome:?}");
    }
}

#[tokio::test]
async fn trust_all_still_refuses_who_is_named() {
    let authority = Authority::new("Unknown");
    let mut home = Home::new();
    home.config.trust_all = true;
    home.revoke("ca.crl", authority.list_at(1, &[7], -30, -6));
    home.revoke("8.crt", pem("CERTIFICATE", &authority.issue(8).leaf()));
    let channel = home.channel();
    for serial in [7, 8] {
        let outcome = home.accepts(&channel, authority.issue(serial)).await;
        assert_refused(outcome, FailureReason::CertificateRevoked, &[]);
    }
    home.accepts(&channel, authority.issue(9)).await.unwrap();
    home.revoke("ca.crt", pem("CERTIFICATE", &authority.certificate));
    let outcome = home.accepts(&home.channel(), authority.issue(9)).await;
    assert_refused(outcome, FailureReason::CertificateRevoked, &["ca.crt"]);
}

#[tokio::test]
async fn anything_else_in_the_folder_is_a_fault() {
    let authority = Authority::new("Trusted");
    let list = authority.list(1, &[]);
    let key = KeyPair::generate().unwrap().serialize_pem();
    let contents: [(&str, Vec<u8>); 7] = [
        ("empty", Vec::new()),
        ("notes", b"see the wiki".to_vec()),
        ("cut.der", list[..list.len() - 9].to_vec()),
        ("longer.der", [list.as_slice(), b"more"].concat()),
        ("key", key.clone().into_bytes()),
        ("both", format!("{}{key}", pem(LABEL, &list)).into_bytes()),
        (
            "strange",
            format!(
                "{}-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n",
                pem(LABEL, &list)
            )
            .into_bytes(),
        ),
    ];
    for (name, content) in contents {
        let home = Home::trusting(&[&authority.certificate]);
        home.revoke(name, content);
        let faults = home.faults();
        let expected = format!("/{name}` is neither a certificate revocation list nor a certificate");
        assert!(faults.contains(&expected), "{faults}");
        assert!(!faults.contains(key.lines().nth(1).unwrap()), "{faults}");
    }
    for (label, content) in [
        (LABEL, b"junk".as_slice()),
        (LABEL, &authority.certificate),
        ("CERTIFICATE", &list),
    ] {
        let home = Home::trusting(&[&authority.certificate]);
        home.revoke("mislabelled", pem(label, content));
        assert!(
            home.faults().contains("/mislabelled` cannot be read as PEM"),
            "{}",
            home.faults()
        );
    }
    let home = Home::trusting(&[&authority.certificate]);
    std::fs::create_dir(home.revoked.join("more")).unwrap();
    assert!(home.faults().contains("more"), "{}", home.faults());
}

#[tokio::test]
async fn links_as_kubernetes_makes_them_are_followed() {
    let authority = Authority::new("Trusted");
    let home = Home::trusting(&[&authority.certificate]);
    std::fs::create_dir(home.revoked.join("..2026_11_21")).unwrap();
    std::fs::write(home.revoked.join("..2026_11_21/ca.crl"), authority.list(1, &[7])).unwrap();
    std::os::unix::fs::symlink("..2026_11_21", home.revoked.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/ca.crl", home.revoked.join("ca.crl")).unwrap();
    let channel = home.channel();
    home.accepts(&channel, authority.issue(7)).await.unwrap_err();
    home.accepts(&channel, authority.issue(8)).await.unwrap();
}

#[tokio::test]
async fn who_is_revoked_by_a_reload_cannot_come_back_by_resumption() {
    let authority = Authority::new("Trusted");
    let home = Home::trusting(&[&authority.certificate]);
    let channels = home.channels();
    let channel = channels.channel("bolt").unwrap();
    for version in VERSIONS {
        let identity = std::sync::Arc::new(authority.issue(7));
        let first = greet(channel, home.client(version, Some(identity))).await.unwrap();
        let second = greet(channel, first.config).await.unwrap();
        assert!(second.resumed, "{version:?}: without resumption this shows nothing");

        home.revoke("ca.crl", authority.list(1, &[7]));
        channels.reload(vec![home.config.clone()], now()).unwrap();
        let failure = greet(channel, second.config).await.unwrap_err();
        assert_eq!(failure.reason, FailureReason::CertificateRevoked, "{version:?}");

        std::fs::remove_file(home.revoked.join("ca.crl")).unwrap();
        channels.reload(vec![home.config.clone()], now()).unwrap();
    }
}

#[tokio::test]
async fn who_expired_since_cannot_come_back_by_resumption() {
    let authority = Authority::new("Trusted");
    let home = Home::trusting(&[&authority.certificate]);
    let channel = home.channel();
    let ends = time::OffsetDateTime::now_utc() + time::Duration::seconds(3);
    let mut let_in = Vec::new();
    for version in VERSIONS {
        let identity = std::sync::Arc::new(authority.issue_with(7, |params| params.not_after = ends));
        let first = greet(&channel, home.client(version, Some(identity))).await.unwrap();
        let second = greet(&channel, first.config).await.unwrap();
        assert!(second.resumed, "{version:?}: without resumption this shows nothing");
        let_in.push((version, second.config));
    }
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    for (version, config) in let_in {
        let failure = greet(&channel, config).await.unwrap_err();
        assert_eq!(failure.reason, FailureReason::CertificateOutOfDate, "{version:?}");
    }
}

#[tokio::test]
async fn a_server_is_judged_whenever_it_is_dialled() {
    let authority = Authority::new("Trusted");
    let home = Home::trusting(&[&authority.certificate]);
    let channel = home.channel();
    for version in VERSIONS {
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(std::sync::Arc::new(authority.issue(7)) as _);
        let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
        for _ in 0..2 {
            let (near, far) = tokio::io::duplex(1 << 16);
            let server = async {
                let mut stream = acceptor.accept(near).await.unwrap();
                let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
                let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0]).await;
            };
            let client = async {
                let mut stream = channel.connect(far, "localhost", PEER, LIMIT).await.unwrap();
                let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0]).await;
                stream.get_ref().1.handshake_kind()
            };
            let kind = tokio::join!(server, client).1;
            assert_ne!(kind, Some(rustls::HandshakeKind::Resumed), "{version:?}");
        }
    }
}
