//! Checks and tasks of the workspace: `cargo xtask <task>`.

mod generate;
mod layers;
mod process;
mod suites;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// Checks and tasks of the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that a change must pass: format, lints, layers, tidy, generated files, dependency policy, tests.
    Ci,
    /// Fail on an edge between crates that goes sideways or upwards.
    Layers,
    /// Fail on files without a header, too long files and functions, and loose ends.
    Tidy,
    /// Write the generated documents anew.
    Gen {
        /// Fail if a document is out of date, and write nothing.
        #[arg(long)]
        check: bool,
    },
    /// Run the tests: every crate, the TCK, the server as a user runs it, the official drivers.
    Test {
        /// Only suites whose name holds this text: `crates`, `tck`, `end-to-end`, `drivers`, `crash`.
        #[arg(long)]
        only: Option<String>,
        /// How many kill -9 cycles the crash suite runs.
        #[arg(long, default_value_t = 20)]
        kills: u32,
    },
    /// Run the openCypher TCK and hold the ratchet.
    Tck {
        /// Passed on: `--features DIR`, `--filter TEXT`, `--update`, `--verbose`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Fuzz each target for a while; needs a nightly toolchain.
    Fuzz {
        /// Seconds for each target.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Measure the server beside the raw limits of this machine.
    Bench {
        /// Passed on to the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let root = workspace_root()?;
    match task {
        Task::Ci => suites::ci(&root),
        Task::Layers => layers::check(&root),
        Task::Tidy => tidy::check(&root),
        Task::Gen { check } => generate::documents(&root, check),
        Task::Test { only, kills } => suites::test(&root, only.as_deref(), kills),
        Task::Tck { arguments } => suites::tck(&root, &arguments),
        Task::Fuzz { seconds } => suites::fuzz(&root, seconds),
        Task::Bench { arguments } => suites::bench(&root, &arguments),
    }
}

fn workspace_root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_owned)
        .context("the workspace root is two folders above this crate")
}
