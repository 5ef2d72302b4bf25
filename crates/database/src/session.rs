//! One user's session: where statements and transactions begin.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use bastide_audit::Event;
use bastide_cypher::ast::{Statement, StatementBody};
use bastide_execute::CancellationFlag;
use bastide_graph::{Isolation, WriteOptions};
use bastide_model::Map;
use bastide_plan::Plan;
use bastide_plan::operator::Access;
use bastide_security::{AdministrationPermit, Permit, Principal, ReadPermit, Scope, WritePermit};
use bastide_status::{Code, Result, Status};
use tokio::sync::watch;

use crate::dbms::{Database, Dbms};
use crate::error::denied;
use crate::login::Origin;
use crate::registry::{RunningTransaction, SessionGuard, TransactionGuard, shown_statement};
use crate::stream::{AutoCommit, ResultStream};
use crate::transaction::ExplicitTransaction;
use crate::{administration, bookmark, compile, information};

pub use bastide_security::AccessMode;

/// How a transaction is to run.
#[derive(Clone, Debug)]
pub struct TransactionOptions {
    /// Which database; `None` for the user's home.
    pub database: Option<String>,
    /// Commits that must be seen.
    pub bookmarks: Vec<String>,
    /// How long it may take; `None` for the server's default, zero for no limit.
    pub timeout: Option<Duration>,
    /// What the client wants shown with it.
    pub metadata: Map,
    /// Whether it may write.
    pub access_mode: AccessMode,
    /// As whom to run; only oneself is possible in this version.
    pub impersonated_user: Option<String>,
    /// Tells running work to stop while it is true.
    pub interrupt: Arc<AtomicBool>,
}

impl Default for TransactionOptions {
    fn default() -> Self {
        Self {
            database: None,
            bookmarks: Vec::new(),
            timeout: None,
            metadata: Map::new(),
            access_mode: AccessMode::Write,
            impersonated_user: None,
            interrupt: Arc::default(),
        }
    }
}

/// A logged-in user.
pub struct Session {
    pub(crate) dbms: Arc<Dbms>,
    pub(crate) principal: Principal,
    pub(crate) origin: Option<Origin>,
    ended: watch::Receiver<Option<Status>>,
    _entered: SessionGuard,
}

/// What every transaction of a session needs.
pub(crate) struct Frame {
    pub(crate) dbms: Arc<Dbms>,
    pub(crate) principal: Principal,
    pub(crate) database: Arc<Database>,
    pub(crate) access_mode: AccessMode,
    pub(crate) cancellation: Arc<CancellationFlag>,
    pub(crate) interrupt: Arc<AtomicBool>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) clock: bastide_execute::evaluate::Clock,
    pub(crate) entered: TransactionGuard,
    pub(crate) origin: Option<Origin>,
}

impl Frame {
    /// Asks for a permit in this transaction's database; a refusal is audited.
    pub(crate) fn permit<P: Permit>(&self) -> Result<P> {
        self.permit_for(None)
    }

    fn permit_for<P: Permit>(&self, attempted: Option<&'static str>) -> Result<P> {
        let scope = Scope {
            database: &self.database.name,
            access_mode: self.access_mode,
        };
        self.dbms.authority.decide(&self.principal, scope).map_err(|error| {
            denied(
                &error,
                self.dbms.auditor.as_ref(),
                self.principal.user(),
                &self.database.name,
                attempted,
            )
        })
    }

    /// The permit to change the server itself by what is `attempted`, which sessions for reading do not get.
    pub(crate) fn permit_to_change(&self, attempted: &'static str) -> Result<AdministrationPermit> {
        if self.access_mode == AccessMode::Read {
            return Err(bastide_execute::read_only_refused());
        }
        self.permit_for(Some(attempted))
    }

    /// Records what this session's user does to the server.
    pub(crate) fn audit(&self, event: Event) -> Result<()> {
        let event = event.with_user(self.principal.user());
        self.dbms.auditor.record(match &self.origin {
            Some(origin) => event
                .with_address(origin.address)
                .with_detail("connection", &origin.connection_id),
            None => event,
        })
    }

    /// Refuses what the plan does and the user or the transaction may not.
    pub(crate) fn check(&self, plan: &Plan) -> Result<()> {
        let _read: ReadPermit = self.permit()?;
        match plan.access {
            Access::Read => {}
            Access::ReadWrite | Access::Write => drop(self.permit::<WritePermit>()?),
            Access::Schema => drop(self.permit::<bastide_security::SchemaPermit>()?),
        }
        Ok(())
    }

    /// How a writing transaction of the graph begins.
    pub(crate) fn write_options(&self, hold_writer_slot: bool) -> WriteOptions {
        WriteOptions {
            isolation: Isolation::Serializable,
            memory_limit: self.dbms.configuration.transaction_memory_max,
            termination: Arc::clone(&self.interrupt),
            hold_writer_slot,
        }
    }

    /// Fails once the transaction must end.
    pub(crate) fn check_running(&self) -> Result<()> {
        if let Some(reason) = self.cancellation.reason() {
            return Err(reason);
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Status::new(
                Code::TransactionTimedOut,
                "the transaction has not completed within its timeout",
            )
            .with_advice("raise `db.transaction.timeout` or the timeout that the client sends"));
        }
        Ok(())
    }

    /// What a statement is run with.
    pub(crate) fn execution_options(self: &Arc<Self>) -> bastide_execute::ExecutionOptions {
        bastide_execute::ExecutionOptions {
            memory_limit: self.dbms.configuration.transaction_memory_max,
            cancellation: Arc::clone(&self.cancellation),
            deadline: self.deadline,
            clock: bastide_execute::evaluate::Clock {
                statement: bastide_execute::evaluate::Instant::now(),
                ..self.clock.clone()
            },
            procedures: Arc::clone(&self.dbms.procedures),
            server: Arc::new(information::Information::new(Arc::clone(self))),
            csv_source: crate::import::audited(self),
            database: Arc::clone(&self.database.name),
            element_id_prefix: Arc::clone(&self.database.element_id_prefix),
        }
    }
}

impl Session {
    pub(crate) fn new(dbms: Arc<Dbms>, principal: Principal, origin: Option<Origin>) -> Self {
        let (entered, ended) = dbms.registry.enter_session(principal.user());
        Self {
            dbms,
            principal,
            origin,
            ended,
            _entered: entered,
        }
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        self.principal.user()
    }

    /// Whether the password must be changed before anything else.
    pub fn password_change_required(&self) -> bool {
        self.principal.password_change_required()
    }

    /// Holds the reason once the session was ended from the server's side.
    pub fn ended(&self) -> watch::Receiver<Option<Status>> {
        self.ended.clone()
    }

    /// The database that `name` stands for, for routing tables.
    ///
    /// # Errors
    /// If there is none.
    pub fn resolve_database(&self, name: Option<&str>) -> Result<Arc<str>> {
        Ok(Arc::clone(&self.dbms.database(name, &self.principal)?.name))
    }

    /// Begins an explicit transaction.
    ///
    /// # Errors
    /// What the client is told.
    pub fn begin(&self, options: TransactionOptions) -> Result<ExplicitTransaction> {
        ExplicitTransaction::begin(self.frame(options, "")?)
    }

    /// Runs a statement in a transaction of its own, which is committed when its stream is finished.
    ///
    /// # Errors
    /// What the client is told.
    pub fn run(&self, text: &str, parameters: &Map, options: TransactionOptions) -> Result<ResultStream> {
        let frame = Arc::new(self.frame(options, text)?);
        let text: Arc<str> = text.into();
        let snapshot = compile::snapshot_for_planning(&frame)?;
        if let Some(plan) = compile::cached(&frame, &text, &snapshot) {
            return self.run_plan(frame, plan, text, parameters);
        }
        let statement = compile::parse(&text)?;
        if let StatementBody::Admin(command) = &statement.body {
            return administration::run(&frame, command, parameters);
        }
        let plan = self.plan(&frame, &statement, &text, &snapshot)?;
        self.run_plan(frame, plan, text, parameters)
    }

    fn plan(
        &self,
        frame: &Frame,
        statement: &Statement,
        text: &Arc<str>,
        snapshot: &bastide_graph::Snapshot,
    ) -> Result<Arc<Plan>> {
        compile::plan(frame, statement, text, snapshot)
    }

    fn run_plan(&self, frame: Arc<Frame>, plan: Arc<Plan>, text: Arc<str>, parameters: &Map) -> Result<ResultStream> {
        frame.check(&plan)?;
        ResultStream::auto_commit(AutoCommit {
            frame,
            plan,
            text,
            parameters: parameters.clone(),
        })
    }

    fn frame(&self, options: TransactionOptions, text: &str) -> Result<Frame> {
        if let Some(reason) = self.ended.borrow().clone() {
            return Err(reason);
        }
        if options
            .impersonated_user
            .as_deref()
            .is_some_and(|user| user != self.principal.user())
        {
            return Err(Status::new(Code::Forbidden, "impersonation is not available"));
        }
        let database = Arc::clone(self.dbms.database(options.database.as_deref(), &self.principal)?);
        let configuration = &self.dbms.configuration;
        let timeout = match options.timeout {
            Some(Duration::ZERO) => None,
            Some(timeout) => Some(timeout),
            None => configuration.transaction_timeout,
        };
        let started = Instant::now();
        self.await_bookmarks(&database, &options.bookmarks)?;
        let cancellation = CancellationFlag::watching(Arc::clone(&options.interrupt));
        let entered = self.dbms.registry.enter(RunningTransaction {
            user: self.principal.user().into(),
            database: Arc::clone(&database.name),
            connection_id: self
                .origin
                .as_ref()
                .map_or_else(|| "".into(), |origin| Arc::clone(&origin.connection_id)),
            address: self.origin.as_ref().map(|origin| origin.address),
            started_at: SystemTime::now(),
            started,
            statement: shown_statement(text),
            metadata: options.metadata,
            cancellation: Arc::clone(&cancellation),
        })?;
        let mut clock = bastide_execute::evaluate::Clock::starting_now();
        clock.default_zone = Arc::clone(&configuration.default_zone);
        Ok(Frame {
            dbms: Arc::clone(&self.dbms),
            principal: self.principal.clone(),
            database,
            access_mode: options.access_mode,
            cancellation,
            interrupt: options.interrupt,
            deadline: timeout.and_then(|timeout| started.checked_add(timeout)),
            clock,
            entered,
            origin: self.origin.clone(),
        })
    }

    fn await_bookmarks(&self, database: &Database, bookmarks: &[String]) -> Result<()> {
        let wanted = bookmark::latest(bookmarks, &database.id)?;
        let deadline = Instant::now() + self.dbms.configuration.bookmark_timeout;
        if wanted > database.graph.last_commit_id() && !database.graph.wait_for_commit(wanted, deadline) {
            return Err(Status::new(
                Code::BookmarkTimeout,
                format!(
                    "database `{}` did not reach the bookmarked commit in time",
                    database.name
                ),
            ));
        }
        Ok(())
    }
}
