//! What `ci`, `test`, `tck`, `fuzz` and `bench` run, in which order.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::{generate, layers, process, tidy};

/// One suite of the tests.
struct Suite {
    name: &'static str,
    run: fn(&Path, u32) -> Result<()>,
}

const SUITES: &[Suite] = &[
    Suite {
        name: "crates",
        run: crates,
    },
    Suite {
        name: "tck",
        run: |root, _| tck(root, &[]),
    },
    Suite {
        name: "end-to-end",
        run: |root, _| python(root, "end_to_end", &[]),
    },
    Suite {
        name: "http",
        run: |root, _| python(root, "http", &[]),
    },
    Suite {
        name: "tls",
        run: |root, _| python(root, "tls", &[]),
    },
    Suite {
        name: "drivers",
        run: |root, _| process::run(root, "bash", &["tests/drivers/run.sh"]),
    },
    Suite {
        name: "crash",
        run: |root, kills| python(root, "crash", &[("BASTIDE_KILLS", &kills.to_string())]),
    },
];

/// Where test data lies beside the project, unless `BASTIDE_SHARED` says otherwise.
fn shared(root: &Path) -> PathBuf {
    std::env::var_os("BASTIDE_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from)
}

/// Runs every suite whose name holds `only`.
pub fn test(root: &Path, only: Option<&str>, kills: u32) -> Result<()> {
    process::run(root, "cargo", &["build", "--release", "--package", "bastide"])?;
    let mut failed = Vec::new();
    let mut passed = 0;
    for suite in SUITES
        .iter()
        .filter(|suite| only.is_none_or(|only| suite.name.contains(only)))
    {
        let started = Instant::now();
        println!("== {}", suite.name);
        match (suite.run)(root, kills) {
            Ok(()) => passed += 1,
            Err(error) => {
                eprintln!("{}: {error:#}", suite.name);
                failed.push(suite.name);
            }
        }
        println!("== {} took {} s", suite.name, started.elapsed().as_secs());
    }
    println!("{passed} passed, {} failed", failed.len());
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn crates(root: &Path, _kills: u32) -> Result<()> {
    process::run(root, "cargo", &["test", "--release", "--workspace", "--quiet"])
}

/// Runs the Python tests of a folder under `tests`, in an environment with the official driver.
fn python(root: &Path, folder: &str, variables: &[(&str, &str)]) -> Result<()> {
    let environment = python_environment(root)?;
    let interpreter = environment.join("bin/python").display().to_string();
    let shared = shared(root).display().to_string();
    let mut variables = variables.to_vec();
    variables.push(("BASTIDE_SHARED", &shared));
    process::run_with(
        root,
        &interpreter,
        &["-m", "pytest", "-q", "--color=no", &format!("tests/{folder}")],
        &variables,
    )
}

/// A Python environment under `target` with the packages that the tests need, made anew when these change.
fn python_environment(root: &Path) -> Result<PathBuf> {
    let environment = root.join("target/python");
    let wanted = std::fs::read_to_string(root.join("tests/requirements.txt"))?;
    let installed = environment.join("requirements.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(environment);
    }
    if !process::is_installed(&environment.join("bin/pip").display().to_string(), "--version") {
        process::run(root, "python3", &["-m", "venv", &environment.display().to_string()])?;
    }
    let pip = environment.join("bin/pip").display().to_string();
    process::run(
        root,
        &pip,
        &["install", "--quiet", "--requirement", "tests/requirements.txt"],
    )?;
    std::fs::write(installed, wanted)?;
    Ok(environment)
}

/// Runs the TCK with the given arguments, or all of it from the shared folder.
pub fn tck(root: &Path, arguments: &[String]) -> Result<()> {
    let features = shared(root).join("tck/features").display().to_string();
    let mut all = vec![
        "run",
        "--release",
        "--quiet",
        "--package",
        "bastide-conformance",
        "--bin",
        "tck",
        "--",
    ];
    if !arguments.iter().any(|argument| argument == "--features") {
        if !Path::new(&features).is_dir() {
            bail!("the TCK is not at {features}; set BASTIDE_SHARED or pass --features");
        }
        all.extend(["--features", &features]);
    }
    all.extend(arguments.iter().map(String::as_str));
    process::run(root, "cargo", &all)
}

/// Everything that a change must pass.
pub fn ci(root: &Path) -> Result<()> {
    process::run(root, "cargo", &["fmt", "--all", "--check"])?;
    layers::check(root)?;
    tidy::check(root)?;
    generate::documents(root, true)?;
    process::run(
        root,
        "cargo",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    deny(root)?;
    test(root, None, 20)?;
    fuzz(root, 60)
}

/// Licences, sources and bans. The advisory database needs a network that build machines may not have.
fn deny(root: &Path) -> Result<()> {
    install("cargo-deny", root)?;
    process::run(root, "cargo", &["deny", "check", "licenses", "sources", "bans"])
}

fn install(tool: &str, root: &Path) -> Result<()> {
    if process::is_installed(tool, "--version") {
        return Ok(());
    }
    process::run(root, "cargo", &["install", "--quiet", "--locked", tool])
}

/// Runs each fuzz target for a while.
pub fn fuzz(root: &Path, seconds: u32) -> Result<()> {
    install("cargo-fuzz", root)?;
    let limit = format!("-max_total_time={seconds}");
    let folder = root.join("fuzz");
    let targets = String::from_utf8(process::output(&folder, "cargo", &["+nightly", "fuzz", "list"])?)?;
    for target in targets.split_whitespace() {
        process::run(
            &folder,
            "cargo",
            &["+nightly", "fuzz", "run", target, "--", &limit, "-rss_limit_mb=2048"],
        )?;
    }
    Ok(())
}

/// Measures.
pub fn bench(root: &Path, arguments: &[String]) -> Result<()> {
    process::run(
        root,
        "cargo",
        &["build", "--release", "--quiet", "--package", "bastide"],
    )?;
    let mut all = vec!["run", "--release", "--quiet", "--package", "bastide-bench", "--"];
    all.extend(arguments.iter().map(String::as_str));
    process::run(root, "cargo", &all)
}
