//! The audit event and its hash-chained sink.
//!
//! Owns `logs/audit.log` and `logs/audit.head`. INVARIANT: a security event handed to [`AuditLog::record`] is durable when
//! the call returns; no event is dropped silently; each line carries the hash of the one before. Must not know who
//! decides what is audited, nor hold a secret: events have typed fields and length-limited texts.

mod chain;
mod event;
mod line;
mod sink;
mod verify;

pub use event::{Action, DETAIL_CHARACTERS_MAX, DETAILS_MAX, Event, Outcome};
pub use line::LINE_BYTES_MAX;
pub use sink::{AuditError, AuditLog, Receipt};
pub use verify::{FirstFault, Verified, VerifyError, verify};

/// Name of the log inside the log folder.
pub const LOG_FILE_NAME: &str = "audit.log";
/// Name of the file that remembers the last durable record, so that a log cut at its end is noticed.
pub const HEAD_FILE_NAME: &str = "audit.head";
