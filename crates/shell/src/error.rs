//! What can go wrong, and how it is shown.
//!
//! One enum for the connection and one for the shell; a server's failure keeps its facts, so that the place in the statement can be
//! pointed at.

use std::path::PathBuf;

use bastide_bolt::{ChunkingError, Failure, ResponseError};
use thiserror::Error;

/// Why a connection cannot be made or used any longer.
#[derive(Debug, Error)]
pub enum ConnectionError {
    /// The address makes no sense.
    #[error("`{address}` is no address: {reason}")]
    BadAddress {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The name has no address.
    #[error("cannot find the host `{host}`")]
    UnknownHost {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Nobody answers.
    #[error("cannot connect to {host}:{port}; is the server running?")]
    Unreachable {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of certificates cannot be used.
    #[error("cannot use the certificates of `{}`: {reason}", path.display())]
    BadAuthority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The shell's own certificate or key cannot be used.
    #[error("cannot use `{}` as certificate or key: {reason}", path.display())]
    BadIdentity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS handshake failed.
    #[error("no TLS connection with {host}: {reason}")]
    Tls {
        /// The host.
        host: String,
        /// What failed and what to do.
        reason: String,
    },
    /// The other side does not speak Bolt, or no version of it that is spoken here.
    #[error("no Bolt connection: {0}")]
    Handshake(&'static str),
    /// The connection broke.
    #[error("the connection was lost")]
    Lost(#[source] std::io::Error),
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// The server did not answer in time.
    #[error("no answer within {seconds} s")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// An answer that cannot be put together.
    #[error("the server's answer is broken")]
    Chunking(#[from] ChunkingError),
    /// An answer that cannot be read.
    #[error("the server's answer is broken")]
    Response(#[from] ResponseError),
    /// An answer that does not fit the question.
    #[error("the server's answer is out of turn")]
    OutOfTurn,
}

/// Why something the shell was asked to do did not work.
#[derive(Debug, Error)]
pub enum ShellError {
    /// The connection is gone; nothing more can be done.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The server said no.
    #[error("{}", .0.message)]
    Server(Box<Failure>),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// Results cannot be written, for instance because the pipe's reader has gone.
    #[error("cannot write the results")]
    Output(#[source] std::io::Error),
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Anything the person typed that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Raised after a failure in an open transaction.
    #[error("the transaction has failed and can only be rolled back; type :rollback")]
    TransactionFailed,
    /// The transaction was still open where the script ended.
    #[error("the script ended inside a transaction, which has been rolled back")]
    TransactionLeftOpen,
}

impl ShellError {
    /// A usage error.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Whether nothing more can be done on this connection or output.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Connection(_) | Self::Output(_))
    }
}

/// An error with its causes, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Transparent wrappers repeat their cause.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
