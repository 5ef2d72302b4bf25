//! What expressions may ask of the statement that evaluates them: graph, parameters, names, clock, subqueries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bastide_model::{GraphError, GraphRead, PropertyKeyId, Value};
use bastide_plan::Operator;
use bastide_plan::expression::{KeyName, Offset, ParameterName, Subquery};
use bastide_status::{Code, Position, Status};

use super::Scope;

/// Everything outside the row that an expression may read. Cheap to copy: references only.
#[derive(Clone, Copy)]
pub struct EvaluationContext<'a> {
    /// The graph, as the transaction sees it.
    pub graph: &'a dyn GraphRead,
    /// Values of the plan's parameters, by [`ParameterName`].
    pub parameters: &'a [Value],
    /// The plan's property keys, by [`KeyName`].
    pub keys: &'a KeyTable,
    /// The query text, from which places of errors are found.
    pub text: &'a str,
    /// The instants of statement and transaction, and the zone of values without one.
    pub clock: &'a Clock,
    /// Runs `EXISTS { }` and its kin.
    pub subqueries: &'a dyn SubqueryRunner,
    /// Says whether to stop. Asked in long loops.
    pub cancellation: &'a dyn Cancellation,
    /// What element ids begin with, such as `4:<database uuid>:`.
    pub element_id_prefix: &'a str,
    /// Where `LOAD CSV` is, for `file()` and `linenumber()`.
    pub csv: Option<CsvPosition<'a>>,
}

/// Runs a subquery expression for one row.
pub trait SubqueryRunner {
    /// Runs `plan`, whose leaves start from `scope`, and makes of its rows what `kind` says. [`Operator::id`] is unique within the
    /// plan, so whatever is prepared for it may be kept by that id.
    fn run(
        &self,
        kind: Subquery,
        plan: &Operator,
        scope: &Scope<'_>,
        context: &EvaluationContext<'_>,
    ) -> Result<Value, Status>;
}

/// Refuses every subquery; for places where the planner lets none through.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSubqueries;

impl SubqueryRunner for NoSubqueries {
    fn run(
        &self,
        _kind: Subquery,
        _plan: &Operator,
        _scope: &Scope<'_>,
        _context: &EvaluationContext<'_>,
    ) -> Result<Value, Status> {
        Err(Status::new(
            Code::SemanticError,
            "a subquery cannot be used in this place",
        ))
    }
}

/// Whether a statement has been told to stop.
pub trait Cancellation {
    /// An error once the statement must stop.
    fn check(&self) -> Result<(), Status>;
}

/// Never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct NeverCancelled;

impl Cancellation for NeverCancelled {
    fn check(&self) -> Result<(), Status> {
        Ok(())
    }
}

/// The row that `LOAD CSV` read last.
#[derive(Clone, Copy, Debug)]
pub struct CsvPosition<'a> {
    /// What `file()` answers.
    pub file: &'a str,
    /// What `linenumber()` answers, from 1.
    pub line: i64,
}

/// An instant: seconds since 1970-01-01T00:00Z, and nanoseconds of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    /// Seconds since 1970-01-01T00:00Z.
    pub epoch_seconds: i64,
    /// Nanoseconds of the second.
    pub nanoseconds: u32,
}

impl Instant {
    /// The system clock's time.
    pub fn now() -> Self {
        match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => Self {
                epoch_seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                nanoseconds: since.subsec_nanos(),
            },
            // A clock set before 1970 is of no use to anyone.
            Err(_) => Self {
                epoch_seconds: 0,
                nanoseconds: 0,
            },
        }
    }
}

/// The instants a statement sees. Both stand still while it runs.
#[derive(Clone, Debug)]
pub struct Clock {
    /// When the transaction began.
    pub transaction: Instant,
    /// When the statement began.
    pub statement: Instant,
    /// Zone of temporal values that are given none: `Z`, `+01:00` or an IANA name (`db.temporal.timezone`).
    pub default_zone: Arc<str>,
}

impl Clock {
    /// A clock on which transaction and statement begin now, in UTC.
    pub fn starting_now() -> Self {
        let now = Instant::now();
        Self {
            transaction: now,
            statement: now,
            default_zone: "Z".into(),
        }
    }
}

/// The plan's property keys with their ids, found when first needed and then kept.
///
/// A key may come into being while the statement runs, so that an absent one is asked for again.
#[derive(Debug, Default)]
pub struct KeyTable {
    entries: Vec<KeyEntry>,
}

#[derive(Debug)]
struct KeyEntry {
    name: Arc<str>,
    id: TokenCell,
}

impl KeyTable {
    /// A table of [`bastide_plan::Plan::property_keys`].
    pub fn new(names: &[Arc<str>]) -> Self {
        Self {
            entries: names
                .iter()
                .map(|name| KeyEntry {
                    name: Arc::clone(name),
                    id: TokenCell::default(),
                })
                .collect(),
        }
    }

    /// The name of a key; empty if the plan has no such key.
    pub fn name(&self, key: KeyName) -> Arc<str> {
        self.entry(key)
            .map_or_else(|| Arc::from(""), |entry| Arc::clone(&entry.name))
    }

    /// The id of a key, if the graph has it by now.
    pub fn id(&self, key: KeyName, graph: &dyn GraphRead) -> Option<PropertyKeyId> {
        let entry = self.entry(key)?;
        entry
            .id
            .resolve(|| graph.property_key_id(&entry.name).map(|id| id.0))
            .map(PropertyKeyId)
    }

    pub(crate) fn with_name<T>(&self, key: KeyName, read: impl FnOnce(&str) -> T) -> T {
        read(self.entry(key).map_or("", |entry| &entry.name))
    }

    fn entry(&self, key: KeyName) -> Option<&KeyEntry> {
        self.entries.get(usize::try_from(key.0).ok()?)
    }
}

/// The id of a token, once it is known.
#[derive(Debug)]
pub(crate) struct TokenCell(AtomicU32);

impl TokenCell {
    const UNKNOWN: u32 = u32::MAX;

    /// The id, asked for with `find` unless it is known.
    pub(crate) fn resolve(&self, find: impl FnOnce() -> Option<u32>) -> Option<u32> {
        match self.0.load(Ordering::Relaxed) {
            Self::UNKNOWN => {
                let id = find()?;
                self.0.store(id, Ordering::Relaxed);
                Some(id)
            }
            id => Some(id),
        }
    }
}

impl Default for TokenCell {
    fn default() -> Self {
        Self(AtomicU32::new(Self::UNKNOWN))
    }
}

impl EvaluationContext<'_> {
    /// The value of a parameter. The caller of the plan has seen to it that all are there.
    pub fn parameter(&self, name: ParameterName) -> Value {
        usize::try_from(name.0)
            .ok()
            .and_then(|place| self.parameters.get(place))
            .cloned()
            .unwrap_or_default()
    }

    /// The place of `offset` in the query text.
    pub fn position(&self, offset: Offset) -> Position {
        position(self.text, offset)
    }

    /// Adds the place to an error that has none.
    pub fn at(&self, status: Status, offset: Offset) -> Status {
        if self.text.is_empty() {
            return status;
        }
        status.or_position(self.position(offset))
    }
}

/// The place of a byte offset in a query text.
pub fn position(text: &str, offset: Offset) -> Position {
    let end = usize::try_from(offset.0).unwrap_or(usize::MAX);
    let mut position = Position {
        offset: 0,
        line: 1,
        column: 1,
    };
    for (place, character) in text.char_indices() {
        if place >= end {
            break;
        }
        position.offset += 1;
        if character == '\n' {
            position.line += 1;
            position.column = 1;
        } else {
            position.column += 1;
        }
    }
    position
}

/// What the client is told when the graph cannot be read.
pub fn graph_status(error: &GraphError) -> Status {
    let code = match error {
        GraphError::NodeNotFound(_) | GraphError::RelationshipNotFound(_) => Code::EntityNotFound,
        GraphError::NodeHasRelationships(_) | GraphError::NotUnique { .. } | GraphError::PropertyMissing { .. } => {
            Code::ConstraintValidationFailed
        }
        GraphError::NotStorable(_) => Code::TypeError,
        GraphError::SchemaExists { .. } => Code::EquivalentSchemaRuleAlreadyExists,
        GraphError::SchemaNotFound { kind: "index", .. } => Code::IndexNotFound,
        GraphError::SchemaNotFound { .. } | GraphError::IndexBelongsToConstraint { .. } => Code::ConstraintDropFailed,
        GraphError::Conflict { .. } => Code::TransactionConflict,
        GraphError::Terminated => Code::Terminated,
        GraphError::MemoryLimit { .. } => Code::MemoryLimit,
        GraphError::Limit { .. } => Code::ArgumentError,
        GraphError::Store(_) => Code::StorageFailed,
        _ => Code::UnknownError,
    };
    Status::new(code, error.to_string())
}
