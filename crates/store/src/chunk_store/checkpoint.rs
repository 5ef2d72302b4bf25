//! Writing checkpoints.
//!
//! Owns the two ways of making one durable at once. A small checkpoint is one batch of the engine, which is there whole
//! or not at all. A large one is staged first: its changes are written as staged records, then the record `pending`
//! makes it certain, then the staged changes are applied and removed. INVARIANT: at every moment the disk holds either
//! the former checkpoint, or `pending` with all that is needed to reach the new one. Must not know what a chunk holds.

use std::sync::PoisonError;

use slatedb::WriteBatch;
use slatedb::config::{FlushOptions, FlushType};

use super::values::{
    EncodedChange, LATEST_KEY, PENDING_KEY, STAGED_PREFIX, change_bytes, chunk_key, decode_changes, decode_commit,
    encode_changes, encode_chunk, encode_commit, staged_key,
};
use super::{ChunkChange, ChunkError, ChunkStore, FLUSH_TIME_MAX, FULL_CHECK_INTERVAL, FULL_TIME_MAX, KEY_BYTES_MAX};
use crate::CommitId;

/// How many bytes of changes one staged record holds.
const STAGED_RECORD_BYTES: usize = 1 << 20;

impl ChunkStore {
    /// Makes the changes since the last checkpoint durable, as the state at `commit`. After a crash either all of them
    /// are there or none. Reads see the former checkpoint until this returns.
    ///
    /// # Errors
    /// [`ChunkError::Older`], [`ChunkError::TooLarge`], [`ChunkError::Engine`], [`ChunkError::TimedOut`]. The former
    /// checkpoint is still whole then.
    pub fn write_checkpoint(
        &self,
        commit: CommitId,
        changes: impl IntoIterator<Item = ChunkChange>,
    ) -> Result<(), ChunkError> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.commit_at(PENDING_KEY)?.is_some() {
            // An error came between a large checkpoint's being certain and its being applied.
            self.finish_interrupted()?;
        }
        if let Some(latest) = self.latest_checkpoint().filter(|latest| *latest > commit) {
            return Err(ChunkError::Older { commit, latest });
        }
        let (mut waiting, mut waiting_bytes, mut staged) = (Vec::new(), 0_usize, 0_u64);
        for change in changes {
            let change = self.encode(change)?;
            waiting_bytes = waiting_bytes.saturating_add(change_bytes(&change));
            waiting.push(change);
            if waiting_bytes > self.options.batch_bytes_max {
                self.stage(&waiting, &mut staged)?;
                waiting.clear();
                waiting_bytes = 0;
            }
        }
        let mut batch = WriteBatch::new();
        if staged == 0 {
            put_changes(&mut batch, waiting);
            batch.put(LATEST_KEY, encode_commit(commit));
            self.write(batch)?;
        } else {
            self.stage(&waiting, &mut staged)?;
            self.flush()?;
            batch.put(PENDING_KEY, encode_commit(commit));
            self.write(batch)?;
            self.flush()?;
            self.apply_staged(commit)?;
        }
        self.flush()?;
        self.publish(Some(commit))
    }

    /// Finishes a checkpoint that was certain when a crash came, and drops the staged changes of one that was not.
    pub(super) fn finish_interrupted(&self) -> Result<(), ChunkError> {
        if let Some(pending) = self.commit_at(PENDING_KEY)? {
            self.apply_staged(pending)?;
            self.flush()?;
        } else if self.drop_staged()? {
            self.flush()?;
        }
        let latest = self.commit_at(LATEST_KEY)?;
        self.publish(latest)
    }

    fn commit_at(&self, key: &[u8]) -> Result<Option<CommitId>, ChunkError> {
        let value = self
            .driver
            .wait_for(self.db.get(key))
            .map_err(|error| self.failed("read", error))?;
        value
            .map(|value| decode_commit(&value))
            .transpose()
            .map_err(|fault| self.malformed(fault))
    }

    /// Lets readers see what is there now.
    fn publish(&self, latest: Option<CommitId>) -> Result<(), ChunkError> {
        let view = self.db.snapshot().map_err(|error| self.failed("read", error))?;
        let mut state = self.lock();
        (state.latest, state.view) = (latest, view);
        Ok(())
    }

    fn encode(&self, change: ChunkChange) -> Result<EncodedChange, ChunkError> {
        let check = |bytes: &[u8], limit| match bytes.len() {
            length if length > limit => Err(ChunkError::TooLarge { bytes: length, limit }),
            _ => Ok(()),
        };
        match change {
            ChunkChange::Put { key, chunk } => {
                check(&key, KEY_BYTES_MAX)?;
                check(&chunk, self.options.chunk_bytes_max)?;
                let value = encode_chunk(&chunk, self.options.compression_level);
                Ok((chunk_key(&key), Some(value.map_err(|fault| self.malformed(fault))?)))
            }
            ChunkChange::Delete { key } => {
                check(&key, KEY_BYTES_MAX)?;
                Ok((chunk_key(&key), None))
            }
        }
    }

    fn stage(&self, changes: &[EncodedChange], staged: &mut u64) -> Result<(), ChunkError> {
        if *staged == 0 {
            // A checkpoint that failed earlier may have left some.
            self.drop_staged()?;
        }
        let mut rest = changes;
        while !rest.is_empty() {
            let mut bytes = 0_usize;
            let fits = |change: &&EncodedChange| {
                let first = bytes == 0;
                bytes = bytes.saturating_add(change_bytes(change));
                first || bytes <= STAGED_RECORD_BYTES
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (part, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            let mut batch = WriteBatch::new();
            batch.put(
                staged_key(*staged),
                encode_changes(part).map_err(|fault| self.malformed(fault))?,
            );
            self.write(batch)?;
            *staged = staged.saturating_add(1);
            rest = after;
        }
        Ok(())
    }

    /// Applies what is staged. May be done again from the start or from any point, with the same outcome.
    fn apply_staged(&self, commit: CommitId) -> Result<(), ChunkError> {
        for key in self.staged_keys()? {
            let value = self
                .driver
                .wait_for(self.db.get(&key))
                .map_err(|error| self.failed("read", error))?;
            let value = value.ok_or_else(|| self.malformed("a staged record is missing"))?;
            let mut batch = WriteBatch::new();
            put_changes(
                &mut batch,
                decode_changes(&value).map_err(|fault| self.malformed(fault))?,
            );
            batch.delete(key);
            self.write(batch)?;
        }
        let mut batch = WriteBatch::new();
        batch.put(LATEST_KEY, encode_commit(commit));
        batch.delete(PENDING_KEY);
        self.write(batch)
    }

    fn drop_staged(&self) -> Result<bool, ChunkError> {
        let mut batch = WriteBatch::new();
        let mut found = false;
        for key in self.staged_keys()? {
            batch.delete(key);
            found = true;
        }
        if found {
            self.write(batch)?;
        }
        Ok(found)
    }

    fn staged_keys(&self) -> Result<Vec<bytes::Bytes>, ChunkError> {
        let keys = self.driver.wait_for(async {
            let mut keys = Vec::new();
            let mut staged = self.db.scan_prefix(STAGED_PREFIX, ..).await?;
            while let Some(entry) = staged.next().await? {
                keys.push(entry.key);
            }
            Ok(keys)
        });
        keys.map_err(|error| self.failed("read", error))
    }

    fn write(&self, batch: WriteBatch) -> Result<(), ChunkError> {
        let written = self.wait_for_disk(self.db.write(batch))?;
        written.map(drop).map_err(|error| self.failed("write to", error))
    }

    fn flush(&self) -> Result<(), ChunkError> {
        let options = FlushOptions {
            flush_type: FlushType::MemTable,
        };
        let flushed = self.wait_for_disk(self.db.flush_with_options(options))?;
        flushed.map_err(|error| self.failed("write to", error))
    }

    /// The engine never gives up on a full disk; whoever waits for it does.
    fn wait_for_disk<F: Future>(&self, future: F) -> Result<F::Output, ChunkError> {
        let full = async {
            while !self.objects.is_full_for(FULL_TIME_MAX) {
                tokio::time::sleep(FULL_CHECK_INTERVAL).await;
            }
        };
        let either = async {
            tokio::select! {
                biased;
                output = future => Some(output),
                () = full => None,
            }
        };
        let timed_out = |limit| ChunkError::TimedOut {
            action: "accept a checkpoint",
            home: self.home.clone(),
            limit,
            reason: self.objects.refusal(),
        };
        self.driver
            .wait_at_most(FLUSH_TIME_MAX, either)
            .ok_or_else(|| timed_out(FLUSH_TIME_MAX))?
            .ok_or_else(|| timed_out(FULL_TIME_MAX))
    }
}

fn put_changes(batch: &mut WriteBatch, changes: Vec<EncodedChange>) {
    for (key, value) in changes {
        match value {
            Some(value) => batch.put_bytes(key.into(), value),
            None => batch.delete(key),
        }
    }
}
