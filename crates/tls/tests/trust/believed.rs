//! Who is let in: authorities, certificates trusted for themselves, everybody; and every way in which somebody is not.

use bastide_tls::{ClientAuthentication, FailureReason};
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};

use crate::pki::{Authority, Identity, hours, leaf_params, openssl, pem};
use crate::support::{Home, VERSIONS, assert_refused, greet};

#[tokio::test]
async fn who_chains_to_a_trusted_authority_is_let_in_and_nobody_else() {
    let (trusted, other) = (Authority::new("Trusted"), Authority::new("Other"));
    let home = Home::trusting(&[&trusted.certificate]);
    let channel = home.channel();
    home.accepts(&channel, trusted.issue(7)).await.unwrap();
    let outcome = home.accepts(&channel, other.issue(8)).await;
    assert_refused(outcome, FailureReason::UnknownIssuer, &["CN=leaf 8", "CN=Other"]);
    let outcome = home.accepts_any(&channel, None).await;
    assert_refused(outcome, FailureReason::NoCertificate, &[]);
    let outcome = home.accepts(&channel, trusted.issue(7).stolen()).await;
    assert_refused(
        outcome,
        FailureReason::BadCertificate,
        &["CN=leaf 7", "not signed with its key"],
    );
}

#[tokio::test]
async fn a_forger_with_the_name_of_the_authority_is_refused() {
    let (trusted, forger) = (Authority::new("Trusted"), Authority::new("Trusted"));
    let home = Home::trusting(&[&trusted.certificate]);
    let outcome = home.accepts(&home.channel(), forger.issue(7)).await;
    assert_refused(
        outcome,
        FailureReason::UnknownIssuer,
        &["CN=leaf 7", "CN=Trusted", "same name"],
    );
}

#[tokio::test]
async fn a_chain_over_an_intermediate_authority_is_followed_if_it_is_shown() {
    let root = Authority::new("Root");
    let between = root.below("Between", 2, |_| {});
    let home = Home::trusting(&[&root.certificate]);
    let channel = home.channel();
    home.accepts(&channel, between.issue(7)).await.unwrap();
    let alone = between.issue(7);
    let outcome = home.accepts(&channel, alone.showing(vec![alone.leaf()])).await;
    assert_refused(outcome, FailureReason::UnknownIssuer, &["CN=leaf 7", "CN=Between"]);
}

#[tokio::test]
async fn an_intermediate_authority_may_be_trusted_without_its_root() {
    let root = Authority::new("Root");
    let between = root.below("Between", 2, |_| {});
    let home = Home::trusting(&[&between.certificate]);
    let channel = home.channel();
    home.accepts(&channel, between.issue(7)).await.unwrap();
    let outcome = home.accepts(&channel, root.issue(8)).await;
    assert_refused(outcome, FailureReason::UnknownIssuer, &["CN=Root"]);
}

#[tokio::test]
async fn a_leaf_may_not_issue_others() {
    let root = Authority::new("Root");
    let leaf = root.below("No authority", 2, |params| {
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    let home = Home::trusting(&[&root.certificate, &leaf.certificate]);
    let outcome = home.accepts(&home.channel(), leaf.issue(7)).await;
    assert_refused(outcome, FailureReason::BadCertificate, &["CN=leaf 7", "may not issue"]);
}

#[tokio::test]
async fn an_authority_may_not_have_more_below_it_than_it_says() {
    let root = Authority::with("Root", |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    });
    let between = root.below("Between", 2, |_| {});
    let home = Home::trusting(&[&root.certificate]);
    let channel = home.channel();
    home.accepts(&channel, root.issue(6)).await.unwrap();
    let outcome = home.accepts(&channel, between.issue(7)).await;
    assert_refused(outcome, FailureReason::BadCertificate, &["CN=leaf 7", "CN=Root"]);
}

#[tokio::test]
async fn too_many_certificates_above_the_leaf_are_refused() {
    let root = Authority::new("Root");
    let home = Home::trusting(&[&root.certificate]);
    let channel = home.channel();
    let leaf = root.issue(7);
    let padded = |count| {
        let mut chain = vec![leaf.leaf()];
        chain.extend(std::iter::repeat_n(root.certificate.clone(), count));
        leaf.showing(chain)
    };
    home.accepts(&channel, padded(8)).await.unwrap();
    let outcome = home.accepts(&channel, padded(9)).await;
    assert_refused(outcome, FailureReason::BadCertificate, &["more than 8"]);
}

#[tokio::test]
async fn time_is_enforced_below_an_authority_and_on_a_pinned_leaf() {
    let authority = Authority::new("Trusted");
    let expired = || authority.issue_with(7, |params| params.not_after = hours(-1));
    let early = || authority.issue_with(8, |params| params.not_before = hours(2));
    let home = Home::trusting(&[&authority.certificate]);
    let channel = home.channel();
    let outcome = home.accepts(&channel, expired()).await;
    assert_refused(
        outcome,
        FailureReason::CertificateOutOfDate,
        &["CN=leaf 7", "has expired (20"],
    );
    let outcome = home.accepts(&channel, early()).await;
    assert_refused(
        outcome,
        FailureReason::CertificateOutOfDate,
        &["CN=leaf 8", "not valid before 20"],
    );

    let early = early();
    let home = Home::trusting(&[&early.leaf()]);
    let outcome = home.accepts(&home.channel(), early).await;
    assert_refused(
        outcome,
        FailureReason::CertificateOutOfDate,
        &["CN=leaf 8", "not valid before 20"],
    );
}

#[tokio::test]
async fn expired_certificates_in_the_folder_are_warned_of_and_count_for_nothing() {
    let old = Authority::with("Old", |params| params.not_after = hours(-1));
    let good = Authority::new("Good");
    let pinned = good.issue_with(7, |params| params.not_after = hours(-1));
    let home = Home::trusting(&[&old.certificate, &pinned.leaf(), &good.certificate]);
    let warnings = home.warnings().join("\n");
    for part in ["0.crt", "CN=Old", "1.crt", "CN=leaf 7", "it has expired (20"] {
        assert!(warnings.contains(part), "{part} is missing in {warnings}");
    }
    assert!(!warnings.contains("CN=Good"), "{warnings}");
    let channel = home.channel();
    let outcome = home.accepts(&channel, old.issue(8)).await;
    assert_refused(outcome, FailureReason::UnknownIssuer, &["CN=Old"]);
    let outcome = home.accepts(&channel, pinned).await;
    assert_refused(outcome, FailureReason::CertificateOutOfDate, &["CN=leaf 7"]);
    home.accepts(&channel, good.issue(9)).await.unwrap();

    let home = Home::trusting(&[&old.certificate]);
    assert!(home.faults().contains("holds nobody to trust"), "{}", home.faults());
}

#[tokio::test]
async fn an_authority_that_expires_while_the_server_runs_counts_no_longer() {
    let authority = Authority::with("Short", |params| {
        params.not_after = hours(0) - time::Duration::minutes(10)
    });
    let home = Home::trusting(&[&authority.certificate]);
    let channel = home.channel_loaded_minutes_ago(30);
    let outcome = home.accepts(&channel, authority.issue(7)).await;
    assert_refused(
        outcome,
        FailureReason::CertificateOutOfDate,
        &["CN=Short", "has expired"],
    );
}

#[tokio::test]
async fn usage_is_enforced_below_an_authority_and_on_a_pinned_leaf() {
    let authority = Authority::new("Trusted");
    let server_only = || {
        authority.issue_with(7, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
    };
    let no_signatures = || authority.issue_with(8, |params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
    let any = || {
        authority.issue_with(9, |params| {
            params.extended_key_usages = Vec::new();
            params.key_usages = Vec::new();
        })
    };
    let by_authority = Home::trusting(&[&authority.certificate]);
    for pinned in [false, true] {
        let (first, second, third) = (server_only(), no_signatures(), any());
        let pins = Home::trusting(&[&first.leaf(), &second.leaf(), &third.leaf()]);
        let home = if pinned { &pins } else { &by_authority };
        let channel = home.channel();
        let outcome = home.accepts(&channel, first).await;
        assert_refused(outcome, FailureReason::WrongUsage, &["CN=leaf 7", "clientAuth"]);
        let outcome = home.accepts(&channel, second).await;
        assert_refused(outcome, FailureReason::WrongUsage, &["CN=leaf 8", "digital signatures"]);
        home.accepts(&channel, third).await.unwrap();
    }
}

#[tokio::test]
async fn an_intermediate_authority_for_servers_does_not_vouch_for_clients() {
    let root = Authority::new("Root");
    let between = root.below("Between", 2, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let home = Home::trusting(&[&root.certificate]);
    let outcome = home.accepts(&home.channel(), between.issue(7)).await;
    assert_refused(outcome, FailureReason::WrongUsage, &["CN=leaf 7"]);
}

#[tokio::test]
async fn what_plain_openssl_req_x509_makes_is_trusted_for_itself() {
    for key in ["rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-256"] {
        let home = Home::new();
        let folder = home.folder.path();
        openssl(
            folder,
            &format!("req -x509 -newkey {key} -nodes -days 30 -subj /CN=alice -keyout me.key -out me.crt"),
        );
        home.trust("me.crt", std::fs::read(folder.join("me.crt")).unwrap());
        let channel = home.channel();
        let me = Identity::from_files(folder, "me");
        home.accepts(&channel, me).await.unwrap();
        openssl(
            folder,
            "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=alice -keyout you.key -out you.crt",
        );
        let outcome = home.accepts(&channel, Identity::from_files(folder, "you")).await;
        assert_refused(outcome, FailureReason::UnknownIssuer, &["CN=alice"]);
        let outcome = home
            .accepts(&channel, Identity::from_files(folder, "me").stolen())
            .await;
        assert!(outcome.is_err());
    }
}

#[tokio::test]
async fn what_plain_openssl_req_x509_makes_counts_as_an_authority_too() {
    let home = Home::new();
    let folder = home.folder.path();
    openssl(
        folder,
        "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=root -keyout root.key -out root.crt",
    );
    openssl(
        folder,
        "req -newkey rsa:2048 -nodes -subj /CN=bob -keyout bob.key -out bob.csr",
    );
    std::fs::write(folder.join("v3"), "basicConstraints=CA:FALSE\n").unwrap();
    openssl(
        folder,
        "x509 -req -in bob.csr -CA root.crt -CAkey root.key -CAcreateserial -extfile v3 -days 9 -out bob.crt",
    );
    home.trust("root.crt", std::fs::read(folder.join("root.crt")).unwrap());
    let channel = home.channel();
    home.accepts(&channel, Identity::from_files(folder, "bob"))
        .await
        .unwrap();
    home.accepts(&channel, Identity::from_files(folder, "root"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_leaf_may_be_trusted_without_its_authority_and_its_siblings_are_not() {
    let authority = Authority::new("Unknown here");
    let leaf = authority.issue(7);
    let home = Home::trusting(&[&leaf.leaf()]);
    let channel = home.channel();
    home.accepts(&channel, authority.issue(8)).await.unwrap_err();
    let sibling = home.accepts(&channel, authority.issue(7)).await;
    assert_refused(sibling, FailureReason::UnknownIssuer, &["CN=leaf 7", "CN=Unknown here"]);
    home.accepts(&channel, leaf).await.unwrap();
}

#[tokio::test]
async fn an_authority_with_plain_key_usage_is_not_let_in_itself() {
    let key = KeyPair::generate().unwrap();
    let serialized = key.serialize_der();
    let authority = Authority::with_key("Trusted", key, |_| {});
    let home = Home::trusting(&[&authority.certificate]);
    let itself = Identity::new(vec![authority.certificate.clone()], serialized);
    let outcome = home.accepts(&home.channel(), itself).await;
    assert_refused(
        outcome,
        FailureReason::WrongUsage,
        &["CN=Trusted", "digital signatures"],
    );
}

#[tokio::test]
async fn version_1_and_sha_1_are_refused_in_words() {
    let home = Home::new();
    let folder = home.folder.path();
    openssl(
        folder,
        "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=root -keyout root.key -out root.crt",
    );
    openssl(
        folder,
        "req -newkey rsa:2048 -nodes -subj /CN=old -keyout old.key -out old.csr",
    );
    openssl(
        folder,
        "x509 -req -in old.csr -CA root.crt -CAkey root.key -CAcreateserial -days 9 -out old.crt",
    );
    std::fs::write(folder.join("v3"), "basicConstraints=CA:FALSE\n").unwrap();
    openssl(
        folder,
        "req -newkey rsa:2048 -nodes -subj /CN=weak -keyout weak.key -out weak.csr",
    );
    openssl(
        folder,
        "x509 -req -sha1 -in weak.csr -CA root.crt -CAkey root.key -CAcreateserial -extfile v3 -days 9 -out weak.crt",
    );
    home.trust("root.crt", std::fs::read(folder.join("root.crt")).unwrap());
    let channel = home.channel();
    let outcome = home.accepts(&channel, Identity::from_files(folder, "old")).await;
    assert_refused(outcome, FailureReason::BadCertificate, &["CN=old", "version 1"]);
    let outcome = home.accepts(&channel, Identity::from_files(folder, "weak")).await;
    assert_refused(outcome, FailureReason::BadCertificate, &["CN=weak", "SHA-1"]);

    home.trust("weak.crt", std::fs::read(folder.join("weak.crt")).unwrap());
    let outcome = home
        .accepts(&home.channel(), Identity::from_files(folder, "weak"))
        .await;
    assert_refused(outcome, FailureReason::BadCertificate, &["CN=weak", "SHA-1"]);
    assert!(
        home.warnings().iter().any(|warning| warning.contains("weak.crt")),
        "{:?}",
        home.warnings()
    );

    home.trust("old.crt", std::fs::read(folder.join("old.crt")).unwrap());
    let faults = home.faults();
    assert!(faults.contains("old.crt") && faults.contains("version 1"), "{faults}");
}

#[tokio::test]
async fn optional_lets_in_without_a_certificate_and_refuses_a_bad_one() {
    let (trusted, other) = (Authority::new("Trusted"), Authority::new("Other"));
    let mut home = Home::trusting(&[&trusted.certificate]);
    home.config.client_authentication = ClientAuthentication::Optional;
    let channel = home.channel();
    home.accepts_any(&channel, None).await.unwrap();
    home.accepts(&channel, trusted.issue(7)).await.unwrap();
    let outcome = home.accepts(&channel, other.issue(8)).await;
    assert_refused(outcome, FailureReason::UnknownIssuer, &[]);
}

#[tokio::test]
async fn none_and_optional_without_anybody_to_trust_do_not_ask() {
    let (trusted, other) = (Authority::new("Trusted"), Authority::new("Other"));
    let mut home = Home::new();
    home.config.client_authentication = ClientAuthentication::Optional;
    home.accepts(&home.channel(), other.issue(8)).await.unwrap();
    home.trust("ca.crt", pem("CERTIFICATE", &trusted.certificate));
    home.accepts(&home.channel(), other.issue(8)).await.unwrap_err();
    home.config.client_authentication = ClientAuthentication::None;
    home.accepts(&home.channel(), other.issue(8)).await.unwrap();
}

#[tokio::test]
async fn trust_all_believes_everybody_who_has_the_key_and_says_so() {
    let mut home = Home::new();
    home.config.trust_all = true;
    home.config.trusted_directory = Some(home.folder.path().join("not there"));
    let channel = home.channel();
    let other = Authority::new("Other");
    home.accepts(&channel, other.issue(8)).await.unwrap();
    home.accepts(&channel, other.issue_with(9, |params| params.not_after = hours(-1)))
        .await
        .unwrap();
    home.accepts(&channel, other.issue(8).stolen()).await.unwrap_err();
    let outcome = home.accepts_any(&channel, None).await;
    assert_refused(outcome, FailureReason::NoCertificate, &[]);
    assert!(home.warnings().iter().any(|warning| warning.contains("EVERY")));
    assert!(channel.policy().unwrap().trust_summary().everybody);
}

#[tokio::test]
async fn anything_but_certificates_in_the_trusted_folder_is_a_fault() {
    let authority = Authority::new("Trusted");
    let key = KeyPair::generate().unwrap().serialize_pem();
    let list = authority.list(1, &[]);
    let certificate = pem("CERTIFICATE", &authority.certificate);
    let contents: [(&str, Vec<u8>); 6] = [
        ("empty", Vec::new()),
        ("notes", b"see the wiki".to_vec()),
        ("key", key.clone().into_bytes()),
        ("list", list),
        ("both", format!("{certificate}{key}").into_bytes()),
        (
            "strange",
            format!("{certificate}-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n").into_bytes(),
        ),
    ];
    for (name, content) in contents {
        let home = Home::trusting(&[&authority.certificate]);
        home.trust(name, content);
        let faults = home.faults();
        assert!(
            faults.contains(&format!("/{name}` is among the trusted and holds something else")),
            "{faults}"
        );
    }
    let home = Home::trusting(&[&authority.certificate]);
    home.trust(".hidden", "see the wiki");
    home.trust("der.crt", &authority.certificate);
    home.accepts(&home.channel(), authority.issue(7)).await.unwrap();
}

#[tokio::test]
async fn authorities_are_named_to_clients_unless_a_leaf_is_trusted_for_itself() {
    use std::sync::{Arc, Mutex};
    #[derive(Debug, Default)]
    struct Hints(Mutex<Vec<usize>>);
    impl rustls::client::ResolvesClientCert for Hints {
        fn resolve(
            &self,
            hints: &[&[u8]],
            _schemes: &[rustls::SignatureScheme],
        ) -> Option<Arc<rustls::sign::CertifiedKey>> {
            self.0.lock().unwrap().push(hints.len());
            None
        }
        fn has_certs(&self) -> bool {
            true
        }
    }
    let (first, second) = (Authority::new("First"), Authority::new("Second"));
    let leaf = second.issue(7);
    for (trusted, expected) in [
        (vec![&first.certificate, &second.certificate], 2),
        (vec![&first.certificate, &leaf.chain[0]], 0),
        (vec![&leaf.chain[0]], 0),
    ] {
        let mut home = Home::trusting(&trusted);
        home.config.client_authentication = ClientAuthentication::Optional;
        let channel = home.channel();
        for version in VERSIONS {
            let hints = Arc::new(Hints::default());
            let mut config = home.client(version, None);
            config.client_auth_cert_resolver = Arc::clone(&hints) as _;
            greet(&channel, config).await.unwrap();
            assert_eq!(*hints.0.lock().unwrap(), [expected], "{version:?}");
        }
    }
}

#[tokio::test]
async fn what_a_stranger_writes_into_a_certificate_cannot_break_the_log() {
    let home = Home::trusting(&[&Authority::new("Trusted").certificate]);
    let key = KeyPair::generate().unwrap();
    let mut params = leaf_params(7);
    let name = format!("evil\nlogin succeeded {}", "x".repeat(1000));
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let outcome = home
        .accepts(&home.channel(), Identity::new(vec![certificate], key.serialize_der()))
        .await;
    let failure = outcome.unwrap_err();
    assert_eq!(failure.reason, FailureReason::UnknownIssuer);
    assert!(
        !failure.to_string().contains('\n') && failure.detail.len() < 1_000,
        "{failure}"
    );
}

#[tokio::test]
async fn authorities_that_certify_each_other_do_not_cost_more_than_they_may() {
    let trusted = Authority::new("Trusted");
    let home = Home::trusting(&[&trusted.certificate]);
    let channel = home.channel();
    let crowd = |count| {
        let leaf = Authority::new("Crowd").issue(7);
        let mut chain = vec![leaf.leaf()];
        chain.extend((0..count).map(|_| Authority::new("Crowd").certificate));
        leaf.showing(chain)
    };
    let outcome = home.accepts(&channel, crowd(2)).await;
    assert_refused(outcome, FailureReason::UnknownIssuer, &["CN=Crowd"]);
    let outcome = home.accepts(&channel, crowd(3)).await;
    assert_refused(
        outcome,
        FailureReason::BadCertificate,
        &["more than 2 certificates of CN=Crowd"],
    );
}

#[tokio::test]
async fn an_intermediate_authority_that_two_others_certified_is_found_either_way() {
    let (trusted, other) = (Authority::new("Trusted"), Authority::new("Other"));
    let between = trusted.below("Between", 2, |_| {});
    let crossed = between.certified_again(&other, 3);
    let leaf = between.issue(7);
    for root in [&trusted, &other] {
        let home = Home::trusting(&[&root.certificate]);
        let channel = home.channel();
        for chain in [
            vec![leaf.leaf(), between.certificate.clone(), crossed.clone()],
            vec![leaf.leaf(), crossed.clone(), between.certificate.clone()],
        ] {
            home.accepts(&channel, leaf.showing(chain)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_authority_that_may_not_sign_certificates_vouches_for_nobody() {
    let root = Authority::new("Root");
    let home = Home::trusting(&[&root.certificate]);
    let channel = home.channel();
    for (usages, is_good) in [
        (vec![rcgen::KeyUsagePurpose::KeyCertSign], true),
        (vec![rcgen::KeyUsagePurpose::DigitalSignature], false),
        (vec![rcgen::KeyUsagePurpose::CrlSign], false),
    ] {
        let below = root.below("Below", 2, |params| params.key_usages = usages.clone());
        let outcome = home.accepts(&channel, below.issue(7)).await;
        if is_good {
            outcome.unwrap();
        } else {
            assert_refused(outcome, FailureReason::BadCertificate, &["Below", "keyCertSign"]);
        }
    }
}
