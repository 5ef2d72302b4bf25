//! Administration verbs: validate-config, set-initial-password, audit verify, tls check, backup, inspect, restore.
//!
//! Owns their command lines and what they print. INVARIANT: a password is never printed, and results go to standard
//! output while reasons for failure, notices and progress go to standard error. Must not know the running server's insides:
//! what only the server can do comes in through [`Installation`].

mod arguments;
mod audit;
mod backup_key;
mod configuration;
mod database_backup;
mod database_restore;
mod inspect;
mod installation;
mod password;
mod progress;
mod tls_check;

use std::io::Write;

pub use arguments::{AdminArguments, AdminCommand};
pub use installation::{Installation, Place, Refusal};

/// An error with its causes, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some errors say their cause themselves.
        let own = error.to_string();
        if !text.contains(&own) {
            text.push_str(": ");
            text.push_str(&own);
        }
        cause = error.source();
    }
    text
}

/// Says why a verb did nothing.
fn refused(errors: &mut dyn Write, refusal: &Refusal) -> std::io::Result<Outcome> {
    writeln!(errors, "{refusal}")?;
    Ok(match refusal {
        Refusal::Configuration(_) => Outcome::ConfigurationRefused,
        Refusal::Other(_) => Outcome::Failed,
    })
}

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked; a log or configuration is in order.
    Done,
    /// It could not, or what was checked is not in order.
    Failed,
    /// The configuration has faults.
    ConfigurationRefused,
}

/// Runs the verb. `output` is for results, `errors` for reasons.
///
/// # Errors
/// If `output` or `errors` cannot be written.
pub fn run(
    arguments: &AdminArguments,
    installation: &dyn Installation,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> std::io::Result<Outcome> {
    use arguments::{AuditCommand, BackupCommand, DatabaseCommand, DbmsCommand, ServerCommand, TlsCommand};
    let place = Place {
        home: arguments.home.as_deref(),
        expand_commands: arguments.expand_commands,
    };
    match &arguments.command {
        AdminCommand::Server {
            command: ServerCommand::ValidateConfig,
        } => configuration::validate(installation, place, output, errors),
        AdminCommand::Database {
            command: DatabaseCommand::Backup(given),
        } => database_backup::back_up(installation, place, given, output, errors),
        AdminCommand::Database {
            command: DatabaseCommand::Restore(given),
        } => database_restore::restore(installation, place, given, output, errors),
        AdminCommand::Backup {
            command: BackupCommand::Inspect(given),
        } => inspect::inspect(installation, place, given, output, errors),
        AdminCommand::Tls {
            command: TlsCommand::Check(given),
        } => tls_check::check(installation, place, given, output, errors),
        AdminCommand::Dbms {
            command: DbmsCommand::SetInitialPassword(given),
        } => password::set_initial(installation, place, given, output, errors),
        AdminCommand::Audit {
            command: AuditCommand::Verify { json },
        } => audit::verify(installation, place, *json, output, errors),
    }
}

#[cfg(test)]
mod tests;
