//! The chunks of the last checkpoint.
//!
//! Owns a SlateDB over sealed objects. INVARIANT: what is read is always one whole checkpoint, never a part of a newer
//! one. Must not know what a chunk holds.

use std::sync::Arc;

use thiserror::Error;

use crate::CommitId;

/// Why chunks could not be read or written.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// An object does not hold what was written to it, or its key is another one.
    #[error("chunk file `{object}` is damaged: {fault}")]
    Corrupt {
        /// The file below the home of the chunks.
        object: String,
        /// What is wrong.
        fault: String,
    },
    /// The engine or the file system below it failed.
    #[error("cannot {action} the chunk store in `{home}`")]
    Engine {
        /// What was being done.
        action: &'static str,
        /// Where the chunks are.
        home: String,
        /// The cause.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A stored value has not the expected form.
    #[error("a value in the chunk store in `{home}` is not valid: {fault}")]
    Malformed {
        /// Where the chunks are.
        home: String,
        /// What is wrong.
        fault: &'static str,
    },
    /// A key or a chunk is longer than the limit.
    #[error("a chunk key or value of {bytes} bytes is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A checkpoint is older than the one already there.
    #[error("checkpoint {commit} is not newer than checkpoint {latest}")]
    NotNewer {
        /// The commit of the refused checkpoint.
        commit: CommitId,
        /// The commit of the one that is there.
        latest: CommitId,
    },
}

/// One change that a checkpoint makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkChange {
    /// Stores a chunk, replacing what had this key.
    Put {
        /// The key, of at most 512 bytes.
        key: Vec<u8>,
        /// The chunk, of at most [`ChunkStoreOptions::chunk_bytes_max`].
        chunk: Vec<u8>,
    },
    /// Removes a chunk, if there is one.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
}

/// Where sealed objects are kept.
#[derive(Clone, Debug, Default)]
pub enum ChunkHome {
    /// In files below the database's directory, each synced when written.
    #[default]
    Local,
    /// In another object store, which must offer conditional puts.
    Objects(Arc<dyn object_store::ObjectStore>),
}

/// Sizes and limits of a chunk store.
#[derive(Clone, Debug)]
pub struct ChunkStoreOptions {
    /// Where the objects are kept.
    pub home: ChunkHome,
    /// Compressed changes up to this many bytes are written as one batch; larger checkpoints are staged first, which
    /// writes them twice.
    pub batch_bytes_max: usize,
    /// The longest chunk, in bytes.
    pub chunk_bytes_max: usize,
    /// The zstd level of chunks.
    pub compression_level: i32,
    /// The runtime that the engine's background work runs on; its own one with two threads if there is none.
    pub runtime: Option<tokio::runtime::Handle>,
}

impl Default for ChunkStoreOptions {
    fn default() -> Self {
        Self {
            home: ChunkHome::Local,
            batch_bytes_max: 256 << 20,
            chunk_bytes_max: 64 << 20,
            compression_level: 1,
            runtime: None,
        }
    }
}

/// The chunks of a database. All methods block and must be called from threads that may (not from those that drive
/// asynchronous tasks).
#[derive(Debug)]
pub struct ChunkStore(());

/// Keys with their chunks, in order of the keys. After an error it ends. Blocks.
#[derive(Debug)]
pub struct ChunkScan(());

impl Iterator for ChunkScan {
    type Item = Result<(Vec<u8>, Vec<u8>), ChunkError>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
