//! Connect and log in, beside bare handshakes with a server that does nothing else.

use std::time::Duration;

use anyhow::Result;

use crate::client::{Client, handshake, tls};
use crate::server::Server;
use crate::{Figure, in_turns, per_second_on, raw_tls};

/// How many clients log in at the same time.
const CLIENTS: [usize; 2] = [1, 8];
/// Turns of each figure.
const TURNS: u32 = 20;

/// Logins; the server remembers a proven password, as it does for a driver's pool. Every handshake is a whole one.
pub fn measure(server: &Server, time: Duration) -> Result<Vec<Figure>> {
    let tls = tls(&server.authority())?;
    let (key, certificates) = server.identity();
    drop(Client::connect(&server.address, &tls)?);
    let mut figures = Vec::new();
    for clients in CLIENTS {
        let raw = raw_tls::start(&key, &certificates, clients)?;
        let beside = in_turns(
            TURNS,
            || {
                per_second_on(clients, time / TURNS, |_| {
                    Ok(|| Client::connect(&server.address, &tls).map(drop))
                })
            },
            || per_second_on(clients, time / TURNS, |_| Ok(|| handshake(&raw, &tls).map(drop))),
        )?;
        figures.push(Figure {
            name: format!("connect and log in, {clients} client(s)"),
            measured: format!("{:.0}/s", beside.measured),
            limit: format!("{:.0} bare TLS handshakes/s", beside.limit),
            ratio: beside.ratio,
        });
    }
    Ok(figures)
}
