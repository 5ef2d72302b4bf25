//! Measures the server beside the raw limits of the same machine, in the same run: ratios mean something, times do not.

mod client;
mod commits;
mod expand;
mod logins;
mod raw_tls;
mod reads;
mod results;
mod scanner;
mod server;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;

/// Measures the server beside the raw limits of this machine.
#[derive(Parser)]
struct Arguments {
    /// The server's binary; the one that was built last by default.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Seconds for each figure.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Only figures whose name holds this text: `logins`, `reads`, `commits`, `expand`, `results`.
    #[arg(long)]
    only: Option<String>,
}

/// One figure beside its limit.
pub struct Figure {
    /// What was measured.
    name: String,
    /// How much, and of what.
    measured: String,
    /// The raw limit, and of what.
    limit: String,
    /// Measured by limit.
    ratio: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let time = Duration::from_secs(arguments.seconds.clamp(1, 600));
    let wanted = |name: &str| arguments.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let mut figures = Vec::new();
    if wanted("expand") {
        figures.push(expand::measure()?);
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let binary = arguments.binary.unwrap_or_else(|| target.join("release/bastide"));
    if wanted("logins") || wanted("reads") || wanted("commits") {
        let server = server::Server::start(&binary, "")?;
        if wanted("logins") {
            figures.extend(logins::measure(&server, time)?);
        }
        if wanted("reads") {
            figures.push(reads::measure(&server, time)?);
        }
        if wanted("commits") {
            figures.extend(commits::measure(&server, time)?);
        }
    }
    if wanted("results") {
        figures.extend(results::measure(&binary, time)?);
    }
    println!(
        "{:<44} {:>26} {:>34} {:>8}",
        "figure", "measured", "limit in the same run", "ratio"
    );
    for figure in figures {
        println!(
            "{:<44} {:>26} {:>34} {:>8.3}",
            figure.name, figure.measured, figure.limit, figure.ratio
        );
    }
    Ok(())
}

/// Runs `work` again and again for a time; answers how often a second.
fn per_second(time: Duration, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let started = std::time::Instant::now();
    let mut count = 0.0;
    while started.elapsed() < time {
        work()?;
        count += 1.0;
    }
    Ok(count / started.elapsed().as_secs_f64())
}

/// What two things did beside each other.
struct Beside {
    /// Median rate of the one.
    measured: f64,
    /// Median rate of the other.
    limit: f64,
    /// Median of the ratios of neighbouring turns.
    ratio: f64,
}

/// Measures two things in turns, so that whatever else the machine does falls on both alike.
fn in_turns(
    turns: u32,
    mut measured: impl FnMut() -> Result<f64>,
    mut limit: impl FnMut() -> Result<f64>,
) -> Result<Beside> {
    let mut rates = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..turns {
        let (one, other) = if turn % 2 == 0 {
            let one = measured()?;
            (one, limit()?)
        } else {
            let other = limit()?;
            (measured()?, other)
        };
        rates.0.push(one);
        rates.1.push(other);
        rates.2.push(one / other);
    }
    Ok(Beside {
        measured: median(rates.0),
        limit: median(rates.1),
        ratio: median(rates.2),
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Runs `work` on several threads for a time; answers how often a second all together.
fn per_second_on<F>(threads: usize, time: Duration, make: impl Fn(usize) -> Result<F>) -> Result<f64>
where
    F: FnMut() -> Result<()> + Send,
{
    let workers = (0..threads).map(make).collect::<Result<Vec<_>>>()?;
    std::thread::scope(|scope| {
        let handles: Vec<_> = workers
            .into_iter()
            .map(|work| scope.spawn(move || per_second(time, work)))
            .collect();
        let mut total = 0.0;
        for handle in handles {
            total += handle.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
        }
        Ok(total)
    })
}
