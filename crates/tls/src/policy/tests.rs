//! Policies over development certificates, and each way in which one is refused.

use super::*;
use crate::create_development_certificates;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn config(folder: &Path) -> PolicyConfig {
    PolicyConfig {
        scope: "bolt",
        private_key: folder.join("bolt/private.key"),
        public_certificate: folder.join("bolt/public.crt"),
        trusted_directory: folder.join("bolt/trusted"),
        revoked_directory: folder.join("bolt/revoked"),
        client_authentication: ClientAuthentication::Optional,
        ciphers: None,
        versions: vec![TlsVersion::Tls12, TlsVersion::Tls13],
        application_protocols: Vec::new(),
    }
}

fn development() -> (tempfile::TempDir, PolicyConfig) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("certificates");
    create_development_certificates(&folder, &["bolt", "https"]).unwrap();
    let config = config(&folder);
    (home, config)
}

#[test]
fn development_certificates_are_accepted_and_name_loopback_only() {
    let (_home, config) = development();
    let policy = ServerPolicy::load(&config, now()).unwrap();
    let mut names = policy.certificate().unwrap().names;
    names.sort();
    assert_eq!(names, ["127.0.0.1", "::1", "localhost"]);
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
    let faults = ServerPolicy::load(&config, now() + 3_000 * 86_400).unwrap_err();
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
    let faults = ServerPolicy::load(&config, now()).unwrap_err();
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
    let faults = ServerPolicy::load(&config, now()).unwrap_err().to_string();
    for expected in [
        "holds a private key, not a certificate",
        "holds a certificate, not a key",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
    ] {
        assert!(faults.contains(expected), "{expected} is missing in: {faults}");
    }
}

#[test]
fn refuses_to_require_client_certificates_without_anybody_to_trust() {
    let (_home, mut config) = development();
    config.client_authentication = ClientAuthentication::Require;
    std::fs::create_dir(&config.trusted_directory).unwrap();
    let faults = ServerPolicy::load(&config, now()).unwrap_err();
    assert!(
        matches!(faults.faults.as_slice(), [PolicyError::NobodyTrusted { .. }]),
        "{faults}"
    );
}

#[test]
fn refuses_anything_but_revocation_lists_in_the_revoked_folder() {
    let (_home, mut config) = development();
    config.client_authentication = ClientAuthentication::Require;
    std::fs::create_dir(&config.trusted_directory).unwrap();
    std::fs::create_dir(&config.revoked_directory).unwrap();
    let authority = config
        .trusted_directory
        .ancestors()
        .nth(2)
        .unwrap()
        .join("development-ca.crt");
    std::fs::copy(&authority, config.trusted_directory.join("ca.crt")).unwrap();
    std::fs::copy(&authority, config.revoked_directory.join("ca.crt")).unwrap();
    let faults = ServerPolicy::load(&config, now()).unwrap_err();
    assert!(
        matches!(faults.faults.as_slice(), [PolicyError::NotARevocationList { .. }]),
        "{faults}"
    );
}

#[test]
fn refuses_ciphers_that_leave_a_version_empty() {
    let (_home, mut config) = development();
    config.ciphers = Some(vec!["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384".to_owned()]);
    let faults = ServerPolicy::load(&config, now()).unwrap_err().to_string();
    assert!(faults.contains("TLSv1.3"), "{faults}");
}
