//! The Bolt listener: sniffing, TLS, WebSocket, sessions; wire values to model values.
//!
//! Owns what lies between a socket and a [`Backend`]. INVARIANT: nothing that arrives before TLS is read as if it had come
//! inside it; a plain connection to a listener that requires TLS is closed without an answer; a client that does not read
//! holds two batches of rows. Must not know how a query is run, nor where users are kept.

mod backend;
mod behind;
mod config;
mod control;
mod establish;
mod events;
mod from_wire;
mod login;
mod metadata;
mod reader;
mod reading;
mod registry;
mod server;
mod summary;
mod to_wire;
mod transport;
mod work;
mod worker;

pub use backend::{
    AccessMode, Authenticated, AuthenticationRequest, Backend, BatchOutcome, ConnectionDetails, EntityView, Interrupt,
    ResultStream, RoutingRequest, RoutingTable, RowSink, Session, SinkOutcome, Transaction, TransactionOptions,
    Transport,
};
pub use config::{Config, ConnectionLimits, TlsLevel};
pub use events::{ConnectionEvents, ConnectionPoint, NoEvents, RefusalReason};
pub use server::{BoltServer, StartError};
pub use summary::{Counters, Measured, Notification, PlanDescription, Severity, StatementType, Summary};
