//! The rows of one statement, pulled batch by batch.
//!
//! INVARIANT: an auto-commit statement that writes is run to its end and committed before its first row is given, so that one
//! that loses against another transaction can be run again without the client noticing. A result that is too large to be kept
//! is streamed instead, and is then not run again.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bastide_execute::{Execution, OperatorProfile, ResultBatch, Statistics};
use bastide_graph::Snapshot;
use bastide_model::{GraphRead, Map, Value};
use bastide_plan::Plan;
use bastide_plan::operator::Access;
use bastide_security::ReadPermit;
use bastide_status::{Code, Result, Status};

use crate::session::Frame;
use crate::transaction::{Carrier, OpenCarrier, Renewal, SharedTransaction, locked, nothing};
use crate::{bookmark, compile};

/// Rows that a writing statement may answer and still be run again when it loses.
const KEPT_ROWS_MAX: usize = 10_000;
/// Losses after which a statement is run with the writer's slot held.
const LOSSES_MAX: u32 = 3;

/// Whether a visitor takes further rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisitOutcome {
    /// It does.
    Continue,
    /// Not in this batch.
    Full,
}

/// Takes rows. Nodes and relationships are looked up in the graph that comes with each.
pub trait RowVisitor {
    /// Takes one row.
    ///
    /// # Errors
    /// Ends the statement with this error.
    fn visit(&mut self, row: &[Value], graph: &dyn GraphRead) -> Result<VisitOutcome>;
}

/// What is known once a statement is done.
#[derive(Debug)]
pub struct Completion {
    /// What it does to the graph.
    pub access: Access,
    /// What it changed.
    pub statistics: Statistics,
    /// The plan; none for commands on users.
    pub plan: Option<Arc<Plan>>,
    /// What each operator did, by id, if profiled.
    pub profile: Option<Vec<OperatorProfile>>,
    /// The bookmark of an auto-commit statement.
    pub bookmark: Option<String>,
}

/// A statement that is to run in a transaction of its own.
pub(crate) struct AutoCommit {
    pub(crate) frame: Arc<Frame>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) text: Arc<str>,
    pub(crate) parameters: Map,
}

/// Where rows come from.
enum Source {
    /// Not begun.
    Waiting(AutoCommit),
    /// In a transaction of its own that is still open; `first` holds batches that were pulled already.
    Own {
        execution: Execution,
        carrier: Carrier,
        first: VecDeque<ResultBatch>,
    },
    /// Committed; the rows are kept.
    Kept {
        execution: Execution,
        batches: VecDeque<ResultBatch>,
        snapshot: Snapshot,
    },
    /// In an explicit transaction.
    Shared {
        execution: Execution,
        transaction: Arc<Mutex<SharedTransaction>>,
    },
    /// Rows that need no graph.
    Fixed {
        rows: VecDeque<Vec<Value>>,
        system_updates: u64,
    },
    /// Failed, or finished.
    Over,
}

/// The rows of one statement.
pub struct ResultStream {
    frame: Arc<Frame>,
    columns: Vec<String>,
    source: Source,
    pending: ResultBatch,
    place: usize,
}

impl ResultStream {
    pub(crate) fn auto_commit(statement: AutoCommit) -> Result<Self> {
        let columns = column_names(&statement.plan);
        let mut stream = Self::new(Arc::clone(&statement.frame), columns, Source::Over);
        // Reading statements are opened at once, so that a missing parameter is reported where the statement was sent.
        if statement.plan.access == Access::Read {
            let carrier = Carrier::begin(&statement.frame, false, false)?;
            stream.source = Source::Own {
                execution: statement.open()?,
                carrier,
                first: VecDeque::new(),
            };
        } else {
            drop(statement.open()?);
            stream.source = Source::Waiting(statement);
        }
        Ok(stream)
    }

    pub(crate) fn shared(frame: Arc<Frame>, execution: Execution, transaction: Arc<Mutex<SharedTransaction>>) -> Self {
        let columns = column_names(execution.plan());
        Self::new(frame, columns, Source::Shared { execution, transaction })
    }

    pub(crate) fn fixed(frame: Arc<Frame>, columns: Vec<String>, rows: Vec<Vec<Value>>, system_updates: u64) -> Self {
        Self::new(
            frame,
            columns,
            Source::Fixed {
                rows: rows.into(),
                system_updates,
            },
        )
    }

    fn new(frame: Arc<Frame>, columns: Vec<String>, source: Source) -> Self {
        Self {
            frame,
            columns,
            source,
            pending: ResultBatch::default(),
            place: 0,
        }
    }

    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The database it runs in.
    pub fn database(&self) -> &str {
        &self.frame.database.name
    }

    /// What element ids of nodes and relationships in the rows begin with.
    pub fn element_id_prefix(&self) -> &str {
        &self.frame.database.element_id_prefix
    }

    /// Gives up to `rows_max` rows to the visitor and says whether there may be more.
    ///
    /// # Errors
    /// What the client is told; the stream is over then.
    pub fn next_batch(&mut self, rows_max: usize, visitor: &mut dyn RowVisitor) -> Result<bool> {
        let result = self.try_next_batch(rows_max, visitor);
        if result.is_err() {
            self.fail();
        }
        result
    }

    fn fail(&mut self) {
        if let Source::Shared { transaction, .. } = &self.source {
            locked(transaction).failed = true;
        }
        self.source = Source::Over;
    }

    fn try_next_batch(&mut self, rows_max: usize, visitor: &mut dyn RowVisitor) -> Result<bool> {
        self.begin()?;
        if let Source::Fixed { rows, .. } = &mut self.source {
            return give_fixed(rows, rows_max, visitor);
        }
        let mut given = 0;
        while given < rows_max {
            if self.place >= self.pending.len() {
                match self.pull(rows_max - given)? {
                    Some(batch) => (self.pending, self.place) = (batch, 0),
                    None => return Ok(false),
                }
                continue;
            }
            let (taken, outcome) = self.give_pending(rows_max - given, visitor)?;
            given += taken;
            if outcome == VisitOutcome::Full {
                break;
            }
        }
        Ok(true)
    }

    /// Gives rows of the pending batch; says how many were taken.
    fn give_pending(&mut self, rows_max: usize, visitor: &mut dyn RowVisitor) -> Result<(usize, VisitOutcome)> {
        let held;
        let graph: Option<&dyn GraphRead> = match &self.source {
            Source::Own { carrier, .. } => carrier.graph(),
            Source::Kept { snapshot, .. } => Some(snapshot),
            Source::Shared { transaction, .. } => {
                held = locked(transaction);
                held.carrier.graph()
            }
            _ => None,
        };
        let graph = graph.unwrap_or(nothing());
        let mut taken = 0;
        while taken < rows_max && self.place < self.pending.len() {
            let outcome = visitor.visit(self.pending.row(self.place), graph)?;
            self.place += 1;
            taken += 1;
            if outcome == VisitOutcome::Full {
                return Ok((taken, VisitOutcome::Full));
            }
        }
        Ok((taken, VisitOutcome::Continue))
    }

    fn pull(&mut self, rows_max: usize) -> Result<Option<ResultBatch>> {
        match &mut self.source {
            Source::Own {
                execution,
                carrier,
                first,
            } => match first.pop_front() {
                Some(batch) => Ok(Some(batch)),
                None => execution.next_batch(&mut OpenCarrier::fixed(carrier), rows_max),
            },
            Source::Kept { batches, .. } => Ok(batches.pop_front()),
            Source::Shared { execution, transaction } => {
                let mut transaction = locked(transaction);
                execution.next_batch(&mut OpenCarrier::fixed(&mut transaction.carrier), rows_max)
            }
            _ => Ok(None),
        }
    }

    /// Begins a writing statement: runs it to its end and commits it, again and again while it loses.
    fn begin(&mut self) -> Result<()> {
        let Source::Waiting(statement) = &self.source else {
            return Ok(());
        };
        let mut losses = 0;
        let source = loop {
            let committed = Cell::new(false);
            match statement.attempt(losses >= LOSSES_MAX, &committed) {
                Err(status) if is_loss(&status) && losses < LOSSES_MAX && !committed.get() => losses += 1,
                outcome => break outcome?,
            }
            self.frame.check_running()?;
        };
        self.source = source;
        Ok(())
    }

    /// Ends the stream: runs what is left of a writing statement, and commits if it is one of its own.
    ///
    /// # Errors
    /// What the client is told; nothing is committed then.
    pub fn finish(mut self) -> Result<Completion> {
        let result = self.try_finish();
        if result.is_err() {
            self.fail();
        }
        result
    }

    fn try_finish(&mut self) -> Result<Completion> {
        self.begin()?;
        let bookmark = |commit| Some(bookmark::format(&self.frame.database.id, commit));
        match &mut self.source {
            Source::Own { execution, carrier, .. } => {
                execution.discard(&mut OpenCarrier::fixed(carrier))?;
                self.frame.check_running()?;
                let commit = carrier.commit()?;
                Ok(completion(execution, bookmark(commit)))
            }
            Source::Kept {
                execution, snapshot, ..
            } => Ok(completion(execution, bookmark(snapshot.commit_id()))),
            Source::Shared { execution, transaction } => {
                execution.discard(&mut OpenCarrier::fixed(&mut locked(transaction).carrier))?;
                Ok(completion(execution, None))
            }
            Source::Fixed { system_updates, .. } => Ok(Completion {
                access: Access::Schema,
                statistics: Statistics {
                    system_updates: *system_updates,
                    ..Statistics::default()
                },
                plan: None,
                profile: None,
                bookmark: None,
            }),
            Source::Waiting(_) | Source::Over => Err(Status::new(Code::TransactionNotFound, "the statement is over")),
        }
    }
}

impl AutoCommit {
    fn open(&self) -> Result<Execution> {
        Execution::open(
            Arc::clone(&self.plan),
            Arc::clone(&self.text),
            &self.parameters,
            self.frame.execution_options(),
        )
    }

    /// Runs the statement once. An error leaves nothing behind.
    fn attempt(&self, hold_writer_slot: bool, committed: &Cell<bool>) -> Result<Source> {
        let renewal = Renewal {
            frame: &self.frame,
            committed,
        };
        let mut carrier = Carrier::begin(&self.frame, true, hold_writer_slot)?;
        let mut execution = self.open()?;
        let mut batches = VecDeque::new();
        let mut rows = 0;
        while let Some(batch) = execution.next_batch(&mut OpenCarrier::renewable(&mut carrier, renewal), usize::MAX)? {
            rows += batch.len();
            batches.push_back(batch);
            // A statement that commits in between is run to its end, as the stream could not commit for it.
            if rows > KEPT_ROWS_MAX && !committed.get() {
                return Ok(Source::Own {
                    execution,
                    carrier,
                    first: batches,
                });
            }
        }
        self.frame.check_running()?;
        carrier.commit()?;
        let permit: ReadPermit = self.frame.permit()?;
        let snapshot = compile::visible_graph(&self.frame).begin_read(&permit);
        Ok(Source::Kept {
            execution,
            batches,
            snapshot,
        })
    }
}

/// Whether another transaction was first, so that trying again may succeed.
fn is_loss(status: &Status) -> bool {
    status.code() == Code::TransactionConflict
}

fn column_names(plan: &Plan) -> Vec<String> {
    plan.columns.iter().map(|column| column.name.to_string()).collect()
}

fn give_fixed(rows: &mut VecDeque<Vec<Value>>, rows_max: usize, visitor: &mut dyn RowVisitor) -> Result<bool> {
    for _ in 0..rows_max {
        let Some(row) = rows.pop_front() else { return Ok(false) };
        if visitor.visit(&row, nothing())? == VisitOutcome::Full {
            break;
        }
    }
    Ok(true)
}

fn completion(execution: &Execution, bookmark: Option<String>) -> Completion {
    Completion {
        access: execution.plan().access,
        statistics: execution.statistics(),
        plan: Some(Arc::clone(execution.plan())),
        profile: execution.profile(),
        bookmark,
    }
}
