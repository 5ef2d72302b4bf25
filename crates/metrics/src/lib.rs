//! The endpoint that Prometheus asks, and the figures that it tells.
//!
//! Owns the names of the figures and the listener. INVARIANT: labels have few values, all known beforehand or from the configuration, and
//! no figure holds anything secret. Must not know where the figures of others come from: they hand in closures ([`Gauge`]).

mod endpoint;
mod gauges;
mod tls;

pub use endpoint::{Endpoint, render};
pub use gauges::{Figures, Gauge};
pub use prometheus_client::collector::Collector;
pub use tls::TlsFigures;
