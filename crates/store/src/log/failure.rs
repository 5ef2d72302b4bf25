//! How the log fails.
//!
//! Owns the error of every operation on the log. INVARIANT: an error names the file, and the offset where it matters, but
//! never any of a payload. Knows nothing of how the log works.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::CommitId;

/// Why the log could not be opened, read or appended to.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The operating system refused an operation on a file of the log.
    #[error("log file `{}` cannot {action}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was to be done with it, in the passive.
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

pub(super) fn io_error(file: &Path, action: &'static str, source: io::Error) -> LogError {
    let (file, full) = (file.to_owned(), source.kind() == io::ErrorKind::StorageFull);
    let source = Arc::new(source);
    if full {
        LogError::DiskFull { file, source }
    } else {
        LogError::Io { file, action, source }
    }
}

pub(super) fn corrupt(file: &Path, offset: u64, fault: impl Into<String>) -> LogError {
    LogError::Corrupt {
        file: file.to_owned(),
        offset,
        fault: fault.into(),
    }
}
