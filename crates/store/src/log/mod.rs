//! The log of commits: append-only, encrypted, group-committed.
//!
//! Owns the numbering and the durability of commits. INVARIANT: commit ids on disk run without a gap; a ticket is
//! answered `Ok` only after its record is durable; tickets are answered in order. Must not know what a payload means.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::CommitId;

/// Why the log could not be opened, read or appended to.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The operating system refused an operation on a file of the log.
    #[error("log file `{}`: cannot {action}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was being done, as a verb with its object.
        action: &'static str,
        /// The cause.
        #[source]
        source: Arc<io::Error>,
    },
    /// The disk is full; nothing of the commits that got this error remains, and the log accepts commits again after
    /// [`CommitLog::resume`], once there is room.
    #[error("no room left on the disk for log file `{}`", file.display())]
    DiskFull {
        /// The file that was to grow.
        file: PathBuf,
        /// The cause.
        #[source]
        source: Arc<io::Error>,
    },
    /// A sync failed, so that the operating system may have dropped what was written: no more commits until a restart.
    #[error("log file `{}` could not be synced; no commit is accepted until a restart", file.display())]
    Poisoned {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: Arc<io::Error>,
    },
    /// An earlier commit failed; the owner must drop what it built upon it and call [`CommitLog::resume`].
    #[error("an earlier commit could not be written")]
    Suspended {
        /// Why that commit failed.
        #[source]
        cause: Arc<LogError>,
    },
    /// A file does not hold what was written to it.
    #[error("log file `{}` is damaged at offset {offset}: {fault}", file.display())]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// The byte where the damage was noticed.
        offset: u64,
        /// What is wrong.
        fault: String,
    },
    /// A segment that must be there is not.
    #[error("the log segment that holds commit {commit} is missing; `{}` was expected", file.display())]
    MissingSegment {
        /// The first commit that is missing.
        commit: CommitId,
        /// The file that was expected.
        file: PathBuf,
    },
    /// The segment was written by another version.
    #[error("log file `{}` has format version {found}, this server reads version {supported}", file.display())]
    UnknownVersion {
        /// The file.
        file: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version that this server reads and writes.
        supported: u32,
    },
    /// The segment belongs to another database or was sealed with another key.
    #[error("log file `{}` belongs to another database or key", file.display())]
    ForeignSegment {
        /// The file.
        file: PathBuf,
    },
    /// The payload is longer than [`LogOptions::payload_bytes_max`].
    #[error("a commit of {bytes} bytes is larger than the limit of {limit} bytes")]
    PayloadTooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The wanted records were removed after a checkpoint.
    #[error("log records before commit {first} were removed after a checkpoint")]
    Removed {
        /// The first commit that is still there.
        first: CommitId,
    },
    /// A cryptographic operation failed, which has no cause but a broken library or random source.
    #[error("cannot encrypt a log record")]
    Encryption,
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

/// Limits and sizes of a log.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// The size at which the next segment is begun, in bytes; each segment is preallocated to it.
    pub segment_bytes: u64,
    /// The longest payload of one commit, in bytes.
    pub payload_bytes_max: usize,
    /// How many bytes may wait for the disk before [`CommitLog::append`] blocks.
    pub queue_bytes_max: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            payload_bytes_max: 256 << 20,
            queue_bytes_max: 64 << 20,
        }
    }
}

/// What a durable commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable {
    /// Its number.
    pub commit_id: CommitId,
    /// When it was appended, in milliseconds since 1970 UTC; never less than that of the commit before.
    pub time_ms: u64,
}

/// One commit as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Its number.
    pub commit_id: CommitId,
    /// When it was appended, in milliseconds since 1970 UTC.
    pub time_ms: u64,
    /// The bytes that were given to [`CommitLog::append`].
    pub payload: Vec<u8>,
}

/// The end of the last segment that was cut because a crash left it half-written; nothing acknowledged was in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub segment: PathBuf,
    /// Where the cut was made.
    pub offset: u64,
    /// How many bytes that were not zero were dropped (up to the last such byte).
    pub bytes: u64,
}

/// What is called when a commit is durable or has failed.
pub type CommitCallback = Box<dyn FnOnce(Result<Durable, LogError>) + Send>;

/// A log of commits with a durable home.
pub trait CommitLog: Send + Sync {
    /// Queues a commit and numbers it. Blocks only while the queue is full. The commit is durable when the ticket says
    /// so, not before.
    ///
    /// # Errors
    /// [`LogError::Suspended`] after a failed commit until [`CommitLog::resume`]; [`LogError::Poisoned`],
    /// [`LogError::PayloadTooLarge`], [`LogError::Closed`].
    fn append(&self, payload: &[u8]) -> Result<CommitTicket, LogError>;

    /// As [`CommitLog::append`], but calls `answer` instead of handing out a ticket. Answers are given in order of the
    /// commits, each before anyone who waits for a later commit is woken; `answer` runs on the flushing thread, must be
    /// quick and must not call the log.
    ///
    /// # Errors
    /// As [`CommitLog::append`]; `answer` is not called then.
    fn append_with(&self, payload: &[u8], answer: CommitCallback) -> Result<CommitId, LogError>;

    /// The newest durable commit.
    fn durable_commit(&self) -> CommitId;

    /// Accepts commits again after one failed, and returns the newest durable commit; the next append gets the number
    /// after it. The caller must have dropped everything it built upon failed commits, all of whose tickets have been
    /// answered by then.
    ///
    /// # Errors
    /// [`LogError::Poisoned`] if only a restart helps, [`LogError::Closed`].
    fn resume(&self) -> Result<CommitId, LogError>;

    /// The durable records from `first` on, up to those durable at this moment.
    ///
    /// # Errors
    /// [`LogError::Removed`] if `first` is before the oldest record.
    fn records_from(&self, first: CommitId) -> Result<LogRecords, LogError>;

    /// Removes what is not needed to read from `first` on. Whole segments only, so older records may remain.
    ///
    /// # Errors
    /// [`LogError::Io`].
    fn remove_before(&self, first: CommitId) -> Result<(), LogError>;

    /// Writes and syncs what is queued and ends the log; later calls of `append` fail with [`LogError::Closed`].
    ///
    /// # Errors
    /// The error of the last commits, if they could not be written.
    fn close(&self) -> Result<(), LogError>;
}

/// What [`Log::open`] found.
#[derive(Debug)]
pub struct Recovery {
    /// The oldest commit in the log, if there is one.
    pub first_commit: Option<CommitId>,
    /// The newest commit in the log, or the one it was told to follow.
    pub last_commit: CommitId,
    /// What was cut off the end.
    pub torn_tail: Option<TornTail>,
}

mod ticket;

pub use ticket::CommitTicket;

use std::path::Path;

use crate::{DatabaseKeys, FileSystem};

/// The durable records of a log in order of their commits. After an error it ends.
#[derive(Debug)]
pub struct LogRecords(());

impl Iterator for LogRecords {
    type Item = Result<LogRecord, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

/// The log in a local directory.
#[derive(Debug)]
pub struct Log(());

impl Log {
    /// Opens the log in `directory`, creating it if there is none. An empty log begins after `after`.
    ///
    /// # Errors
    /// Any [`LogError`] that keeps the log from being read to its end.
    pub fn open(
        _file_system: Arc<dyn FileSystem>,
        _directory: &Path,
        _keys: &DatabaseKeys,
        _after: CommitId,
        _options: LogOptions,
    ) -> Result<(Self, Recovery), LogError> {
        Err(LogError::Closed)
    }
}

impl CommitLog for Log {
    fn append(&self, _payload: &[u8]) -> Result<CommitTicket, LogError> {
        Err(LogError::Closed)
    }
    fn append_with(&self, _payload: &[u8], _answer: CommitCallback) -> Result<CommitId, LogError> {
        Err(LogError::Closed)
    }
    fn durable_commit(&self) -> CommitId {
        CommitId::ZERO
    }
    fn resume(&self) -> Result<CommitId, LogError> {
        Err(LogError::Closed)
    }
    fn records_from(&self, _first: CommitId) -> Result<LogRecords, LogError> {
        Err(LogError::Closed)
    }
    fn remove_before(&self, _first: CommitId) -> Result<(), LogError> {
        Err(LogError::Closed)
    }
    fn close(&self) -> Result<(), LogError> {
        Err(LogError::Closed)
    }
}
