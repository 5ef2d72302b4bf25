//! A transaction that may write.
//!
//! Owns a private state of the graph, which shares all that it does not change with the state it began with, and the list
//! of its changes. INVARIANT: the private state is the base with the changes made in order; nothing of it is seen by
//! others before the commit. Must not know statements or permits.

mod read;
mod write;

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bastide_model::{CommitId, GraphError, NodeId};
use rustc_hash::FxHashMap;

use crate::change::Change;
use crate::commit::{Contribution, Shared};
use crate::footprint::ReadSet;
use crate::root::Root;
use crate::tokens::Tokens;
use crate::working_graph::WorkingGraph;

/// Memory that a change is taken to need beside its content, in bytes.
const CHANGE_OVERHEAD: usize = 64;
/// The memory limit when none is given, in bytes.
const DEFAULT_MEMORY_LIMIT: usize = 1 << 30;

/// Which transactions may overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// As if transactions ran one after the other.
    #[default]
    Serializable,
    /// What was read may have changed by the time of the commit; what is written may not.
    Snapshot,
}

/// How a transaction runs.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// Which transactions may overlap.
    pub isolation: Isolation,
    /// The most memory that its changes may take, in bytes.
    pub memory_limit: usize,
    /// Set from outside to end it: every later change fails with [`GraphError::Terminated`].
    pub termination: Arc<AtomicBool>,
    /// Keeps all others from committing from begin to end, so that it cannot lose. Beginning waits for the slot and for
    /// queued commits. For statements that lost several times.
    pub hold_writer_slot: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            isolation: Isolation::Serializable,
            memory_limit: DEFAULT_MEMORY_LIMIT,
            termination: Arc::default(),
            hold_writer_slot: false,
        }
    }
}

/// What a transaction has changed so far, for the summary that clients get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionStatistics {
    /// Nodes created.
    pub nodes_created: u64,
    /// Nodes deleted.
    pub nodes_deleted: u64,
    /// Relationships created.
    pub relationships_created: u64,
    /// Relationships deleted.
    pub relationships_deleted: u64,
    /// Properties set or removed.
    pub properties_set: u64,
    /// Labels added, also to new nodes.
    pub labels_added: u64,
    /// Labels removed.
    pub labels_removed: u64,
    /// Indexes created by name, without those of constraints.
    pub indexes_added: u64,
    /// Indexes dropped by name.
    pub indexes_removed: u64,
    /// Constraints created.
    pub constraints_added: u64,
    /// Constraints dropped.
    pub constraints_removed: u64,
}

/// A committed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its commit, or the last one before it if it changed nothing.
    pub commit_id: CommitId,
    /// What it changed.
    pub statistics: TransactionStatistics,
}

/// A transaction that may write. It is rolled back when dropped. It may move between threads but is used by one at a time.
pub struct Transaction {
    shared: Arc<Shared>,
    tokens: Arc<Tokens>,
    base: CommitId,
    work: WorkingGraph,
    changes: Vec<u8>,
    memory: usize,
    reads: Option<RefCell<ReadSet>>,
    statistics: TransactionStatistics,
    memory_limit: usize,
    termination: Arc<AtomicBool>,
    holds_slot: bool,
}

/// A moment in a transaction to which it can go back. Making one costs the same at any size.
#[derive(Debug)]
pub struct Savepoint {
    root: Root,
    dangling: FxHashMap<NodeId, u64>,
    changes: usize,
    memory: usize,
    statistics: TransactionStatistics,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Transaction");
        debug
            .field("base", &self.base)
            .field("statistics", &self.statistics)
            .finish_non_exhaustive()
    }
}

impl Transaction {
    pub(crate) fn begin(shared: Arc<Shared>, options: WriteOptions) -> Self {
        if options.hold_writer_slot {
            shared.hold_slot();
        }
        let root = shared.published();
        let tokens = shared.interner.current();
        Self {
            tokens,
            base: root.commit_id(),
            work: WorkingGraph::new(Root::clone(&root)),
            changes: Vec::new(),
            memory: 0,
            reads: (options.isolation == Isolation::Serializable).then(RefCell::default),
            statistics: TransactionStatistics::default(),
            memory_limit: options.memory_limit,
            termination: options.termination,
            holds_slot: options.hold_writer_slot,
            shared,
        }
    }

    /// The commit whose state the transaction sees, beside its own changes.
    #[must_use]
    pub fn base_commit_id(&self) -> CommitId {
        self.base
    }

    /// What was changed so far.
    #[must_use]
    pub fn statistics(&self) -> TransactionStatistics {
        self.statistics
    }

    /// The memory that its changes take, in bytes, as counted against the limit.
    #[must_use]
    pub fn memory_used(&self) -> usize {
        self.memory
    }

    /// Makes the changes durable and visible. Blocks the thread until they are on disk; when it returns, every later
    /// transaction sees them.
    ///
    /// # Errors
    /// [`GraphError::Conflict`] if another transaction was faster: the whole may be tried again, and then sees what the
    /// other did. [`GraphError::NotUnique`], [`GraphError::PropertyMissing`], [`GraphError::NodeHasRelationships`] if a
    /// rule is broken; [`GraphError::Terminated`]; [`GraphError::Store`] if it could not be made durable. Nothing of the
    /// transaction remains then.
    pub fn commit(mut self) -> Result<Committed, GraphError> {
        self.check_termination()?;
        let statistics = self.statistics;
        if self.changes.is_empty() {
            return Ok(Committed {
                commit_id: self.base,
                statistics,
            });
        }
        let work = std::mem::take(&mut self.work);
        let reads = self.reads.take().map(RefCell::into_inner);
        let pending = self.shared.enqueue(Contribution {
            base: self.base,
            work,
            changes: &self.changes,
            reads: reads.as_ref(),
            holds_slot: self.holds_slot,
        })?;
        // The order is settled, so that others may go on while this one waits for the disk.
        self.release_slot();
        let commit_id = self.shared.finish(pending)?;
        Ok(Committed { commit_id, statistics })
    }

    /// Drops all changes, as dropping the transaction does.
    pub fn rollback(self) {}

    /// Marks this moment.
    #[must_use]
    pub fn savepoint(&self) -> Savepoint {
        Savepoint {
            root: self.work.root.clone(),
            dangling: self.work.dangling.clone(),
            changes: self.changes.len(),
            memory: self.memory,
            statistics: self.statistics,
        }
    }

    /// Takes back the changes since the savepoint, which must be of this transaction. What was read stays read.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        self.work.root = savepoint.root;
        self.work.dangling = savepoint.dangling;
        self.changes.truncate(savepoint.changes);
        self.memory = savepoint.memory;
        self.statistics = savepoint.statistics;
    }

    /// What the transaction sees, without noting that somebody looked.
    #[cfg(test)]
    pub(crate) fn view(&self) -> crate::Snapshot {
        crate::Snapshot::new(Arc::new(self.work.root.clone()), self.tokens.clone())
    }

    fn check_termination(&self) -> Result<(), GraphError> {
        if self.termination.load(Ordering::Relaxed) {
            Err(GraphError::Terminated)
        } else {
            Ok(())
        }
    }

    /// Notes a change, makes it with `make`, and forgets it again if that fails.
    fn change<T>(
        &mut self,
        change: &Change,
        make: impl FnOnce(&mut WorkingGraph, &Tokens) -> Result<T, GraphError>,
    ) -> Result<T, GraphError> {
        self.check_termination()?;
        let before = self.changes.len();
        change.write(&mut self.changes);
        let memory = self.memory + (self.changes.len() - before) + CHANGE_OVERHEAD;
        let made = if memory > self.memory_limit {
            Err(GraphError::MemoryLimit {
                limit: self.memory_limit,
            })
        } else {
            make(&mut self.work, &self.tokens)
        };
        match &made {
            Ok(_) => self.memory = memory,
            Err(_) => self.changes.truncate(before),
        }
        made
    }

    /// Notes a read, unless reads need not be validated.
    #[inline]
    fn note(&self, read: impl FnOnce(&mut ReadSet)) {
        if let Some(reads) = &self.reads {
            read(&mut reads.borrow_mut());
        }
    }

    fn release_slot(&mut self) {
        if std::mem::take(&mut self.holds_slot) {
            self.shared.free_slot();
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.release_slot();
    }
}
