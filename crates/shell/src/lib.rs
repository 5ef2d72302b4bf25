//! The interactive Cypher shell, a client over Bolt.
//!
//! Owns what a person or a script sees of a server: arguments, prompt, results, errors, exit codes. Must not know any crate of the
//! server but `bolt` (bytes) and `cypher` (where statements end, what to hide).

mod arguments;

use std::process::ExitCode;

pub use arguments::{AccessMode, Format, ShellArguments};

/// Runs the shell to its end.
pub fn run(arguments: ShellArguments) -> ExitCode {
    drop(arguments);
    ExitCode::from(2)
}
