//! Operators: each pulls batches from the one below and answers its own.
//!
//! Owns the contract between operators ([`Operate`]) and what a running statement shares ([`Run`], [`Shared`]). Must not know how
//! the graph is stored.

mod aggregate;
mod apply;
mod argument;
mod build;
mod build_effects;
mod call;
mod create;
mod delete;
mod distinct;
mod entity;
mod expand;
mod flat_map;
mod foreach;
mod in_transactions;
mod join;
mod load;
mod merge;
mod path_search;
mod profiled;
mod rows;
mod scan;
mod schema;
mod seek;
mod shortest_path;
mod slots;
mod sort;
mod store;
mod subquery;
mod tokens;
mod union;
mod unwind;
mod update;
mod variable_expand;
mod whole_path_search;

use std::cell::RefCell;
use std::sync::Arc;

use bastide_model::{GraphRead, Value};
use bastide_plan::{Operator, Plan};
use bastide_status::Status;
use rustc_hash::FxHashMap;

use crate::access::GraphAccess;
use crate::batch::Batch;
use crate::evaluate::{Cancellation, Clock, CsvPosition, EvaluationContext, KeyTable, RowView};
use crate::limits::{Interrupt, MemoryMeter};
use crate::load_csv::CsvSource;
use crate::procedures::{ProcedureRegistry, ServerInformation};
use crate::statistics::{ProfileCounters, Statistics};

pub(crate) use build::build;
pub(crate) use profiled::ProfiledAccess;

/// An operator while it runs.
pub(crate) trait Operate: Send {
    /// Starts over from `argument`, the row that leaves hand in.
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView);

    /// Puts at least one and at most `wanted` rows (at least 1) into `out`, which is empty; none at all means the end, and then
    /// every later call answers none either.
    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status>;
}

/// An operator, whichever it is.
pub(crate) type Stream = Box<dyn Operate>;

/// What all operators of a statement share, for as long as it runs.
pub(crate) struct Shared {
    pub(crate) plan: Arc<Plan>,
    pub(crate) text: Arc<str>,
    pub(crate) parameters: Vec<Value>,
    pub(crate) keys: KeyTable,
    pub(crate) clock: Clock,
    pub(crate) element_id_prefix: Arc<str>,
    pub(crate) database: Arc<str>,
    pub(crate) memory: MemoryMeter,
    pub(crate) interrupt: Interrupt,
    pub(crate) statistics: RefCell<Statistics>,
    pub(crate) profile: Option<ProfileCounters>,
    pub(crate) procedures: Arc<ProcedureRegistry>,
    pub(crate) server: Arc<dyn ServerInformation>,
    pub(crate) csv_source: Arc<dyn CsvSource>,
    /// Subqueries of expressions that were built before, idle, by the id of their operator.
    pub(crate) subqueries: RefCell<FxHashMap<u32, Vec<Stream>>>,
}

/// A statement during one call: the transaction, and what is shared.
pub(crate) struct Run<'a> {
    pub(crate) access: &'a mut dyn GraphAccess,
    pub(crate) shared: &'a Shared,
    /// The row that `LOAD CSV` read last: its file and line.
    pub(crate) csv: Option<(Arc<str>, i64)>,
}

impl Run<'_> {
    /// The graph as the transaction sees it.
    pub(crate) fn graph(&self) -> &dyn GraphRead {
        self.access.read()
    }

    /// What expressions may read.
    pub(crate) fn context(&self) -> EvaluationContext<'_> {
        let shared = self.shared;
        EvaluationContext {
            graph: self.access.read(),
            parameters: &shared.parameters,
            keys: &shared.keys,
            text: &shared.text,
            clock: &shared.clock,
            subqueries: shared,
            cancellation: &shared.interrupt,
            element_id_prefix: &shared.element_id_prefix,
            csv: self.csv.as_ref().map(|(file, line)| CsvPosition { file, line: *line }),
        }
    }

    /// An error once the statement must stop.
    pub(crate) fn check(&self) -> Result<(), Status> {
        self.shared.interrupt.check()
    }

    /// Changes the counts of changes.
    pub(crate) fn count(&self, change: impl FnOnce(&mut Statistics)) {
        change(&mut self.shared.statistics.borrow_mut());
    }
}

/// Runs an operator to its end for its effects.
pub(crate) fn drain(stream: &mut Stream, run: &mut Run<'_>, scratch: &mut Batch) -> Result<(), Status> {
    loop {
        scratch.clear();
        stream.next(run, crate::batch::BATCH_ROWS, scratch)?;
        if scratch.is_empty() {
            return Ok(());
        }
        run.check()?;
    }
}

/// Builds the subquery `plan` of an expression.
pub(crate) fn build_subquery(plan: &Operator, shared: &Shared) -> Result<Stream, Status> {
    build::build(plan, shared)
}
