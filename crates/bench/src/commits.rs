//! Durable commits with 1 and 32 clients, beside bare `fdatasync` of a preallocated file on the same disk.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use anyhow::Result;

use crate::client::{Client, tls};
use crate::server::Server;
use crate::{Figure, per_second, per_second_on};

const BLOCK: usize = 4096;
const BLOCKS: u64 = 4096;

/// Commits of one small node each.
pub fn measure(server: &Server, time: Duration) -> Result<Vec<Figure>> {
    let tls = tls(&server.authority())?;
    let mut figures = Vec::new();
    for clients in [1, 32] {
        let syncs = raw_syncs(server, time)?;
        let commits = per_second_on(clients, time, |_| {
            let mut client = Client::connect(&server.address, &tls)?;
            Ok(move || client.run("CREATE (:Commit {x: $x})", 1).map(drop))
        })?;
        figures.push(Figure {
            name: format!("durable commits, {clients} clients"),
            measured: format!("{commits:.0}/s"),
            limit: format!("{syncs:.0} fdatasync/s"),
            ratio: commits / syncs,
        });
    }
    Ok(figures)
}

fn raw_syncs(server: &Server, time: Duration) -> Result<f64> {
    let path = server.folder().join("raw");
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    let block = [1; BLOCK];
    for number in 0..BLOCKS {
        file.write_all_at(&block, number * BLOCK as u64)?;
    }
    file.sync_all()?;
    let mut number = 0;
    let syncs = per_second(time, || {
        file.write_all_at(&block, (number % BLOCKS) * BLOCK as u64)?;
        number += 1;
        Ok(file.sync_data()?)
    })?;
    std::fs::remove_file(path)?;
    Ok(syncs)
}
