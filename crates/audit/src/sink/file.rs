//! The files of the sink: creating, checking, continuing and repairing them.
//!
//! INVARIANT: both files are regular, 0600 when created, never writable by others, and locked while open.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::AuditError;
use crate::chain::Position;
use crate::event::{Action, Event, Outcome};
use crate::line::{LINE_BYTES_MAX, ParsedLine};
use crate::{HEAD_FILE_NAME, LOG_FILE_NAME};

/// How much of the end of a log is read to continue it: room for several of the longest lines.
const TAIL_BYTES_MAX: u64 = 4 * LINE_BYTES_MAX as u64;
/// Torn ends that may lie beside a log under the same record number.
const TORN_FILES_MAX: u32 = 1000;

/// What the writer needs of a file; tests make it fail.
pub(super) trait Storage: Send {
    /// The log's path, for messages.
    fn path(&self) -> &Path;
    /// Appends all of `bytes`, or fails, perhaps having written some.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts off what a failed append left.
    fn undo_append(&mut self) -> io::Result<()>;
    /// Makes everything appended durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Remembers the last durable record.
    fn write_head(&mut self, position: Position) -> io::Result<()>;
    /// Makes the head durable as well.
    fn close(&mut self);
}

/// The two files.
pub(super) struct LogFiles {
    path: PathBuf,
    log: File,
    head: File,
    length: u64,
}

impl Storage for LogFiles {
    fn path(&self) -> &Path {
        &self.path
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all_at(bytes, self.length)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn undo_append(&mut self) -> io::Result<()> {
        self.log.set_len(self.length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.log.sync_data()
    }

    fn write_head(&mut self, position: Position) -> io::Result<()> {
        // One write within one disk sector, so that it is not torn.
        self.head.write_all_at(position.to_head().as_bytes(), 0)
    }

    fn close(&mut self) {
        // The log itself is synced; a head lost now only lags behind.
        let _ = self.head.sync_data();
    }
}

/// An opened log.
#[derive(Debug)]
pub(super) struct Opened<S = LogFiles> {
    pub(super) storage: S,
    pub(super) position: Position,
    /// What was repaired, to be recorded first.
    pub(super) recovery: Option<Event>,
}

impl std::fmt::Debug for LogFiles {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("LogFiles")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Opens or creates log and head in `directory`.
pub(super) fn open(directory: &Path) -> Result<Opened, AuditError> {
    let path = directory.join(LOG_FILE_NAME);
    let head_path = directory.join(HEAD_FILE_NAME);
    let head_existed = head_path.exists();
    let (log, head) = (open_private(&path)?, open_private(&head_path)?);
    match log.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(AuditError::InUse { path }),
        Err(TryLockError::Error(error)) => return Err(AuditError::io(&path, error)),
    }
    let length = log.metadata().map_err(|error| AuditError::io(&path, error))?.len();
    let altered = |reason: String| AuditError::Altered {
        path: path.clone(),
        reason,
    };
    let head_position = read_head(&head, &head_path)?;
    if head_position.is_none() && length > 0 {
        let state = if head_existed { "damaged" } else { "missing" };
        return Err(altered(format!("its head file is {state}")));
    }
    let head_position = head_position.unwrap_or(Position::START);
    let tail = read_tail(&log, length).map_err(|error| AuditError::io(&path, error))?;
    let Some((position, sound_length)) = last_sound_record(&tail, length) else {
        return Err(altered("its last lines are no audit records".to_owned()));
    };
    if position.sequence < head_position.sequence {
        let (from, to) = (position.sequence + 1, head_position.sequence);
        return Err(altered(format!(
            "records {from} to {to} are missing or damaged at the end"
        )));
    }
    if position.sequence == head_position.sequence && position.hash != head_position.hash {
        return Err(altered(
            "its last record is not the one the head file remembers".to_owned(),
        ));
    }
    let mut storage = LogFiles {
        path,
        log,
        head,
        length,
    };
    let recovery = if sound_length < length {
        Some(keep_torn_end(&mut storage, position, sound_length)?)
    } else {
        None
    };
    settle(&mut storage, directory, position)?;
    Ok(Opened {
        storage,
        position,
        recovery,
    })
}

/// Makes the state found durable, names in the folder included, before anything is built upon it.
fn settle(storage: &mut LogFiles, directory: &Path, position: Position) -> Result<(), AuditError> {
    storage
        .log
        .sync_all()
        .and_then(|()| storage.write_head(position))
        .and_then(|()| storage.head.sync_all())
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(|error| AuditError::io(&storage.path, error))
}

fn open_private(path: &Path) -> Result<File, AuditError> {
    // A link would let somebody choose where the log goes.
    if let Ok(metadata) = path.symlink_metadata()
        && !metadata.is_file()
    {
        return Err(AuditError::NotAFile { path: path.to_owned() });
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| AuditError::io(path, error))?;
    let mode = file
        .metadata()
        .map_err(|error| AuditError::io(path, error))?
        .permissions()
        .mode()
        & 0o7777;
    if mode & 0o022 != 0 {
        return Err(AuditError::WritableByOthers {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(file)
}

fn read_head(head: &File, path: &Path) -> Result<Option<Position>, AuditError> {
    let mut text = Vec::new();
    head.take(256)
        .read_to_end(&mut text)
        .map_err(|error| AuditError::io(path, error))?;
    Ok(Position::from_head(&text))
}

fn read_tail(mut log: &File, length: u64) -> io::Result<Vec<u8>> {
    log.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES_MAX)))?;
    let mut tail = Vec::new();
    log.take(TAIL_BYTES_MAX).read_to_end(&mut tail)?;
    Ok(tail)
}

/// The last sound record in `tail`, the end of a log of `length` bytes, and the length of the log up to it. `None` if the
/// tail has none although the log begins before it.
fn last_sound_record(tail: &[u8], length: u64) -> Option<(Position, u64)> {
    let tail_start = length - tail.len() as u64;
    let mut end = tail.len();
    while let Some(feed) = tail.get(..end)?.iter().rposition(|byte| *byte == b'\n') {
        let before = tail.get(..feed)?;
        let start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |feed| feed + 1);
        if let Some(parsed) = before.get(start..).and_then(ParsedLine::parse)
            && parsed.is_sound()
        {
            return Some((parsed.position(), tail_start + feed as u64 + 1));
        }
        end = feed;
    }
    (tail_start == 0).then_some((Position::START, 0))
}

/// Puts what follows the last sound record into a file of its own and cuts it off the log.
fn keep_torn_end(storage: &mut LogFiles, position: Position, sound_length: u64) -> Result<Event, AuditError> {
    let bytes = storage.length - sound_length;
    let (torn_path, mut torn) = create_torn_file(&storage.path, position.sequence + 1)?;
    let copied = storage
        .log
        .seek(SeekFrom::Start(sound_length))
        .and_then(|_| io::copy(&mut (&storage.log).take(bytes), &mut torn))
        .and_then(|_| torn.flush())
        .and_then(|()| torn.sync_all());
    copied.map_err(|error| AuditError::io(&torn_path, error))?;
    storage
        .log
        .set_len(sound_length)
        .map_err(|error| AuditError::io(&storage.path, error))?;
    storage.length = sound_length;
    let name = torn_path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Event::new(Action::LogRecovered, Outcome::Success)
        .with_detail("reason", "an unfinished record at the end of the log was set aside")
        .with_detail("file", &name)
        .with_detail("bytes", &bytes.to_string()))
}

fn create_torn_file(log: &Path, sequence: u64) -> Result<(PathBuf, File), AuditError> {
    for attempt in 0..TORN_FILES_MAX {
        let suffix = if attempt == 0 {
            String::new()
        } else {
            format!("-{attempt}")
        };
        let path = log.with_file_name(format!("{LOG_FILE_NAME}.torn-{sequence}{suffix}"));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(AuditError::io(&path, error)),
        }
    }
    Err(AuditError::io(
        log,
        io::Error::other("too many torn ends lie beside it"),
    ))
}
