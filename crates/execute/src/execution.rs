//! A statement that runs: opened once, pulled batch by batch, with its transaction handed in at each pull.
//!
//! INVARIANT: an `Execution` holds no reference to a transaction and is `Send`, so that a connection may keep both side by side
//! between two PULL messages.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use bastide_model::{Map, Value};
use bastide_plan::Plan;
use bastide_plan::expression::Slot;
use bastide_plan::operator::{Mode, Notification, ResultColumn};
use bastide_status::{Code, Status};

use crate::access::GraphAccess;
use crate::batch::{BATCH_ROWS, Batch};
use crate::evaluate::{Cancellation, Clock, EmptyRow, KeyTable};
use crate::limits::{CancellationFlag, Interrupt, MemoryMeter};
use crate::load_csv::{CsvSource, NoCsv};
use crate::operators::{ProfiledAccess, Run, Shared, Stream, build};
use crate::procedures::{NoServer, ProcedureRegistry, ServerInformation};
use crate::statistics::{OperatorProfile, ProfileCounters, Statistics};

/// Rows of the first pull; each further one asks for eight times as many, up to [`BATCH_ROWS`].
const FIRST_BATCH_ROWS: usize = 16;
/// How much each pull grows over the last.
const BATCH_GROWTH: usize = 8;

/// What a statement is run with.
#[derive(Clone)]
pub struct ExecutionOptions {
    /// Bytes of memory that the statement may hold, by estimate (`db.memory.transaction.max`).
    pub memory_limit: usize,
    /// Stops the statement from outside.
    pub cancellation: Arc<CancellationFlag>,
    /// When the statement must be done.
    pub deadline: Option<Instant>,
    /// The instants that it sees.
    pub clock: Clock,
    /// The procedures that it may call.
    pub procedures: Arc<ProcedureRegistry>,
    /// What procedures may ask of the server.
    pub server: Arc<dyn ServerInformation>,
    /// Where `LOAD CSV` reads.
    pub csv_source: Arc<dyn CsvSource>,
    /// The name of the database.
    pub database: Arc<str>,
    /// What element ids begin with, such as `4:<database uuid>:`.
    pub element_id_prefix: Arc<str>,
}

impl Default for ExecutionOptions {
    /// 1 GiB, no deadline, no files, no server, the built-in procedures.
    fn default() -> Self {
        Self {
            memory_limit: 1 << 30,
            cancellation: CancellationFlag::new(),
            deadline: None,
            clock: Clock::starting_now(),
            procedures: Arc::new(ProcedureRegistry::built_in()),
            server: Arc::new(NoServer),
            csv_source: Arc::new(NoCsv),
            database: "neo4j".into(),
            element_id_prefix: "4:00000000-0000-0000-0000-000000000000:".into(),
        }
    }
}

/// Rows of a result, ready to be streamed. Values lie row by row in one piece.
#[derive(Debug, Default)]
pub struct ResultBatch {
    width: usize,
    rows: usize,
    values: Vec<Value>,
}

impl ResultBatch {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The row at `place`, a value for each column; empty beyond the last row.
    pub fn row(&self, place: usize) -> &[Value] {
        let start = place.saturating_mul(self.width);
        self.values
            .get(start..start.saturating_add(self.width))
            .unwrap_or_default()
    }

    /// The rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[Value]> {
        (0..self.rows).map(|place| self.row(place))
    }
}

/// A running statement.
pub struct Execution {
    root: Option<Stream>,
    shared: Shared,
    batch: Batch,
    asked: usize,
    started: bool,
    csv: Option<(Arc<str>, i64)>,
}

impl Execution {
    /// Prepares a plan. Nothing is read before the first pull.
    ///
    /// Fails if a parameter is missing, a function or procedure unknown, or the plan deeper than can be run.
    pub fn open(
        plan: Arc<Plan>,
        text: impl Into<Arc<str>>,
        parameters: &Map,
        options: ExecutionOptions,
    ) -> Result<Self, Status> {
        let explained = plan.mode == Mode::Explain;
        let parameters = if explained {
            Vec::new()
        } else {
            parameter_values(&plan, parameters)?
        };
        let profile = (plan.mode == Mode::Profile).then(|| ProfileCounters::new(plan.operator_count));
        let shared = Shared {
            keys: KeyTable::new(&plan.property_keys),
            text: text.into(),
            parameters,
            clock: options.clock,
            element_id_prefix: options.element_id_prefix,
            database: options.database,
            memory: MemoryMeter::new(options.memory_limit),
            interrupt: Interrupt::new(options.cancellation, options.deadline),
            statistics: RefCell::new(Statistics::default()),
            profile,
            procedures: options.procedures,
            server: options.server,
            csv_source: options.csv_source,
            subqueries: RefCell::default(),
            plan,
        };
        let root = if explained {
            None
        } else {
            Some(build(&shared.plan.root, &shared)?)
        };
        Ok(Self {
            root,
            shared,
            batch: Batch::new(),
            asked: 0,
            started: false,
            csv: None,
        })
    }

    /// The columns of the result.
    pub fn columns(&self) -> &[ResultColumn] {
        &self.shared.plan.columns
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.shared.plan
    }

    /// Up to `rows_max` further rows; `None` once there are no more. A query that answers nothing runs to its end in the first
    /// call. After an error every further call answers `None`.
    pub fn next_batch(&mut self, graph: &mut dyn GraphAccess, rows_max: usize) -> Result<Option<ResultBatch>, Status> {
        let result = self.pull(graph, rows_max);
        if !matches!(result, Ok(Some(_))) {
            self.root = None;
        }
        result
    }

    fn pull(&mut self, graph: &mut dyn GraphAccess, rows_max: usize) -> Result<Option<ResultBatch>, Status> {
        let Some(root) = &mut self.root else { return Ok(None) };
        if rows_max == 0 {
            return Ok(Some(ResultBatch::default()));
        }
        self.shared.interrupt.check()?;
        if !self.started {
            root.reset(&self.shared, &EmptyRow);
            self.started = true;
        }
        self.asked = match self.asked {
            0 => FIRST_BATCH_ROWS,
            asked => asked.saturating_mul(BATCH_GROWTH).min(BATCH_ROWS),
        };
        self.batch.clear();
        let wanted = self.asked.min(rows_max);
        let mut profiled;
        let access: &mut dyn GraphAccess = match &self.shared.profile {
            Some(counters) => {
                profiled = ProfiledAccess::new(graph, counters);
                &mut profiled
            }
            None => graph,
        };
        let mut run = Run {
            access,
            shared: &self.shared,
            csv: self.csv.take(),
        };
        root.next(&mut run, wanted, &mut self.batch)?;
        self.csv = run.csv;
        if self.batch.is_empty() {
            return Ok(None);
        }
        Ok(Some(result_rows(&self.batch, &self.shared.plan.columns)))
    }

    /// Runs to the end without keeping rows, as DISCARD does. A query that only reads is not run any further.
    pub fn discard(&mut self, graph: &mut dyn GraphAccess) -> Result<(), Status> {
        if self.shared.plan.access == bastide_plan::operator::Access::Read && self.shared.profile.is_none() {
            self.root = None;
            return Ok(());
        }
        while self.next_batch(graph, usize::MAX)?.is_some() {}
        Ok(())
    }

    /// Whether all rows were answered, or an error was.
    pub fn is_finished(&self) -> bool {
        self.root.is_none()
    }

    /// What was changed so far.
    pub fn statistics(&self) -> Statistics {
        *self.shared.statistics.borrow()
    }

    /// What each operator did so far, by [`bastide_plan::Operator::id`], if the statement is profiled.
    pub fn profile(&self) -> Option<Vec<OperatorProfile>> {
        self.shared.profile.as_ref().map(ProfileCounters::snapshot)
    }

    /// The most memory that was held at once, in bytes by estimate.
    pub fn memory_peak(&self) -> usize {
        self.shared.memory.peak()
    }

    /// Warnings and hints for the client.
    pub fn notifications(&self) -> &[Notification] {
        &self.shared.plan.notifications
    }
}

impl std::fmt::Debug for Execution {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Parameters and rows may be private; their number is not.
        formatter
            .debug_struct("Execution")
            .field("started", &self.started)
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

fn parameter_values(plan: &Plan, parameters: &Map) -> Result<Vec<Value>, Status> {
    let missing: Vec<&str> = plan
        .parameters
        .iter()
        .filter(|name| !parameters.contains_key(name))
        .map(AsRef::as_ref)
        .collect();
    if !missing.is_empty() {
        return Err(Status::new(
            Code::ParameterMissing,
            format!("expected parameter(s): {}", missing.join(", ")),
        ));
    }
    Ok(plan
        .parameters
        .iter()
        .map(|name| parameters.get(name).cloned().unwrap_or_default())
        .collect())
}

fn result_rows(batch: &Batch, columns: &[ResultColumn]) -> ResultBatch {
    let slots: Vec<Slot> = columns.iter().map(|column| column.slot).collect();
    let mut values = Vec::with_capacity(slots.len().saturating_mul(batch.rows()));
    for row in 0..batch.rows() {
        values.extend(slots.iter().map(|slot| batch.value(*slot, row)));
    }
    ResultBatch {
        width: slots.len(),
        rows: batch.rows(),
        values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_can_move_between_threads() {
        fn is_send<T: Send>() {}
        is_send::<Execution>();
    }
}
