//! What is told when a statement is done: counters, plan, notifications.

use bastide_model::Value;
use bastide_status::Position;

/// What a statement did, as drivers show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatementType {
    /// `r`
    #[default]
    Read,
    /// `rw`
    ReadWrite,
    /// `w`
    Write,
    /// `s`: indexes, constraints, users.
    Schema,
}

/// The end of a stream.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// What kind of statement it was.
    pub statement_type: StatementType,
    /// What it changed.
    pub counters: Counters,
    /// The plan, for EXPLAIN and PROFILE.
    pub plan: Option<PlanDescription>,
    /// Hints and warnings.
    pub notifications: Vec<Notification>,
    /// The bookmark of an auto-commit statement.
    pub bookmark: Option<String>,
}

/// How much a statement changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is Neo4j's counter of the same name")]
pub struct Counters {
    pub nodes_created: u64,
    pub nodes_deleted: u64,
    pub relationships_created: u64,
    pub relationships_deleted: u64,
    pub properties_set: u64,
    pub labels_added: u64,
    pub labels_removed: u64,
    pub indexes_added: u64,
    pub indexes_removed: u64,
    pub constraints_added: u64,
    pub constraints_removed: u64,
    pub system_updates: u64,
}

/// One operator of a plan and those below it.
#[derive(Clone, Debug, Default)]
pub struct PlanDescription {
    /// Name, e.g. `NodeIndexSeek`; the database is added by drivers' users' tools, not here.
    pub operator: String,
    /// What is known of it, e.g. `EstimatedRows`, `Details`.
    pub arguments: Vec<(String, Value)>,
    /// Variables it binds.
    pub identifiers: Vec<String>,
    /// What was measured, for PROFILE.
    pub measured: Option<Measured>,
    /// Its inputs.
    pub children: Vec<PlanDescription>,
}

/// What PROFILE measured of one operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Rows it produced.
    pub rows: u64,
    /// Reads of the graph.
    pub database_hits: u64,
    /// Nanoseconds spent in it.
    pub time_ns: u64,
}

/// How serious a notification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// `WARNING`
    Warning,
    /// `INFORMATION`
    Information,
}

/// A hint or a warning.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Neo4j's code, e.g. `Neo.ClientNotification.Statement.CartesianProduct`.
    pub code: String,
    /// GQLSTATUS, e.g. `03N90`.
    pub gql_status: String,
    /// Short.
    pub title: String,
    /// Long.
    pub description: String,
    /// How serious.
    pub severity: Severity,
    /// Neo4j's category, e.g. `PERFORMANCE`.
    pub category: String,
    /// Where in the statement.
    pub position: Option<Position>,
}
