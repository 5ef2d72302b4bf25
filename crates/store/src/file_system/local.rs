//! The operating system's files.
//!
//! Owns the calls to the operating system. INVARIANT: what is created here is never readable by group or others
//! (directories 0700, files 0600, keys 0400), and the last component of a path is never followed through a symbolic link.
//! Must not know what the bytes mean.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FallocateFlags, FlockOperation, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::{File, FileKind, FileSystem, LockGuard};

/// The mode of a directory that is created.
const DIRECTORY_MODE: u32 = 0o700;
/// The mode of a data file that is created.
const DATA_MODE: u32 = 0o600;
/// The mode of a key file that is created.
const KEY_MODE: u32 = 0o400;
/// The permission bits of a mode.
const PERMISSION_BITS: u32 = 0o7777;

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalFileSystem;

struct LocalFile(fs::File);

struct LocalLock(#[expect(dead_code, reason = "the lock is held for as long as the descriptor is open")] fs::File);

impl LockGuard for LocalLock {}

fn no_follow() -> i32 {
    // Open flags fit in the 32 bits that the standard library takes.
    i32::try_from((OFlags::NOFOLLOW | OFlags::CLOEXEC).bits()).unwrap_or_default()
}

impl FileSystem for LocalFileSystem {
    fn create(&self, path: &Path, kind: FileKind) -> io::Result<Box<dyn File>> {
        let mode = match kind {
            FileKind::Data => DATA_MODE,
            FileKind::Key => KEY_MODE,
        };
        let mut options = fs::OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create_new(true)
            .mode(mode)
            .custom_flags(no_follow());
        Ok(Box::new(LocalFile(options.open(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).custom_flags(no_follow());
        Ok(Box::new(LocalFile(options.open(path)?)))
    }

    fn open_read_only(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut options = fs::OpenOptions::new();
        options.read(true).custom_flags(no_follow());
        Ok(Box::new(LocalFile(options.open(path)?)))
    }

    fn permissions(&self, path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.mode() & PERMISSION_BITS)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        match fs::symlink_metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() || fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
            return Ok(());
        }
        let parent = path.parent();
        if let Some(parent) = parent {
            self.create_directory(parent)?;
        }
        match fs::DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        match parent {
            Some(parent) if !parent.as_os_str().is_empty() => self.sync_directory(parent),
            _ => self.sync_directory(Path::new(".")),
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                files.push(entry.path());
            }
        }
        files.sort();
        Ok(files)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_first(&self, from: &Path, to: &Path) -> io::Result<()> {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Some file systems cannot do it in one step; a link fails as well if the name is taken.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                fs::hard_link(from, to)?;
                fs::remove_file(from)
            }
            result => Ok(result?),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        fs::File::open(directory)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        let mut options = fs::OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(DATA_MODE)
            .custom_flags(no_follow());
        let file = options.open(path)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(LocalLock(file)))
    }
}

impl File for LocalFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0_usize;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, offset.saturating_add(filled as u64)) {
                Ok(0) => break,
                Ok(count) => filled = filled.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        loop {
            match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), 0, length) {
                Err(rustix::io::Errno::INTR) => {}
                // Some file systems cannot reserve space: then the file only gets its length, and a full disk shows up
                // when the bytes are written.
                Err(rustix::io::Errno::OPNOTSUPP) => {
                    let current = self.0.metadata()?.len();
                    return if current < length {
                        self.0.set_len(length)
                    } else {
                        Ok(())
                    };
                }
                result => return Ok(result?),
            }
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}
