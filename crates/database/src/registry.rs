//! Who is connected and what runs.
//!
//! INVARIANT: an entry lives exactly as long as its guard; ending a user's sessions reaches every one of them.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use bastide_execute::CancellationFlag;
use bastide_model::Map;
use bastide_status::{Code, Result, Status};
use tokio::sync::watch;

/// A running transaction, as `SHOW TRANSACTIONS` tells it.
#[derive(Clone)]
pub struct RunningTransaction {
    /// Who runs it.
    pub user: Arc<str>,
    /// In which database.
    pub database: Arc<str>,
    /// The connection it came over.
    pub connection_id: Arc<str>,
    /// The client's address.
    pub address: Option<SocketAddr>,
    /// When it began, for people.
    pub started_at: SystemTime,
    /// When it began, for measuring.
    pub started: Instant,
    /// The statement that runs now, without passwords.
    pub statement: Arc<str>,
    /// What the client sent along.
    pub metadata: Map,
    /// Ends it.
    pub cancellation: Arc<CancellationFlag>,
}

type Sessions = HashMap<u64, (Arc<str>, watch::Sender<Option<Status>>)>;

/// Sessions and transactions.
pub struct Registry {
    transactions_max: usize,
    next: AtomicU64,
    transactions: Mutex<BTreeMap<u64, RunningTransaction>>,
    sessions: Mutex<Sessions>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// Nothing yet; at most `transactions_max` transactions at once.
    pub fn new(transactions_max: usize) -> Arc<Self> {
        Arc::new(Self {
            transactions_max,
            next: AtomicU64::new(1),
            transactions: Mutex::default(),
            sessions: Mutex::default(),
        })
    }

    /// Enters a transaction until the guard is dropped.
    ///
    /// # Errors
    /// If there are too many.
    pub fn enter(self: &Arc<Self>, transaction: RunningTransaction) -> Result<TransactionGuard> {
        let mut transactions = locked(&self.transactions);
        if transactions.len() >= self.transactions_max {
            return Err(Status::new(
                Code::TooManyRequests,
                format!("{} transactions are running, the most that may", self.transactions_max),
            )
            .with_advice("try again, or raise `db.transaction.concurrent.maximum`"));
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        transactions.insert(id, transaction);
        Ok(TransactionGuard {
            id,
            registry: Arc::clone(self),
        })
    }

    /// All running transactions with their ids.
    pub fn transactions(&self) -> Vec<(u64, RunningTransaction)> {
        locked(&self.transactions)
            .iter()
            .map(|(id, transaction)| (*id, transaction.clone()))
            .collect()
    }

    /// Ends a transaction if `may_end` says so of its user; says whose it was, if it was ended.
    pub fn terminate(&self, id: u64, reason: Status, may_end: impl FnOnce(&str) -> bool) -> Option<Arc<str>> {
        let transactions = locked(&self.transactions);
        let transaction = transactions.get(&id).filter(|transaction| may_end(&transaction.user))?;
        transaction.cancellation.cancel(reason);
        Some(Arc::clone(&transaction.user))
    }

    /// Enters a session until the guard is dropped.
    pub fn enter_session(self: &Arc<Self>, user: &str) -> (SessionGuard, watch::Receiver<Option<Status>>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = watch::channel(None);
        locked(&self.sessions).insert(id, (user.into(), sender));
        (
            SessionGuard {
                id,
                registry: Arc::clone(self),
            },
            receiver,
        )
    }

    /// Ends all sessions and transactions of a user.
    pub fn end_sessions(&self, user: &str) {
        let reason = Status::new(Code::AuthorizationExpired, "the user was dropped, suspended or renamed");
        for (owner, sender) in locked(&self.sessions).values() {
            if owner.as_ref() == user {
                // Nobody listening means that the session is ending anyway.
                let _ended_already = sender.send(Some(reason.clone()));
            }
        }
        for transaction in locked(&self.transactions)
            .values()
            .filter(|transaction| transaction.user.as_ref() == user)
        {
            transaction.cancellation.cancel(reason.clone());
        }
    }
}

/// Keeps a transaction entered.
pub struct TransactionGuard {
    id: u64,
    registry: Arc<Registry>,
}

impl TransactionGuard {
    /// Says which statement runs now. Passwords are taken out of it.
    pub fn set_statement(&self, text: &str) {
        if let Some(transaction) = locked(&self.registry.transactions).get_mut(&self.id) {
            transaction.statement = shown_statement(text);
        }
    }

    /// What the client sent along, or set since.
    pub fn metadata(&self) -> Map {
        locked(&self.registry.transactions)
            .get(&self.id)
            .map(|transaction| transaction.metadata.clone())
            .unwrap_or_default()
    }

    /// Replaces the metadata.
    pub fn set_metadata(&self, metadata: Map) {
        if let Some(transaction) = locked(&self.registry.transactions).get_mut(&self.id) {
            transaction.metadata = metadata;
        }
    }
}

/// A statement as it may be shown: without passwords, and not longer than people read.
pub fn shown_statement(text: &str) -> Arc<str> {
    const CHARACTERS_MAX: usize = 2_000;
    let end = text
        .char_indices()
        .nth(CHARACTERS_MAX)
        .map_or(text.len(), |(place, _)| place);
    bastide_cypher::redact(text.get(..end).unwrap_or_default()).into()
}

impl Drop for TransactionGuard {
    fn drop(&mut self) {
        locked(&self.registry.transactions).remove(&self.id);
    }
}

/// Keeps a session entered.
pub struct SessionGuard {
    id: u64,
    registry: Arc<Registry>,
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        locked(&self.registry.sessions).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown_where_a_long_statement_is_cut() {
        let padding = " ".repeat(1_960);
        let text = format!("ALTER USER ada {padding} SET PASSWORD 'correct-Horse-battery-7'");
        assert!(text.chars().count() > 2_000);
        let shown = shown_statement(&text);
        assert!(!shown.contains("correct"), "{}", shown.trim());
    }
}
