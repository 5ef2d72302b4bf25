//! Explicit transactions, and what carries a statement through the graph.

use std::cell::Cell;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use bastide_cypher::ast::StatementBody;
use bastide_execute::{Execution, GraphAccess, TransactionControl};
use bastide_graph::{Snapshot, Transaction};
use bastide_model::{CommitId, GraphRead, GraphWrite, Map};
use bastide_security::{AccessMode, OwnPasswordPermit, ReadPermit, WritePermit};
use bastide_status::{Code, Result, Status};

use crate::administration::{self, Prepared};
use crate::error::graph_error;
use crate::session::Frame;
use crate::stream::ResultStream;
use crate::{SYSTEM_DATABASE, bookmark, compile};

/// How many commands on users one transaction may hold back until its commit.
const PREPARED_MAX: usize = 1_000;

/// The graph as one transaction sees it.
pub(crate) enum Carrier {
    /// Opened for reading.
    Reading(Snapshot),
    /// Opened for writing. Boxed, as it is large and moved about.
    Writing(Box<Transaction>),
    /// Committed or rolled back.
    Ended,
}

impl Carrier {
    /// Begins in the way that the access mode asks for.
    pub(crate) fn begin(frame: &Frame, writes: bool, hold_writer_slot: bool) -> Result<Self> {
        let graph = compile::visible_graph(frame);
        if writes && frame.database.name.as_ref() != SYSTEM_DATABASE {
            let permit: WritePermit = frame.permit()?;
            return Ok(Self::Writing(Box::new(
                graph.begin_write(&permit, frame.write_options(hold_writer_slot)),
            )));
        }
        let permit: ReadPermit = frame.permit()?;
        Ok(Self::Reading(graph.begin_read(&permit)))
    }

    /// The graph, while the transaction is open.
    pub(crate) fn graph(&self) -> Option<&dyn GraphRead> {
        match self {
            Self::Reading(snapshot) => Some(snapshot),
            Self::Writing(transaction) => Some(transaction.as_ref()),
            Self::Ended => None,
        }
    }

    /// Commits and answers the commit that is now seen.
    pub(crate) fn commit(&mut self) -> Result<CommitId> {
        match std::mem::replace(self, Self::Ended) {
            Self::Reading(snapshot) => Ok(snapshot.commit_id()),
            Self::Writing(transaction) => Ok(transaction.commit().map_err(graph_error)?.commit_id),
            Self::Ended => Err(over()),
        }
    }
}

/// A [`Carrier`] that is open, as the executor sees it.
pub(crate) struct OpenCarrier<'a> {
    carrier: &'a mut Carrier,
    renewal: Option<Renewal<'a>>,
}

/// What a statement needs that commits in between.
#[derive(Clone, Copy)]
pub(crate) struct Renewal<'a> {
    /// Whose transactions follow one another.
    pub(crate) frame: &'a Frame,
    /// Set once something was committed, after which the statement must not be run again.
    pub(crate) committed: &'a Cell<bool>,
}

impl<'a> OpenCarrier<'a> {
    /// For a statement of an explicit transaction, which may not commit in between.
    pub(crate) fn fixed(carrier: &'a mut Carrier) -> Self {
        Self { carrier, renewal: None }
    }

    /// For a statement in a transaction of its own.
    pub(crate) fn renewable(carrier: &'a mut Carrier, renewal: Renewal<'a>) -> Self {
        Self {
            carrier,
            renewal: Some(renewal),
        }
    }

    fn renew(&mut self, renewal: Renewal<'_>) -> Result<()> {
        renewal.frame.check_running()?;
        *self.carrier = Carrier::begin(renewal.frame, true, false)?;
        Ok(())
    }
}

impl TransactionControl for OpenCarrier<'_> {
    fn commit_and_renew(&mut self) -> Result<()> {
        let renewal = self.renewal.ok_or_else(over)?;
        self.carrier.commit()?;
        renewal.committed.set(true);
        self.renew(renewal)
    }

    fn roll_back_and_renew(&mut self) -> Result<()> {
        let renewal = self.renewal.ok_or_else(over)?;
        self.renew(renewal)
    }
}

impl GraphAccess for OpenCarrier<'_> {
    fn read(&self) -> &dyn GraphRead {
        match &*self.carrier {
            Carrier::Reading(snapshot) => snapshot,
            Carrier::Writing(transaction) => transaction.as_ref(),
            Carrier::Ended => nothing(),
        }
    }

    fn write(&mut self) -> Result<&mut dyn GraphWrite> {
        match &mut *self.carrier {
            Carrier::Writing(transaction) => Ok(transaction.as_mut()),
            Carrier::Reading(_) => Err(bastide_execute::read_only_refused()),
            Carrier::Ended => Err(over()),
        }
    }

    fn transaction_control(&mut self) -> Option<&mut dyn TransactionControl> {
        self.renewal.is_some().then_some(self as _)
    }
}

/// A graph without anything in it, for what is over.
pub(crate) fn nothing() -> &'static dyn GraphRead {
    static NOTHING: LazyLock<Snapshot> =
        LazyLock::new(|| bastide_graph::Graph::in_memory().begin_read(&ReadPermit::for_system_startup("")));
    &*NOTHING
}

fn over() -> Status {
    Status::new(Code::TransactionNotFound, "the transaction is over")
}

/// What the streams of an explicit transaction share.
pub(crate) struct SharedTransaction {
    pub(crate) carrier: Carrier,
    pub(crate) failed: bool,
}

/// A transaction that a client begins and ends. Dropping it rolls it back.
pub struct ExplicitTransaction {
    frame: Arc<Frame>,
    shared: Arc<Mutex<SharedTransaction>>,
    prepared: Vec<Prepared>,
}

pub(crate) fn locked(shared: &Mutex<SharedTransaction>) -> MutexGuard<'_, SharedTransaction> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ExplicitTransaction {
    pub(crate) fn begin(frame: Frame) -> Result<Self> {
        let writes = frame.access_mode == AccessMode::Write;
        // Drivers change an expired password in a transaction of their own; it sees nothing and does nothing else.
        let carrier = if frame.principal.password_change_required() {
            let permit: OwnPasswordPermit = frame.permit()?;
            Carrier::Reading(
                frame
                    .dbms
                    .empty
                    .graph
                    .begin_read(&ReadPermit::for_system_startup(permit.database())),
            )
        } else {
            Carrier::begin(&frame, writes, false)?
        };
        let shared = Arc::new(Mutex::new(SharedTransaction { carrier, failed: false }));
        Ok(Self {
            frame: Arc::new(frame),
            shared,
            prepared: Vec::new(),
        })
    }

    /// The database it runs in.
    pub fn database(&self) -> &str {
        &self.frame.database.name
    }

    /// Runs a statement. Commands on users take effect with the commit.
    ///
    /// # Errors
    /// What the client is told; the transaction can then only be rolled back.
    pub fn run(&mut self, text: &str, parameters: &Map) -> Result<ResultStream> {
        let result = self.try_run(text, parameters);
        if result.is_err() {
            locked(&self.shared).failed = true;
        }
        result
    }

    fn try_run(&mut self, text: &str, parameters: &Map) -> Result<ResultStream> {
        self.frame.check_running()?;
        if locked(&self.shared).failed {
            return Err(failed());
        }
        self.frame.entered.set_statement(text);
        let text: Arc<str> = text.into();
        let snapshot = compile::snapshot_for_planning(&self.frame)?;
        let plan = match compile::cached(&self.frame, &text, &snapshot) {
            Some(plan) => plan,
            None => {
                let statement = compile::parse(&text)?;
                if let StatementBody::Admin(command) = &statement.body {
                    return self.prepare(command, parameters);
                }
                let transaction = locked(&self.shared);
                // An index made by this transaction is seen by its later statements.
                let graph = transaction.carrier.graph().ok_or_else(over)?;
                compile::plan(&self.frame, &statement, &text, graph)?
            }
        };
        self.frame.check(&plan)?;
        let execution = Execution::open(plan, text, parameters, self.frame.execution_options())?;
        Ok(ResultStream::shared(
            Arc::clone(&self.frame),
            execution,
            Arc::clone(&self.shared),
        ))
    }

    fn prepare(&mut self, command: &bastide_cypher::ast::AdminCommand, parameters: &Map) -> Result<ResultStream> {
        if self.prepared.len() >= PREPARED_MAX {
            return Err(Status::new(
                Code::ArgumentError,
                format!("a transaction can hold at most {PREPARED_MAX} commands on users"),
            ));
        }
        match administration::prepare(&self.frame, command, parameters)? {
            administration::Command::Answer(stream) => Ok(*stream),
            administration::Command::Change(prepared) => {
                self.prepared.push(prepared);
                Ok(administration::done(&self.frame, 1))
            }
        }
    }

    /// Commits and answers the bookmark.
    ///
    /// # Errors
    /// What the client is told; nothing is committed then, but for commands on users that came before the one that failed.
    pub fn commit(mut self) -> Result<String> {
        self.frame.check_running()?;
        let mut shared = locked(&self.shared);
        if shared.failed {
            return Err(failed());
        }
        let commit = shared.carrier.commit()?;
        for prepared in std::mem::take(&mut self.prepared) {
            prepared.apply(&self.frame)?;
        }
        Ok(bookmark::format(&self.frame.database.id, commit))
    }

    /// Rolls back.
    pub fn rollback(self) {
        locked(&self.shared).carrier = Carrier::Ended;
    }
}

fn failed() -> Status {
    Status::new(
        Code::TransactionTerminated,
        "the transaction has failed before and can only be rolled back",
    )
}

impl Drop for ExplicitTransaction {
    fn drop(&mut self) {
        // Streams may outlive the transaction; they must not keep it open.
        locked(&self.shared).carrier = Carrier::Ended;
    }
}
