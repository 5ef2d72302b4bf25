//! A new database that begins with a checkpoint instead of the first commit, as a restore makes it.
//!
//! INVARIANT: what comes out opens as if its log had held all commits up to the checkpoint and were cut there.

use std::path::Path;
use std::sync::Arc;

use super::{DatabaseStore, LOG, StoreError, StoreOptions};
use crate::{ChunkChange, ChunkStore, CommitId, DatabaseKeys, FileSystem, KeyRing, Log};

impl DatabaseStore {
    /// Makes a database in `directory`, which must not exist, whose state at `commit` is `chunks`, and closes it. It has a
    /// data key of its own. Blocks. What is left after an error or a crash is of no use; so this is to be done in a
    /// folder that nobody opens yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn create_at(
        directory: &Path,
        file_system: Arc<dyn FileSystem>,
        key_ring: &KeyRing,
        options: StoreOptions,
        commit: CommitId,
        chunks: impl IntoIterator<Item = ChunkChange>,
    ) -> Result<(), StoreError> {
        let io = |action| {
            move |source| StoreError::Io {
                directory: directory.to_owned(),
                action,
                source,
            }
        };
        if file_system.exists(directory).map_err(io("be examined"))? {
            return Err(StoreError::NotEmpty {
                directory: directory.to_owned(),
            });
        }
        file_system.create_directory(directory).map_err(io("be created"))?;
        let keys = DatabaseKeys::create(file_system.as_ref(), &directory.join(super::ENVELOPE), key_ring)?;
        let store = ChunkStore::open(directory, &keys, options.chunks)?;
        // Without a commit there is nothing to keep, and the log begins with the first.
        if commit > CommitId::ZERO {
            store.write_checkpoint(commit, chunks)?;
        }
        store.close()?;
        let (log, _) = Log::open(file_system, &directory.join(LOG), &keys, commit, options.log)?;
        crate::CommitLog::close(&log)?;
        Ok(())
    }
}
