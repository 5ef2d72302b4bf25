//! HTTP and HTTPS: discovery, health, security.txt and the Query API.
//!
//! Owns the listeners from the accepted socket to the answer. INVARIANT: every size, time and count of a connection is
//! limited, the body of a request is read only for somebody who has logged in, and every answer carries the security
//! headers. Must not know how a query is run; what it tells of the rest of the server comes in as values and closures.

mod activity;
mod config;
mod connection;
mod headers;
mod openapi;
mod peer;
mod query;
mod refusals;
mod routes;
mod security_text;
mod server;

pub use config::{Config, Discovery, HttpLimits, QueryConfig, QueryLimits, ReadyCheck};
pub use server::{HttpServer, StartError};
