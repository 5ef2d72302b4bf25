//! Handing out a database for a backup.
//!
//! INVARIANT: no database is handed out before the audit log holds by whom and from where, and how it ended is recorded
//! too. The backup channel has verified the client's certificate; whoever passes that may take backups. Must not know
//! sockets or how a backup is written.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use bastide_audit::{Action, Event, Outcome};
use bastide_graph::Export;
use bastide_security::ReadPermit;
use bastide_status::{Code, Result, Status};

use crate::auditor::Auditor;
use crate::dbms::Dbms;

/// Who takes a backup.
#[derive(Clone, Debug)]
pub struct BackupTaker {
    /// The name in the certificate that was shown and verified; empty if the policy asks for none.
    pub name: String,
    /// From where.
    pub address: SocketAddr,
}

/// How the taking of a backup ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupEnd {
    /// The client says that it has all of it.
    Complete,
    /// The client did not come back in time, or the server stopped.
    GivenUp,
    /// The connection ended before the end; the client may come back.
    Cut,
}

/// A state of a database, held for a backup.
pub struct DatabaseBackup {
    /// The name of the database.
    pub database: Arc<str>,
    /// Its id, a UUID.
    pub database_id: Arc<str>,
    /// When it was made.
    pub created: SystemTime,
    /// When this state was the newest.
    pub time: SystemTime,
    /// The state.
    pub export: Export,
    auditor: Arc<dyn Auditor>,
}

impl std::fmt::Debug for DatabaseBackup {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("DatabaseBackup")
            .field("database", &self.database)
            .field("commit", &self.export.commit_id())
            .finish_non_exhaustive()
    }
}

impl Dbms {
    /// Names and ids of the databases that can be backed up, in order of their names.
    pub fn databases_for_backup(&self) -> Vec<(Arc<str>, Arc<str>)> {
        let databases = self.databases.values();
        databases
            .map(|database| (Arc::clone(&database.name), Arc::clone(&database.id)))
            .collect()
    }

    /// Holds the newest durable state of a database for a backup. `backup_id` is its name in the audit log. Blocks.
    ///
    /// # Errors
    /// If there is no such database, or the audit log cannot be written.
    pub fn begin_backup(&self, name: &str, taker: &BackupTaker, backup_id: &str) -> Result<DatabaseBackup> {
        let lowercase = name.to_ascii_lowercase();
        let Some(database) = self.databases.get(lowercase.as_str()) else {
            let refused = event(Action::BackupStarted, Outcome::Refused, taker, &lowercase);
            self.auditor.record(refused.with_detail("reason", "no such database"))?;
            return Err(Status::new(
                Code::DatabaseNotFound,
                format!("database `{lowercase}` does not exist"),
            ));
        };
        let permit = ReadPermit::for_backup(&taker.name, &database.name);
        let time = SystemTime::now();
        let export = database.graph.export(&permit);
        let commit = export.commit_id().to_string();
        let started = event(Action::BackupStarted, Outcome::Success, taker, &database.name)
            .with_detail("backup", backup_id)
            .with_detail("commit", &commit);
        self.auditor.record(started)?;
        Ok(DatabaseBackup {
            database: Arc::clone(&database.name),
            database_id: Arc::clone(&database.id),
            created: database.created,
            time,
            export,
            auditor: Arc::clone(&self.auditor),
        })
    }
}

impl Dbms {
    /// Records that a connection to the backup channel came to nothing.
    ///
    /// # Errors
    /// If the audit log cannot be written.
    pub fn record_refused_backup_connection(&self, address: SocketAddr, reason: &str) -> Result<()> {
        let refused = Event::new(Action::ConnectionRefused, Outcome::Refused)
            .with_address(address)
            .with_detail("channel", "backup")
            .with_detail("reason", reason);
        self.auditor.record_deferred(refused)
    }
}

impl DatabaseBackup {
    /// Records how it ended, or was cut. `bytes` is what was sent over this connection.
    ///
    /// # Errors
    /// If the audit log cannot be written.
    pub fn record_end(&self, end: BackupEnd, taker: &BackupTaker, backup_id: &str, bytes: u64) -> Result<()> {
        let (outcome, word) = match end {
            BackupEnd::Complete => (Outcome::Success, "complete"),
            BackupEnd::GivenUp => (Outcome::Failure, "given up"),
            BackupEnd::Cut => (Outcome::Failure, "cut, may be resumed"),
        };
        let ended = event(Action::BackupEnded, outcome, taker, &self.database)
            .with_detail("backup", backup_id)
            .with_detail("commit", &self.export.commit_id().to_string())
            .with_detail("end", word)
            .with_detail("bytes", &bytes.to_string());
        self.auditor.record(ended)
    }

    /// Records that a client came back for the rest.
    ///
    /// # Errors
    /// If the audit log cannot be written.
    pub fn record_resumed(&self, taker: &BackupTaker, backup_id: &str) -> Result<()> {
        let resumed = event(Action::BackupStarted, Outcome::Success, taker, &self.database)
            .with_detail("backup", backup_id)
            .with_detail("commit", &self.export.commit_id().to_string())
            .with_detail("resumed", "true");
        self.auditor.record(resumed)
    }
}

fn event(action: Action, outcome: Outcome, taker: &BackupTaker, database: &str) -> Event {
    Event::new(action, outcome)
        .with_user(&taker.name)
        .with_address(taker.address)
        .with_database(database)
}
