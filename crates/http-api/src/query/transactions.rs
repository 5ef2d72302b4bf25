//! Explicit transactions between the requests of their users.
//!
//! INVARIANT: a transaction is in the hands of one request at most; one that no request comes back to is rolled back when its
//! time is over, and all are when the server stops. Ids are random and useless to anybody but the user who opened them.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::http::StatusCode;
use bastide_database::{AccessMode, ExplicitTransaction};
use bastide_status::{Code, Status};
use tokio::time::Instant;

use super::failure::Failure;

/// Random bytes of an id.
const ID_BYTES: usize = 16;
/// How often it is looked for transactions whose time is over.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// An open transaction.
pub(crate) struct Held {
    /// The transaction; rolled back when dropped.
    pub(crate) transaction: ExplicitTransaction,
    /// Stops what runs in it.
    pub(crate) interrupt: Arc<AtomicBool>,
    /// How it was opened.
    pub(crate) access_mode: AccessMode,
}

struct Entry {
    user: Arc<str>,
    database: Arc<str>,
    /// Absent while a request has it.
    held: Option<(Held, Instant)>,
}

#[derive(Default)]
struct State {
    is_closed: bool,
    entries: HashMap<Arc<str>, Entry>,
}

/// All explicit transactions of the Query API.
pub(crate) struct Transactions {
    transactions_max: usize,
    idle_timeout: Duration,
    state: Mutex<State>,
}

impl Transactions {
    /// None yet; at most `transactions_max` at once, each rolled back after `idle_timeout` without a request.
    pub(crate) fn new(transactions_max: usize, idle_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            transactions_max,
            idle_timeout,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a transaction that is about to begin.
    ///
    /// # Errors
    /// If there are too many, or the server stops.
    pub(crate) fn reserve(self: &Arc<Self>, user: &str, database: &str) -> Result<CheckedOut, Failure> {
        let mut random = [0; ID_BYTES];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|_| Status::new(Code::UnknownError, "the system gives no random numbers"))?;
        let id: Arc<str> = random
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            .into();
        let mut state = self.state();
        if state.is_closed {
            return Err(Status::new(Code::DatabaseUnavailable, "the server is shutting down").into());
        }
        if state.entries.len() >= self.transactions_max {
            let message = format!(
                "{} explicit transactions are open, the most that may",
                self.transactions_max
            );
            return Err(Status::new(Code::TooManyRequests, message)
                .with_advice("commit or roll back others")
                .into());
        }
        let entry = Entry {
            user: user.into(),
            database: database.to_ascii_lowercase().into(),
            held: None,
        };
        state.entries.insert(Arc::clone(&id), entry);
        Ok(CheckedOut {
            transactions: Arc::clone(self),
            id,
            held: None,
            is_returned: false,
        })
    }

    /// Takes a transaction for one request. One of another user, or of another database, looks as if it were not there.
    ///
    /// # Errors
    /// If it is not there, or another request has it.
    pub(crate) fn check_out(self: &Arc<Self>, id: &str, user: &str, database: &str) -> Result<CheckedOut, Failure> {
        let mut state = self.state();
        let known = state.entries.get_key_value(id).map(|(id, _)| Arc::clone(id));
        let entry = state
            .entries
            .get_mut(id)
            .filter(|entry| entry.user.as_ref() == user && entry.database.eq_ignore_ascii_case(database));
        let (Some(id), Some(entry)) = (known, entry) else {
            return Err(Status::new(
                Code::TransactionNotFound,
                "there is no such transaction; it may have expired and been rolled back",
            )
            .into());
        };
        let Some((held, _)) = entry.held.take() else {
            return Err(Failure {
                http: StatusCode::CONFLICT,
                code: "Neo.ClientError.Transaction.TransactionAccessedConcurrently",
                message: "another request is running in the transaction".to_owned(),
            });
        };
        Ok(CheckedOut {
            transactions: Arc::clone(self),
            id,
            held: Some(held),
            is_returned: false,
        })
    }

    /// Rolls back what is not in the hands of a request, and lets nothing come back. Blocks.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let rolled_back = std::mem::take(&mut state.entries);
        drop(state);
        drop(rolled_back);
    }

    /// Takes out the transactions whose time is over. Dropping them rolls them back.
    fn expired(&self, now: Instant) -> Vec<Held> {
        let mut state = self.state();
        let over: Vec<Arc<str>> = state
            .entries
            .iter()
            .filter(|(_, entry)| entry.held.as_ref().is_some_and(|(_, ends)| *ends <= now))
            .map(|(id, _)| Arc::clone(id))
            .collect();
        over.iter()
            .filter_map(|id| state.entries.remove(id)?.held)
            .map(|(held, _)| held)
            .collect()
    }

    /// Rolls transactions back when their time is over, for as long as there are any owners.
    pub(crate) async fn expire_now_and_then(transactions: Weak<Self>) {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let Some(transactions) = transactions.upgrade() else {
                return;
            };
            let expired = transactions.expired(Instant::now());
            if expired.is_empty() {
                continue;
            }
            tracing::info!(
                transactions = expired.len(),
                "explicit transactions expired and are rolled back"
            );
            // Rolling back may block; one that panics ends alone.
            let _ended = tokio::task::spawn_blocking(move || drop(expired)).await;
        }
    }
}

/// A transaction in the hands of a request. Unless it is given back, dropping this rolls it back.
pub(crate) struct CheckedOut {
    transactions: Arc<Transactions>,
    id: Arc<str>,
    held: Option<Held>,
    /// Whether the entry is another request's business again.
    is_returned: bool,
}

impl CheckedOut {
    /// Its id.
    pub(crate) fn id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    /// How long it lives without a request.
    pub(crate) fn idle_timeout(&self) -> Duration {
        self.transactions.idle_timeout
    }

    /// Puts the transaction into its reserved place.
    pub(crate) fn begin(&mut self, held: Held) {
        self.held = Some(held);
    }

    /// The transaction.
    ///
    /// # Errors
    /// If it has not begun.
    pub(crate) fn held(&mut self) -> Result<&mut Held, Status> {
        self.held
            .as_mut()
            .ok_or_else(|| Status::new(Code::TransactionNotFound, "the transaction is over"))
    }

    /// Commits and answers the bookmark.
    ///
    /// # Errors
    /// What the client is told; the transaction is gone then too.
    pub(crate) fn commit(mut self) -> Result<String, Status> {
        match self.held.take() {
            Some(held) => held.transaction.commit(),
            None => Err(Status::new(Code::TransactionNotFound, "the transaction is over")),
        }
    }

    /// Gives it back until the next request comes.
    ///
    /// # Errors
    /// If the server stops, which rolls it back.
    pub(crate) fn keep(mut self) -> Result<(), Status> {
        let ends = Instant::now() + self.transactions.idle_timeout;
        let held = self.held.take();
        let mut state = self.transactions.state();
        match (state.entries.get_mut(&self.id), held) {
            (Some(entry), Some(held)) => {
                entry.held = Some((held, ends));
                self.is_returned = true;
                Ok(())
            }
            (_, held) => {
                drop(state);
                drop(held);
                Err(Status::new(Code::DatabaseUnavailable, "the server is shutting down"))
            }
        }
    }
}

impl Drop for CheckedOut {
    fn drop(&mut self) {
        if self.is_returned {
            return;
        }
        // Rolls back, if it was not committed.
        drop(self.held.take());
        self.transactions.state().entries.remove(&self.id);
    }
}
