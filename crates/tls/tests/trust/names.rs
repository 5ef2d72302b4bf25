//! Dialling: whom a channel believes to be the server that it wanted.

use bastide_tls::FailureReason;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, NameConstraints, SanType};

use crate::pki::{Authority, Identity, hours, openssl, pem};
use crate::support::{Home, assert_refused, dial};

fn names(wanted: &[&str]) -> impl FnOnce(&mut CertificateParams) {
    let names = CertificateParams::new(wanted.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let names = names.map(|params| params.subject_alt_names).unwrap_or_default();
    |params| params.subject_alt_names = names
}

fn common_name(name: &str, alternative: Vec<SanType>) -> impl FnOnce(&mut CertificateParams) {
    let name = name.to_owned();
    move |params| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.subject_alt_names = alternative;
    }
}

#[tokio::test]
async fn names_and_addresses_are_compared_with_those_of_the_certificate() {
    let authority = Authority::new("Trusted");
    let home = Home::trusting(&[&authority.certificate]);
    let channel = home.channel();
    let server = || authority.issue_with(7, names(&["a.example", "*.b.example", "192.0.2.1", "2001:db8::1"]));
    for good in ["a.example", "A.EXAMPLE", "x.b.example", "192.0.2.1", "2001:db8::1"] {
        dial(&channel, server(), good).await.unwrap();
    }
    for bad in ["b.example", "x.y.b.example", "x.a.example", "192.0.2.2", "2001:db8::2"] {
        let outcome = dial(&channel, server(), bad).await;
        assert_refused(
            outcome,
            FailureReason::WrongName,
            &["CN=leaf 7", "a.example, *.b.example", bad],
        );
    }
}

#[tokio::test]
async fn the_common_name_counts_only_without_alternative_names() {
    let authority = Authority::new("Trusted");
    let home = Home::trusting(&[&authority.certificate]);
    let channel = home.channel();
    let server = |name: &str| authority.issue_with(7, common_name(name, Vec::new()));
    dial(&channel, server("a.example"), "a.example").await.unwrap();
    dial(&channel, server("A.example"), "a.EXAMPLE").await.unwrap();
    dial(&channel, server("*.b.example"), "x.b.example").await.unwrap();
    for (name, host) in [
        ("a.example", "b.example"),
        ("*.b.example", "b.example"),
        ("*.b.example", "x.y.b.example"),
        ("*.example", "a.example"),
        ("*", "localhost"),
        ("192.0.2.1", "192.0.2.1"),
    ] {
        let outcome = dial(&channel, server(name), host).await;
        assert_refused(outcome, FailureReason::WrongName, &[host]);
    }
    let address = SanType::IpAddress("192.0.2.1".parse().unwrap());
    let server = authority.issue_with(7, common_name("a.example", vec![address]));
    let outcome = dial(&channel, server, "a.example").await;
    assert_refused(outcome, FailureReason::WrongName, &["192.0.2.1"]);
}

#[tokio::test]
async fn the_common_name_does_not_slip_past_an_authority_that_limits_names() {
    let limited = |name: &str| {
        Authority::with(name, |params| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName("a.example".to_owned())],
                excluded_subtrees: Vec::new(),
            });
        })
    };
    let authority = limited("Limited");
    let home = Home::trusting(&[&authority.certificate]);
    let channel = home.channel();
    dial(
        &channel,
        authority.issue_with(7, names(&["x.a.example"])),
        "x.a.example",
    )
    .await
    .unwrap();
    let outcome = dial(&channel, authority.issue_with(7, names(&["b.example"])), "b.example").await;
    assert_refused(
        outcome,
        FailureReason::BadCertificate,
        &["may not issue certificates for its names"],
    );
    let outcome = dial(
        &channel,
        authority.issue_with(7, common_name("b.example", Vec::new())),
        "b.example",
    )
    .await;
    assert_refused(outcome, FailureReason::WrongName, &[]);
}

#[tokio::test]
async fn without_verify_hostname_the_name_is_not_looked_at_and_all_else_is() {
    let (authority, other) = (Authority::new("Trusted"), Authority::new("Other"));
    let mut home = Home::trusting(&[&authority.certificate]);
    home.config.verify_hostname = false;
    home.revoke("ca.crl", authority.list(1, &[9]));
    let channel = home.channel();
    dial(&channel, authority.issue(7), "elsewhere.example").await.unwrap();
    dial(&channel, authority.issue(7), "192.0.2.1").await.unwrap();
    let outcome = dial(&channel, other.issue(7), "localhost").await;
    assert_refused(outcome, FailureReason::UnknownIssuer, &["CN=Other"]);
    let outcome = dial(&channel, authority.issue(9), "localhost").await;
    assert_refused(outcome, FailureReason::CertificateRevoked, &["ca.crl"]);
    let expired = authority.issue_with(7, |params| params.not_after = hours(-1));
    let outcome = dial(&channel, expired, "localhost").await;
    assert_refused(outcome, FailureReason::CertificateOutOfDate, &["CN=leaf 7"]);
}

#[tokio::test]
async fn a_server_must_be_meant_to_be_one() {
    let authority = Authority::new("Trusted");
    let home = Home::trusting(&[&authority.certificate]);
    let client = authority.issue_with(7, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let outcome = dial(&home.channel(), client, "localhost").await;
    assert_refused(outcome, FailureReason::WrongUsage, &["CN=leaf 7", "serverAuth"]);
}

#[tokio::test]
async fn a_pinned_server_is_believed_under_its_own_name_only() {
    let home = Home::new();
    let folder = home.folder.path();
    openssl(
        folder,
        "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=s -addext subjectAltName=DNS:a.example -keyout s.key -out s.crt",
    );
    home.trust("s.crt", std::fs::read(folder.join("s.crt")).unwrap());
    let channel = home.channel();
    let server = || Identity::from_files(folder, "s");
    dial(&channel, server(), "a.example").await.unwrap();
    let outcome = dial(&channel, server(), "b.example").await;
    assert_refused(outcome, FailureReason::WrongName, &["a.example"]);
    dial(&channel, server().stolen(), "a.example").await.unwrap_err();
}

#[tokio::test]
async fn trust_all_believes_every_server_that_has_the_key() {
    let authority = Authority::new("Unknown");
    let mut home = Home::new();
    home.config.trust_all = true;
    home.revoke("9.crt", pem("CERTIFICATE", &authority.issue(9).leaf()));
    let channel = home.channel();
    dial(&channel, authority.issue(7), "elsewhere.example").await.unwrap();
    dial(&channel, authority.issue(7).stolen(), "localhost")
        .await
        .unwrap_err();
    let outcome = dial(&channel, authority.issue(9), "localhost").await;
    assert_refused(outcome, FailureReason::CertificateRevoked, &["9.crt"]);
}
