//! A simulated disk that crashes, tears and fills on demand.
//!
//! Owns a file system in memory for tests, here and in the crates above. INVARIANT: it keeps apart what was synced from
//! what was not, so that after [`FaultyFileSystem::restart`] only the former is certain: contents by `sync_*` of the
//! file, names by `sync_directory`. Unsynced writes survive whole, in part by sectors, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{File, FileKind, FileSystem, LockGuard};

/// What a disk writes whole or not at all, in bytes.
const SECTOR_BYTES: usize = 512;

/// What goes wrong at an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The machine stops before the operation has any effect; all later operations fail until the restart.
    Crash,
    /// The machine stops in the middle of the operation: of a write, half of the bytes were handed over.
    CrashWithin,
    /// The disk has no room: half of a write is done.
    NoSpace,
    /// The device reports an error: nothing is done, and a sync drops what it should have made durable.
    InputOutput,
}

/// What survives a crash of that which was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Nothing.
    Nothing,
    /// Everything.
    Everything,
    /// Some sectors and some names, chosen by this seed.
    Some(u64),
}

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

#[derive(Clone, Debug)]
enum NameChange {
    Link(PathBuf, u64),
    Rename(PathBuf, PathBuf),
    Unlink(PathBuf),
}

#[derive(Default)]
struct Content {
    current: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
    mode: u32,
}

#[derive(Default)]
struct Disk {
    contents: BTreeMap<u64, Content>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    pending_names: Vec<NameChange>,
    directories: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    next_content: u64,
    generation: u64,
    operations: u64,
    syncs: u64,
    faults: BTreeMap<u64, Fault>,
    crashed: bool,
    capacity: Option<u64>,
    sync_delay: Duration,
}

/// A file system in memory whose clones share one disk.
#[derive(Clone, Default)]
pub struct FaultyFileSystem {
    disk: Arc<Mutex<Disk>>,
}

impl FaultyFileSystem {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `fault` happen at the changing operation with this number, counted from the creation of the disk.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.disk().faults.insert(operation, fault);
    }

    /// How many changing operations there were.
    pub fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// How many times a file's content was synced.
    pub fn syncs(&self) -> u64 {
        self.disk().syncs
    }

    /// Whether a crash happened that no restart followed.
    pub fn crashed(&self) -> bool {
        self.disk().crashed
    }

    /// Limits the bytes of all files together; `None` is no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.disk().capacity = bytes;
    }

    /// Lets each sync take this long, as disks do.
    pub fn set_sync_delay(&self, delay: Duration) {
        self.disk().sync_delay = delay;
    }

    /// Stops the machine, if it has not crashed yet, and starts it again. Open files and locks are gone.
    pub fn restart(&self, survival: Survival) {
        let mut disk = self.disk();
        let disk = &mut *disk;
        let mut random = Random(match survival {
            Survival::Some(seed) => seed.wrapping_mul(2).wrapping_add(1),
            _ => 1,
        });
        let mut keep = || match survival {
            Survival::Nothing => false,
            Survival::Everything => true,
            Survival::Some(_) => random.next() & 1 == 0,
        };
        // File systems write their journal in order: a beginning of the pending names survives.
        for change in std::mem::take(&mut disk.pending_names) {
            if !keep() {
                break;
            }
            apply_name(&mut disk.durable_names, &change);
        }
        disk.names = disk.durable_names.clone();
        for content in disk.contents.values_mut() {
            for change in std::mem::take(&mut content.pending) {
                match change {
                    Change::Length(length) if keep() => resize(&mut content.durable, length),
                    Change::Length(_) => {}
                    Change::Write(offset, bytes) => write_sectors(&mut content.durable, offset, &bytes, &mut keep),
                }
            }
            content.current = content.durable.clone();
        }
        disk.locks.clear();
        disk.faults.clear();
        disk.crashed = false;
        disk.generation = disk.generation.wrapping_add(1);
    }

    /// The paths of all files.
    pub fn files(&self) -> Vec<PathBuf> {
        self.disk().names.keys().cloned().collect()
    }

    /// The content of a file.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let disk = self.disk();
        disk.names
            .get(path)
            .and_then(|id| disk.contents.get(id))
            .map(|content| content.current.clone())
    }

    /// Replaces the content of a file (durably), as an attacker or a failing disk would; `None` removes it.
    pub fn replace(&self, path: &Path, content: Option<Vec<u8>>) {
        let mut disk = self.disk();
        match content {
            Some(bytes) => {
                if let Some(id) = disk.names.get(path).copied()
                    && let Some(content) = disk.contents.get_mut(&id)
                {
                    content.current.clone_from(&bytes);
                    content.durable = bytes;
                }
            }
            None => {
                disk.names.remove(path);
                disk.durable_names.remove(path);
            }
        }
    }
}

impl Disk {
    fn stopped(&self) -> io::Result<()> {
        if self.crashed {
            Err(io::Error::other("the simulated machine has stopped"))
        } else {
            Ok(())
        }
    }

    /// Counts a changing operation and says what goes wrong with it.
    fn begin(&mut self) -> io::Result<Option<Fault>> {
        self.stopped()?;
        let fault = self.faults.remove(&self.operations);
        self.operations = self.operations.wrapping_add(1);
        match fault {
            Some(Fault::Crash) => {
                self.crashed = true;
                Err(io::Error::other("the simulated machine stops"))
            }
            Some(Fault::CrashWithin) => {
                self.crashed = true;
                Ok(fault)
            }
            _ => Ok(fault),
        }
    }

    /// As [`Disk::begin`], for operations that are done whole or not at all.
    fn begin_whole(&mut self) -> io::Result<()> {
        match self.begin()? {
            None => Ok(()),
            Some(fault) => Err(error_of(fault)),
        }
    }

    fn used(&self) -> u64 {
        let ids: BTreeSet<_> = self.names.values().chain(self.durable_names.values()).collect();
        ids.iter()
            .filter_map(|id| self.contents.get(id))
            .map(|content| content.current.len() as u64)
            .sum()
    }

    fn has_room(&self, content: u64, length: u64) -> bool {
        let current = self
            .contents
            .get(&content)
            .map_or(0, |content| content.current.len() as u64);
        let grown = length.saturating_sub(current);
        grown == 0
            || self
                .capacity
                .is_none_or(|capacity| self.used().saturating_add(grown) <= capacity)
    }

    fn change_name(&mut self, change: NameChange) {
        apply_name(&mut self.names, &change);
        self.pending_names.push(change);
    }
}

fn error_of(fault: Fault) -> io::Error {
    match fault {
        Fault::NoSpace => io::Error::from(io::ErrorKind::StorageFull),
        Fault::InputOutput => io::Error::other("simulated input/output error"),
        Fault::Crash | Fault::CrashWithin => io::Error::other("the simulated machine stops"),
    }
}

fn apply_name(names: &mut BTreeMap<PathBuf, u64>, change: &NameChange) {
    match change {
        NameChange::Link(path, id) => {
            names.insert(path.clone(), *id);
        }
        NameChange::Unlink(path) => {
            names.remove(path);
        }
        NameChange::Rename(from, to) => {
            if let Some(id) = names.remove(from) {
                names.insert(to.clone(), id);
            }
        }
    }
}

fn resize(bytes: &mut Vec<u8>, length: u64) {
    bytes.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
}

fn write(target: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let end = start.saturating_add(bytes.len());
    if target.len() < end {
        target.resize(end, 0);
    }
    if let Some(part) = target.get_mut(start..end) {
        part.copy_from_slice(bytes);
    }
}

/// Writes those sectors that are kept.
fn write_sectors(target: &mut Vec<u8>, offset: u64, bytes: &[u8], keep: &mut impl FnMut() -> bool) {
    let (mut offset, mut rest) = (offset, bytes);
    while !rest.is_empty() {
        let in_sector = usize::try_from(offset).unwrap_or(usize::MAX) % SECTOR_BYTES;
        let (part, after) = rest.split_at(rest.len().min(SECTOR_BYTES.saturating_sub(in_sector)));
        if keep() {
            write(target, offset, part);
        }
        offset = offset.saturating_add(part.len() as u64);
        rest = after;
    }
}

/// A small generator of pseudorandom numbers (xorshift), so that a seed gives the same crash again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }
}

struct SimulatedFile {
    disk: Arc<Mutex<Disk>>,
    content: u64,
    generation: u64,
    writable: bool,
}

impl SimulatedFile {
    fn disk(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        disk.stopped()?;
        if disk.generation == self.generation {
            Ok(disk)
        } else {
            Err(io::Error::other("opened before the restart"))
        }
    }

    fn writable(&self) -> io::Result<MutexGuard<'_, Disk>> {
        if self.writable {
            self.disk()
        } else {
            Err(io::Error::from(io::ErrorKind::PermissionDenied))
        }
    }

    fn change(&self, disk: &mut Disk, change: Change) -> io::Result<()> {
        let content = disk.contents.get_mut(&self.content).ok_or(io::ErrorKind::NotFound)?;
        match &change {
            Change::Write(offset, bytes) => write(&mut content.current, *offset, bytes),
            Change::Length(length) => resize(&mut content.current, *length),
        }
        content.pending.push(change);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let delay = self.disk()?.sync_delay;
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        let mut disk = self.writable()?;
        disk.syncs = disk.syncs.wrapping_add(1);
        let fault = disk.begin()?;
        let content = disk.contents.get_mut(&self.content).ok_or(io::ErrorKind::NotFound)?;
        match fault {
            None => {
                content.durable.clone_from(&content.current);
                content.pending.clear();
                Ok(())
            }
            Some(Fault::InputOutput) => {
                // As Linux does: the pages are marked clean although they never reached the disk.
                content.pending.clear();
                Err(error_of(Fault::InputOutput))
            }
            Some(fault) => Err(error_of(fault)),
        }
    }
}

impl File for SimulatedFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.writable()?;
        let fault = disk.begin()?;
        let half = bytes.get(..bytes.len() / 2).unwrap_or_default().to_vec();
        match fault {
            Some(Fault::InputOutput) => Err(error_of(Fault::InputOutput)),
            Some(fault) => {
                self.change(&mut disk, Change::Write(offset, half))?;
                Err(error_of(fault))
            }
            None if !disk.has_room(self.content, offset.saturating_add(bytes.len() as u64)) => {
                Err(error_of(Fault::NoSpace))
            }
            None => self.change(&mut disk, Change::Write(offset, bytes.to_vec())),
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let disk = self.disk()?;
        let content = disk.contents.get(&self.content).ok_or(io::ErrorKind::NotFound)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = content.current.get(start..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(target), Some(source)) = (buffer.get_mut(..count), rest.get(..count)) {
            target.copy_from_slice(source);
        }
        Ok(count)
    }

    fn length(&self) -> io::Result<u64> {
        let disk = self.disk()?;
        Ok(disk
            .contents
            .get(&self.content)
            .map_or(0, |content| content.current.len() as u64))
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut disk = self.writable()?;
        disk.begin_whole()?;
        self.change(&mut disk, Change::Length(length))
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let mut disk = self.writable()?;
        disk.begin_whole()?;
        if !disk.has_room(self.content, length) {
            return Err(error_of(Fault::NoSpace));
        }
        let current = disk
            .contents
            .get(&self.content)
            .map_or(0, |content| content.current.len() as u64);
        self.change(&mut disk, Change::Length(length.max(current)))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }
}

struct SimulatedLock {
    disk: Arc<Mutex<Disk>>,
    path: PathBuf,
    generation: u64,
}

impl LockGuard for SimulatedLock {}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        if disk.generation == self.generation {
            disk.locks.remove(&self.path);
        }
    }
}

impl FaultyFileSystem {
    fn opened(&self, disk: &Disk, content: u64, writable: bool) -> Box<dyn File> {
        Box::new(SimulatedFile {
            disk: Arc::clone(&self.disk),
            content,
            generation: disk.generation,
            writable,
        })
    }

    fn open_with(&self, path: &Path, writable: bool) -> io::Result<Box<dyn File>> {
        let disk = self.disk();
        disk.stopped()?;
        let content = *disk.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.opened(&disk, content, writable))
    }
}

impl FileSystem for FaultyFileSystem {
    fn create(&self, path: &Path, kind: FileKind) -> io::Result<Box<dyn File>> {
        let mut disk = self.disk();
        disk.begin_whole()?;
        if disk.names.contains_key(path) {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let id = disk.next_content;
        disk.next_content = id.wrapping_add(1);
        let mode = if kind == FileKind::Key { 0o400 } else { 0o600 };
        disk.contents.insert(
            id,
            Content {
                mode,
                ..Content::default()
            },
        );
        disk.change_name(NameChange::Link(path.to_owned(), id));
        Ok(self.opened(&disk, id, true))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.open_with(path, true)
    }

    fn open_read_only(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.open_with(path, false)
    }

    fn permissions(&self, path: &Path) -> io::Result<u32> {
        let disk = self.disk();
        disk.stopped()?;
        if disk.directories.contains(path) {
            return Ok(0o700);
        }
        let content = disk.names.get(path).and_then(|id| disk.contents.get(id));
        content
            .map(|content| content.mode)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let disk = self.disk();
        disk.stopped()?;
        Ok(disk.names.contains_key(path) || disk.directories.contains(path))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.stopped()?;
        for ancestor in path.ancestors() {
            disk.directories.insert(ancestor.to_owned());
        }
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let disk = self.disk();
        disk.stopped()?;
        Ok(disk
            .names
            .keys()
            .filter(|path| path.parent() == Some(directory))
            .cloned()
            .collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.begin_whole()?;
        if !disk.names.contains_key(from) {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        disk.change_name(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn rename_first(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.exists(to)? {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        self.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.begin_whole()?;
        if !disk.names.contains_key(path) {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        disk.change_name(NameChange::Unlink(path.to_owned()));
        Ok(())
    }

    fn sync_directory(&self, _directory: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.begin_whole()?;
        disk.durable_names = disk.names.clone();
        disk.pending_names.clear();
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        let mut disk = self.disk();
        disk.stopped()?;
        if !disk.locks.insert(path.to_owned()) {
            return Err(io::Error::from(io::ErrorKind::WouldBlock));
        }
        Ok(Box::new(SimulatedLock {
            disk: Arc::clone(&self.disk),
            path: path.to_owned(),
            generation: disk.generation,
        }))
    }
}
