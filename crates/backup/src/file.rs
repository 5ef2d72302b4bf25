//! Backup files on disk: names, unfinished files, and how a finished one appears.
//!
//! INVARIANT: a file of a final name is complete, verified and durable, and never takes the place of another; an unfinished
//! one ends in `.partial`, is locked while it is written, and nobody but its owner reads either.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use bastide_store::KeyRing;
use jiff::Timestamp;
use rustix::fs::{CWD, FlockOperation, OFlags, RenameFlags, flock, renameat_with};
use thiserror::Error;

use crate::format::{BackupReader, BackupWriter, FormatError, Header, Totals};

/// What backup files end in.
pub const EXTENSION: &str = "backup";
const PARTIAL_SUFFIX: &str = ".partial";
/// What files are read in, in bytes.
const READ_BYTES: usize = 1 << 20;
/// Names that are tried, a second apart.
const NAMES_MAX: i64 = 1000;

/// What is wrong with a backup file.
#[derive(Debug, Error)]
#[error("`{}`: {source}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub source: FormatError,
}

fn in_file(path: &Path) -> impl Fn(FormatError) -> FileError + '_ {
    move |source| FileError {
        path: path.to_owned(),
        source,
    }
}

fn io_in_file<'a>(path: &'a Path, action: &'static str) -> impl Fn(io::Error) -> FileError + 'a {
    move |source| in_file(path)(FormatError::Io { action, source })
}

fn no_follow() -> i32 {
    // Open flags fit in the 32 bits that the standard library takes.
    i32::try_from((OFlags::NOFOLLOW | OFlags::CLOEXEC).bits()).unwrap_or_default()
}

/// An unfinished backup that can be gone on with.
#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) path: PathBuf,
    pub(crate) writer: BackupWriter<File>,
}

/// What was found of an earlier try.
#[derive(Debug)]
pub(crate) enum Found {
    /// Something is missing.
    Unfinished(Box<Partial>),
    /// All is there, but it did not get its name.
    Complete(Complete),
}

/// An unfinished file that has everything, locked until it has its name.
#[derive(Debug)]
pub(crate) struct Complete {
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    /// Holds the lock.
    pub(crate) file: File,
}

/// The final path of an unfinished file.
fn final_path(partial: &Path) -> PathBuf {
    // Paths here were made by adding the suffix.
    partial.with_extension("")
}

/// Makes an unfinished file for a backup, whose final name is free.
pub(crate) fn create_partial(folder: &Path, header: Header, key_ring: &KeyRing) -> Result<Partial, FileError> {
    let seconds = i64::try_from(header.time_ms / 1000).unwrap_or(i64::MAX);
    let mut refused = None;
    for later in 0..NAMES_MAX {
        let path = folder.join(file_name(&header.database, seconds.saturating_add(later)) + PARTIAL_SUFFIX);
        if final_path(&path).symlink_metadata().is_ok() {
            continue;
        }
        let mut options = OpenOptions::new();
        let created = options
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(&path);
        match created {
            Ok(file) => {
                lock(&file).map_err(io_in_file(&path, "locked"))?;
                let writer = BackupWriter::create(file, header, key_ring).map_err(in_file(&path));
                // Without a whole header nobody could go on with it, and it would stay for ever.
                let writer = writer.inspect_err(|_| drop(std::fs::remove_file(&path)))?;
                return Ok(Partial { path, writer });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => refused = Some(error),
            Err(error) => return Err(io_in_file(&path, "created")(error)),
        }
    }
    let source = refused.unwrap_or_else(|| io::ErrorKind::AlreadyExists.into());
    Err(io_in_file(folder, "given another backup")(source))
}

/// `<database>-YYYY-MM-DDTHH-MM-SS.backup`, in UTC.
fn file_name(database: &str, seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    format!("{database}-{}.{EXTENSION}", time.strftime("%Y-%m-%dT%H-%M-%S"))
}

fn lock(file: &File) -> io::Result<()> {
    Ok(flock(file, FlockOperation::NonBlockingLockExclusive)?)
}

/// Finds the newest unfinished backup of a database from the same source that nobody is writing. One that cannot be read
/// with this key is passed over.
pub(crate) fn find_partial(
    folder: &Path,
    database: &str,
    source: &str,
    key_ring: &KeyRing,
) -> Result<Option<Found>, FileError> {
    let mut paths = files_that_end_in(folder, &format!(".{EXTENSION}{PARTIAL_SUFFIX}"))?;
    paths.sort();
    for path in paths.into_iter().rev() {
        let mut options = OpenOptions::new();
        let Ok(file) = options.read(true).write(true).custom_flags(no_follow()).open(&path) else {
            continue;
        };
        // Reading what is no file could wait for ever.
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) || lock(&file).is_err() {
            continue;
        }
        let shared = file.try_clone().map_err(io_in_file(&path, "opened"))?;
        let Ok(mut reader) = BackupReader::open(BufReader::with_capacity(READ_BYTES, shared), key_ring) else {
            continue;
        };
        if reader.header().database != database || reader.header().source != source {
            continue;
        }
        // What cannot be read is what the cut left, or will be fetched again.
        while let Ok(Some(_)) = reader.next_data() {}
        if reader.is_complete() {
            let header = reader.header().clone();
            return Ok(Some(Found::Complete(Complete { path, header, file })));
        }
        let bytes = reader.bytes();
        let mut output = file;
        output.set_len(bytes).map_err(io_in_file(&path, "cut"))?;
        output
            .seek(SeekFrom::Start(bytes))
            .map_err(io_in_file(&path, "gone on with"))?;
        let writer = reader.into_writer(output);
        return Ok(Some(Found::Unfinished(Box::new(Partial { path, writer }))));
    }
    Ok(None)
}

fn files_that_end_in(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>, FileError> {
    let entries = std::fs::read_dir(folder).map_err(io_in_file(folder, "listed"))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.ends_with(suffix))
    };
    Ok(paths.filter(fits).collect())
}

/// The finished backups in a folder, in order of their names.
///
/// # Errors
/// If the folder cannot be listed.
pub fn backups_in(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut paths = files_that_end_in(folder, &format!(".{EXTENSION}"))?;
    paths.sort();
    Ok(paths)
}

/// Gives a complete unfinished file its name, after it was read back from the first byte to the last. `on_bytes` is told
/// how many bytes were found good so far.
pub(crate) fn finish(
    complete: &Complete,
    key_ring: &KeyRing,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<(PathBuf, Verified), FileError> {
    let partial = complete.path.as_path();
    complete.file.sync_all().map_err(io_in_file(partial, "made durable"))?;
    let verified = verify(partial, key_ring, on_bytes)?;
    let path = final_path(partial);
    rename_to_free_name(partial, &path).map_err(io_in_file(&path, "given its name"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(io_in_file(folder, "made durable"))?;
    Ok((path, verified))
}

fn rename_to_free_name(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot do it in one step; a link fails as well if the name is taken.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            link_and_remove(from, to)
        }
        // A crash came between the two steps.
        Err(rustix::io::Errno::EXIST) if is_same_file(from, to)? => std::fs::remove_file(from),
        result => Ok(result?),
    }
}

fn link_and_remove(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_same_file(from, to)? => {}
        result => result?,
    }
    std::fs::remove_file(from)
}

fn is_same_file(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (one.symlink_metadata()?, other.symlink_metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// A backup every byte of which was found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it holds.
    pub header: Header,
    /// How much.
    pub totals: Totals,
    /// The length of the file.
    pub file_bytes: u64,
}

/// Reads a backup from the first byte to the last. `on_bytes` is told how many bytes were found good so far.
///
/// # Errors
/// What is wrong with it, and where.
pub fn verify(path: &Path, key_ring: &KeyRing, on_bytes: &mut dyn FnMut(u64)) -> Result<Verified, FileError> {
    let mut reader = open(path, key_ring)?;
    while reader.next_data().map_err(in_file(path))?.is_some() {
        on_bytes(reader.bytes());
    }
    Ok(Verified {
        header: reader.header().clone(),
        totals: reader.totals(),
        file_bytes: reader.bytes(),
    })
}

/// A backup opened for reading.
pub type FileReader = BackupReader<BufReader<File>>;

/// Opens a backup.
///
/// # Errors
/// If it cannot be read or its header is not good.
pub fn open(path: &Path, key_ring: &KeyRing) -> Result<FileReader, FileError> {
    let file = File::open(path).map_err(io_in_file(path, "opened"))?;
    let reader = BackupReader::open(BufReader::with_capacity(READ_BYTES, file), key_ring);
    reader.map_err(in_file(path))
}

/// The chunks of a backup, one after the other. They end without an error only if all of the file was good.
pub struct FileChunks {
    path: PathBuf,
    reader: FileReader,
    waiting: std::vec::IntoIter<(Vec<u8>, Vec<u8>)>,
    is_over: bool,
}

impl FileChunks {
    /// Opens a backup.
    ///
    /// # Errors
    /// If it cannot be read or its header is not good.
    pub fn open(path: &Path, key_ring: &KeyRing) -> Result<Self, FileError> {
        Ok(Self {
            path: path.to_owned(),
            reader: open(path, key_ring)?,
            waiting: Vec::new().into_iter(),
            is_over: false,
        })
    }

    /// What the backup holds.
    pub fn header(&self) -> &Header {
        self.reader.header()
    }

    /// How many bytes of the file were read and found good.
    pub fn bytes(&self) -> u64 {
        self.reader.bytes()
    }
}

impl Iterator for FileChunks {
    type Item = Result<(Vec<u8>, Vec<u8>), FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(chunk) = self.waiting.next() {
                return Some(Ok(chunk));
            }
            if self.is_over {
                return None;
            }
            match self.reader.next_data() {
                Ok(Some(data)) => {
                    let chunks = crate::wire::ChunksIn(&data).flatten();
                    let chunks: Vec<_> = chunks.map(|(key, chunk)| (key.to_vec(), chunk.to_vec())).collect();
                    self.waiting = chunks.into_iter();
                }
                Ok(None) => self.is_over = true,
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(in_file(&self.path)(error)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_database_and_time() {
        assert_eq!(file_name("neo4j", 1_750_000_000), "neo4j-2025-06-15T15-06-40.backup");
    }

    #[test]
    fn a_finished_file_never_takes_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&from, "new").unwrap();
        std::fs::write(&to, "old").unwrap();
        assert!(rename_to_free_name(&from, &to).is_err());
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "old");
        std::fs::remove_file(&to).unwrap();
        rename_to_free_name(&from, &to).unwrap();
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "new");
    }
}
