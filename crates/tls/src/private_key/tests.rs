//! Keys as `openssl` makes them: which are read, and what each of the others is told.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use super::*;
use crate::openssl::{as_told, openssl};

const PASSWORD: &str = "correct-horse";
const KINDS: [(&str, &str, &str, u32); 5] = [
    ("rsa", "RSA -pkeyopt rsa_keygen_bits:2048", "RSA", 2048),
    ("p256", "EC -pkeyopt ec_paramgen_curve:P-256", "EC P-256", 256),
    ("p384", "EC -pkeyopt ec_paramgen_curve:P-384", "EC P-384", 384),
    ("p521", "EC -pkeyopt ec_paramgen_curve:P-521", "EC P-521", 521),
    ("ed25519", "ED25519", "Ed25519", 256),
];

/// One folder with a key of each kind, made once.
fn keys() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            for (name, algorithm, _, _) in KINDS {
                openssl(
                    folder.path(),
                    &format!("genpkey -algorithm {algorithm} -out {name}.key"),
                );
            }
            folder
        })
        .path()
}

/// A folder for one test, with the path of a key in it and the result of `openssl` with `arguments` (`KEYS` stands for the folder
/// of plain keys).
fn made(arguments: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("private.key");
    if !arguments.is_empty() {
        let arguments = arguments.replace("KEYS", keys().to_str().unwrap());
        openssl(folder.path(), &format!("{arguments} -out private.key"));
    }
    (folder, path)
}

type Read = (Option<LoadedKey>, Vec<PolicyError>, Vec<PolicyWarning>);

fn read(path: &Path, password: Option<&str>) -> Read {
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    if let Ok(metadata) = std::fs::metadata(path)
        && metadata.is_file()
    {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o400)).unwrap();
    }
    let password = password.map(|text| SecretString::new(text.to_owned()));
    let key = load_private_key(path, password.as_ref(), &mut faults, &mut warnings);
    (key, faults, warnings)
}

/// The one fault of a key.
fn fault(path: &Path, password: Option<&str>) -> PolicyError {
    let (key, mut faults, _) = read(path, password);
    assert!(key.is_none() && faults.len() == 1, "{faults:?}");
    let fault = faults.remove(0);
    for text in [fault.to_string(), format!("{fault:?}")] {
        assert!(text.contains("private.key"), "{text}");
        assert!(!text.contains(PASSWORD), "{text}");
    }
    fault
}

fn works(path: &Path, password: Option<&str>) -> KeySummary {
    let (key, faults, warnings) = read(path, password);
    assert!(faults.is_empty() && warnings.is_empty(), "{faults:?} {warnings:?}");
    key.unwrap().summary
}

#[test]
fn reads_plain_keys_of_every_kind() {
    for (name, _, algorithm, bits) in KINDS {
        let expected = KeySummary {
            algorithm: algorithm.to_owned(),
            bits,
            format: "PKCS #8",
            encryption: None,
        };
        assert_eq!(works(&keys().join(format!("{name}.key")), None), expected);
    }
}

#[test]
fn reads_keys_encrypted_in_every_documented_way() {
    let ciphers = ["aes-128-cbc", "aes-256-cbc", "aes-192-cbc"];
    let functions = [
        "hmacWithSHA1",
        "hmacWithSHA224",
        "hmacWithSHA256",
        "hmacWithSHA384",
        "hmacWithSHA512",
    ];
    for (name, _, algorithm, _) in KINDS {
        for (cipher, function) in ciphers
            .iter()
            .flat_map(|cipher| functions.map(|function| (cipher, function)))
        {
            let (_folder, path) = made(&format!(
                "pkcs8 -topk8 -v2 {cipher} -v2prf {function} -in KEYS/{name}.key -passout pass:{PASSWORD}"
            ));
            let summary = works(&path, Some(PASSWORD));
            assert_eq!(summary.algorithm, algorithm);
            assert_eq!(summary.encryption, Some(format!("{cipher}, {function}")));
        }
    }
}

#[test]
fn reads_keys_encrypted_by_scrypt_and_by_defaults() {
    for options in ["-scrypt", "-v2 aes-256-cbc -iter 100000", ""] {
        let (_folder, path) =
            made(&format!("pkcs8 -topk8 {options} -in KEYS/p256.key -passout pass:{PASSWORD}").replace("  ", " "));
        assert!(works(&path, Some(PASSWORD)).encryption.is_some());
    }
}

#[test]
fn a_missing_and_a_wrong_password_are_told_apart() {
    for name in ["rsa", "p256"] {
        let (_folder, path) = made(&format!(
            "pkcs8 -topk8 -v2 aes-256-cbc -in KEYS/{name}.key -passout pass:{PASSWORD}"
        ));
        assert!(matches!(fault(&path, None), PolicyError::KeyPasswordMissing { .. }));
        for wrong in ["", "correct-horsf", "correct-horse\n"] {
            assert!(matches!(
                fault(&path, Some(wrong)),
                PolicyError::KeyPasswordWrong { .. }
            ));
        }
    }
}

#[test]
fn no_wrong_password_passes_for_the_right_one() {
    // Of so many, some leave padding that looks right.
    let (_folder, path) = made(&format!(
        "pkcs8 -topk8 -v2 aes-128-cbc -iter 1 -in KEYS/p256.key -passout pass:{PASSWORD}"
    ));
    for number in 0..1_500 {
        assert!(matches!(
            fault(&path, Some(&format!("wrong{number}"))),
            PolicyError::KeyPasswordWrong { .. }
        ));
    }
}

#[test]
fn a_password_for_a_plain_key_is_a_warning() {
    let (key, faults, warnings) = read(&keys().join("rsa.key"), Some(PASSWORD));
    assert!(key.is_some() && faults.is_empty());
    assert!(
        matches!(warnings.as_slice(), [PolicyWarning::PasswordNotNeeded { .. }]),
        "{warnings:?}"
    );
}

#[test]
fn old_forms_are_read_with_a_warning_whose_command_converts_them() {
    for (name, format) in [("rsa", "PKCS #1"), ("p256", "SEC1"), ("p384", "SEC1"), ("p521", "SEC1")] {
        let (folder, path) = made(&format!("pkey -traditional -in KEYS/{name}.key"));
        let (key, faults, warnings) = read(&path, None);
        assert!(faults.is_empty(), "{faults:?}");
        let before = key.unwrap().summary;
        assert_eq!(before.format, format);
        let [warning @ PolicyWarning::DeprecatedKeyFormat { .. }] = warnings.as_slice() else {
            panic!("{warnings:?}")
        };
        as_told(folder.path(), &warning.to_string(), "");
        let after = works(&folder.path().join("private.key.pem"), None);
        assert_eq!((after.algorithm, after.format), (before.algorithm, "PKCS #8"));
    }
}

#[test]
fn elliptic_keys_with_their_parameters_before_them_are_read() {
    let (_folder, path) = made("ecparam -name prime256v1 -genkey");
    let (key, faults, _) = read(&path, None);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(key.unwrap().summary.algorithm, "EC P-256");
}

#[test]
fn old_encryptions_are_refused_with_a_command_that_converts_them() {
    for (arguments, found) in [
        ("rsa -aes256 -traditional -in KEYS/rsa.key", "Proc-Type"),
        ("ec -aes128 -in KEYS/p256.key", "Proc-Type"),
        ("pkcs8 -topk8 -v1 PBE-SHA1-3DES -in KEYS/rsa.key", "PBE-SHA1-3DES"),
        (
            "pkcs8 -topk8 -v1 PBE-SHA1-RC2-40 -provider legacy -provider default -in KEYS/p256.key",
            "PBE-SHA1-RC2-40",
        ),
        (
            "pkcs8 -topk8 -v1 PBE-MD5-DES -provider legacy -provider default -in KEYS/p256.key",
            "PBE-MD5-DES",
        ),
        ("pkcs8 -topk8 -v2 des3 -in KEYS/p256.key", "triple DES"),
    ] {
        let (folder, path) = made(&format!("{arguments} -passout pass:{PASSWORD}"));
        let fault = fault(&path, Some(PASSWORD));
        assert!(
            matches!(&fault, PolicyError::KeyEncryption { found: named, .. } if named.contains(found)),
            "{fault}"
        );
        as_told(
            folder.path(),
            &fault.to_string(),
            &format!("-passin pass:{PASSWORD} -passout pass:{PASSWORD}"),
        );
        let summary = works(&folder.path().join("private.key.pem"), Some(PASSWORD));
        assert_eq!(summary.encryption.as_deref(), Some("aes-256-cbc, hmacWithSHA512"));
    }
}

#[test]
fn keys_in_der_are_refused_with_the_command_that_converts_them() {
    for (arguments, password) in [
        ("pkey -outform der -in KEYS/rsa.key", None),
        ("pkey -outform der -in KEYS/ed25519.key", None),
        ("rsa -traditional -outform der -in KEYS/rsa.key", None),
        ("ec -outform der -in KEYS/p384.key", None),
        (
            "pkcs8 -topk8 -v2 aes-128-cbc -passout pass:correct-horse -outform der -in KEYS/p256.key",
            Some(PASSWORD),
        ),
    ] {
        let (folder, path) = made(arguments);
        let fault = fault(&path, password);
        let text = fault.to_string();
        assert!(
            matches!(fault, PolicyError::NoPrivateKey { .. }) && text.contains("DER"),
            "{text}"
        );
        let answers = password.map_or(String::new(), |word| {
            format!("-passin pass:{word} -passout pass:{word}")
        });
        as_told(folder.path(), &text, &answers);
        works(&folder.path().join("private.key.pem"), password);
    }
}

#[test]
fn what_is_no_key_is_named() {
    let (_folder, certificate) = made("req -x509 -key KEYS/p256.key -subj /CN=x");
    let (_folder, request) = made("req -new -key KEYS/p256.key -subj /CN=x");
    let (_folder, public) = made("pkey -pubout -in KEYS/rsa.key");
    let (_folder, store) = made("pkcs12 -export -nocerts -inkey KEYS/p256.key -passout pass:x");
    for (path, expected) in [
        (certificate, "holds a certificate, not a key"),
        (request, "holds a request"),
        (public, "holds a public key"),
        (store, "openssl pkcs12 -in"),
    ] {
        let text = fault(&path, None).to_string();
        assert!(text.contains(expected), "{text}");
    }
    let (_folder, path) = made("");
    for (content, expected) in [
        (Vec::new(), "is empty"),
        (b"hello".to_vec(), "must hold a `-----BEGIN PRIVATE KEY-----`"),
        (vec![0x30; 4_000], "must hold a `-----BEGIN PRIVATE KEY-----`"),
        (vec![0xff, 0xfe, b'-', 0], "UTF-16"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n".to_vec(), "no end"),
        (
            b"-----BEGIN PRIVATE KEY-----\n$$$$\n-----END PRIVATE KEY-----\n".to_vec(),
            "base64",
        ),
        (
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec(),
            "damaged",
        ),
        (
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".to_vec(),
            "damaged",
        ),
        (
            b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n".to_vec(),
            "ssh-keygen",
        ),
        (vec![b'-'; (1 << 20) + 1], "larger than"),
    ] {
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, content).unwrap();
        let text = fault(&path, None).to_string();
        assert!(text.contains(expected), "{expected} is missing in: {text}");
    }
}

#[test]
fn several_keys_in_a_file_are_refused() {
    let (_folder, path) = made("");
    let both = ["rsa.key", "p256.key"].map(|name| std::fs::read_to_string(keys().join(name)).unwrap());
    std::fs::write(&path, both.concat()).unwrap();
    assert!(matches!(fault(&path, None), PolicyError::SeveralKeys { count: 2, .. }));
}

#[test]
fn weak_and_foreign_keys_are_named() {
    for (algorithm, expected) in [
        ("RSA -pkeyopt rsa_keygen_bits:1024", "RSA of 1024 bits"),
        ("RSA-PSS -pkeyopt rsa_keygen_bits:2048", "PSS"),
        ("EC -pkeyopt ec_paramgen_curve:secp256k1", "secp256k1"),
        ("EC -pkeyopt ec_paramgen_curve:brainpoolP256r1", "brainpoolP256r1"),
        ("ED448", "Ed448"),
        ("X25519", "X25519"),
    ] {
        let (_folder, path) = made(&format!("genpkey -algorithm {algorithm}"));
        let fault = fault(&path, None);
        assert!(matches!(fault, PolicyError::UnsupportedKey { .. }), "{fault}");
        assert!(fault.to_string().contains(expected), "{fault}");
    }
    let (folder, path) = made("");
    openssl(folder.path(), "genrsa -traditional -out private.key 1024");
    assert!(
        fault(&path, None).to_string().contains("2048 or more"),
        "an old form hides no weak key"
    );
}

#[test]
fn a_curve_that_is_spelled_out_is_refused_with_the_command_that_names_it() {
    let (folder, path) = made("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit");
    let text = fault(&path, None).to_string();
    as_told(folder.path(), &text, "");
    works(&folder.path().join("private.key.pem"), None);
}

#[test]
fn a_damaged_key_does_not_sign() {
    let (_folder, path) = made("");
    let text = std::fs::read_to_string(keys().join("rsa.key")).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let middle = lines.len() / 2;
    lines[middle] = lines[middle].chars().rev().collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    assert!(matches!(fault(&path, None), PolicyError::UnsupportedKey { .. }));
}

#[test]
fn the_work_that_a_file_asks_for_has_limits() {
    let (_folder, path) = made(&format!(
        "pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA256 -iter 100000 -in KEYS/p256.key -passout pass:{PASSWORD}"
    ));
    let der = blocks(&std::fs::read(&path).unwrap()).unwrap()[0].decode().unwrap();
    let hex = |bytes: &[u8]| bytes.to_vec();
    let place = der
        .expose()
        .windows(5)
        .position(|window| window == hex(&[0x02, 0x03, 0x01, 0x86, 0xa0]))
        .unwrap();
    let mut costly = der.expose().clone();
    costly[place + 2] = 0x7f;
    let password = SecretString::new(PASSWORD.to_owned());
    let refused = decrypt(&costly, Some(&password)).unwrap_err();
    assert!(
        matches!(&refused, DecryptionError::Unsupported { found, .. } if found.contains("PBKDF2")),
        "{refused:?}"
    );

    let (_folder, path) = made(&format!(
        "pkcs8 -topk8 -scrypt -in KEYS/p256.key -passout pass:{PASSWORD}"
    ));
    let der = blocks(&std::fs::read(&path).unwrap()).unwrap()[0].decode().unwrap();
    // N = 16384, r = 8.
    let place = der
        .expose()
        .windows(7)
        .position(|window| window == [0x02, 0x02, 0x40, 0x00, 0x02, 0x01, 0x08])
        .unwrap();
    let mut costly = der.expose().clone();
    costly[place + 6] = 0x7f;
    costly[place + 2] = 0x7f;
    let refused = decrypt(&costly, Some(&password)).unwrap_err();
    assert!(
        matches!(&refused, DecryptionError::Unsupported { found, .. } if found.contains("scrypt")),
        "{refused:?}"
    );
}

#[test]
fn parameters_of_scrypt_that_make_no_sense_are_refused() {
    let (_folder, path) = made(&format!(
        "pkcs8 -topk8 -scrypt -in KEYS/p256.key -passout pass:{PASSWORD}"
    ));
    let der = blocks(&std::fs::read(&path).unwrap()).unwrap()[0].decode().unwrap();
    let der = der.expose();
    let password = SecretString::new(PASSWORD.to_owned());
    // N = 16384, r = 8, p = 1, and then every byte of what is before the key's own.
    let length = der
        .windows(5)
        .position(|window| window == [0x60, 0x86, 0x48, 0x01, 0x65])
        .unwrap();
    let from = der
        .windows(7)
        .position(|window| window == [0x02, 0x02, 0x40, 0x00, 0x02, 0x01, 0x08])
        .unwrap();
    for place in from..(from + 10).min(length) {
        for byte in [0, 1, 2, 3, 0x10, 0x7f, 0x80, 0xff] {
            let mut other = der.clone();
            other[place] = byte;
            if other != *der {
                assert!(decrypt(&other, Some(&password)).is_err(), "{place} {byte}");
            }
        }
    }
}

#[test]
fn a_key_that_others_can_use_is_refused_through_links_as_well() {
    let (folder, path) = made("pkey -in KEYS/p256.key");
    let link = folder.path().join("link.key");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let check = |path: &Path| {
        let (mut faults, mut warnings) = (Vec::new(), Vec::new());
        load_private_key(path, None, &mut faults, &mut warnings);
        faults
    };
    for mode in [0o440, 0o404, 0o420, 0o644, 0o660, 0o401] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        for path in [&path, &link] {
            let faults = check(path);
            let [fault @ PolicyError::KeyOpenToOthers { mode: found, .. }] = faults.as_slice() else {
                panic!("{faults:?}")
            };
            assert_eq!(*found, mode);
            assert!(
                fault.to_string().contains(&format!("chmod 400 {}", path.display())),
                "{fault}"
            );
        }
    }
    for mode in [0o400, 0o600] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(check(&link).is_empty());
    }
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("private.key");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    assert!(matches!(fault(&path, None), PolicyError::NotAFile { kind: "pipe", .. }));
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(matches!(
        fault(&path, None),
        PolicyError::NotAFile { kind: "device", .. }
    ));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(fault(&path, None), PolicyError::Unreadable { .. }));
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(
        fault(&path, None),
        PolicyError::NotAFile { kind: "folder", .. }
    ));
}

#[test]
fn commands_fit_paths_with_spaces() {
    let (folder, _) = made("");
    let path = folder.path().join("my private.key");
    openssl(
        folder.path(),
        &format!("genpkey -algorithm ED25519 -outform der -out {}", "der"),
    );
    std::fs::rename(folder.path().join("der"), &path).unwrap();
    let text = fault(&path, None).to_string();
    assert!(text.contains(&format!("-in '{}'", path.display())), "{text}");
}

#[test]
fn nothing_secret_is_in_the_debug_text_of_a_key() {
    let (key, ..) = read(&keys().join("ed25519.key"), None);
    let shown = format!("{:?}", key.unwrap());
    let secret = std::fs::read_to_string(keys().join("ed25519.key")).unwrap();
    assert!(
        !shown.contains(secret.lines().nth(1).unwrap()) && shown.len() < 400,
        "{shown}"
    );
}
