//! Reads settings, wires the crates together, handles signals.
//!
//! Owns the way from an empty home to a running server and back. INVARIANT: whatever is wrong with the configuration, the
//! permissions of files or the certificates is told in one report, and the server does not start. Must not know protocol
//! bytes or how a query is run.

mod audit_events;
mod bolt_backend;
mod bolt_events;
mod bolt_session;
mod certificate_identity;
mod check;
mod exit;
mod first_start;
mod folders;
mod initial_password;
mod listeners;
mod logging;
mod metrics;
mod plan_description;
mod ready_file;
mod report;
mod running;
mod signals;
mod start;
mod tls_policies;
mod tls_rows;
mod tls_service;
mod tls_warnings;
mod tls_watch;
mod unavailable;
mod wire_settings;

pub use check::{CheckedConfiguration, check_configuration};
pub use exit::ExitStatus;
pub use initial_password::{InitialPasswordError, set_initial_password};
pub use start::{StartError, StartOptions, start};
pub use tls_policies::policy_configs;

/// The version of this server.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
