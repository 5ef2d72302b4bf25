//! Online backup over its own channel, the sealed artifact, its inspection, and what a restore reads.
//!
//! Owns the backup protocol ([`BackupServer`] and the client side), and the format of a backup file, which is written down
//! in `docs/backup-format.md`. INVARIANT: a backup is the state at one commit; it is sealed by who takes it before it
//! reaches a disk, and a file of the final name is complete and verified. Must not know queries or settings.

mod config;
pub mod format;
mod server;
mod session;
mod snapshots;
mod wire;

pub use config::Config;
pub use server::{BackupServer, StartError};
