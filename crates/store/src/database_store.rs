//! Everything of one database that is on disk, behind one facade.
//!
//! Owns the database's directory: its lock, its keys, its log and its chunks. INVARIANT: the log holds every commit
//! after the last checkpoint. Must not know what a commit or a chunk means.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::{
    ChunkChange, ChunkError, ChunkScan, ChunkStoreOptions, CommitCallback, CommitId, CommitTicket, FileSystem,
    KeyError, KeyRing, LogError, LogOptions, LogRecords, TornTail,
};

/// Why a database's store could not be opened or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the database open.
    #[error("database directory `{}` is in use by another process", directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// Group or others may read or write the directory.
    #[error("database directory `{}` has mode {mode:04o}, group and others must have no access; set it with `chmod 700`", directory.display())]
    OpenToOthers {
        /// The directory.
        directory: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The operating system refused an operation on the directory.
    #[error("database directory `{}`: cannot {action}", directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// What was being done.
        action: &'static str,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The chunks.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
}

/// How a database's store is set up.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// The log.
    pub log: LogOptions,
    /// The chunks.
    pub chunks: ChunkStoreOptions,
}

/// What a store held when it was opened.
#[derive(Debug)]
pub struct Recovered {
    /// The commit that the chunks stand for, if there was a checkpoint; read them with [`DatabaseStore::scan_chunks`].
    pub checkpoint: Option<CommitId>,
    /// The commits after it, which are to be replayed.
    pub records: LogRecords,
    /// The newest durable commit: after replay the database is at this one.
    pub last_commit: CommitId,
    /// What was cut off the end of the log, for the server to report.
    pub torn_tail: Option<TornTail>,
}

/// One database on disk. Methods block (on a full queue, on the disk) and must be called from threads that may.
#[derive(Debug)]
pub struct DatabaseStore(());

impl DatabaseStore {
    /// Opens the database in `directory`, creating it if there is nothing.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed but a torn tail of the log, which is cut.
    pub fn open(
        _directory: &Path,
        _file_system: Arc<dyn FileSystem>,
        _key_ring: &KeyRing,
        _options: StoreOptions,
    ) -> Result<(Self, Recovered), StoreError> {
        Err(LogError::Closed.into())
    }

    /// Queues a commit; see [`crate::CommitLog::append`].
    ///
    /// # Errors
    /// See [`crate::CommitLog::append`].
    pub fn append(&self, _payload: &[u8]) -> Result<CommitTicket, LogError> {
        Err(LogError::Closed)
    }

    /// Queues a commit and calls `answer` when it is durable or failed; see [`crate::CommitLog::append_with`].
    ///
    /// # Errors
    /// See [`crate::CommitLog::append`].
    pub fn append_with(&self, _payload: &[u8], _answer: CommitCallback) -> Result<CommitId, LogError> {
        Err(LogError::Closed)
    }

    /// The newest durable commit.
    pub fn durable_commit(&self) -> CommitId {
        CommitId::ZERO
    }

    /// Accepts commits again after a failed one; see [`crate::CommitLog::resume`].
    ///
    /// # Errors
    /// See [`crate::CommitLog::resume`].
    pub fn resume(&self) -> Result<CommitId, LogError> {
        Err(LogError::Closed)
    }

    /// The durable records from `first` on.
    ///
    /// # Errors
    /// See [`crate::CommitLog::records_from`].
    pub fn records_from(&self, _first: CommitId) -> Result<LogRecords, LogError> {
        Err(LogError::Closed)
    }

    /// Makes the changes since the last checkpoint durable as the state at `commit`, then removes the log records that
    /// are no longer needed. Either all of it is there after a crash or nothing. `commit` must be durable.
    ///
    /// # Errors
    /// [`StoreError::Chunk`], [`StoreError::Log`]; the former checkpoint and the log are still whole then.
    pub fn checkpoint(
        &self,
        _commit: CommitId,
        _changes: impl IntoIterator<Item = ChunkChange>,
    ) -> Result<(), StoreError> {
        Err(LogError::Closed.into())
    }

    /// The commit of the last checkpoint.
    pub fn latest_checkpoint(&self) -> Option<CommitId> {
        None
    }

    /// The chunk with this key, as of the last checkpoint.
    ///
    /// # Errors
    /// [`ChunkError`].
    pub fn read_chunk(&self, _key: &[u8]) -> Result<Option<Vec<u8>>, ChunkError> {
        Ok(None)
    }

    /// The chunks whose keys begin with `prefix`, as of the last checkpoint.
    ///
    /// # Errors
    /// [`ChunkError`].
    pub fn scan_chunks(&self, _prefix: &[u8]) -> Result<ChunkScan, ChunkError> {
        Err(ChunkError::Malformed {
            home: String::new(),
            fault: "",
        })
    }

    /// Syncs what is queued and closes everything. Dropping the store without this loses nothing that was acknowledged.
    ///
    /// # Errors
    /// [`StoreError`] if the last commits could not be written.
    pub fn close(self) -> Result<(), StoreError> {
        Ok(())
    }
}
