//! The transitions.

use super::{Action, AfterPull, AfterRequest, StateName, Step, Violation};
use crate::limits::OPEN_STREAMS_MAX;
use crate::{Request, Version};

/// A session's state.
#[derive(Debug)]
pub enum State {
    /// Nothing said yet.
    Negotiation(Negotiation),
    /// HELLO done, nobody logged on.
    Authentication(Authentication),
    /// Logged on, nothing running.
    Ready(Ready),
    /// An auto-commit statement has rows left.
    Streaming(Streaming),
    /// In a transaction, no stream open.
    TransactionReady(TransactionReady),
    /// In a transaction, streams open.
    TransactionStreaming(TransactionStreaming),
    /// Something failed; RESET is needed.
    Failed(Failed),
    /// A RESET is on its way.
    Interrupted(Interrupted),
    /// Over.
    Defunct(Defunct),
}

/// The state before HELLO.
#[derive(Debug)]
pub struct Negotiation {
    version: Version,
}

/// The state before LOGON.
#[derive(Debug)]
pub struct Authentication(());

/// The state in which statements and transactions can start.
#[derive(Debug)]
pub struct Ready(());

/// The state with an auto-commit statement's stream open.
#[derive(Debug)]
pub struct Streaming(());

/// The state with a transaction and no stream open.
#[derive(Debug)]
pub struct TransactionReady(());

/// The state with a transaction and at least one stream open.
#[derive(Debug)]
pub struct TransactionStreaming {
    open_streams: usize,
}

/// The state after a failure.
#[derive(Debug)]
pub struct Failed(());

/// The state between noticing a RESET and reaching it.
#[derive(Debug)]
pub struct Interrupted(());

/// The end.
#[derive(Debug)]
pub struct Defunct(());

const READY: State = State::Ready(Ready(()));
const FAILED: State = State::Failed(Failed(()));
const DEFUNCT: State = State::Defunct(Defunct(()));
const AUTHENTICATION: State = State::Authentication(Authentication(()));

impl State {
    /// The state after a handshake that agreed on `version`.
    pub fn after_handshake(version: Version) -> Self {
        Self::Negotiation(Negotiation { version })
    }

    /// Its name.
    pub fn name(&self) -> StateName {
        match self {
            Self::Negotiation(_) => StateName::Negotiation,
            Self::Authentication(_) => StateName::Authentication,
            Self::Ready(_) => StateName::Ready,
            Self::Streaming(_) => StateName::Streaming,
            Self::TransactionReady(_) => StateName::TransactionReady,
            Self::TransactionStreaming(_) => StateName::TransactionStreaming,
            Self::Failed(_) => StateName::Failed,
            Self::Interrupted(_) => StateName::Interrupted,
            Self::Defunct(_) => StateName::Defunct,
        }
    }

    /// Takes a request.
    pub fn accept(self, request: Request) -> Step {
        let (kind, state) = (request.kind(), self.name());
        let step = match (self, request) {
            (Self::Defunct(_), _) => None,
            (_, Request::Goodbye) => Some(Step::Close),
            (Self::Negotiation(negotiation), request) => negotiation.accept(request),
            (Self::Authentication(_), request) => Authentication::accept(request),
            (_, Request::Reset) => Some(perform(Action::Reset(AfterRequest::new(READY, DEFUNCT)))),
            (Self::Ready(_), request) => Ready::accept(request),
            (Self::Streaming(_), request) => Streaming::accept(request),
            (Self::TransactionReady(_), request) => in_transaction(request, 0),
            (Self::TransactionStreaming(streaming), request) => in_transaction(request, streaming.open_streams),
            (state @ (Self::Failed(_) | Self::Interrupted(_)), _) => Some(Step::Ignore(state)),
        };
        step.unwrap_or(Step::Refuse(Violation::IllegalInState { kind, state }))
    }

    /// Notes that a RESET was seen ahead of the requests before it: those are ignored until it is reached.
    #[must_use]
    pub fn interrupt(self) -> Self {
        match self {
            Self::Negotiation(_) | Self::Authentication(_) | Self::Defunct(_) => self,
            _ => Self::Interrupted(Interrupted(())),
        }
    }

    fn with_streams(open_streams: usize) -> Self {
        if open_streams == 0 {
            Self::TransactionReady(TransactionReady(()))
        } else {
            Self::TransactionStreaming(TransactionStreaming { open_streams })
        }
    }
}

impl Negotiation {
    fn accept(self, request: Request) -> Option<Step> {
        let Request::Hello(hello) = request else { return None };
        let success = if self.version.has_logon() {
            AUTHENTICATION
        } else {
            READY
        };
        Some(perform(Action::Hello(hello, AfterRequest::new(success, DEFUNCT))))
    }
}

impl Authentication {
    fn accept(request: Request) -> Option<Step> {
        let Request::Logon(token) = request else { return None };
        Some(perform(Action::Logon(token, AfterRequest::new(READY, DEFUNCT))))
    }
}

impl Ready {
    fn accept(request: Request) -> Option<Step> {
        let stay = AfterRequest::new(READY, FAILED);
        Some(perform(match request {
            Request::Run(run) => Action::RunAutoCommit(run, AfterRequest::new(State::Streaming(Streaming(())), FAILED)),
            Request::Begin(extra) => Action::Begin(extra, AfterRequest::new(State::with_streams(0), FAILED)),
            Request::Route(route) => Action::Route(route, stay),
            Request::Telemetry(api) => Action::Telemetry(api, stay),
            Request::Logoff => Action::Logoff(AfterRequest::new(AUTHENTICATION, FAILED)),
            _ => return None,
        }))
    }
}

impl Streaming {
    fn accept(request: Request) -> Option<Step> {
        let after = AfterPull::new(State::Streaming(Self(())), READY, FAILED);
        Some(perform(match request {
            Request::Pull(pull) => Action::Pull(pull, after),
            Request::Discard(pull) => Action::Discard(pull, after),
            _ => return None,
        }))
    }
}

fn in_transaction(request: Request, open_streams: usize) -> Option<Step> {
    let end = AfterRequest::new(READY, FAILED);
    let pulled = |streams: usize| {
        AfterPull::new(
            State::with_streams(streams),
            State::with_streams(streams.saturating_sub(1)),
            FAILED,
        )
    };
    Some(perform(match request {
        Request::Run(_) if open_streams >= OPEN_STREAMS_MAX => {
            return Some(Step::Refuse(Violation::TooManyStreams {
                limit: OPEN_STREAMS_MAX,
            }));
        }
        Request::Run(run) => {
            Action::RunInTransaction(run, AfterRequest::new(State::with_streams(open_streams + 1), FAILED))
        }
        Request::Commit => Action::Commit(end),
        Request::Rollback => Action::Rollback(end),
        Request::Pull(pull) if open_streams > 0 => Action::Pull(pull, pulled(open_streams)),
        Request::Discard(pull) if open_streams > 0 => Action::Discard(pull, pulled(open_streams)),
        _ => return None,
    }))
}

fn perform(action: Action) -> Step {
    Step::Perform(Box::new(action))
}
