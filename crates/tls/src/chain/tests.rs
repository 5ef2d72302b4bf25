//! Chains as `openssl` makes them: those that clients accept, and each mistake.

use super::*;
use crate::identity::read_certificates;
use crate::openssl::{AUTHORITY, Pki, SERVER, openssl};
use crate::policy::tests::now;

const DAY: i64 = 86_400;

struct Checked {
    faults: Vec<PolicyError>,
    warnings: Vec<PolicyWarning>,
    is_leaf_first: bool,
}

impl Checked {
    fn fault(&self) -> (&PolicyError, String) {
        let [fault] = self.faults.as_slice() else {
            panic!("{:?}", self.faults)
        };
        (fault, fault.to_string())
    }

    fn warning(&self) -> (&PolicyWarning, String) {
        let ([], [warning]) = (self.faults.as_slice(), self.warnings.as_slice()) else {
            panic!("{:?} {:?}", self.faults, self.warnings)
        };
        (warning, warning.to_string())
    }

    fn is_good(&self) -> bool {
        assert!(
            self.faults.is_empty() && self.warnings.is_empty(),
            "{:?} {:?}",
            self.faults,
            self.warnings
        );
        self.is_leaf_first
    }
}

fn check_as(pki: &Pki, names: &[&str], now: i64, serves_both_ends: bool) -> Checked {
    let path = pki.chain(names);
    let chain = read_certificates(&path).unwrap();
    let public = pki
        .path("server.key")
        .exists()
        .then(|| openssl(pki.folder(), "pkey -in server.key -pubout -outform der"));
    let purpose = Purpose {
        path: &path,
        now,
        serves_both_ends,
        public_key: public.as_deref(),
    };
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    let is_leaf_first = check_chain(&chain, &purpose, &mut faults, &mut warnings);
    Checked {
        faults,
        warnings,
        is_leaf_first,
    }
}

fn check(pki: &Pki, names: &[&str]) -> Checked {
    check_as(pki, names, now() + 60, false)
}

#[test]
fn a_chain_is_good_with_and_without_its_root() {
    let pki = Pki::new();
    for names in [&["server", "middle", "root"][..], &["server", "middle"], &["server"]] {
        assert!(check(&pki, names).is_good());
    }
}

#[test]
fn a_self_signed_certificate_is_good_and_one_marked_as_authority_is_warned_of() {
    let pki = Pki::empty();
    pki.issue("server", "server", SERVER, "-days 100");
    assert!(check(&pki, &["server"]).is_good());
    openssl(
        pki.folder(),
        "req -x509 -key server.key -subj /CN=x -addext subjectAltName=IP:127.0.0.1 -days 100 -out server.crt",
    );
    let checked = check(&pki, &["server"]);
    assert!(matches!(
        checked.warning().0,
        PolicyWarning::LeafIsItsOwnAuthority { .. }
    ));
}

#[test]
fn the_wrong_order_is_shown_beside_the_right_one() {
    let pki = Pki::new();
    for (names, found, wanted) in [
        (
            &["middle", "server"][..],
            "1: CN=middle; 2: CN=server",
            "2: CN=server; 1: CN=middle",
        ),
        (
            &["root", "middle", "server"],
            "1: CN=root; 2: CN=middle; 3: CN=server",
            "3: CN=server; 2: CN=middle; 1: CN=root",
        ),
        (
            &["server", "root", "middle"],
            "1: CN=server; 2: CN=root; 3: CN=middle",
            "1: CN=server; 3: CN=middle; 2: CN=root",
        ),
    ] {
        let checked = check(&pki, names);
        let (fault, text) = checked.fault();
        assert!(
            matches!(fault, PolicyError::WrongOrder { found: f, wanted: w, .. } if f == found && w == wanted),
            "{text}"
        );
        assert_eq!(checked.is_leaf_first, names[0] == "server");
    }
    std::fs::remove_file(pki.path("server.key")).unwrap();
    assert!(
        matches!(
            check(&pki, &["middle", "server"]).fault().0,
            PolicyError::WrongOrder { .. }
        ),
        "without a key as well"
    );
}

#[test]
fn copies_and_strangers_in_the_file_are_named() {
    let pki = Pki::new();
    pki.issue("stranger", "stranger", AUTHORITY, "-days 100");
    pki.issue("sister", "middle", SERVER, "-days 100");
    let checked = check(&pki, &["server", "middle", "middle"]);
    assert!(matches!(checked.fault().0, PolicyError::DuplicateCertificate { subject, .. } if subject == "CN=middle"));
    for stranger in ["stranger", "sister"] {
        let checked = check(&pki, &["server", stranger, "middle"]);
        let (fault, text) = checked.fault();
        assert!(
            matches!(fault, PolicyError::UnrelatedCertificate { place: 2, .. }),
            "{text}"
        );
        assert!(text.contains(stranger));
    }
    let checked = check(&pki, &["server", "root"]);
    assert!(matches!(
        checked.fault().0,
        PolicyError::UnrelatedCertificate { place: 2, .. }
    ));
}

#[test]
fn every_certificate_of_the_chain_is_held_against_the_clock() {
    let pki = Pki::new();
    let at = |days| check_as(&pki, &["server", "middle", "root"], now() + days * DAY, false);
    assert!(matches!(
        at(-1).faults.as_slice(),
        [
            PolicyError::NotYetValid { .. },
            PolicyError::NotYetValid { .. },
            PolicyError::NotYetValid { .. }
        ]
    ));
    assert!(at(968).is_good());
    let checked = at(970);
    let (warning, text) = checked.warning();
    assert!(
        matches!(warning, PolicyWarning::ExpiresSoon { days: 29 | 30, .. }),
        "{text}"
    );
    assert!(matches!(at(1_001).fault().0, PolicyError::Expired { subject, .. } if subject == "CN=server"));
    assert_eq!(at(2_001).faults.len(), 2, "the authority's as well");

    pki.issue("middle", "root", AUTHORITY, "-days 10");
    let checked = check_as(&pki, &["server", "middle"], now() + 11 * DAY, false);
    assert!(matches!(checked.fault().0, PolicyError::Expired { subject, .. } if subject == "CN=middle"));
}

#[test]
fn weak_keys_and_signatures_are_found_anywhere_but_in_the_signature_of_a_root() {
    let pki = Pki::new();
    pki.issue("server", "middle", SERVER, "-days 100 -sha1");
    let checked = check(&pki, &["server", "middle"]);
    let (fault, text) = checked.fault();
    assert!(
        matches!(fault, PolicyError::WeakSignature { .. }) && text.contains("SHA-1"),
        "{text}"
    );
    pki.issue("server", "middle", SERVER, "-days 100");
    pki.issue("middle", "root", AUTHORITY, "-days 2000 -sha1");
    assert!(check(&pki, &["server", "middle"]).fault().1.contains("CN=middle"));
    pki.issue("middle", "root", AUTHORITY, "-days 2000");
    pki.issue("root", "root", AUTHORITY, "-days 3000 -sha1");
    assert!(check(&pki, &["server", "middle", "root"]).is_good());

    for (algorithm, expected) in [
        ("RSA -pkeyopt rsa_keygen_bits:1024", "RSA of 1024 bits"),
        ("EC -pkeyopt ec_paramgen_curve:secp256k1", "secp256k1"),
        ("ED448", "Ed448"),
    ] {
        let pki = Pki::new();
        pki.key("server", algorithm);
        pki.issue("server", "middle", SERVER, "-days 100");
        let checked = check(&pki, &["server", "middle"]);
        let (fault, text) = checked.fault();
        assert!(
            matches!(fault, PolicyError::WeakCertificateKey { .. }) && text.contains(expected),
            "{text}"
        );
    }
}

#[test]
fn signatures_with_rsa_pss_are_known_by_their_hash() {
    let pki = Pki::new();
    pki.key("middle", "RSA -pkeyopt rsa_keygen_bits:2048");
    pki.issue("middle", "root", AUTHORITY, "-days 2000");
    pki.issue(
        "server",
        "middle",
        SERVER,
        "-days 100 -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32",
    );
    assert!(check(&pki, &["server", "middle"]).is_good());
    pki.issue(
        "server",
        "middle",
        SERVER,
        "-days 100 -sha1 -sigopt rsa_padding_mode:pss",
    );
    assert!(check(&pki, &["server", "middle"]).fault().1.contains("SHA-1"));
    pki.issue("server", "middle", SERVER, "-days 100 -md5");
    assert!(check(&pki, &["server", "middle"]).fault().1.contains("MD5"));
}

#[test]
fn a_leaf_must_name_hosts_and_be_meant_for_servers() {
    let pki = Pki::new();
    let with = |extensions: &str, serves_both_ends| {
        pki.issue("server", "middle", extensions, "-days 100");
        check_as(&pki, &["server", "middle"], now() + 60, serves_both_ends)
    };
    for names in ["", "subjectAltName=email:a@example.com,URI:spiffe://a/b\n"] {
        let checked = with(&format!("{names}extendedKeyUsage=serverAuth\n"), false);
        assert!(matches!(checked.fault().0, PolicyError::NoNames { .. }));
    }
    const NAMES: &str = "subjectAltName=DNS:localhost,DNS:*.example.com,IP:127.0.0.1,IP:::1\n";
    let of_usage = |usage: &str| format!("{NAMES}extendedKeyUsage={usage}\n");
    assert!(with(NAMES, true).is_good());
    assert!(with(&of_usage("serverAuth,clientAuth"), true).is_good());
    assert!(with(&of_usage("anyExtendedKeyUsage"), true).is_good());
    assert!(with(&of_usage("serverAuth"), false).is_good());
    for (usage, serves_both_ends, missing) in [
        ("clientAuth", false, "serverAuth"),
        ("clientAuth", true, "serverAuth"),
        ("serverAuth", true, "clientAuth"),
    ] {
        let checked = with(&of_usage(usage), serves_both_ends);
        assert!(matches!(checked.fault().0, PolicyError::MissingUsage { usage, .. } if *usage == missing));
    }
    assert_eq!(with(&of_usage("codeSigning"), true).faults.len(), 2);
    let checked = with(&format!("{NAMES}keyUsage=keyEncipherment\n"), false);
    assert!(matches!(checked.warning().0, PolicyWarning::LeafMayNotSign { .. }));
    let checked = with(&format!("{NAMES}basicConstraints=CA:TRUE\n"), false);
    assert!(matches!(checked.fault().0, PolicyError::LeafIsAuthority { .. }));
}

#[test]
fn those_above_the_leaf_must_be_authorities_for_it() {
    let pki = Pki::new();
    let with = |extensions: &str| {
        pki.issue("middle", "root", extensions, "-days 100");
        check(&pki, &["server", "middle"])
    };
    for (extensions, reason) in [
        ("basicConstraints=CA:FALSE\n", "basic constraints"),
        ("subjectKeyIdentifier=hash\n", "basic constraints"),
        ("basicConstraints=CA:TRUE\nkeyUsage=digitalSignature\n", "keyCertSign"),
    ] {
        let checked = with(extensions);
        let (fault, text) = checked.fault();
        assert!(
            matches!(fault, PolicyError::NotAnAuthority { .. }) && text.contains(reason),
            "{text}"
        );
    }
    let checked = with("basicConstraints=CA:TRUE\nextendedKeyUsage=clientAuth\n");
    assert!(matches!(checked.fault().0, PolicyError::MissingUsage { subject, .. } if subject == "CN=middle"));
    assert!(with("basicConstraints=CA:TRUE,pathlen:0\n").is_good());

    pki.issue("root", "root", "basicConstraints=CA:TRUE,pathlen:0\n", "-days 100");
    let checked = check(&pki, &["server", "middle", "root"]);
    assert!(checked.fault().1.contains("path length"));
}

#[test]
fn an_issuer_with_another_key_is_found_out() {
    let pki = Pki::new();
    std::fs::remove_file(pki.path("middle.key")).unwrap();
    pki.issue("middle", "root", AUTHORITY, "-days 2000");
    let checked = check(&pki, &["server", "middle"]);
    let (fault, text) = checked.fault();
    assert!(matches!(fault, PolicyError::NotSignedByIssuer { .. }), "{text}");
}

#[test]
fn bytes_that_are_no_certificate_are_named_by_their_place() {
    let pki = Pki::new();
    let path = pki.chain(&["server"]);
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    std::fs::write(&path, text).unwrap();
    let chain = read_certificates(&path).unwrap();
    let purpose = Purpose {
        path: &path,
        now: now(),
        serves_both_ends: false,
        public_key: None,
    };
    let mut faults = Vec::new();
    check_chain(&chain, &purpose, &mut faults, &mut Vec::new());
    let [fault] = faults.as_slice() else {
        panic!("{faults:?}")
    };
    assert!(fault.to_string().contains("block 2"), "{fault}");
}

#[test]
fn files_in_other_forms_are_recognised_and_their_command_makes_a_chain() {
    let pki = Pki::new();
    for (command, expected) in [
        ("x509 -in server.crt -outform der -out other", "openssl x509"),
        ("x509 -in server.crt -trustout -out other", "openssl x509"),
        ("crl2pkcs7 -nocrl -certfile server.crt -out other", "openssl pkcs7"),
        (
            "crl2pkcs7 -nocrl -certfile server.crt -outform der -out other",
            "openssl pkcs7 -inform der",
        ),
        (
            "pkcs12 -export -in server.crt -inkey server.key -passout pass:x -out other",
            "openssl pkcs12",
        ),
    ] {
        openssl(pki.folder(), command);
        let other = pki.path("other");
        let fault = read_certificates(&other).unwrap_err().to_string();
        assert!(fault.contains(expected), "{fault}");
        let answers = if expected.contains("pkcs12") {
            "-passin pass:x"
        } else {
            ""
        };
        crate::openssl::as_told(pki.folder(), &fault, answers);
        let converted = read_certificates(&pki.path("other.pem")).unwrap();
        assert_eq!(converted, read_certificates(&pki.path("server.crt")).unwrap());
        std::fs::remove_file(other).unwrap();
    }
    for (command, expected) in [
        ("pkey -in server.key -out other", "a private key, not a certificate"),
        ("pkey -in server.key -pubout -out other", "a bare public key"),
        (
            "req -new -key server.key -subj /CN=x -out other",
            "a request for a certificate",
        ),
    ] {
        openssl(pki.folder(), command);
        let fault = read_certificates(&pki.path("other")).unwrap_err().to_string();
        assert!(fault.contains(expected), "{fault}");
        std::fs::remove_file(pki.path("other")).unwrap();
    }
}

#[test]
fn a_key_in_the_certificate_file_must_not_be_open_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let pki = Pki::new();
    let path = pki.chain(&["server"]);
    let key = std::fs::read_to_string(pki.path("server.key")).unwrap();
    let certificate = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, certificate + &key).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(
        read_certificates(&path),
        Err(PolicyError::KeyOpenToOthers { .. })
    ));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(read_certificates(&path).unwrap().len(), 1);
}
