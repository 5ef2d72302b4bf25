//! The server's own log: lines for people on standard error, and the same in `logs/debug.log`.
//!
//! Secrets never get here: what is logged are `Debug` and `Display` texts, which redact them.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The log's name in the log folder.
const FILE_NAME: &str = "debug.log";
/// The log of TLS handshakes.
const HANDSHAKES: &str = "bastide_tls::handshake";
/// A file that grew to this size is put aside.
const FILE_BYTES_MAX: u64 = 20 << 20;
/// How many files are kept beside the current one.
const FILES_KEPT: u32 = 7;

/// Warns of what it finds wrong in a client's hello, a line for each: an attacker could fill the disk. Handshakes that fail are
/// told elsewhere, and not all of them.
const PEERS_FAULTS: &str = "rustls";

/// Starts logging. `directory` is where the file goes; without it only standard error is written.
///
/// # Errors
/// If the file cannot be opened.
pub(crate) fn start(level: Level, directory: Option<&Path>) -> io::Result<()> {
    let targets = || {
        Targets::new()
            .with_default(LevelFilter::WARN)
            .with_target(PEERS_FAULTS, LevelFilter::ERROR)
            .with_target("bastide", LevelFilter::from_level(level))
            // Written only while an administrator asks for it, whatever else is logged.
            .with_target(HANDSHAKES, LevelFilter::from_level(level).max(LevelFilter::INFO))
    };
    let terminal = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_filter(targets());
    let file = match directory {
        Some(directory) => Some(
            fmt::layer()
                .with_writer(Mutex::new(RotatingFile::open(directory.join(FILE_NAME))?))
                .with_ansi(false)
                .with_filter(targets()),
        ),
        None => None,
    };
    log_panics();
    // A second start in one process, as in tests, keeps the first subscriber.
    let _ = tracing_subscriber::registry().with(terminal).with(file).try_init();
    Ok(())
}

/// A panic is a fault of ours: it belongs into the log too. Its message is written by developers and holds no secret.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "a part of the server panicked; please report this");
    }));
}

/// The level of `server.logs.level`.
pub(crate) fn level(word: &str) -> Level {
    word.parse().unwrap_or(Level::INFO)
}

/// A file that is put aside when it is full; readable by its owner only.
struct RotatingFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl RotatingFile {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path, file, bytes })
    }

    fn numbered(&self, number: u32) -> PathBuf {
        self.path.with_extension(format!("log.{number}"))
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..FILES_KEPT).rev() {
            match std::fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        std::fs::rename(&self.path, self.numbered(1))?;
        *self = Self::open(self.path.clone())?;
        Ok(())
    }
}

impl Write for RotatingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes >= FILE_BYTES_MAX {
            self.rotate()?;
        }
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_full_file_is_put_aside_and_only_so_many_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let mut log = RotatingFile::open(path.clone()).unwrap();
        for round in 0..10 {
            log.bytes = FILE_BYTES_MAX;
            writeln!(log, "round {round}").unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "round 9\n");
        assert_eq!(
            std::fs::read_to_string(folder.path().join("debug.log.1")).unwrap(),
            "round 8\n"
        );
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1 + FILES_KEPT as usize
        );
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
