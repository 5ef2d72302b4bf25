//! The state machine of a session: one type per state; a request consumes a state and says what to do and what follows.
//!
//! INVARIANT: the next state can only be had by telling how the action went, so no answer can be sent in a state that
//! does not allow it. Knows nothing of what the actions do.

mod action;
mod machine;

use std::fmt;

use thiserror::Error;

use crate::RequestKind;
pub use action::{Action, AfterPull, AfterRequest, Step};
pub use machine::State;

/// The states' names, as the protocol writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateName {
    /// Nothing said yet.
    Negotiation,
    /// HELLO done, nobody logged on.
    Authentication,
    /// Logged on, nothing running.
    Ready,
    /// An auto-commit statement has rows left.
    Streaming,
    /// In a transaction, no stream open.
    TransactionReady,
    /// In a transaction, streams open.
    TransactionStreaming,
    /// Something failed; RESET is needed.
    Failed,
    /// A RESET is on its way.
    Interrupted,
    /// Over.
    Defunct,
}

impl fmt::Display for StateName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Negotiation => "NEGOTIATION",
            Self::Authentication => "AUTHENTICATION",
            Self::Ready => "READY",
            Self::Streaming => "STREAMING",
            Self::TransactionReady => "TX_READY",
            Self::TransactionStreaming => "TX_STREAMING",
            Self::Failed => "FAILED",
            Self::Interrupted => "INTERRUPTED",
            Self::Defunct => "DEFUNCT",
        })
    }
}

/// A request that the state does not allow: answer with a failure (GQLSTATUS 08N10) and close.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// The request may not come now.
    #[error("message {kind} cannot be handled by a session in the {state} state")]
    IllegalInState {
        /// Which request.
        kind: RequestKind,
        /// In which state.
        state: StateName,
    },
    /// More streams than one transaction may hold open.
    #[error("a transaction may hold at most {limit} result streams open")]
    TooManyStreams {
        /// The limit.
        limit: usize,
    },
}

#[cfg(test)]
mod tests;
