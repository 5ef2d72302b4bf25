//! A result of a million rows through TLS, beside the same result without.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::client::{Client, tls};
use crate::server::Server;
use crate::{Figure, in_turns};

const ROWS: i64 = 1_000_000;
const TURNS_MIN: u32 = 5;
const TURNS_MAX: u32 = 99;
/// How long the text in each row is, in bytes.
const TEXTS: [usize; 2] = [0, 100];

/// One client that takes rows as fast as they come, and looks at no more of them than where each ends.
pub fn measure(binary: &Path, time: Duration) -> Result<Vec<Figure>> {
    let server = Server::start(binary, "server.bolt.tls_level=OPTIONAL\n")?;
    let tls = tls(&server.authority())?;
    let mut encrypted = Client::connect_to_pull(&server.address, &tls)?;
    let mut plain = Client::connect_plain(&server.address)?;
    let mut figures = Vec::new();
    for length in TEXTS {
        let text = "x".repeat(length);
        let started = Instant::now();
        pull(&mut encrypted, &text)?;
        pull(&mut plain, &text)?;
        let turns = (time.as_secs_f64() / started.elapsed().as_secs_f64()) as u32;
        let beside = in_turns(
            turns.clamp(TURNS_MIN, TURNS_MAX),
            || pull(&mut encrypted, &text),
            || pull(&mut plain, &text),
        )?;
        figures.push(Figure {
            name: format!("1 million rows through TLS, text of {length}"),
            measured: format!("{:.0} MB/s", beside.measured),
            limit: format!("{:.0} MB/s in clear", beside.limit),
            ratio: beside.ratio,
        });
    }
    Ok(figures)
}

/// Megabytes a second.
fn pull(client: &mut Client, text: &str) -> Result<f64> {
    let started = Instant::now();
    let (rows, bytes) = client.pull_unread("UNWIND range(1, $x) AS n RETURN n, $text AS text", ROWS, text)?;
    ensure!(rows == usize::try_from(ROWS)?, "{rows} rows came");
    Ok(bytes as f64 / 1e6 / started.elapsed().as_secs_f64())
}
