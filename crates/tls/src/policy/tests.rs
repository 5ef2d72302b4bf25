//! Policies over development certificates, and each way in which one is refused.

use super::*;
use crate::create_development_certificates;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn config(folder: &Path) -> PolicyConfig {
    PolicyConfig {
        scope: "bolt",
        private_key: folder.join("bolt/private.key"),
        public_certificate: folder.join("bolt/public.crt"),
        private_key_password: None,
        trusted_directory: None,
        revoked_directory: None,
        trust_all: false,
        verify_hostname: true,
        serves_both_ends: false,
        client_authentication: ClientAuthentication::Optional,
        ciphers: None,
        versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
        application_protocols: Vec::new(),
    }
}

pub(crate) fn development() -> (tempfile::TempDir, PolicyConfig) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("certificates");
    create_development_certificates(&folder, &["bolt", "https"]).unwrap();
    let config = config(&folder);
    (home, config)
}

#[test]
fn development_certificates_are_accepted_and_name_loopback_only() {
    let (_home, config) = development();
    let policy = Policy::load(config.clone(), now()).unwrap();
    let mut names = policy.certificates()[0].names.clone();
    names.sort();
    assert_eq!(names, ["127.0.0.1", "::1", "localhost"]);
    let issuer = &policy.certificates()[0].issuer;
    assert!(
        issuer.contains(r"development authority\, this machine only"),
        "{issuer}"
    );
}

#[test]
fn private_keys_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_home, config) = development();
    let mode = std::fs::metadata(&config.private_key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o400);
}

#[test]
fn refuses_an_expired_certificate() {
    let (_home, config) = development();
    let faults = Policy::load(config.clone(), now() + 3_000 * 86_400).unwrap_err();
    assert!(
        matches!(faults.faults.as_slice(), [PolicyError::Expired { .. }]),
        "{faults}"
    );
}

#[test]
fn refuses_the_key_of_another_certificate() {
    let (_home, mut config) = development();
    config.private_key = config
        .private_key
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("https/private.key");
    let faults = Policy::load(config.clone(), now()).unwrap_err();
    assert!(
        matches!(faults.faults.as_slice(), [PolicyError::KeyMismatch { .. }]),
        "{faults}"
    );
}

#[test]
fn says_everything_that_is_wrong_at_once() {
    let (_home, mut config) = development();
    std::mem::swap(&mut config.private_key, &mut config.public_certificate);
    config.ciphers = Some(vec!["TLS_RSA_WITH_AES_128_CBC_SHA".to_owned()]);
    let faults = Policy::load(config.clone(), now()).unwrap_err().to_string();
    for expected in [
        "holds a private key, not a certificate",
        "holds a certificate, not a key",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
    ] {
        assert!(faults.contains(expected), "{expected} is missing in: {faults}");
    }
}

/// Folders of `config`, made under `home` and left empty.
fn with_folders(home: &Path, config: &mut PolicyConfig) -> (PathBuf, PathBuf) {
    let (trusted, revoked) = (home.join("trusted"), home.join("revoked"));
    std::fs::create_dir(&trusted).unwrap();
    std::fs::create_dir(&revoked).unwrap();
    config.trusted_directory = Some(trusted.clone());
    config.revoked_directory = Some(revoked.clone());
    config.client_authentication = ClientAuthentication::Require;
    (trusted, revoked)
}

#[test]
fn refuses_to_require_client_certificates_without_anybody_to_trust() {
    let (home, mut config) = development();
    with_folders(home.path(), &mut config);
    let faults = Policy::load(config, now()).unwrap_err();
    assert!(
        matches!(faults.faults.as_slice(), [PolicyError::NobodyTrusted { .. }]),
        "{faults}"
    );
}

#[test]
fn names_each_folder_that_is_not_there() {
    let (home, mut config) = development();
    let (trusted, revoked) = with_folders(home.path(), &mut config);
    std::fs::remove_dir(&trusted).unwrap();
    std::fs::remove_dir(&revoked).unwrap();
    let faults = Policy::load(config, now()).unwrap_err();
    assert!(
        matches!(
            faults.faults.as_slice(),
            [PolicyError::MissingFolder { path: first }, PolicyError::MissingFolder { path: second }]
                if *first == trusted && *second == revoked
        ),
        "{faults}"
    );
}

#[test]
fn refuses_anything_but_revocation_lists_in_the_revoked_folder() {
    let (home, mut config) = development();
    let (trusted, revoked) = with_folders(home.path(), &mut config);
    let authority = home.path().join("certificates/development-ca.crt");
    std::fs::copy(&authority, trusted.join("ca.crt")).unwrap();
    std::fs::write(revoked.join("notes.txt"), "see the wiki").unwrap();
    let faults = Policy::load(config, now()).unwrap_err();
    assert!(
        matches!(faults.faults.as_slice(), [PolicyError::NotARevocationList { .. }]),
        "{faults}"
    );
}

#[test]
fn says_which_version_the_ciphers_leave_empty_and_offers_the_other() {
    let (_home, mut config) = development();
    config.ciphers = Some(vec!["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384".to_owned()]);
    let policy = Policy::load(config.clone(), now()).unwrap();
    assert!(
        matches!(
            policy.warnings(),
            [PolicyWarning::VersionNotOffered { version: "TLSv1.3", .. }]
        ),
        "{:?}",
        policy.warnings()
    );
    config.versions = vec![TlsVersion::Tls13];
    let faults = Policy::load(config, now()).unwrap_err();
    assert!(
        matches!(faults.faults.as_slice(), [PolicyError::NothingToOffer { .. }]),
        "{faults}"
    );
}
