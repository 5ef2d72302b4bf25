//! One graph: where transactions begin.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bastide_model::CommitId;
use bastide_security::{ReadPermit, WritePermit};

use crate::checkpoint::CheckpointState;
use crate::commit::{NextIds, Shared};
use crate::durability::{Durability, Volatile};
use crate::root::Root;
use crate::snapshot::Snapshot;
use crate::tokens::Tokens;
use crate::transaction::{Transaction, WriteOptions};

/// The graph of one database. A clone is the same graph.
#[derive(Clone)]
pub struct Graph {
    pub(crate) shared: Arc<Shared>,
}

impl fmt::Debug for Graph {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Graph")
            .field("last_commit_id", &self.last_commit_id())
            .finish_non_exhaustive()
    }
}

impl Graph {
    /// An empty graph that lives in memory only; for tests and temporary work.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::with_durability(Box::new(Volatile::default()))
    }

    pub(crate) fn with_durability(durability: Box<dyn Durability>) -> Self {
        let checkpoint = CheckpointState::default();
        let shared = Shared::new(
            Root::default(),
            Tokens::default(),
            NextIds::default(),
            durability,
            checkpoint,
        );
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The newest durable state, to read. Never waits. The permit proves that somebody asked.
    #[must_use]
    pub fn begin_read(&self, _permit: &ReadPermit) -> Snapshot {
        self.snapshot()
    }

    /// A transaction on the newest durable state. Waits only if [`WriteOptions::hold_writer_slot`] is set.
    #[must_use]
    pub fn begin_write(&self, _permit: &WritePermit, options: WriteOptions) -> Transaction {
        Transaction::begin(self.shared.clone(), options)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        // The state before the names: the names then hold all that the state uses.
        let root = self.shared.published();
        Snapshot::new(root, self.shared.interner.current())
    }

    /// The newest commit that readers see; 0 for the empty graph. Bookmarks are made of it.
    #[must_use]
    pub fn last_commit_id(&self) -> CommitId {
        self.shared.published().commit_id()
    }

    /// Waits until readers see a commit; says whether they do. Blocks the thread.
    #[must_use]
    pub fn wait_for_commit(&self, commit: CommitId, deadline: Instant) -> bool {
        self.shared.wait_for(commit, deadline)
    }
}
