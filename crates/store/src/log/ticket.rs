//! The promise that a commit will be durable.
//!
//! Owns the hand-over from the flushing thread to those who wait. INVARIANT: every ticket is answered exactly once.
//! Knows nothing of files.

use tokio::sync::oneshot;

use super::{Durable, LogError};
use crate::CommitId;

/// A commit that was queued. Dropping the ticket does not take the commit back.
#[derive(Debug)]
pub struct CommitTicket {
    promised: Durable,
    answer: oneshot::Receiver<Result<(), LogError>>,
}

impl CommitTicket {
    pub(crate) fn new(promised: Durable) -> (Self, oneshot::Sender<Result<(), LogError>>) {
        let (sender, answer) = oneshot::channel();
        (Self { promised, answer }, sender)
    }

    /// The number that the commit will have.
    pub fn commit_id(&self) -> CommitId {
        self.promised.commit_id
    }

    /// When the commit was queued, in milliseconds since 1970 UTC, as its record will say.
    pub fn time_ms(&self) -> u64 {
        self.promised.time_ms
    }

    /// Waits on this thread until the commit is durable. Must not be called on a thread that drives asynchronous tasks.
    ///
    /// # Errors
    /// Why the commit could not be made durable; then nothing of it remains.
    pub fn wait(self) -> Result<Durable, LogError> {
        let answer = self.answer.blocking_recv().unwrap_or(Err(LogError::Closed));
        answer.map(|()| self.promised)
    }

    /// Waits until the commit is durable.
    ///
    /// # Errors
    /// Why the commit could not be made durable; then nothing of it remains.
    pub async fn wait_async(self) -> Result<Durable, LogError> {
        let answer = self.answer.await.unwrap_or(Err(LogError::Closed));
        answer.map(|()| self.promised)
    }
}
