//! The mark: up to which commit the log is known to be durable.
//!
//! Owns the small file that lets recovery tell a batch that a crash left half-written from an acknowledged one that was
//! damaged. INVARIANT: the mark never names a commit that is not durable. It is written after each sync without being
//! synced itself, so it survives the end of the process always and a power cut mostly; after a clean close it is exact.
//! Two slots in sectors of their own are written in turn, so that one is whole at any time.

use std::path::{Path, PathBuf};

use super::LogError;
use super::failure::io_error;
use crate::cryptography::{AuthenticationKey, MAC_BYTES};
use crate::{CommitId, DatabaseKeys, File, FileKind, FileSystem};

/// The name of the file in the log's directory.
const NAME: &str = "mark";
const MAGIC: [u8; 8] = *b"BASTMRK\x01";
/// The distance of the slots, in bytes: a disk writes a sector whole.
const SLOT_BYTES: u64 = 512;
const SIGNED_BYTES: usize = 16;
const USED_BYTES: usize = SIGNED_BYTES + MAC_BYTES;

pub(super) struct Mark {
    file: Box<dyn File>,
    path: PathBuf,
    key: AuthenticationKey,
    commit: CommitId,
    slot: u64,
}

impl Mark {
    /// Whether there is a mark in a log's directory.
    pub(super) fn exists(file_system: &dyn FileSystem, directory: &Path) -> Result<bool, LogError> {
        let path = directory.join(NAME);
        file_system
            .exists(&path)
            .map_err(|source| io_error(&path, "be looked for", source))
    }

    /// Makes the mark of a new log, durably.
    pub(super) fn create(
        file_system: &dyn FileSystem,
        directory: &Path,
        keys: &DatabaseKeys,
        commit: CommitId,
    ) -> Result<Self, LogError> {
        let (path, staged) = (directory.join(NAME), directory.join("mark.new"));
        let file = file_system
            .create(&staged, FileKind::Data)
            .map_err(|source| io_error(&staged, "be created", source))?;
        let key = keys.mark_key().map_err(|_| LogError::Encryption)?;
        let mut mark = Self {
            file,
            path: staged.clone(),
            key,
            commit,
            slot: 1,
        };
        mark.write(commit)?;
        mark.file
            .allocate(SLOT_BYTES * 2)
            .map_err(|source| io_error(&staged, "be given room", source))?;
        mark.file
            .sync_all()
            .map_err(|source| io_error(&staged, "be synced", source))?;
        file_system
            .rename(&staged, &path)
            .map_err(|source| io_error(&path, "be renamed", source))?;
        file_system
            .sync_directory(directory)
            .map_err(|source| io_error(&path, "be made durable", source))?;
        mark.path = path;
        Ok(mark)
    }

    /// Opens the mark and reads the newer of its slots.
    pub(super) fn open(file_system: &dyn FileSystem, directory: &Path, keys: &DatabaseKeys) -> Result<Self, LogError> {
        let path = directory.join(NAME);
        let file = file_system
            .open(&path)
            .map_err(|source| io_error(&path, "be opened", source))?;
        let key = keys.mark_key().map_err(|_| LogError::Encryption)?;
        let mut newest = None;
        for slot in 0..2 {
            let mut bytes = [0_u8; USED_BYTES];
            let length = file
                .read_at(slot * SLOT_BYTES, &mut bytes)
                .map_err(|source| io_error(&path, "be read", source))?;
            if let Some(commit) = decode(&key, bytes.get(..length).unwrap_or_default()) {
                newest = newest.max(Some((commit, slot)));
            }
        }
        let (commit, slot) = newest.ok_or_else(|| LogError::Corrupt {
            file: path.clone(),
            offset: 0,
            fault: "neither of its slots is authentic".to_owned(),
        })?;
        Ok(Self {
            file,
            path,
            key,
            commit,
            slot,
        })
    }

    pub(super) fn commit(&self) -> CommitId {
        self.commit
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the mark forward, without syncing it.
    pub(super) fn write(&mut self, commit: CommitId) -> Result<(), LogError> {
        let slot = 1 - self.slot;
        let mut bytes = [0_u8; USED_BYTES];
        if let Some((signed, code)) = bytes.split_first_chunk_mut::<SIGNED_BYTES>() {
            if let Some((magic, number)) = signed.split_first_chunk_mut::<8>() {
                *magic = MAGIC;
                number.copy_from_slice(&commit.value().to_le_bytes());
            }
            code.copy_from_slice(&self.key.sign(signed).map_err(|_| LogError::Encryption)?);
        }
        self.file
            .write_at(slot * SLOT_BYTES, &bytes)
            .map_err(|source| io_error(&self.path, "be written", source))?;
        (self.commit, self.slot) = (commit, slot);
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), LogError> {
        self.file
            .sync_data()
            .map_err(|source| io_error(&self.path, "be synced", source))
    }
}

fn decode(key: &AuthenticationKey, bytes: &[u8]) -> Option<CommitId> {
    let (signed, code) = bytes.split_first_chunk::<SIGNED_BYTES>()?;
    key.verify(signed, code).ok()?;
    let (magic, number) = signed.split_first_chunk::<8>()?;
    (*magic == MAGIC).then_some(CommitId::new(u64::from_le_bytes(number.try_into().ok()?)))
}
