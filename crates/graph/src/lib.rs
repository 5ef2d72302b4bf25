//! Nodes, relationships, indexes and constraints as copy-on-write chunks over the store.
//!
//! A [`Graph`] publishes immutable roots. A [`Snapshot`] holds one; a [`Transaction`] changes a private copy of one, which
//! shares everything that it does not touch, and a commit puts it in order behind the others, queues it in the log and
//! publishes it once it is durable. INVARIANT: what a snapshot answers never changes; what is published is durable. Must
//! not know queries, plans, sessions or bytes on the wire.

mod adjacency;
mod change;
mod checkpoint;
mod codec;
mod commit;
mod durability;
mod export;
mod footprint;
mod graph;
mod index;
mod persistent;
mod records;
mod recovery;
mod root;
mod snapshot;
mod stored;
mod tokens;
mod transaction;
mod working_graph;

pub use export::{Export, ExportedChunk};
pub use graph::Graph;
pub use recovery::OpenError;
pub use snapshot::Snapshot;
pub use transaction::{Committed, Isolation, Savepoint, Transaction, TransactionStatistics, WriteOptions};

#[cfg(test)]
mod tests;
