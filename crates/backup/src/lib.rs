//! Online backup over its own channel, the sealed artifact, its inspection, and what a restore reads.
//!
//! Owns the backup protocol ([`BackupServer`] and the client side), and the format of a backup file, which is written down
//! in `docs/backup-format.md`. INVARIANT: a backup is the state at one commit; it is sealed by who takes it before it
//! reaches a disk, and a file of the final name is complete and verified. Must not know queries or settings.

mod client;
mod config;
mod file;
mod format;
mod refusals;
mod server;
mod session;
mod snapshots;
mod wire;

#[cfg(test)]
mod tests;

pub use client::{Dial, DialError, TakeError, TakeEvents, TakeRequest, Taken, TlsDialer, take};
pub use config::Config;
pub use file::{EXTENSION, FileChunks, FileError, FileReader, Verified, backups_in, open, verify};
pub use format::{BackupReader, BackupWriter, FormatError, Header, Totals};
pub use server::{BackupServer, StartError};
