//! A Bolt server with canned answers, to try drivers against: `canned_server [required|optional|disabled] [port]`.
#![allow(clippy::unwrap_used, reason = "an example")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use bastide_bolt_server::{BoltServer, Config, NoEvents, TlsLevel};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let tls_level = match arguments.next().as_deref() {
        Some("required") => TlsLevel::Required,
        Some("disabled") => TlsLevel::Disabled,
        _ => TlsLevel::Optional,
    };
    let port: u16 = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let (source, _) = support::tls();
    let config = Config {
        tls_level,
        ..Config::requiring_tls(source, "Neo4j/5.26.0 compatible (Bastide/0.1.0)")
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let backend = Arc::new(support::FakeBackend::default());
    let server = BoltServer::start(vec![listener], config, backend, Arc::new(NoEvents)).unwrap();
    println!("{}", server.local_addresses().first().unwrap());
    tokio::signal::ctrl_c().await.unwrap();
}
