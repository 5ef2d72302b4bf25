//! HTTP and HTTPS: discovery, health and security.txt.
//!
//! Owns the listeners from the accepted socket to the answer. INVARIANT: every size, time and count of a connection is
//! limited, request bodies are never read, and every answer carries the security headers. Must not know queries; what it
//! tells of the rest of the server comes in as values and closures.

mod activity;
mod config;
mod connection;
mod headers;
mod peer;
mod routes;
mod security_text;
mod server;

pub use config::{Config, Discovery, HttpLimits, ReadyCheck};
pub use routes::router;
pub use server::{HttpServer, StartError};
