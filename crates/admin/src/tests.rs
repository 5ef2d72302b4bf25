//! The verbs against an installation made up for the test.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bastide_audit::{Action, AuditLog, Event, Outcome as AuditOutcome};
use bastide_secret::SecretString;
use bastide_settings::{ConfigurationFaults, Fault};
use bastide_tls::PolicyConfig;
use clap::Parser;

use super::*;

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    admin: AdminArguments,
}

#[derive(Default)]
struct Fake {
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
    folder: PathBuf,
    password: Mutex<Option<(String, bool)>>,
    policies: Vec<PolicyConfig>,
}

impl Installation for Fake {
    fn check_configuration(&self, _place: Place<'_>) -> Result<Vec<Fault>, Refusal> {
        if self.faults.is_empty() {
            Ok(self.warnings.clone())
        } else {
            Err(Refusal::Configuration(ConfigurationFaults(self.faults.clone())))
        }
    }

    fn set_initial_password(
        &self,
        _place: Place<'_>,
        password: &SecretString,
        change_required: bool,
    ) -> Result<(), Refusal> {
        *self.password.lock().unwrap() = Some((password.expose().clone(), change_required));
        Ok(())
    }

    fn settings(&self, _place: Place<'_>) -> Result<bastide_settings::Settings, Refusal> {
        Ok(bastide_settings::Settings::defaults(&self.folder))
    }

    fn tls_policies(&self, _place: Place<'_>) -> Result<Vec<PolicyConfig>, Refusal> {
        Ok(self.policies.clone())
    }

    fn lock(&self, _place: Place<'_>) -> Result<Box<dyn std::any::Any>, Refusal> {
        Ok(Box::new(()))
    }

    fn log_folder(&self, _place: Place<'_>) -> Result<PathBuf, Refusal> {
        Ok(self.folder.clone())
    }
}

fn run_line(fake: &Fake, line: &str) -> (Outcome, String, String) {
    let words = std::iter::once("admin").chain(line.split_whitespace());
    let arguments = CommandLine::try_parse_from(words).unwrap().admin;
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let outcome = run(&arguments, fake, &mut output, &mut errors).unwrap();
    (
        outcome,
        String::from_utf8(output).unwrap(),
        String::from_utf8(errors).unwrap(),
    )
}

#[test]
fn a_valid_configuration_is_called_so_after_its_warnings() {
    let fake = Fake {
        warnings: vec![Fault::new("a.b", "is odd", "")],
        ..Fake::default()
    };
    let (outcome, output, errors) = run_line(&fake, "server validate-config");
    assert_eq!((outcome, errors.as_str()), (Outcome::Done, ""));
    assert_eq!(output, "warning: `a.b`: is odd\nthe configuration is valid\n");
}

#[test]
fn every_fault_is_printed() {
    let faults = vec![Fault::new("a.b", "is wrong", ""), Fault::new("c.d", "is wrong too", "")];
    let (outcome, output, errors) = run_line(
        &Fake {
            faults,
            ..Fake::default()
        },
        "server validate-config",
    );
    assert_eq!((outcome, output.as_str()), (Outcome::ConfigurationRefused, ""));
    assert!(errors.contains("`a.b`") && errors.contains("`c.d`"), "{errors}");
}

#[test]
fn the_password_is_handed_on_and_not_printed() {
    let fake = Fake::default();
    let (outcome, output, errors) = run_line(
        &fake,
        "--home /x dbms set-initial-password -x --require-password-change",
    );
    assert_eq!(outcome, Outcome::Done);
    assert!(!output.contains("-x") && errors.is_empty());
    assert_eq!(fake.password.lock().unwrap().clone(), Some(("-x".to_owned(), true)));
}

#[test]
fn an_altered_audit_log_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(folder.path()).unwrap();
    for _ in 0..3 {
        log.record(Event::new(Action::Login, AuditOutcome::Success).with_user("ada"))
            .unwrap();
    }
    drop(log);
    let fake = Fake {
        folder: folder.path().to_owned(),
        ..Fake::default()
    };
    let (outcome, output, _) = run_line(&fake, "audit verify --json");
    assert_eq!(outcome, Outcome::Done);
    assert!(output.contains("\"sound\":true,\"records\":3"), "{output}");
    let path = folder.path().join(bastide_audit::LOG_FILE_NAME);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("ada", "eve", 1)).unwrap();
    let (outcome, output, _) = run_line(&fake, "audit verify --json");
    assert_eq!(outcome, Outcome::Failed);
    assert!(output.contains("\"sound\":false,\"line\":1"), "{output}");
    let (_, output, errors) = run_line(&fake, "audit verify");
    assert!(output.is_empty() && errors.contains("line 1"), "{errors}");
}

fn policy(folder: &Path, scope: &'static str) -> PolicyConfig {
    PolicyConfig {
        scope,
        private_key: folder.join(scope).join("private.key"),
        private_key_password: None,
        public_certificate: folder.join(scope).join("public.crt"),
        trusted_directory: None,
        revoked_directory: None,
        client_authentication: bastide_tls::ClientAuthentication::Optional,
        trust_all: false,
        verify_hostname: true,
        serves_both_ends: false,
        ciphers: None,
        versions: vec![bastide_tls::TlsVersion::Tls12, bastide_tls::TlsVersion::Tls13],
        application_protocols: Vec::new(),
    }
}

#[test]
fn tls_check_tells_what_clients_see_and_every_fault() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("certificates");
    bastide_tls::create_development_certificates(&folder, &["bolt", "https"]).unwrap();
    let mut fake = Fake {
        policies: vec![policy(&folder, "bolt"), policy(&folder, "https")],
        ..Fake::default()
    };
    let trusted = scratch.path().join("trusted");
    std::fs::create_dir(&trusted).unwrap();
    std::fs::copy(folder.join("development-ca.crt"), trusted.join("ca.crt")).unwrap();
    fake.policies[0].trusted_directory = Some(trusted);

    let (outcome, output, errors) = run_line(&fake, "tls check");
    assert_eq!((outcome, errors.as_str()), (Outcome::Done, ""), "{output}");
    for expected in [
        "bolt: in order",
        "https: in order",
        "localhost",
        "EC P-256",
        "X25519MLKEM768",
        "trusted authority",
        "ca.crt",
    ] {
        assert!(output.contains(expected), "{expected} is missing in:\n{output}");
    }
    let (_, output, _) = run_line(&fake, "tls check --scope bolt --json");
    let found: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(found["usable"], true);
    assert_eq!(found["policies"].as_array().unwrap().len(), 1);
    assert_eq!(found["policies"][0]["certificates"][0]["days_left"], 729);
    assert_eq!(found["policies"][0]["chain_end"]["kind"], "below_trusted");
    assert_eq!(
        found["policies"][0]["trust"]["authorities"].as_array().unwrap().len(),
        1
    );

    fake.policies[1].private_key = folder.join("bolt/private.key");
    fake.policies[1].ciphers = Some(vec!["nonsense".to_owned()]);
    let (outcome, output, errors) = run_line(&fake, "tls check");
    assert_eq!(outcome, Outcome::Failed);
    assert!(
        output.contains("bolt: in order") && output.contains("https: cannot be used, 3 faults"),
        "{output}"
    );
    assert!(errors.contains("FAULT in https: ") && errors.contains("does not belong") && errors.contains("`nonsense`"));
    let (outcome, output, errors) = run_line(&fake, "tls check --json");
    let found: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(
        (outcome, errors.as_str(), &found["usable"]),
        (Outcome::Failed, "", &false.into())
    );
    let (outcome, _, errors) = run_line(&fake, "tls check --scope cluster");
    assert_eq!(outcome, Outcome::Failed);
    assert!(errors.contains("`cluster`"), "{errors}");
}
