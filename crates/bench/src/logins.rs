//! Connect and log in, beside bare TLS handshakes with the same server.

use std::time::Duration;

use anyhow::Result;

use crate::client::{Client, handshake, tls};
use crate::server::Server;
use crate::{Figure, per_second};

/// Logins from one client, one after the other; the server remembers a proven password, as it does for a driver's pool.
pub fn measure(server: &Server, time: Duration) -> Result<Vec<Figure>> {
    let tls = tls(&server.authority())?;
    drop(Client::connect(&server.address, &tls)?);
    let logins = per_second(time, || Client::connect(&server.address, &tls).map(drop))?;
    let handshakes = per_second(time, || handshake(&server.address, &tls).map(drop))?;
    Ok(vec![Figure {
        name: "connect and log in".to_owned(),
        measured: format!("{logins:.0}/s"),
        limit: format!("{handshakes:.0} TLS handshakes/s"),
        ratio: logins / handshakes,
    }])
}
