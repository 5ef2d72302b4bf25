//! A graph whose commits and checkpoints are kept by a [`DatabaseStore`].
//!
//! Owns the translation between the border of this crate and the store's. Must not know what a record holds.

use bastide_model::CommitId;
use bastide_store::{ChunkChange, CommitTicket, DatabaseStore, Recovered};
use std::sync::Arc;

use crate::durability::{ChunkUpdate, Durability, DurabilityError, Ticket, Volatile};
use crate::graph::Graph;
use crate::recovery::{LoggedCommit, OpenError, Parts, RecoverySource};

impl Graph {
    /// Opens the graph that a store holds: its last checkpoint and the commits after it. Blocks the thread.
    ///
    /// # Errors
    /// [`OpenError`] names what is missing or not valid.
    pub fn open(store: DatabaseStore, recovered: Recovered) -> Result<Self, OpenError> {
        let store = Arc::new(store);
        Self::recover_from(&store, recovered, || Box::new(Stored(Arc::clone(&store))))
    }

    /// Reads the graph that a store holds, to see whether it can be; commits to it are not kept. Blocks the thread.
    ///
    /// # Errors
    /// [`OpenError`] names what is missing or not valid.
    pub fn read_from(store: &DatabaseStore, recovered: Recovered) -> Result<Self, OpenError> {
        Self::recover_from(store, recovered, || Box::new(Volatile::default()))
    }

    fn recover_from(
        store: &DatabaseStore,
        recovered: Recovered,
        into_durability: impl FnOnce() -> Box<dyn Durability>,
    ) -> Result<Self, OpenError> {
        let checkpoint = recovered.checkpoint.map(|commit| CommitId(commit.value()));
        let source = StoredChunks { store, checkpoint };
        let mut log = recovered.records.map(|record| {
            let record = record.map_err(|error| OpenError::Store(Box::new(error)))?;
            Ok(LoggedCommit {
                commit_id: CommitId(record.commit_id.value()),
                record: record.payload,
            })
        });
        let graph = Self::recover(&source, &mut log, into_durability)?;
        let last = CommitId(recovered.last_commit.value());
        if graph.last_commit_id() != last {
            let expected = CommitId(graph.last_commit_id().0 + 1);
            return Err(OpenError::MissingCommit { expected, found: last });
        }
        Ok(graph)
    }
}

struct StoredChunks<'a> {
    store: &'a DatabaseStore,
    checkpoint: Option<CommitId>,
}

impl RecoverySource for StoredChunks<'_> {
    fn chunks(&self, kind: u8) -> Result<Parts<'_>, OpenError> {
        let failed = |error| OpenError::Store(Box::new(error));
        let scan = self.store.scan_chunks(&[kind]).map_err(failed)?;
        Ok(Box::new(scan.map(move |chunk| chunk.map_err(failed))))
    }

    fn checkpoint(&self) -> Option<CommitId> {
        self.checkpoint
    }
}

struct Stored(Arc<DatabaseStore>);

pub(crate) struct StoredTicket(pub(crate) CommitTicket);

impl Ticket for StoredTicket {
    fn commit_id(&self) -> CommitId {
        CommitId(self.0.commit_id().value())
    }

    fn wait(self: Box<Self>) -> Result<(), DurabilityError> {
        self.0.wait().map(drop).map_err(failed)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> DurabilityError {
    DurabilityError(Box::new(error))
}

impl Durability for Stored {
    fn append(&self, record: &[u8]) -> Result<Box<dyn Ticket>, DurabilityError> {
        let ticket = self.0.append(record).map_err(failed)?;
        Ok(Box::new(StoredTicket(ticket)))
    }

    fn resume(&self) -> Result<CommitId, (CommitId, DurabilityError)> {
        let durable = CommitId(self.0.durable_commit().value());
        match self.0.resume() {
            Ok(commit) => Ok(CommitId(commit.value())),
            Err(error) => Err((durable, failed(error))),
        }
    }

    fn checkpoint(
        &self,
        commit: CommitId,
        updates: &mut dyn Iterator<Item = ChunkUpdate>,
    ) -> Result<(), DurabilityError> {
        let changes = updates.map(|(key, chunk)| match chunk {
            Some(chunk) => ChunkChange::Put { key, chunk },
            None => ChunkChange::Delete { key },
        });
        self.0
            .checkpoint(bastide_store::CommitId::new(commit.0), changes)
            .map_err(failed)
    }
}
