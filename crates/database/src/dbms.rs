//! The facade's root: databases, users, and what sessions share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use bastide_execute::{CsvSource, ProcedureRegistry};
use bastide_graph::Graph;
use bastide_security::{Authority, Lockout, Principal};
use bastide_status::{Code, Result, Status};
use tokio::sync::Semaphore;

use crate::auditor::Auditor;
use crate::configuration::Configuration;
use crate::plan_cache::PlanCache;
use crate::registry::Registry;
use crate::users::Users;

/// One database.
pub struct Database {
    /// Its name.
    pub name: Arc<str>,
    /// A UUID, made once and kept with the data.
    pub id: Arc<str>,
    /// When it was first opened.
    pub created: SystemTime,
    pub(crate) graph: Arc<Graph>,
    pub(crate) element_id_prefix: Arc<str>,
    /// The commit of the last checkpoint, or the one at opening.
    pub(crate) checkpointed: AtomicU64,
}

impl Database {
    pub(crate) fn new(name: Arc<str>, id: Arc<str>, created: SystemTime, graph: Graph) -> Self {
        let element_id_prefix = format!("4:{id}:").into();
        let checkpointed = AtomicU64::new(graph.last_commit_id().0);
        Self {
            name,
            id,
            created,
            graph: Arc::new(graph),
            element_id_prefix,
            checkpointed,
        }
    }

    pub(crate) fn commits_since_checkpoint(&self) -> u64 {
        self.graph
            .last_commit_id()
            .0
            .saturating_sub(self.checkpointed.load(Ordering::Relaxed))
    }
}

/// Everything behind the listeners: databases, users, running transactions.
pub struct Dbms {
    pub(crate) configuration: Configuration,
    pub(crate) databases: BTreeMap<Arc<str>, Arc<Database>>,
    /// What statements see of `system`: nothing. Users are shown by commands, never by patterns.
    pub(crate) empty: Arc<Database>,
    pub(crate) users: Users,
    pub(crate) authority: Authority,
    pub(crate) lockout: Lockout,
    pub(crate) auditor: Arc<dyn Auditor>,
    pub(crate) plans: PlanCache,
    pub(crate) registry: Arc<Registry>,
    pub(crate) procedures: Arc<ProcedureRegistry>,
    pub(crate) csv_source: Arc<dyn CsvSource>,
    pub(crate) logins: Semaphore,
    pub(crate) started: Instant,
}

impl Dbms {
    /// The database a client asks for, or the user's home. What does not exist and what may not be seen look the same.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn database(&self, name: Option<&str>, principal: &Principal) -> Result<&Arc<Database>> {
        let name = name
            .filter(|name| !name.is_empty())
            .or_else(|| principal.home_database())
            .unwrap_or(&self.configuration.default_database);
        // Names are case-insensitive, as in Neo4j.
        let lowercase = name.to_ascii_lowercase();
        self.databases.get(lowercase.as_str()).ok_or_else(|| {
            Status::new(Code::DatabaseNotFound, format!("database `{name}` does not exist"))
                .with_advice("`SHOW DATABASES` lists those you can see")
        })
    }

    /// How long the server has been running.
    pub fn uptime(&self) -> std::time::Duration {
        self.started.elapsed()
    }

    /// Whether there is no user yet, as before the first start.
    pub fn has_no_users(&self) -> bool {
        self.users.is_empty()
    }

    /// How many transactions are running.
    pub fn running_transactions(&self) -> usize {
        self.registry.transactions().len()
    }

    /// Ends every running transaction, for a shutdown whose grace period is over.
    pub fn terminate_transactions(&self) {
        for (id, _) in self.registry.transactions() {
            let reason = Status::new(Code::DatabaseUnavailable, "the server is shutting down");
            // One that ended in the meantime needs no ending.
            let _owner = self.registry.terminate(id, reason, |_| true);
        }
    }
}
