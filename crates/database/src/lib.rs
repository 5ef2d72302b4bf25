//! The facade: session, permit, parse, plan, run, audit.
//!
//! Everything that speaks to clients goes through [`Dbms`]: it logs users in, opens [`Session`]s, and runs their statements
//! in transactions. INVARIANT: no graph is read or changed without a permit of `security`, and every decision that grants,
//! denies or changes access is an audit event. Must not know sockets, Bolt or HTTP.

mod administration;
mod auditor;
mod backup;
mod bookmark;
mod catalogue;
mod compile;
mod configuration;
mod control;
mod dbms;
mod error;
mod import;
mod information;
mod login;
mod open;
mod plan_cache;
mod registry;
mod restore;
mod session;
mod stream;
mod transaction;
mod users;

pub use auditor::{Auditor, NoAudit};
pub use backup::{BackupEnd, BackupTaker, DatabaseBackup};
pub use configuration::{Configuration, SettingRow};
pub use control::{BeforeChange, NoControl, ServerControl};
pub use dbms::{Database, Dbms};
pub use error::graph_error;
pub use login::{Credentials, Origin};
pub use open::OpenError;
pub use restore::{BackupChunks, RestoreError, RestoreRequest, RestoreStep, Restored, restore};
pub use session::{AccessMode, Session, TransactionOptions};
pub use stream::{Completion, ResultStream, RowVisitor, VisitOutcome};
pub use transaction::ExplicitTransaction;
pub use users::{UserStoreError, Users};

/// The name of the database that holds the users.
pub const SYSTEM_DATABASE: &str = "system";
