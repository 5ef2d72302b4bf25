//! The log of commits: append-only, encrypted, group-committed.
//!
//! Owns the numbering and the durability of commits. INVARIANT: commit ids on disk run without a gap; a ticket is
//! answered `Ok` only after its record is durable; tickets are answered in order. Must not know what a payload means.

mod failure;
mod flusher;
mod frames;
mod layout;
mod mark;
mod open;
mod records;
mod segment;
mod ticket;

use std::path::PathBuf;

pub use failure::LogError;
pub use open::{Log, Recovery};
pub use records::LogRecords;
pub use ticket::CommitTicket;

use crate::CommitId;

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

#[cfg(test)]
mod tests;
