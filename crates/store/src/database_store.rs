//! Everything of one database that is on disk, behind one facade.
//!
//! Owns the database's directory: its lock, its keys, its log and its chunks. INVARIANT: the log holds every commit
//! after the last checkpoint. Must not know what a commit or a chunk means.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::{
    ChunkChange, ChunkError, ChunkScan, ChunkStore, ChunkStoreOptions, CommitCallback, CommitId, CommitLog,
    CommitTicket, DatabaseKeys, FileSystem, KeyError, KeyId, KeyRing, LockGuard, Log, LogError, LogOptions, LogRecords,
    TornTail,
};

/// The file that keeps a second process out.
const LOCK: &str = "lock";
/// The file that holds the sealed data key.
const ENVELOPE: &str = "keys";
/// The directory of the log.
const LOG: &str = "log";
/// The file in it that says how far the log is known to reach; it is there as long as the log is.
const MARK: &str = "mark";

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
    /// The log begins later than after the last checkpoint.
    #[error(
        "the log begins after commit {log_begins_after}, but the last checkpoint in `{}` is of commit {checkpoint}: \
         files are missing there, or the log segment with commit {} is",
        chunks.display(),
        checkpoint.next()
    )]
    CheckpointMissing {
        /// The directory of the chunks.
        chunks: PathBuf,
        /// The commit of the last checkpoint that is there, zero for none.
        checkpoint: CommitId,
        /// The commit before the oldest in the log.
        log_begins_after: CommitId,
    },
    /// A database was to be made where there is something already.
    #[error("`{}` exists already", directory.display())]
    NotEmpty {
        /// The directory.
        directory: PathBuf,
    },
    /// There is data but no key to it.
    #[error("`{}` holds data, but its key file `{}` is missing", directory.display(), envelope.display())]
    EnvelopeMissing {
        /// The database's directory.
        directory: PathBuf,
        /// The file that should hold its sealed key.
        envelope: PathBuf,
    },
    /// The checkpoint is of a commit that is not durable yet.
    #[error("commit {commit} is not durable yet, so there can be no checkpoint of it")]
    NotDurable {
        /// The commit.
        commit: CommitId,
    },
    /// The operating system refused an operation on the directory.
    #[error("database directory `{}` cannot {action}", directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// What was to be done with it, in the passive.
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

/// One database on disk. Methods block (on a full queue, on the disk) and must be called from threads that may, not
/// from those that drive asynchronous tasks.
#[derive(Debug)]
pub struct DatabaseStore {
    log: Log,
    chunks: ChunkStore,
    keys: DatabaseKeys,
    // Fields are dropped in this order: the lock goes last.
    _lock: Lock,
}

struct Lock(#[expect(dead_code, reason = "held for as long as the store is open")] Box<dyn LockGuard>);

impl fmt::Debug for Lock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Lock")
    }
}

impl DatabaseStore {
    /// Opens the database in `directory`, creating it if there is nothing.
    ///
    /// # Errors
    /// [`StoreError`]. No commit was changed then.
    pub fn open(
        directory: &Path,
        file_system: Arc<dyn FileSystem>,
        key_ring: &KeyRing,
        options: StoreOptions,
    ) -> Result<(Self, Recovered), StoreError> {
        let io = |action| {
            move |source| StoreError::Io {
                directory: directory.to_owned(),
                action,
                source,
            }
        };
        file_system.create_directory(directory).map_err(io("be created"))?;
        let mode = file_system.permissions(directory).map_err(io("be examined"))?;
        if mode & 0o077 != 0 {
            return Err(StoreError::OpenToOthers {
                directory: directory.to_owned(),
                mode,
            });
        }
        let lock = match file_system.lock(&directory.join(LOCK)) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                return Err(StoreError::InUse {
                    directory: directory.to_owned(),
                });
            }
            result => Lock(result.map_err(io("be locked"))?),
        };
        let keys = open_keys(directory, file_system.as_ref(), key_ring)?;
        let chunks = ChunkStore::open(directory, &keys, options.chunks)?;
        let checkpoint = chunks.latest_checkpoint();
        let after = checkpoint.unwrap_or(CommitId::ZERO);
        require_log(directory, file_system.as_ref(), checkpoint)?;
        let opened = Log::open(file_system, &directory.join(LOG), &keys, after, options.log);
        let (log, recovery) = opened.map_err(|error| match error {
            LogError::Removed { first } => StoreError::CheckpointMissing {
                chunks: directory.join("chunks"),
                checkpoint: after,
                log_begins_after: CommitId::new(first.value().saturating_sub(1)),
            },
            error => error.into(),
        })?;
        let records = log.records_from(after.next())?;
        let recovered = Recovered {
            checkpoint,
            records,
            last_commit: recovery.last_commit,
            torn_tail: recovery.torn_tail,
        };
        Ok((
            Self {
                log,
                chunks,
                keys,
                _lock: lock,
            },
            recovered,
        ))
    }

    /// Queues a commit; see [`CommitLog::append`].
    ///
    /// # Errors
    /// See [`CommitLog::append`].
    pub fn append(&self, payload: &[u8]) -> Result<CommitTicket, LogError> {
        self.log.append(payload)
    }

    /// Queues a commit and calls `answer` when it is durable or failed; see [`CommitLog::append_with`].
    ///
    /// # Errors
    /// See [`CommitLog::append`].
    pub fn append_with(&self, payload: &[u8], answer: CommitCallback) -> Result<CommitId, LogError> {
        self.log.append_with(payload, answer)
    }

    /// The newest durable commit.
    pub fn durable_commit(&self) -> CommitId {
        self.log.durable_commit()
    }

    /// Accepts commits again after a failed one; see [`CommitLog::resume`].
    ///
    /// # Errors
    /// See [`CommitLog::resume`].
    pub fn resume(&self) -> Result<CommitId, LogError> {
        self.log.resume()
    }

    /// The durable records from `first` on.
    ///
    /// # Errors
    /// See [`CommitLog::records_from`].
    pub fn records_from(&self, first: CommitId) -> Result<LogRecords, LogError> {
        self.log.records_from(first)
    }

    /// Makes the changes since the last checkpoint durable as the state at `commit`, then removes the log segments that
    /// are no longer needed. Either all of it is there after a crash or nothing. `commit` must be durable. Commits go
    /// on meanwhile.
    ///
    /// # Errors
    /// [`StoreError::NotDurable`]; [`StoreError::Chunk`], after which the former checkpoint and the log are still whole;
    /// [`StoreError::Log`] if the checkpoint was made but old segments could not be removed.
    pub fn checkpoint(
        &self,
        commit: CommitId,
        changes: impl IntoIterator<Item = ChunkChange>,
    ) -> Result<(), StoreError> {
        if commit > self.durable_commit() {
            return Err(StoreError::NotDurable { commit });
        }
        self.chunks.write_checkpoint(commit, changes)?;
        Ok(self.log.remove_before(commit.next())?)
    }

    /// The commit of the last checkpoint.
    pub fn latest_checkpoint(&self) -> Option<CommitId> {
        self.chunks.latest_checkpoint()
    }

    /// The chunk with this key, as of the last checkpoint.
    ///
    /// # Errors
    /// [`ChunkError`].
    pub fn read_chunk(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ChunkError> {
        self.chunks.read(key)
    }

    /// The chunks whose keys begin with `prefix`, as of the last checkpoint.
    ///
    /// # Errors
    /// [`ChunkError`].
    pub fn scan_chunks(&self, prefix: &[u8]) -> Result<ChunkScan, ChunkError> {
        self.chunks.scan(prefix)
    }

    /// The public name of the key that this database is sealed with.
    pub fn key_id(&self) -> KeyId {
        self.keys.key_id()
    }

    /// Syncs what is queued and closes everything. Dropping the store without this loses nothing that was acknowledged.
    ///
    /// # Errors
    /// [`StoreError`] if the last commits could not be written.
    pub fn close(self) -> Result<(), StoreError> {
        let logged = self.log.close();
        self.chunks.close()?;
        Ok(logged?)
    }
}

/// A checkpoint is only written of what the log held, so a log that is not there was lost, with what came after it.
fn require_log(directory: &Path, file_system: &dyn FileSystem, checkpoint: Option<CommitId>) -> Result<(), StoreError> {
    let mark = directory.join(LOG).join(MARK);
    let Some(checkpoint) = checkpoint else { return Ok(()) };
    let exists = file_system.exists(&mark).map_err(|source| StoreError::Io {
        directory: directory.to_owned(),
        action: "be examined",
        source,
    })?;
    if exists {
        return Ok(());
    }
    let fault = format!("the file is missing, although there is a checkpoint of commit {checkpoint}: the log was lost");
    Err(LogError::Corrupt {
        file: mark,
        offset: 0,
        fault,
    }
    .into())
}

/// Opens the envelope, or makes the key of a database that has no data yet.
fn open_keys(directory: &Path, file_system: &dyn FileSystem, key_ring: &KeyRing) -> Result<DatabaseKeys, StoreError> {
    let envelope = directory.join(ENVELOPE);
    let exists = |path: &Path| {
        let found = file_system.exists(path);
        found.map_err(|source| StoreError::Io {
            directory: directory.to_owned(),
            action: "be examined",
            source,
        })
    };
    if exists(&envelope)? {
        return Ok(DatabaseKeys::open(file_system, &envelope, key_ring)?);
    }
    if exists(&directory.join(LOG))? || exists(&directory.join("chunks"))? {
        return Err(StoreError::EnvelopeMissing {
            directory: directory.to_owned(),
            envelope,
        });
    }
    Ok(DatabaseKeys::create(file_system, &envelope, key_ring)?)
}

mod seed;

#[cfg(test)]
mod tests;
