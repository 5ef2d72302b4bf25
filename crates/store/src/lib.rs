//! Encrypted log, key hierarchy and chunk store; knows bytes, not nodes.
//!
//! Owns everything Bastide keeps on disk for a database: the key files ([`keys`]), the group-committed log of commits
//! ([`log`]), the chunks of the last checkpoint ([`chunk_store`]) and the facade that ties them together
//! ([`DatabaseStore`]). INVARIANT: what is acknowledged as durable is read back after any crash, and no byte of a
//! payload, a chunk or a chunk's key reaches the disk unencrypted. Must not know what a node, a label or a query is.
//!
//! The byte layouts are written down in `docs/storage-format.md`.

mod chunk_store;
mod commit_id;
mod cryptography;
mod database_store;
mod file_system;
mod keys;
mod log;
mod sealed_objects;

pub use chunk_store::{ChunkChange, ChunkError, ChunkHome, ChunkScan, ChunkStore, ChunkStoreOptions};
pub use commit_id::CommitId;
pub use database_store::{DatabaseStore, Recovered, StoreError, StoreOptions};
#[cfg(any(test, feature = "simulation"))]
pub use file_system::{Fault, FaultyFileSystem, Survival};
pub use file_system::{File, FileKind, FileSystem, LocalFileSystem, LockGuard, put_folder_in_place, sync_tree};
pub use keys::{DatabaseKeys, KeyError, KeyId, KeyRing};
pub use log::{
    CommitCallback, CommitLog, CommitTicket, Durable, Log, LogError, LogOptions, LogRecord, LogRecords, Recovery,
    TornTail,
};
