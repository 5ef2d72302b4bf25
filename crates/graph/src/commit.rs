//! The order of commits.
//!
//! Owns the head, the one place where commits are put in order, and the path from there to readers. A commit is validated
//! against the commits since its transaction began, queued in the log, and becomes the new head at once, so that the next
//! one need not wait for the disk. INVARIANT: what readers and new transactions see (`published`) is durable; the head is
//! the published root plus the queued commits in order; if the log fails, the head falls back to the newest durable root
//! and every queued commit fails. Must not know how a change is made or encoded.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bastide_model::{CommitId, GraphError};

use crate::change::{Change, write_record};
use crate::checkpoint::CheckpointState;
use crate::codec::Reader;
use crate::durability::{Durability, DurabilityError, Ticket};
use crate::footprint::{Footprint, ReadSet};
use crate::root::{CommitIdOrZero, FIRST_INDEX_ID, Root};
use crate::tokens::{Interner, TokenCounts, Tokens};
use crate::working_graph::WorkingGraph;

/// Footprints of past commits that are kept to validate older transactions.
const FOOTPRINTS_MAX: usize = 16_384;
/// Their entries in all.
const FOOTPRINT_WEIGHT_MAX: u64 = 16 << 20;
/// How long a transaction that lost waits for the winner to be durable, so that its next attempt sees it.
const WINNER_WAIT: Duration = Duration::from_secs(10);
/// How long to wait for a commit before looking whether it is still in the queue.
const HEAD_CHECK: Duration = Duration::from_millis(50);

/// What the transactions of a graph share.
pub(crate) struct Shared {
    published: ArcSwap<Root>,
    announced: Mutex<CommitId>,
    announcement: Condvar,
    writer: Mutex<Writer>,
    slot_freed: Condvar,
    pub(crate) interner: Interner,
    pub(crate) node_ids: AtomicU64,
    pub(crate) relationship_ids: AtomicU64,
    pub(crate) index_ids: AtomicU32,
    pub(crate) constraint_ids: AtomicU32,
    pub(crate) durability: Box<dyn Durability>,
    pub(crate) checkpoint: Mutex<CheckpointState>,
    pub(crate) logged_bytes: AtomicU64,
}

/// What only the holder of the lock may see.
struct Writer {
    head: Arc<Root>,
    /// Commits that are not known to be durable, oldest first.
    queued: VecDeque<Queued>,
    /// Grows with every fall back of the head.
    generation: u64,
    footprints: VecDeque<(CommitId, Footprint)>,
    footprint_weight: u64,
    /// Names in the log with the head, and with the published root.
    logged: TokenCounts,
    logged_durably: TokenCounts,
    /// Whether a transaction keeps all others from committing.
    is_held: bool,
}

struct Queued {
    root: Arc<Root>,
    logged: TokenCounts,
}

/// What a transaction brings to its commit.
pub(crate) struct Contribution<'a> {
    pub(crate) base: CommitId,
    pub(crate) work: WorkingGraph,
    pub(crate) changes: &'a [u8],
    /// `None` under snapshot isolation.
    pub(crate) reads: Option<&'a ReadSet>,
    pub(crate) holds_slot: bool,
}

/// A commit in the queue.
pub(crate) struct Pending {
    root: Arc<Root>,
    ticket: Box<dyn Ticket>,
    generation: u64,
}

/// Why a commit was refused.
struct Refused {
    error: GraphError,
    /// The commit that won.
    winner: Option<CommitId>,
}

impl From<GraphError> for Refused {
    fn from(error: GraphError) -> Self {
        Self { error, winner: None }
    }
}

/// The first ids to give out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NextIds {
    pub(crate) node: u64,
    pub(crate) relationship: u64,
    pub(crate) index: u32,
    pub(crate) constraint: u32,
}

impl Default for NextIds {
    fn default() -> Self {
        Self {
            node: 0,
            relationship: 0,
            index: FIRST_INDEX_ID,
            constraint: 0,
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(
        root: Root,
        tokens: Tokens,
        next: NextIds,
        durability: Box<dyn Durability>,
        checkpoint: CheckpointState,
    ) -> Self {
        let logged = tokens.counts();
        let commit_id = root.commit_id();
        let head = Arc::new(root);
        Self {
            published: ArcSwap::new(head.clone()),
            announced: Mutex::new(commit_id),
            announcement: Condvar::new(),
            writer: Mutex::new(Writer {
                head,
                queued: VecDeque::new(),
                generation: 0,
                footprints: VecDeque::new(),
                footprint_weight: 0,
                logged,
                logged_durably: logged,
                is_held: false,
            }),
            slot_freed: Condvar::new(),
            interner: Interner::new(tokens),
            node_ids: AtomicU64::new(next.node),
            relationship_ids: AtomicU64::new(next.relationship),
            index_ids: AtomicU32::new(next.index),
            constraint_ids: AtomicU32::new(next.constraint),
            durability,
            checkpoint: Mutex::new(checkpoint),
            logged_bytes: AtomicU64::new(0),
        }
    }

    /// The newest durable state.
    pub(crate) fn published(&self) -> Arc<Root> {
        self.published.load_full()
    }

    /// Lets readers see a durable state, unless they see a newer one already.
    fn publish(&self, root: Arc<Root>) {
        let mut announced = locked(&self.announced);
        if root.commit_id() > *announced {
            *announced = root.commit_id();
            self.published.store(root);
        }
        drop(announced);
        self.announcement.notify_all();
    }

    /// Waits until a commit is visible; says whether it is.
    pub(crate) fn wait_for(&self, commit: CommitId, deadline: Instant) -> bool {
        let mut announced = locked(&self.announced);
        while *announced < commit {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.announcement.wait_timeout(announced, left);
            announced = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Keeps every other transaction from committing until [`Shared::free_slot`], and waits until all that was queued is
    /// durable, so that the state that is then published stays the newest.
    pub(crate) fn hold_slot(&self) {
        let mut writer = locked(&self.writer);
        while writer.is_held {
            writer = self.slot_freed.wait(writer).unwrap_or_else(PoisonError::into_inner);
        }
        writer.is_held = true;
        loop {
            let head = writer.head.commit_id();
            if self.published().commit_id() >= head {
                return;
            }
            drop(writer);
            // The head may fall back meanwhile, therefore not for ever.
            self.wait_for(head, Instant::now() + HEAD_CHECK);
            writer = locked(&self.writer);
        }
    }

    /// Ends [`Shared::hold_slot`].
    pub(crate) fn free_slot(&self) {
        locked(&self.writer).is_held = false;
        self.slot_freed.notify_all();
    }

    /// Validates and queues a commit.
    pub(crate) fn enqueue(&self, contribution: Contribution<'_>) -> Result<Pending, GraphError> {
        let mut writer = locked(&self.writer);
        while writer.is_held && !contribution.holds_slot {
            writer = self.slot_freed.wait(writer).unwrap_or_else(PoisonError::into_inner);
        }
        let queued = self.enqueue_locked(&mut writer, contribution);
        drop(writer);
        queued.map_err(|refused| {
            if let Some(winner) = refused.winner {
                self.wait_for_winner(winner);
            }
            refused.error
        })
    }

    /// Waits until the winner of a collision is visible, or has failed itself.
    fn wait_for_winner(&self, winner: CommitId) {
        let deadline = Instant::now() + WINNER_WAIT;
        while !self.wait_for(winner, Instant::now() + HEAD_CHECK) {
            if locked(&self.writer).head.commit_id() < winner || Instant::now() >= deadline {
                return;
            }
        }
    }

    fn enqueue_locked(&self, writer: &mut Writer, contribution: Contribution<'_>) -> Result<Pending, Refused> {
        writer.forget_durable(self.published().commit_id());
        // Loaded under the lock: it holds every name that the changes can use.
        let tokens = self.interner.current();
        let head = writer.head.commit_id();
        let mut work = contribution.work;
        if contribution.base != head {
            writer.validate(contribution.base, contribution.reads, &work.footprint)?;
            work = repeat(&writer.head, &tokens, contribution.changes).map_err(|error| Refused {
                error,
                winner: Some(head),
            })?;
        }
        work.check_at_commit(&tokens).map_err(|error| match error {
            GraphError::NodeHasRelationships(node) if contribution.base != head => Refused {
                error: GraphError::Conflict {
                    what: format!("the relationships of node {node}"),
                },
                winner: Some(head),
            },
            other => other.into(),
        })?;

        let record = write_record(&tokens, writer.logged, contribution.changes);
        let ticket = self.durability.append(&record).map_err(store_failed)?;
        let WorkingGraph {
            mut root, footprint, ..
        } = work;
        root.commit_id = CommitIdOrZero(ticket.commit_id());
        let root = Arc::new(root);
        writer.logged = tokens.counts();
        writer.head = root.clone();
        writer.queued.push_back(Queued {
            root: root.clone(),
            logged: writer.logged,
        });
        writer.remember(ticket.commit_id(), footprint);
        self.logged_bytes.fetch_add(record.len() as u64, Ordering::Relaxed);
        Ok(Pending {
            root,
            ticket,
            generation: writer.generation,
        })
    }

    /// Waits until a queued commit is durable and lets readers see it.
    pub(crate) fn finish(&self, pending: Pending) -> Result<CommitId, GraphError> {
        let commit_id = pending.root.commit_id();
        match pending.ticket.wait() {
            Ok(()) => {
                self.publish(pending.root);
                Ok(commit_id)
            }
            Err(error) => {
                self.fall_back(pending.generation);
                Err(store_failed(error))
            }
        }
    }

    /// Takes the head back to the newest durable state. The first of the failed commits does it for all.
    fn fall_back(&self, generation: u64) {
        let mut writer = locked(&self.writer);
        if writer.generation != generation {
            return;
        }
        writer.generation += 1;
        let (Ok(durable) | Err((durable, _))) = self.durability.resume();
        let published = self.published();
        writer.forget_durable(published.commit_id().min(durable));
        while writer
            .queued
            .back()
            .is_some_and(|queued| queued.root.commit_id() > durable)
        {
            writer.queued.pop_back();
        }
        while writer.footprints.back().is_some_and(|(commit, _)| *commit > durable) {
            if let Some((_, footprint)) = writer.footprints.pop_back() {
                writer.footprint_weight -= footprint.weight();
            }
        }
        let newest = writer.queued.back().map(|queued| (queued.root.clone(), queued.logged));
        let (head, logged) = newest.unwrap_or((published, writer.logged_durably));
        writer.head = head.clone();
        writer.logged = logged;
        drop(writer);
        self.publish(head);
    }
}

impl Writer {
    /// Drops the queue up to what is published.
    fn forget_durable(&mut self, published: CommitId) {
        while self
            .queued
            .front()
            .is_some_and(|queued| queued.root.commit_id() <= published)
        {
            if let Some(queued) = self.queued.pop_front() {
                self.logged_durably = queued.logged;
            }
        }
    }

    /// Compares a transaction with the commits since its base.
    fn validate(&self, base: CommitId, reads: Option<&ReadSet>, writes: &Footprint) -> Result<(), Refused> {
        let oldest = self.footprints.front().map(|(commit, _)| *commit);
        if oldest.is_none_or(|oldest| oldest.0 > base.0 + 1) {
            let what = "too much of the graph".to_owned();
            return Err(Refused {
                error: GraphError::Conflict { what },
                winner: Some(self.head.commit_id()),
            });
        }
        let since = self.footprints.partition_point(|(commit, _)| *commit <= base);
        for (commit, footprint) in self.footprints.iter().skip(since) {
            let read = reads.and_then(|reads| reads.outdated_by(footprint));
            if let Some(what) = read.or_else(|| writes.overwrites(footprint)) {
                return Err(Refused {
                    error: GraphError::Conflict { what },
                    winner: Some(*commit),
                });
            }
        }
        Ok(())
    }

    fn remember(&mut self, commit: CommitId, footprint: Footprint) {
        self.footprint_weight += footprint.weight();
        self.footprints.push_back((commit, footprint));
        while self.footprints.len() > FOOTPRINTS_MAX
            || (self.footprint_weight > FOOTPRINT_WEIGHT_MAX && self.footprints.len() > 1)
        {
            if let Some((_, footprint)) = self.footprints.pop_front() {
                self.footprint_weight -= footprint.weight();
            }
        }
    }
}

/// Makes the changes again on a newer state. What is missing there was deleted by another transaction.
fn repeat(head: &Arc<Root>, tokens: &Tokens, changes: &[u8]) -> Result<WorkingGraph, GraphError> {
    let mut work = WorkingGraph::new(Root::clone(head));
    let mut reader = Reader::new(changes);
    while !reader.is_empty() {
        let change = Change::read(&mut reader).map_err(|error| GraphError::Store(Box::new(error)))?;
        work.apply(tokens, change).map_err(|error| match error {
            GraphError::NodeNotFound(node) => GraphError::Conflict {
                what: format!("node {node}"),
            },
            GraphError::RelationshipNotFound(relationship) => GraphError::Conflict {
                what: format!("relationship {relationship}"),
            },
            GraphError::SchemaNotFound { .. } => GraphError::Conflict {
                what: "the schema".to_owned(),
            },
            other => other,
        })?;
    }
    Ok(work)
}

fn store_failed(error: DurabilityError) -> GraphError {
    GraphError::Store(error.0)
}
