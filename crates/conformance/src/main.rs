//! `tck`: runs the cases, prints passed and failed by folder, and holds the ratchet.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bastide_conformance::{Ratchet, read_cases, run_case};
use clap::Parser;

/// Runs the openCypher TCK.
#[derive(Parser)]
struct Arguments {
    /// The folder of feature files.
    #[arg(long)]
    features: PathBuf,
    /// Only cases whose name holds this text; the ratchet is then left alone.
    #[arg(long)]
    filter: Option<String>,
    /// Write the cases that pass to the ratchet file.
    #[arg(long)]
    update: bool,
    /// Say why each failing case failed.
    #[arg(long)]
    verbose: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Plans and parsers recurse; a connection of the server has a stack of this size, too.
    let worker = std::thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(move || run(&arguments));
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(error))) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
        _ => ExitCode::FAILURE,
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let cases = read_cases(&arguments.features)?;
    let graphs = arguments
        .features
        .parent()
        .context("the features have no folder above")?
        .join("graphs");
    let mut folders: BTreeMap<&str, [u32; 2]> = BTreeMap::new();
    let mut passed = BTreeSet::new();
    // A panic is a failure of the case, said below; its trace would bury the report.
    std::panic::set_hook(Box::new(|_| {}));
    let wanted = |name: &str| arguments.filter.as_ref().is_none_or(|filter| name.contains(filter));
    for case in cases.iter().filter(|case| wanted(&case.name)) {
        let outcome = catch_unwind(AssertUnwindSafe(|| run_case(case, &graphs)))
            .unwrap_or_else(|_| Err("the engine panicked".to_owned()));
        let counts = folders.entry(&case.folder).or_default();
        match outcome {
            Ok(()) => {
                counts[0] += 1;
                passed.insert(case.name.clone());
            }
            Err(failure) => {
                counts[1] += 1;
                if arguments.verbose {
                    println!("{}: {failure}", case.name);
                }
            }
        }
    }
    report(&folders);
    if arguments.filter.is_some() {
        return Ok(());
    }
    hold_ratchet(&passed, arguments.update)
}

fn report(folders: &BTreeMap<&str, [u32; 2]>) {
    for (folder, [passed, failed]) in folders {
        println!("{folder:<40} {passed:>5} passed {failed:>5} failed");
    }
    let total = folders
        .values()
        .fold([0, 0], |total, counts| [total[0] + counts[0], total[1] + counts[1]]);
    println!("{} passed, {} failed", total[0], total[1]);
}

fn hold_ratchet(passed: &BTreeSet<String>, update: bool) -> Result<()> {
    let ratchet = Ratchet::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tck-passing.txt"))?;
    let verdict = ratchet.compare(passed);
    if !verdict.lost.is_empty() {
        bail!(
            "{} cases passed before and fail now:\n  {}",
            verdict.lost.len(),
            verdict.lost.join("\n  ")
        );
    }
    if update {
        ratchet.write(passed)?;
    }
    if !verdict.gained.is_empty() {
        println!(
            "{} cases pass for the first time{}",
            verdict.gained.len(),
            if update { "" } else { "; add them with --update" }
        );
    }
    Ok(())
}
