//! Offline administration verbs: validate-config, set-initial-password, audit verify.
//!
//! Owns their command lines and what they print. INVARIANT: a password is never printed, and results go to standard
//! output while reasons for failure go to standard error. Must not know the running server's insides: what only the
//! server can do comes in through [`Installation`].

mod arguments;
mod audit;
mod configuration;
mod installation;
mod password;

use std::io::Write;

pub use arguments::{AdminArguments, AdminCommand};
pub use installation::{Installation, Place, Refusal};

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
    use arguments::{AuditCommand, DbmsCommand, ServerCommand};
    let place = Place {
        home: arguments.home.as_deref(),
        expand_commands: arguments.expand_commands,
    };
    match &arguments.command {
        AdminCommand::Server {
            command: ServerCommand::ValidateConfig,
        } => configuration::validate(installation, place, output, errors),
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
