//! Summaries held against what `openssl` prints of the same certificate.

use super::*;
use crate::identity::read_certificates;
use crate::openssl::{Pki, openssl};

fn said(pki: &Pki, option: &str) -> String {
    let output = openssl(pki.folder(), &format!("x509 -in server.crt -noout {option}"));
    let text = String::from_utf8(output).unwrap();
    text.split_once('=').unwrap().1.trim().to_owned()
}

fn summary(pki: &Pki) -> CertificateSummary {
    let certificates = read_certificates(&pki.path("server.crt")).unwrap();
    summarise_certificate(&certificates[0]).unwrap()
}

const EVERYTHING: &str = "basicConstraints=CA:FALSE
keyUsage=digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth,1.3.6.1.5.5.7.3.17
subjectAltName=DNS:localhost,DNS:*.example.com,IP:127.0.0.1,IP:::1,email:a@example.com,URI:spiffe://a/b
authorityInfoAccess=OCSP;URI:http://ocsp.example.com,caIssuers;URI:http://ca.example.com
tlsfeature=status_request
";

#[test]
fn says_what_openssl_says_of_the_same_certificate() {
    let pki = Pki::new();
    pki.issue(
        "server",
        "middle",
        EVERYTHING,
        "-days 100 -set_serial 0x00F1E2D3C4B5A697",
    );
    let summary = summary(&pki);
    assert_eq!(summary.serial, said(&pki, "-serial"));
    assert_eq!(summary.fingerprint, said(&pki, "-fingerprint -sha256"));
    assert_eq!(
        (summary.subject.as_str(), summary.issuer.as_str()),
        ("CN=server", "CN=middle")
    );
    assert_eq!(summary.common_names, ["server"]);
    assert_eq!(summary.names, ["localhost", "*.example.com", "127.0.0.1", "::1"]);
    assert_eq!(
        (summary.email_names[0].as_str(), summary.uri_names[0].as_str()),
        ("a@example.com", "spiffe://a/b")
    );
    assert_eq!(summary.key_usages, ["digitalSignature", "keyEncipherment"]);
    assert_eq!(
        summary.extended_key_usages,
        ["serverAuth", "clientAuth", "1.3.6.1.5.5.7.3.17"]
    );
    assert_eq!(summary.ocsp_responders, ["http://ocsp.example.com"]);
    assert_eq!((summary.key_algorithm.as_str(), summary.key_bits), ("EC P-256", 256));
    assert_eq!(summary.signature_algorithm, "ecdsa-with-SHA256");
    assert!(summary.must_staple && !summary.is_ca && !summary.is_self_signed);
    assert!(summary.allows("clientAuth") && !summary.allows("codeSigning"));
}

#[test]
fn knows_authorities_and_counts_days() {
    let pki = Pki::new();
    let root = read_certificates(&pki.path("root.crt")).unwrap();
    let root = summarise_certificate(&root[0]).unwrap();
    assert!(root.is_ca && root.is_self_signed && !root.must_staple);
    assert_eq!(root.key_usages, ["keyCertSign", "cRLSign"]);
    assert_eq!(root.days_left(root.not_after), 0);
    assert_eq!(root.days_left(root.not_after + 1), -1);
    assert_eq!(root.days_left(root.not_after - 86_400), 1);
    assert!(
        root.is_valid_at(root.not_before) && root.is_valid_at(root.not_after) && !root.is_valid_at(root.not_after + 1)
    );
}

#[test]
fn names_of_keys_and_signatures() {
    for (algorithm, options, expected) in [
        (
            "RSA -pkeyopt rsa_keygen_bits:3072",
            "",
            ("RSA", 3072, "sha256WithRSAEncryption"),
        ),
        (
            "RSA -pkeyopt rsa_keygen_bits:2048",
            "-sha512 -sigopt rsa_padding_mode:pss",
            ("RSA", 2048, "rsassaPss with SHA-512"),
        ),
        (
            "EC -pkeyopt ec_paramgen_curve:P-521",
            "-sha512",
            ("EC P-521", 521, "ecdsa-with-SHA512"),
        ),
        ("ED25519", "", ("Ed25519", 256, "Ed25519")),
    ] {
        let pki = Pki::empty();
        pki.key("server", algorithm);
        pki.issue("server", "server", "", options);
        let summary = summary(&pki);
        let found = (
            summary.key_algorithm.as_str(),
            summary.key_bits,
            summary.signature_algorithm.as_str(),
        );
        assert_eq!(found, expected);
    }
}

#[test]
fn a_hostile_subject_stays_one_name_on_one_line() {
    let pki = Pki::empty();
    pki.key("server", "ED25519");
    openssl(
        pki.folder(),
        "req -x509 -key server.key -subj /O=Example,Inc/CN=x,CN=admin\n2026 -utf8 -out server.crt",
    );
    let summary = summary(&pki);
    assert_eq!(summary.subject, r"O=Example\,Inc, CN=x\,CN=admin\0A2026");
    assert_eq!(summary.common_names, ["x,CN=admin\n2026"]);
}

#[test]
fn garbage_is_no_certificate() {
    assert_eq!(summarise_certificate(b""), None);
    assert_eq!(summarise_certificate(&[0x30; 64]), None);
}
