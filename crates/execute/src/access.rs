//! How a statement reaches its transaction.
//!
//! The transaction is handed in with each call, so that whoever owns both may keep an [`crate::Execution`] and its transaction in
//! one struct without either borrowing the other. Must not know how transactions are begun or committed.

use bastide_model::{GraphRead, GraphWrite};
use bastide_status::{Code, Status};

/// The transaction of a statement, for one call.
pub trait GraphAccess {
    /// The graph as the transaction sees it.
    fn read(&self) -> &dyn GraphRead;
    /// The graph for changes; an access mode error in a transaction that was opened for reading.
    fn write(&mut self) -> Result<&mut dyn GraphWrite, Status>;
    /// Commits in between, for `CALL { … } IN TRANSACTIONS`. `None` in an explicit transaction, where that is refused.
    fn transaction_control(&mut self) -> Option<&mut dyn TransactionControl> {
        None
    }
}

/// Commits in the middle of a statement.
pub trait TransactionControl {
    /// Commits what was done so far and goes on in a new transaction. After an error nothing of it was committed and
    /// [`TransactionControl::roll_back_and_renew`] must be called before anything else.
    fn commit_and_renew(&mut self) -> Result<(), Status>;
    /// Forgets what was done since the last commit and goes on in a new transaction.
    fn roll_back_and_renew(&mut self) -> Result<(), Status>;
}

/// A snapshot, or a transaction that was opened for reading.
#[derive(Clone, Copy)]
pub struct ReadOnly<'a>(pub &'a dyn GraphRead);

impl GraphAccess for ReadOnly<'_> {
    fn read(&self) -> &dyn GraphRead {
        self.0
    }

    fn write(&mut self) -> Result<&mut dyn GraphWrite, Status> {
        Err(read_only_refused())
    }
}

/// A transaction that may write.
pub struct ReadWrite<'a>(pub &'a mut dyn GraphWrite);

impl GraphAccess for ReadWrite<'_> {
    fn read(&self) -> &dyn GraphRead {
        &*self.0
    }

    fn write(&mut self) -> Result<&mut dyn GraphWrite, Status> {
        Ok(&mut *self.0)
    }
}

/// What a write in a transaction opened for reading is answered.
pub fn read_only_refused() -> Status {
    Status::new(
        Code::AccessMode,
        "writing in a transaction with access mode READ is not allowed",
    )
}
