//! Tests of the whole crate, over a log and chunks in memory that survive a "restart".

mod behaviour;
mod concurrency;
mod crash;
mod hub;
mod model;
mod restart;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bastide_model::{CommitId, GraphWrite, LabelId, PropertyKeyId, RelationshipTypeId};
use bastide_security::{ReadPermit, WritePermit};

use crate::durability::{ChunkUpdate, Durability, DurabilityError, Ticket};
use crate::recovery::{LoggedCommit, OpenError, Parts, RecoverySource};
use crate::{Graph, Snapshot, Transaction, WriteOptions};

pub(crate) fn read(graph: &Graph) -> Snapshot {
    graph.begin_read(&ReadPermit::for_system_startup("neo4j"))
}

pub(crate) fn write(graph: &Graph) -> Transaction {
    write_with(graph, WriteOptions::default())
}

pub(crate) fn write_with(graph: &Graph, options: WriteOptions) -> Transaction {
    graph.begin_write(&WritePermit::for_system_startup("neo4j"), options)
}

/// A label, a type and two property keys, interned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    pub(crate) label: LabelId,
    pub(crate) relationship_type: RelationshipTypeId,
    pub(crate) key: PropertyKeyId,
    pub(crate) other_key: PropertyKeyId,
}

pub(crate) fn names(transaction: &mut Transaction) -> Names {
    Names {
        label: transaction.label_id_or_create("Person").unwrap(),
        relationship_type: transaction.relationship_type_id_or_create("KNOWS").unwrap(),
        key: transaction.property_key_id_or_create("name").unwrap(),
        other_key: transaction.property_key_id_or_create("age").unwrap(),
    }
}

/// A "disk": what was appended and checkpointed, with failures on demand.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryHome(Arc<Mutex<MemoryHomeState>>);

#[derive(Debug, Default)]
struct MemoryHomeState {
    /// Durable records; the first has the number after `removed`.
    records: Vec<Vec<u8>>,
    removed: u64,
    chunks: BTreeMap<Vec<u8>, Vec<u8>>,
    checkpoint: Option<CommitId>,
    /// Numbers given out since the last resume.
    appended: u64,
    /// How many more commits succeed.
    successes_left: Option<u64>,
    suspended: bool,
    chunk_writes: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("the simulated disk failed")]
struct Failed;

struct MemoryTicket {
    home: MemoryHome,
    commit_id: CommitId,
    record: Vec<u8>,
}

impl MemoryHome {
    pub(crate) fn open(&self) -> Graph {
        let records: Vec<_> = {
            let state = self.0.lock().unwrap();
            let first = state.removed + 1;
            let numbered = (first..).zip(&state.records);
            numbered
                .map(|(id, record)| {
                    Ok(LoggedCommit {
                        commit_id: CommitId(id),
                        record: record.clone(),
                    })
                })
                .collect()
        };
        self.open_with(records).unwrap()
    }

    pub(crate) fn open_with(&self, records: Vec<Result<LoggedCommit, OpenError>>) -> Result<Graph, OpenError> {
        Graph::recover(self, &mut records.into_iter(), || Box::new(self.clone()))
    }

    pub(crate) fn fail_after(&self, successes: u64) {
        self.0.lock().unwrap().successes_left = Some(successes);
    }

    pub(crate) fn repair(&self) {
        self.0.lock().unwrap().successes_left = None;
    }

    pub(crate) fn chunk_writes(&self) -> usize {
        self.0.lock().unwrap().chunk_writes
    }

    pub(crate) fn records(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().records.clone()
    }

    pub(crate) fn damage_chunk(&self, place: usize, byte: usize) {
        let mut state = self.0.lock().unwrap();
        let chunk = state.chunks.values_mut().nth(place).unwrap();
        let byte = byte % chunk.len();
        chunk[byte] ^= 0x55;
    }

    pub(crate) fn chunk_count(&self) -> usize {
        self.0.lock().unwrap().chunks.len()
    }
}

impl Ticket for MemoryTicket {
    fn commit_id(&self) -> CommitId {
        self.commit_id
    }

    fn wait(self: Box<Self>) -> Result<(), DurabilityError> {
        // Records become durable when somebody waits; those before are then durable too, as in a real log.
        loop {
            let mut state = self.home.0.lock().unwrap();
            if state.suspended {
                return Err(DurabilityError(Box::new(Failed)));
            }
            let durable = state.removed + state.records.len() as u64;
            if durable >= self.commit_id.0 {
                return Ok(());
            }
            if durable + 1 == self.commit_id.0 {
                if state.successes_left == Some(0) {
                    state.suspended = true;
                    return Err(DurabilityError(Box::new(Failed)));
                }
                state.successes_left = state.successes_left.map(|left| left - 1);
                state.records.push(self.record.clone());
                return Ok(());
            }
            drop(state);
            std::thread::yield_now();
        }
    }
}

impl Durability for MemoryHome {
    fn append(&self, record: &[u8]) -> Result<Box<dyn Ticket>, DurabilityError> {
        let mut state = self.0.lock().unwrap();
        if state.suspended {
            return Err(DurabilityError(Box::new(Failed)));
        }
        state.appended = state.appended.max(state.removed + state.records.len() as u64) + 1;
        let commit_id = CommitId(state.appended);
        Ok(Box::new(MemoryTicket {
            home: self.clone(),
            commit_id,
            record: record.to_vec(),
        }))
    }

    fn resume(&self) -> Result<CommitId, (CommitId, DurabilityError)> {
        let mut state = self.0.lock().unwrap();
        state.suspended = false;
        state.appended = state.removed + state.records.len() as u64;
        Ok(CommitId(state.appended))
    }

    fn checkpoint(
        &self,
        commit: CommitId,
        updates: &mut dyn Iterator<Item = ChunkUpdate>,
    ) -> Result<(), DurabilityError> {
        let updates: Vec<ChunkUpdate> = updates.collect();
        let mut state = self.0.lock().unwrap();
        for (key, chunk) in updates {
            state.chunk_writes += 1;
            match chunk {
                Some(chunk) => state.chunks.insert(key, chunk),
                None => state.chunks.remove(&key),
            };
        }
        let gone = usize::try_from(commit.0 - state.removed).unwrap();
        state.records.drain(..gone);
        state.removed = commit.0;
        state.checkpoint = Some(commit);
        Ok(())
    }
}

impl RecoverySource for MemoryHome {
    fn chunks(&self, kind: u8) -> Result<Parts<'_>, OpenError> {
        let state = self.0.lock().unwrap();
        let chunks: Vec<_> = state
            .chunks
            .iter()
            .filter(|(key, _)| key.first() == Some(&kind))
            .collect();
        let owned: Vec<_> = chunks
            .into_iter()
            .map(|(key, chunk)| Ok((key.clone(), chunk.clone())))
            .collect();
        Ok(Box::new(owned.into_iter()))
    }

    fn checkpoint(&self) -> Option<CommitId> {
        self.0.lock().unwrap().checkpoint
    }
}
