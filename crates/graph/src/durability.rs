//! Where commits are made durable.
//!
//! Owns the narrow border to the store. INVARIANT of implementors: commits are numbered without a gap in the order of
//! `append`, tickets are answered in that order, and after a failed commit every later one fails until `resume`.

use bastide_model::CommitId;
use thiserror::Error;

/// Why a commit could not be made durable, or a checkpoint not be written; the cause is for the log.
#[derive(Debug, Error)]
#[error("the store failed")]
pub(crate) struct DurabilityError(#[source] pub(crate) Box<dyn std::error::Error + Send + Sync>);

/// A change of a checkpoint: a key with a new chunk, or with none.
pub(crate) type ChunkUpdate = (Vec<u8>, Option<Vec<u8>>);

/// A commit that was queued.
pub(crate) trait Ticket: Send {
    /// Its number.
    fn commit_id(&self) -> CommitId;
    /// Waits until it is durable.
    fn wait(self: Box<Self>) -> Result<(), DurabilityError>;
}

/// A home of commits and checkpoints.
pub(crate) trait Durability: Send + Sync {
    /// Queues a commit.
    fn append(&self, record: &[u8]) -> Result<Box<dyn Ticket>, DurabilityError>;
    /// After a failure: the newest durable commit, from which numbering goes on. The error says that no commit will be
    /// accepted; the newest durable one comes with it.
    fn resume(&self) -> Result<CommitId, (CommitId, DurabilityError)>;
    /// Makes chunks durable as the state at a commit.
    fn checkpoint(
        &self,
        commit: CommitId,
        updates: &mut dyn Iterator<Item = ChunkUpdate>,
    ) -> Result<(), DurabilityError>;
}

/// A home that forgets everything with the process.
#[derive(Debug, Default)]
pub(crate) struct Volatile {
    last: std::sync::atomic::AtomicU64,
}

struct Done(CommitId);

impl Ticket for Done {
    fn commit_id(&self) -> CommitId {
        self.0
    }

    fn wait(self: Box<Self>) -> Result<(), DurabilityError> {
        Ok(())
    }
}

impl Durability for Volatile {
    fn append(&self, _record: &[u8]) -> Result<Box<dyn Ticket>, DurabilityError> {
        let last = self.last.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Box::new(Done(CommitId(last + 1))))
    }

    fn resume(&self) -> Result<CommitId, (CommitId, DurabilityError)> {
        Ok(CommitId(self.last.load(std::sync::atomic::Ordering::Relaxed)))
    }

    fn checkpoint(
        &self,
        _commit: CommitId,
        _updates: &mut dyn Iterator<Item = ChunkUpdate>,
    ) -> Result<(), DurabilityError> {
        Ok(())
    }
}
