//! The verbs against an installation made up for the test.

use std::path::PathBuf;
use std::sync::Mutex;

use bastide_audit::{Action, AuditLog, Event, Outcome as AuditOutcome};
use bastide_secret::SecretString;
use bastide_settings::{ConfigurationFaults, Fault};
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
