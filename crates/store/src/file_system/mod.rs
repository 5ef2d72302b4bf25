//! The file operations that storage needs, as a trait.
//!
//! Owns the border between this crate and the operating system for keys, log segments and lock files, so that tests can
//! crash, tear and fill a simulated disk. INVARIANT: only what a `sync_*` call returned `Ok` for may be relied upon
//! after a crash. Must not know what the bytes mean.

#[cfg(any(test, feature = "simulation"))]
mod faulty;
mod local;
mod place;

use std::io;
use std::path::{Path, PathBuf};

#[cfg(any(test, feature = "simulation"))]
pub use faulty::{Fault, FaultyFileSystem, Survival};
pub use local::LocalFileSystem;
pub use place::{put_folder_in_place, sync_tree};

/// What a file is for, which decides the permissions it is created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Data that the server rewrites: mode 0600.
    Data,
    /// A key that is written once: mode 0400.
    Key,
}

/// An open file. Every method may be called from any thread.
pub trait File: Send + Sync {
    /// Writes all of `bytes` at `offset`, growing the file if needed.
    ///
    /// # Errors
    /// Any error of the operating system; some of the bytes may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Fills `buffer` from `offset` and returns how many bytes there were; fewer than asked only at the end of the file.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// The length in bytes.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn length(&self) -> io::Result<u64>;

    /// Cuts or zero-extends the file to `length` bytes.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Reserves disk space so that the file has at least `length` bytes; new bytes read as zero.
    ///
    /// # Errors
    /// `StorageFull` if there is no room; then nothing must be relied upon but the bytes that were there before.
    fn allocate(&self, length: u64) -> io::Result<()>;

    /// Makes the content and the length durable (`fdatasync`).
    ///
    /// # Errors
    /// After an error nothing written since the last successful sync may be relied upon, not even after another sync.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes the content and all metadata durable (`fsync`).
    ///
    /// # Errors
    /// As [`File::sync_data`].
    fn sync_all(&self) -> io::Result<()>;
}

/// Keeps other processes out of a directory for as long as it lives.
pub trait LockGuard: Send + Sync {}

/// The operations on files and directories that storage needs.
pub trait FileSystem: Send + Sync {
    /// Creates a file that must not exist yet.
    ///
    /// # Errors
    /// `AlreadyExists`, or any error of the operating system.
    fn create(&self, path: &Path, kind: FileKind) -> io::Result<Box<dyn File>>;

    /// Opens an existing file to read and write. Symbolic links are followed only in the directories above it.
    ///
    /// # Errors
    /// `NotFound`, or any error of the operating system.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens an existing file to read, with the same rule for symbolic links.
    ///
    /// # Errors
    /// `NotFound`, or any error of the operating system.
    fn open_read_only(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// The permission bits (such as `0o600`) of a file or directory.
    ///
    /// # Errors
    /// `NotFound`, or any error of the operating system.
    fn permissions(&self, path: &Path) -> io::Result<u32>;

    /// Whether something of this name exists.
    ///
    /// # Errors
    /// Any error of the operating system but `NotFound`.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Creates a directory and the missing ones above it, each with mode 0700, durably.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// The files in a directory, in order of their names.
    ///
    /// # Errors
    /// `NotFound`, or any error of the operating system.
    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>>;

    /// Gives a file a new name in the same file system, replacing what had it. Durable after [`FileSystem::sync_directory`].
    ///
    /// # Errors
    /// Any error of the operating system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a new name in the same file system that nothing has yet. Durable after [`FileSystem::sync_directory`].
    ///
    /// # Errors
    /// `AlreadyExists`, or any error of the operating system.
    fn rename_first(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Durable after [`FileSystem::sync_directory`].
    ///
    /// # Errors
    /// `NotFound`, or any error of the operating system.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes creations, renames and removals in a directory durable.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;

    /// Takes an exclusive lock on a file, creating it if needed, without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if another holder has it, or any error of the operating system.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>>;
}
