//! What a request asks for, together with the states that can follow.

use super::{State, Violation};
use crate::{AuthenticationToken, Hello, Pull, Route, Run, TransactionExtra};

/// What to do with a request.
#[derive(Debug)]
pub enum Step {
    /// Do it, answer, and tell the outcome to get the next state.
    Perform(Box<Action>),
    /// Answer IGNORED and go on in this state.
    Ignore(State),
    /// Close without an answer: the client said goodbye.
    Close,
    /// Answer FAILURE and close.
    Refuse(Violation),
}

/// What a legal request asks for.
#[derive(Debug)]
pub enum Action {
    /// Greet; before 5.1 also authenticate.
    Hello(Hello, AfterRequest),
    /// Authenticate.
    Logon(AuthenticationToken, AfterRequest),
    /// Log off.
    Logoff(AfterRequest),
    /// Note which driver interface is used.
    Telemetry(i64, AfterRequest),
    /// Drop streams and transaction.
    Reset(AfterRequest),
    /// Run a statement in a transaction of its own.
    RunAutoCommit(Run, AfterRequest),
    /// Run a statement in the open transaction.
    RunInTransaction(Run, AfterRequest),
    /// Send rows of the auto-commit statement.
    Pull(Pull, AfterPull),
    /// Drop rows of the auto-commit statement.
    Discard(Pull, AfterPull),
    /// Begin a transaction.
    Begin(TransactionExtra, AfterRequest),
    /// Commit it, dropping open streams.
    Commit(AfterRequest),
    /// Roll it back, dropping open streams.
    Rollback(AfterRequest),
    /// Answer with a routing table.
    Route(Route, AfterRequest),
}

/// The states that can follow a request that succeeds or fails.
#[derive(Debug)]
#[must_use = "the session has no state until the outcome is told"]
pub struct AfterRequest {
    success: Box<State>,
    failure: Box<State>,
}

impl AfterRequest {
    pub(super) fn new(success: State, failure: State) -> Self {
        Self {
            success: Box::new(success),
            failure: Box::new(failure),
        }
    }

    /// SUCCESS was sent.
    pub fn succeeded(self) -> State {
        *self.success
    }

    /// FAILURE was sent; if the state is defunct, close.
    pub fn failed(self) -> State {
        *self.failure
    }
}

/// The states that can follow PULL and DISCARD.
#[derive(Debug)]
#[must_use = "the session has no state until the outcome is told"]
pub struct AfterPull {
    more: Box<State>,
    finished: Box<State>,
    failure: Box<State>,
}

impl AfterPull {
    pub(super) fn new(more: State, finished: State, failure: State) -> Self {
        Self {
            more: Box::new(more),
            finished: Box::new(finished),
            failure: Box::new(failure),
        }
    }

    /// SUCCESS with `has_more` was sent.
    pub fn has_more(self) -> State {
        *self.more
    }

    /// SUCCESS with the summary was sent; the stream is closed.
    pub fn finished(self) -> State {
        *self.finished
    }

    /// FAILURE was sent.
    pub fn failed(self) -> State {
        *self.failure
    }
}
