//! The shell as a program of its own, to try it against any server: `cargo run --example shell -- -a bolt+s://localhost`.

use std::process::ExitCode;

use clap::Parser;

/// The shell as a program of its own.
#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    arguments: bastide_shell::ShellArguments,
}

fn main() -> ExitCode {
    bastide_shell::run(CommandLine::parse().arguments)
}
