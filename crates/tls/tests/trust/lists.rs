//! Which of several revocation lists counts, for whom it speaks, and which are not accepted.

use bastide_tls::FailureReason;
use rcgen::KeyPair;

use crate::pki::{Authority, Identity, hours, openssl, openssl_authority, pem};
use crate::support::{Home, assert_refused, now};

const LABEL: &str = "X509 CRL";

#[tokio::test]
async fn a_list_revokes_whom_it_names_and_nobody_else_in_pem_and_der() {
    let authority = Authority::new("Trusted");
    let list = authority.list(1, &[7]);
    for content in [list.clone(), pem(LABEL, &list).into_bytes()] {
        let home = Home::trusting(&[&authority.certificate]);
        home.revoke("ca.crl", content);
        let channel = home.channel();
        let outcome = home.accepts(&channel, authority.issue(7)).await;
        assert_refused(
            outcome,
            FailureReason::CertificateRevoked,
            &["CN=leaf 7", "number 07 of CN=Trusted", "ca.crl"],
        );
        home.accepts(&channel, authority.issue(8)).await.unwrap();
    }
}

#[tokio::test]
async fn the_newest_list_counts_whatever_the_order_of_files_and_blocks() {
    let authority = Authority::new("Trusted");
    let old = authority.list_at(1, &[8], -5, 24);
    let new = authority.list_at(2, &[7], -1, 24);
    let orders = [
        vec![("a.crl", old.clone()), ("b.crl", new.clone())],
        vec![("a.crl", new.clone()), ("b.crl", old.clone())],
        vec![("one.crl", (pem(LABEL, &new) + &pem(LABEL, &old)).into_bytes())],
        vec![("one.crl", (pem(LABEL, &old) + &pem(LABEL, &new)).into_bytes())],
    ];
    for files in orders {
        let home = Home::trusting(&[&authority.certificate]);
        for (name, content) in files {
            home.revoke(name, content);
        }
        let channel = home.channel();
        let outcome = home.accepts(&channel, authority.issue(7)).await;
        assert_refused(outcome, FailureReason::CertificateRevoked, &["CN=leaf 7"]);
        home.accepts(&channel, authority.issue(8)).await.unwrap();
    }
}

#[tokio::test]
async fn of_two_lists_of_one_second_the_higher_number_counts() {
    let authority = Authority::new("Trusted");
    let moment = hours(-1);
    let at = |number: u64, revoked: &[u64]| {
        authority.list_with(number, revoked, -1, 24, |params| params.this_update = moment)
    };
    let (first, second, third) = (at(0xfe, &[8]), at(0xff, &[7]), at(0x100, &[7]));
    for (first, second) in [(&first, &second), (&second, &first), (&first, &third), (&third, &first)] {
        let home = Home::trusting(&[&authority.certificate]);
        home.revoke("a", first);
        home.revoke("b", second);
        let channel = home.channel();
        home.accepts(&channel, authority.issue(8)).await.unwrap();
        home.accepts(&channel, authority.issue(7)).await.unwrap_err();
    }
}

#[tokio::test]
async fn an_issuer_that_lost_its_count_is_believed_by_the_time() {
    let authority = Authority::new("Trusted");
    for newer_ends in [24, 2] {
        let home = Home::trusting(&[&authority.certificate]);
        home.revoke("before.crl", authority.list_at(900, &[8], -5, 24));
        home.revoke("after.crl", authority.list_at(1, &[7], -1, newer_ends));
        let channel = home.channel();
        let outcome = home.accepts(&channel, authority.issue(7)).await;
        assert_refused(outcome, FailureReason::CertificateRevoked, &["after.crl"]);
        home.accepts(&channel, authority.issue(8)).await.unwrap();
    }
}

#[tokio::test]
async fn an_expired_list_lets_nobody_in_and_is_named_at_the_start_and_in_the_refusal() {
    let (authority, other) = (Authority::new("Trusted"), Authority::new("Other"));
    let home = Home::trusting(&[&authority.certificate, &other.certificate]);
    home.revoke("gone.crl", authority.list_at(1, &[], -30, -6));
    home.revoke("good.crl", other.list(1, &[]));
    let warnings = home.warnings();
    assert!(
        warnings.iter().any(|warning| warning.contains("gone.crl")
            && warning.contains("CN=Trusted")
            && warning.contains("expired (20")
            && warning.contains("EVERY")),
        "{warnings:?}"
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let channel = home.channel();
    let outcome = home.accepts(&channel, authority.issue(7)).await;
    assert_refused(
        outcome,
        FailureReason::RevocationUnknown,
        &["CN=leaf 7", "gone.crl", "CN=Trusted", "has expired (20"],
    );
    home.accepts(&channel, other.issue(7)).await.unwrap();
}

#[tokio::test]
async fn a_list_that_expires_while_the_server_runs_lets_nobody_in_any_more() {
    let authority = Authority::new("Trusted");
    let home = Home::trusting(&[&authority.certificate]);
    let soon = authority.list_with(1, &[], -1, 0, |params| {
        params.next_update -= time::Duration::minutes(10)
    });
    home.revoke("soon.crl", soon);
    let channel = home.channel_loaded_minutes_ago(30);
    assert!(channel.policy().unwrap().warnings().is_empty());
    let outcome = home.accepts(&channel, authority.issue(7)).await;
    assert_refused(outcome, FailureReason::RevocationUnknown, &["soon.crl", "has expired"]);
}

#[tokio::test]
async fn an_expired_list_beside_a_valid_one_still_revokes_whom_it_names() {
    let authority = Authority::new("Trusted");
    let home = Home::trusting(&[&authority.certificate]);
    home.revoke("newer and gone.crl", authority.list_at(9, &[7], -9, -2));
    home.revoke("older and good.crl", authority.list_at(5, &[8], -10, 24));
    let channel = home.channel();
    for (serial, list) in [(7, "newer and gone.crl"), (8, "older and good.crl")] {
        let outcome = home.accepts(&channel, authority.issue(serial)).await;
        assert_refused(outcome, FailureReason::CertificateRevoked, &[list]);
    }
    home.accepts(&channel, authority.issue(9)).await.unwrap();
    assert!(home.warnings().is_empty(), "{:?}", home.warnings());
}

#[tokio::test]
async fn a_list_of_the_future_does_not_count_yet() {
    let authority = Authority::new("Trusted");
    let home = Home::trusting(&[&authority.certificate]);
    home.revoke("future.crl", authority.list_at(9, &[], 9, 24));
    let outcome = home.accepts(&home.channel(), authority.issue(7)).await;
    assert_refused(
        outcome,
        FailureReason::RevocationUnknown,
        &["future.crl", "not valid before"],
    );
    home.revoke("today.crl", authority.list(5, &[7]));
    let channel = home.channel();
    let outcome = home.accepts(&channel, authority.issue(7)).await;
    assert_refused(outcome, FailureReason::CertificateRevoked, &["today.crl"]);
    home.accepts(&channel, authority.issue(8)).await.unwrap();
}

#[tokio::test]
async fn a_forged_list_neither_frees_nor_blocks() {
    let (authority, forger) = (Authority::new("Trusted"), Authority::new("Trusted"));
    for (forged, good) in [("a", "b"), ("b", "a")] {
        let home = Home::trusting(&[&authority.certificate]);
        home.revoke(forged, forger.list(99, &[8]));
        home.revoke(good, authority.list_at(1, &[7], -9, 24));
        let channel = home.channel();
        home.accepts(&channel, authority.issue(8)).await.unwrap();
        home.accepts(&channel, authority.issue(7)).await.unwrap_err();
        let warnings = home.warnings();
        assert!(
            warnings
                .iter()
                .any(|warning| warning.contains("is not signed by any trusted authority")),
            "{warnings:?}"
        );
    }
    let home = Home::trusting(&[&authority.certificate]);
    home.revoke("forged", forger.list(99, &[]));
    let outcome = home.accepts(&home.channel(), authority.issue(8)).await;
    assert_refused(outcome, FailureReason::RevocationUnknown, &["no revocation list"]);
}

#[tokio::test]
async fn a_forged_list_of_an_intermediate_authority_neither_frees_nor_blocks() {
    let root = Authority::new("Root");
    let (between, forger) = (root.below("Between", 20, |_| {}), Authority::new("Between"));
    let home = Home::trusting(&[&root.certificate]);
    home.revoke("a", forger.list(99, &[8]));
    home.revoke("b", between.list_at(1, &[7], -9, 24));
    home.revoke("root", root.list(1, &[]));
    let channel = home.channel();
    for _ in 0..2 {
        home.accepts(&channel, between.issue(8)).await.unwrap();
        home.accepts(&channel, between.issue(7)).await.unwrap_err();
    }
}

#[tokio::test]
async fn authorities_of_one_name_and_two_keys_have_a_list_each() {
    let (before, after) = (Authority::new("Renewed"), Authority::new("Renewed"));
    let home = Home::trusting(&[&before.certificate, &after.certificate]);
    home.revoke("before.crl", before.list_at(900, &[7], -1, 24));
    home.revoke("after.crl", after.list_at(1, &[8], -2, 24));
    assert!(home.warnings().is_empty(), "{:?}", home.warnings());
    let channel = home.channel();
    home.accepts(&channel, before.issue(8)).await.unwrap();
    home.accepts(&channel, after.issue(7)).await.unwrap();
    home.accepts(&channel, before.issue(7)).await.unwrap_err();
    home.accepts(&channel, after.issue(8)).await.unwrap_err();
}

#[tokio::test]
async fn an_authority_that_may_not_sign_lists_has_none() {
    let authority = Authority::with("Trusted", |params| {
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    });
    let home = Home::trusting(&[&authority.certificate]);
    // The maker refuses to sign it as itself, so it signs as one of the same key that may.
    let signer = KeyPair::try_from(authority.issuer.key().serialize_der()).unwrap();
    let signer = Authority::with_key("Trusted", signer, |_| {});
    home.revoke("ca.crl", signer.list(1, &[]));
    let outcome = home.accepts(&home.channel(), authority.issue(7)).await;
    assert_refused(outcome, FailureReason::RevocationUnknown, &["no revocation list"]);
}

#[tokio::test]
async fn a_list_for_leaves_only_does_not_speak_for_authorities() {
    use rcgen::{CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope};
    let root = Authority::new("Root");
    let between = root.below("Between", 20, |_| {});
    let scoped = |scope| {
        root.list_with(1, &[], -1, 24, |params| {
            params.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
                distribution_point: CrlDistributionPoint {
                    uris: vec!["http://crl.example/root".to_owned()],
                },
                scope: Some(scope),
            });
        })
    };
    let home = Home::trusting(&[&root.certificate]);
    home.revoke("between.crl", between.list(1, &[]));
    home.revoke("root.crl", scoped(CrlScope::UserCertsOnly));
    let channel = home.channel();
    home.accepts(&channel, root.issue(7)).await.unwrap();
    let outcome = home.accepts(&channel, between.issue(7)).await;
    assert_refused(outcome, FailureReason::RevocationUnknown, &["CN=Between above it"]);
    home.revoke("root.crl", scoped(CrlScope::CaCertsOnly));
    let channel = home.channel();
    home.accepts(&channel, between.issue(7)).await.unwrap();
    let outcome = home.accepts(&channel, root.issue(7)).await;
    assert_refused(outcome, FailureReason::RevocationUnknown, &["CN=leaf 7"]);
}

#[tokio::test]
async fn a_list_for_one_address_speaks_for_the_certificates_that_name_it() {
    use rcgen::{CrlDistributionPoint, CrlIssuingDistributionPoint};
    let authority = Authority::new("Trusted");
    let point = |address: &str| CrlDistributionPoint {
        uris: vec![format!("http://crl.example/{address}")],
    };
    let part = |address: &str, revoked: &[u64], from: i64| {
        authority.list_with(1, revoked, from, 24, |params| {
            params.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
                distribution_point: point(address),
                scope: None,
            });
        })
    };
    let leaf =
        |serial, address| authority.issue_with(serial, |params| params.crl_distribution_points = vec![point(address)]);
    let home = Home::trusting(&[&authority.certificate]);
    home.revoke("one.crl", part("one", &[7], -5));
    home.revoke("two.crl", part("two", &[8], -1));
    let channel = home.channel();
    home.accepts(&channel, leaf(7, "one")).await.unwrap_err();
    home.accepts(&channel, leaf(8, "two")).await.unwrap_err();
    home.accepts(&channel, leaf(9, "two")).await.unwrap();
    // The other part does not speak for it, whatever it says.
    home.accepts(&channel, leaf(8, "one")).await.unwrap();
    let outcome = home.accepts(&channel, leaf(9, "three")).await;
    assert_refused(outcome, FailureReason::RevocationUnknown, &["no revocation list"]);
}

fn openssl_home(home: &Home, extensions: &str) {
    openssl_authority(home.folder.path(), extensions);
    home.trust(
        "ca.crt",
        std::fs::read(home.folder.path().join("ca.crt")).unwrap_or_default(),
    );
}

#[tokio::test]
async fn what_openssl_ca_revokes_is_revoked() {
    let home = Home::new();
    let folder = home.folder.path();
    openssl_home(&home, "crlnumber=crlnumber");
    for name in ["alice", "bob"] {
        openssl(
            folder,
            &format!("req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"),
        );
        openssl(
            folder,
            &format!("ca -batch -notext -config ca.cnf -in {name}.csr -out {name}.crt"),
        );
    }
    openssl(folder, "ca -config ca.cnf -revoke bob.crt");
    openssl(folder, "ca -config ca.cnf -gencrl -out ca.crl");
    home.revoke("ca.crl", std::fs::read(folder.join("ca.crl")).unwrap());
    let channel = home.channel();
    home.accepts(&channel, Identity::from_files(folder, "alice"))
        .await
        .unwrap();
    let outcome = home.accepts(&channel, Identity::from_files(folder, "bob")).await;
    assert_refused(
        outcome,
        FailureReason::CertificateRevoked,
        &["CN=bob", "number 1001", "ca.crl"],
    );
    let summary = channel.policy().unwrap().trust_summary();
    let list = &summary.lists[0];
    assert_eq!(
        (list.issuer.as_str(), list.number.as_str(), list.entries),
        ("CN=ca", "01", 1)
    );
    assert!(list.signature_verified && !list.expired && list.this_update <= now() && list.next_update > now());
}

#[tokio::test]
async fn lists_that_are_not_complete_are_refused_by_their_kind() {
    for (extensions, expected) in [
        ("crlnumber=crlnumber\ncrl_extensions=delta", "delta list"),
        ("crlnumber=crlnumber\ncrl_extensions=indirect", "indirect list"),
        ("", "version 1"),
    ] {
        let home = Home::new();
        openssl_home(&home, extensions);
        openssl(home.folder.path(), "ca -config ca.cnf -gencrl -out ca.crl");
        home.revoke("partial.crl", std::fs::read(home.folder.path().join("ca.crl")).unwrap());
        let faults = home.faults();
        assert!(faults.contains(expected) && faults.contains("partial.crl"), "{faults}");
    }
}
