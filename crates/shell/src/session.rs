//! A logged-in session: statements, transactions, the database in use.
//!
//! INVARIANT: after a failure inside a transaction nothing runs until it has been rolled back, so that no statement of a script that
//! goes on after failures commits by itself.

use bastide_bolt::{AuthenticationToken, Hello, Pull, Request, Run, TransactionExtra, WireMap, WireValue};
use bastide_secret::SecretString;

use crate::connection::{Answer, Connection};
use crate::error::ShellError;

/// Rows asked for at a time; the server waits while these are printed.
const FETCH_ROWS: u64 = 1_000;
const AGENT: &str = concat!("bastide-shell/", env!("CARGO_PKG_VERSION"));

/// Takes the rows of a result as they come.
pub trait RowSink {
    /// The names of the columns, before any row; may be none.
    ///
    /// # Errors
    /// Output that cannot be written.
    fn columns(&mut self, columns: &[String]) -> std::io::Result<()>;

    /// One row.
    ///
    /// # Errors
    /// Output that cannot be written.
    fn row(&mut self, row: Vec<WireValue>) -> std::io::Result<()>;
}

/// What is known when all rows have come.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many rows came.
    pub rows: u64,
    /// Milliseconds until the first row was ready.
    pub available_after_ms: Option<i64>,
    /// Milliseconds from then to the last row.
    pub consumed_after_ms: Option<i64>,
    /// What the server said at the end: `stats`, `plan`, `profile`, `statuses`, `notifications`.
    pub metadata: WireMap,
}

impl Summary {
    /// What the server said under `key`.
    pub fn field(&self, key: &str) -> Option<&WireValue> {
        self.metadata
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }
}

/// Where the explicit transaction stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transaction {
    /// There is none: each statement commits by itself.
    #[default]
    None,
    /// Statements run in it.
    Open,
    /// It is over on the server, but nobody has said `:rollback` yet.
    Failed,
}

/// Who logs in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// User name.
    pub username: String,
    /// Password.
    pub password: SecretString,
    /// Whether the certificate shown to the server is the login, and user name and password stay here.
    pub is_certificate: bool,
}

/// A session.
pub struct Session {
    connection: Connection,
    username: String,
    database: Option<String>,
    told_database: Option<String>,
    read_only: bool,
    transaction: Transaction,
    bookmark: Option<String>,
    server: String,
    credentials_expired: bool,
}

impl Session {
    /// Logs in.
    ///
    /// # Errors
    /// A refused login, or a lost connection.
    pub fn log_in(mut connection: Connection, credentials: &Credentials) -> Result<Self, ShellError> {
        let token = || match credentials.is_certificate {
            true => AuthenticationToken {
                scheme: "none".to_owned(),
                ..AuthenticationToken::default()
            },
            false => AuthenticationToken {
                scheme: "basic".to_owned(),
                principal: Some(credentials.username.clone()),
                credentials: Some(credentials.password.clone()),
                ..AuthenticationToken::default()
            },
        };
        let version = connection.dialect().version();
        let hello = Hello {
            user_agent: AGENT.to_owned(),
            bolt_agent: Some(vec![("product".to_owned(), AGENT.into())]),
            authentication: (!version.has_logon()).then(token),
            patch_bolt: vec!["utc".to_owned()],
            ..Hello::default()
        };
        let mut metadata = connection.ask_login(Request::Hello(hello))?;
        if version.has_logon() {
            metadata.extend(connection.ask_login(Request::Logon(token()))?);
        }
        let metadata = WireValue::Map(metadata);
        if let Some(WireValue::List(patches)) = metadata.field("patch_bolt")
            && patches.iter().any(|patch| patch.as_str() == Some("utc"))
        {
            connection.use_utc_patch();
        }
        connection.wait_without_limit();
        Ok(Self {
            connection,
            username: credentials.username.clone(),
            database: None,
            told_database: None,
            read_only: false,
            transaction: Transaction::None,
            bookmark: None,
            server: metadata
                .field("server")
                .and_then(WireValue::as_str)
                .unwrap_or_default()
                .to_owned(),
            credentials_expired: metadata.field("credentials_expired") == Some(&WireValue::Boolean(true)),
        })
    }

    /// Who is logged in.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// What the server calls itself.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The database in use, if it was chosen or the server told.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref().or(self.told_database.as_deref())
    }

    /// Whether the password must be changed before anything else.
    pub fn credentials_expired(&self) -> bool {
        self.credentials_expired
    }

    /// Where the transaction stands.
    pub fn transaction(&self) -> Transaction {
        self.transaction
    }

    /// Whether statements may only read.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Lets statements only read, or write too, from the next transaction on.
    pub fn allow_only_reads(&mut self, read_only: bool) {
        self.read_only = read_only;
    }

    /// Uses this database from now on, without asking the server; `None` for the home database.
    pub fn choose_database(&mut self, database: Option<String>) {
        self.database = database;
        self.told_database = None;
    }

    /// Uses this database from now on, if the server lets this user.
    ///
    /// # Errors
    /// An open transaction, the server's refusal, or a lost connection.
    pub fn switch_database(&mut self, database: Option<String>) -> Result<(), ShellError> {
        if self.transaction != Transaction::None {
            return Err(ShellError::usage("the database cannot be changed inside a transaction"));
        }
        let mut extra = self.extra();
        // Bookmarks of one database mean nothing to another.
        extra.bookmarks.clear();
        extra.database.clone_from(&database);
        extra.read_only = true;
        let metadata = self.connection.ask(Request::Begin(extra))?;
        self.connection.ask(Request::Rollback)?;
        self.bookmark = None;
        self.choose_database(database);
        self.learn(&metadata);
        Ok(())
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// One is open already, the server's refusal, or a lost connection.
    pub fn begin(&mut self) -> Result<(), ShellError> {
        match self.transaction {
            Transaction::None => {}
            Transaction::Open => return Err(ShellError::usage("there is an open transaction already")),
            Transaction::Failed => return Err(ShellError::TransactionFailed),
        }
        let metadata = self.connection.ask(Request::Begin(self.extra()))?;
        self.learn(&metadata);
        self.transaction = Transaction::Open;
        Ok(())
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// There is none, it has failed, the server's refusal (then it is rolled back), or a lost connection.
    pub fn commit(&mut self) -> Result<(), ShellError> {
        match self.transaction {
            Transaction::Open => {}
            Transaction::None => return Err(ShellError::usage("there is no open transaction to commit")),
            Transaction::Failed => return Err(ShellError::TransactionFailed),
        }
        self.transaction = Transaction::None;
        let metadata = self.connection.ask(Request::Commit)?;
        self.learn(&metadata);
        Ok(())
    }

    /// Rolls the transaction back.
    ///
    /// # Errors
    /// There is none, or a lost connection.
    pub fn roll_back(&mut self) -> Result<(), ShellError> {
        match std::mem::take(&mut self.transaction) {
            Transaction::Open => self.connection.ask(Request::Rollback).map(drop),
            Transaction::Failed => Ok(()),
            Transaction::None => Err(ShellError::usage("there is no open transaction to roll back")),
        }
    }

    /// Runs one statement, in the transaction if one is open.
    ///
    /// # Errors
    /// The server's failure, Ctrl-C, output that cannot be written, or a lost connection.
    pub fn run(
        &mut self,
        statement: &str,
        parameters: &WireMap,
        sink: &mut dyn RowSink,
    ) -> Result<Summary, ShellError> {
        if self.transaction == Transaction::Failed {
            return Err(ShellError::TransactionFailed);
        }
        let extra = if self.transaction == Transaction::Open {
            TransactionExtra::default()
        } else {
            self.extra()
        };
        let run = Run {
            statement: statement.to_owned(),
            parameters: parameters.clone(),
            extra,
        };
        let outcome = self.stream(run, sink);
        if outcome.is_err() && self.transaction == Transaction::Open {
            self.transaction = Transaction::Failed;
        }
        outcome
    }

    /// Gives this user a new password.
    ///
    /// # Errors
    /// The server's refusal, Ctrl-C, or a lost connection.
    pub fn change_password(&mut self, old: &SecretString, new: &SecretString) -> Result<(), ShellError> {
        let run = Run {
            statement: "ALTER CURRENT USER SET PASSWORD FROM $old TO $new".to_owned(),
            parameters: vec![
                ("old".to_owned(), old.expose().as_str().into()),
                ("new".to_owned(), new.expose().as_str().into()),
            ],
            extra: TransactionExtra {
                database: Some("system".to_owned()),
                ..TransactionExtra::default()
            },
        };
        self.stream(run, &mut Nowhere)?;
        self.credentials_expired = false;
        Ok(())
    }

    /// Says good-bye; an open transaction is rolled back by the server.
    pub fn close(self) {
        self.connection.close();
    }

    fn stream(&mut self, run: Run, sink: &mut dyn RowSink) -> Result<Summary, ShellError> {
        let pull = || {
            Request::Pull(Pull {
                count: Some(FETCH_ROWS),
                query_id: None,
            })
        };
        self.connection.send(&[Request::Run(run), pull()])?;
        let started = WireValue::Map(self.connection.finish()?);
        let columns = columns_of(&started);
        let mut summary = Summary {
            available_after_ms: milliseconds(&started, "t_first"),
            ..Summary::default()
        };
        self.write(sink.columns(&columns))?;
        loop {
            match self.connection.next()? {
                Answer::Row(row) => {
                    summary.rows += 1;
                    self.write(sink.row(row))?;
                }
                Answer::Done(metadata) => {
                    let metadata = WireValue::Map(metadata);
                    if metadata.field("has_more") == Some(&WireValue::Boolean(true)) {
                        self.connection.send(&[pull()])?;
                        continue;
                    }
                    summary.consumed_after_ms = milliseconds(&metadata, "t_last");
                    if let WireValue::Map(metadata) = metadata {
                        self.learn(&metadata);
                        summary.metadata = metadata;
                    }
                    return Ok(summary);
                }
            }
        }
    }

    /// Output that fails gives the statement up.
    fn write(&mut self, outcome: std::io::Result<()>) -> Result<(), ShellError> {
        outcome.map_err(|error| {
            let _ = self.connection.recover();
            ShellError::Output(error)
        })
    }

    fn extra(&self) -> TransactionExtra {
        TransactionExtra {
            bookmarks: self.bookmark.iter().cloned().collect(),
            read_only: self.read_only,
            database: self.database.clone(),
            ..TransactionExtra::default()
        }
    }

    fn learn(&mut self, metadata: &WireMap) {
        for (key, value) in metadata {
            match (key.as_str(), value.as_str()) {
                ("bookmark", Some(bookmark)) => self.bookmark = Some(bookmark.to_owned()),
                ("db", Some(database)) => self.told_database = Some(database.to_owned()),
                _ => {}
            }
        }
    }
}

/// Rows that nobody wants.
struct Nowhere;

impl RowSink for Nowhere {
    fn columns(&mut self, _: &[String]) -> std::io::Result<()> {
        Ok(())
    }

    fn row(&mut self, _: Vec<WireValue>) -> std::io::Result<()> {
        Ok(())
    }
}

fn columns_of(metadata: &WireValue) -> Vec<String> {
    let Some(WireValue::List(fields)) = metadata.field("fields") else {
        return Vec::new();
    };
    fields
        .iter()
        .map(|field| field.as_str().unwrap_or_default().to_owned())
        .collect()
}

fn milliseconds(metadata: &WireValue, key: &str) -> Option<i64> {
    match metadata.field(key) {
        Some(WireValue::Integer(value)) => Some(*value),
        _ => None,
    }
}
