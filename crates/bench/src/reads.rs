//! Point reads by an index over Bolt, beside round trips that only return a number.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::client::{Client, tls};
use crate::server::Server;
use crate::{Figure, per_second_on};

const NODES: i64 = 100_000;
const CLIENTS: usize = 8;

/// Eight clients, each a read after the other.
pub fn measure(server: &Server, time: Duration) -> Result<Figure> {
    let tls = tls(&server.authority())?;
    let mut client = Client::connect(&server.address, &tls)?;
    client.run(
        "CREATE CONSTRAINT IF NOT EXISTS FOR (n:Bench) REQUIRE n.key IS UNIQUE",
        0,
    )?;
    client.run(
        "UNWIND range(1, $x) AS key CREATE (:Bench {key: key, name: 'n' + toString(key)})",
        NODES,
    )?;
    let reads = per_second_on(CLIENTS, time, |number| {
        let mut client = Client::connect(&server.address, &tls)?;
        let mut key = i64::try_from(number)? * 7_919;
        Ok(move || {
            key = (key * 31 + 17) % NODES;
            let rows = client.run("MATCH (n:Bench {key: $x}) RETURN n.name", key + 1)?;
            ensure!(rows == 1, "{rows} rows for one key");
            Ok(())
        })
    })?;
    let trips = per_second_on(CLIENTS, time, |_| {
        let mut client = Client::connect(&server.address, &tls)?;
        Ok(move || client.run("RETURN $x", 1).map(drop))
    })?;
    Ok(Figure {
        name: format!("indexed point reads, {CLIENTS} clients"),
        measured: format!("{reads:.0}/s"),
        limit: format!("{trips:.0} `RETURN $x`/s"),
        ratio: reads / trips,
    })
}
