//! The one binary: its verbs and nothing else.
//!
//! Before anything is read, files are made private by default and core dumps, which would hold keys and data, are off.

mod arguments;
mod installation;

use std::error::Error as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use bastide_server::{ExitStatus, StartError};
use clap::{CommandFactory as _, Parser as _};

use crate::arguments::{Arguments, Verb};
use crate::installation::HomeOnDisk;

fn main() -> ExitCode {
    harden();
    match Arguments::parse().verb {
        Verb::Start(options) => start(&options.into()),
        Verb::Admin(arguments) => admin(&arguments),
        Verb::Shell(arguments) => bastide_shell::run(*arguments),
        Verb::Completion { shell } => completion(shell),
    }
}

/// Nobody else reads what this process writes.
fn harden() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let none = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
        complain(&format!("warning: core dumps could not be switched off: {error}"));
    }
}

fn start(options: &bastide_server::StartOptions) -> ExitCode {
    match bastide_server::start(options) {
        Ok(()) => exit(ExitStatus::Success),
        Err(error) => {
            complain(&format!("bastide: {}", with_causes(&error)));
            exit(error.exit_status())
        }
    }
}

fn with_causes(error: &StartError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str("\n  because ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn admin(arguments: &bastide_admin::AdminArguments) -> ExitCode {
    let outcome = bastide_admin::run(
        arguments,
        &HomeOnDisk,
        &mut io::stdout().lock(),
        &mut io::stderr().lock(),
    );
    exit(match outcome {
        Ok(bastide_admin::Outcome::Done) => ExitStatus::Success,
        Ok(bastide_admin::Outcome::ConfigurationRefused) => ExitStatus::ConfigurationRefused,
        Ok(bastide_admin::Outcome::Failed) | Err(_) => ExitStatus::Failure,
    })
}

fn completion(shell: clap_complete::Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "bastide", &mut script);
    match io::stdout().write_all(&script) {
        Ok(()) => exit(ExitStatus::Success),
        Err(_) => exit(ExitStatus::Failure),
    }
}

fn exit(status: ExitStatus) -> ExitCode {
    ExitCode::from(status.code())
}

/// Writes to standard error; if nobody reads it, nobody is to be told.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
