//! `run/bastide.json`: says that the server is ready and where it listens; and the lock that keeps a home to one server.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde_json::json;

use crate::VERSION;

const FILE_NAME: &str = "bastide.json";
const LOCK_NAME: &str = "bastide.lock";

/// Where the connectors listen; none where one is off.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BoundAddresses {
    pub(crate) bolt: Option<SocketAddr>,
    pub(crate) https: Option<SocketAddr>,
    pub(crate) http: Option<SocketAddr>,
    pub(crate) backup: Option<SocketAddr>,
    pub(crate) metrics: Option<SocketAddr>,
}

/// The file while it is there. Dropping it removes it.
pub(crate) struct ReadyFile {
    path: PathBuf,
}

impl ReadyFile {
    /// Writes the file beside and renames it into place, so that nobody reads half of it.
    pub(crate) fn write(folder: &Path, addresses: BoundAddresses) -> io::Result<Self> {
        let path = folder.join(FILE_NAME);
        let staging = folder.join(format!("{FILE_NAME}.new"));
        let text = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        let content = json!({
            "pid": std::process::id(),
            "version": VERSION,
            "bolt": text(addresses.bolt),
            "https": text(addresses.https),
            "http": text(addresses.http),
            "backup": text(addresses.backup),
            "metrics": text(addresses.metrics),
        });
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&staging)?;
        writeln!(file, "{content}")?;
        std::fs::rename(&staging, &path)?;
        Ok(Self { path })
    }

    /// Removes what a server left that was killed.
    pub(crate) fn remove_stale(folder: &Path) -> io::Result<()> {
        match std::fs::remove_file(folder.join(FILE_NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the ready file could not be removed");
        }
    }
}

/// The lock on a home, held while the value lives and let go by the operating system however the process ends.
pub(crate) struct HomeLock {
    _file: File,
}

impl HomeLock {
    /// Takes the lock; `None` if another server has it.
    pub(crate) fn take(folder: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(folder.join(LOCK_NAME))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(error) if error == rustix::io::Errno::WOULDBLOCK => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_on_and_goes_away_with_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let addresses = BoundAddresses {
            bolt: Some("127.0.0.1:7687".parse().unwrap()),
            ..BoundAddresses::default()
        };
        let ready = ReadyFile::write(folder.path(), addresses).unwrap();
        let text = std::fs::read_to_string(folder.path().join(FILE_NAME)).unwrap();
        let pid = std::process::id();
        assert_eq!(
            text,
            format!(
                "{{\"pid\":{pid},\"version\":\"{VERSION}\",\"bolt\":\"127.0.0.1:7687\",\"https\":null,\"http\":null,\"backup\":null,\"metrics\":null}}\n"
            )
        );
        drop(ready);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        ReadyFile::remove_stale(folder.path()).unwrap();
    }

    #[test]
    fn a_home_has_one_server_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = HomeLock::take(folder.path()).unwrap();
        assert!(first.is_some());
        assert!(HomeLock::take(folder.path()).unwrap().is_none());
        drop(first);
        assert!(HomeLock::take(folder.path()).unwrap().is_some());
    }
}
