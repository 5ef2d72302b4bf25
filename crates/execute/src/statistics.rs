//! What a statement changed, as drivers report it, and what its operators did, for `PROFILE`.

use std::cell::{Cell, RefCell};

/// Counts of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
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
    /// Labels added to nodes.
    pub labels_added: u64,
    /// Labels removed from nodes.
    pub labels_removed: u64,
    /// Indexes created.
    pub indexes_added: u64,
    /// Indexes dropped.
    pub indexes_removed: u64,
    /// Constraints created.
    pub constraints_added: u64,
    /// Constraints dropped.
    pub constraints_removed: u64,
    /// Changes to users and databases.
    pub system_updates: u64,
    /// Transactions committed by `CALL { … } IN TRANSACTIONS`.
    pub transactions_committed: u64,
}

impl Statistics {
    /// Whether the graph or the schema was changed (`contains-updates`).
    pub fn contains_updates(&self) -> bool {
        let Self {
            nodes_created,
            nodes_deleted,
            relationships_created,
            relationships_deleted,
            properties_set,
            labels_added,
            labels_removed,
            indexes_added,
            indexes_removed,
            constraints_added,
            constraints_removed,
            system_updates: _,
            transactions_committed: _,
        } = self;
        [
            nodes_created,
            nodes_deleted,
            relationships_created,
            relationships_deleted,
            properties_set,
            labels_added,
            labels_removed,
            indexes_added,
            indexes_removed,
            constraints_added,
            constraints_removed,
        ]
        .into_iter()
        .any(|count| *count > 0)
    }

    /// Names as the summary of a Bolt result has them, with their counts; only those that are not zero.
    pub fn entries(&self) -> Vec<(&'static str, u64)> {
        [
            ("nodes-created", self.nodes_created),
            ("nodes-deleted", self.nodes_deleted),
            ("relationships-created", self.relationships_created),
            ("relationships-deleted", self.relationships_deleted),
            ("properties-set", self.properties_set),
            ("labels-added", self.labels_added),
            ("labels-removed", self.labels_removed),
            ("indexes-added", self.indexes_added),
            ("indexes-removed", self.indexes_removed),
            ("constraints-added", self.constraints_added),
            ("constraints-removed", self.constraints_removed),
            ("system-updates", self.system_updates),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
    }
}

/// What one operator did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperatorProfile {
    /// Rows it answered.
    pub rows: u64,
    /// How often it asked the graph.
    pub db_hits: u64,
}

/// Counts per operator while a statement is profiled.
#[derive(Debug, Default)]
pub(crate) struct ProfileCounters {
    operators: RefCell<Vec<OperatorProfile>>,
    /// The operator that asks the graph now.
    current: Cell<u32>,
}

impl ProfileCounters {
    pub(crate) fn new(operators: u32) -> Self {
        Self {
            operators: RefCell::new(vec![OperatorProfile::default(); operators as usize]),
            current: Cell::new(u32::MAX),
        }
    }

    /// Makes `operator` the one that asks; answers the one before.
    pub(crate) fn enter(&self, operator: u32) -> u32 {
        self.current.replace(operator)
    }

    /// Back to the operator before.
    pub(crate) fn leave(&self, before: u32) {
        self.current.set(before);
    }

    pub(crate) fn add_rows(&self, operator: u32, rows: usize) {
        if let Some(entry) = self.operators.borrow_mut().get_mut(operator as usize) {
            entry.rows += rows as u64;
        }
    }

    pub(crate) fn hit(&self) {
        if let Some(entry) = self.operators.borrow_mut().get_mut(self.current.get() as usize) {
            entry.db_hits += 1;
        }
    }

    pub(crate) fn snapshot(&self) -> Vec<OperatorProfile> {
        self.operators.borrow().clone()
    }
}
