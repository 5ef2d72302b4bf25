//! The chunks of the last checkpoint.
//!
//! Owns a SlateDB over sealed objects. INVARIANT: what is read is always one whole checkpoint, never a part of a newer
//! one. Must not know what a chunk holds.

mod checkpoint;
mod engine;
mod values;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use slatedb::config::ScanOptions;
use slatedb::{Db, DbIterator, DbSnapshot};
use thiserror::Error;

use crate::sealed_objects::SealedObjects;
use crate::{CommitId, DatabaseKeys};
use engine::Driver;

/// The longest key of a chunk, in bytes.
const KEY_BYTES_MAX: usize = 512;
/// How long a checkpoint may wait for the disk before it fails.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(120);
/// How long there may be no room for it.
const FULL_TIME_MAX: Duration = Duration::from_secs(10);
/// How often it is looked whether there is.
const FULL_CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// How long closing may take before it is given up; all that matters is durable by then.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(20);
/// How much is read ahead in a scan, in bytes.
const READ_AHEAD_BYTES: usize = 1 << 20;

/// Why chunks could not be read or written.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// An object does not hold what was written to it, or its key is another one.
    #[error("chunk file `{object}` is damaged: {fault}")]
    Corrupt {
        /// The file below the home of the chunks.
        object: String,
        /// What is wrong.
        fault: String,
    },
    /// The engine or the file system below it failed.
    #[error("cannot {action} the chunk store in `{home}`")]
    Engine {
        /// What was being done.
        action: &'static str,
        /// Where the chunks are.
        home: String,
        /// The cause.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A stored value has not the expected form.
    #[error("a value in the chunk store in `{home}` is not valid: {fault}")]
    Malformed {
        /// Where the chunks are.
        home: String,
        /// What is wrong.
        fault: &'static str,
    },
    /// A key or a chunk is longer than the limit.
    #[error("a chunk key or value of {bytes} bytes is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The disk or the store below took too long, perhaps because it is full. The checkpoint may yet become durable.
    #[error(
        "the chunk store in `{home}` did not {action} in {} seconds{}",
        limit.as_secs(),
        reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default()
    )]
    TimedOut {
        /// What was being done.
        action: &'static str,
        /// Where the chunks are.
        home: String,
        /// How long it was waited for.
        limit: Duration,
        /// Why the last write before that failed, if it did.
        reason: Option<String>,
    },
    /// A checkpoint is older than the one already there.
    #[error("checkpoint {commit} is older than checkpoint {latest}")]
    Older {
        /// The commit of the refused checkpoint.
        commit: CommitId,
        /// The commit of the one that is there.
        latest: CommitId,
    },
}

/// One change that a checkpoint makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkChange {
    /// Stores a chunk, replacing what had this key.
    Put {
        /// The key, of at most 512 bytes.
        key: Vec<u8>,
        /// The chunk, of at most [`ChunkStoreOptions::chunk_bytes_max`].
        chunk: Vec<u8>,
    },
    /// Removes a chunk, if there is one.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
}

/// Where sealed objects are kept.
#[derive(Clone, Debug, Default)]
pub enum ChunkHome {
    /// In files below the database's directory, each synced when written.
    #[default]
    Local,
    /// In another object store, which must offer conditional puts.
    Objects(Arc<dyn object_store::ObjectStore>),
}

/// Sizes and limits of a chunk store.
#[derive(Clone, Debug)]
pub struct ChunkStoreOptions {
    /// Where the objects are kept.
    pub home: ChunkHome,
    /// Compressed changes up to this many bytes are written as one batch; larger checkpoints are staged first, which
    /// writes them twice.
    pub batch_bytes_max: usize,
    /// The longest chunk, in bytes.
    pub chunk_bytes_max: usize,
    /// The zstd level of chunks.
    pub compression_level: i32,
    /// The memory for blocks that were read, in bytes.
    pub cache_bytes: u64,
    /// The runtime that the engine's background work runs on; its own one with two threads if there is none.
    pub runtime: Option<tokio::runtime::Handle>,
}

impl Default for ChunkStoreOptions {
    fn default() -> Self {
        Self {
            home: ChunkHome::Local,
            batch_bytes_max: 256 << 20,
            chunk_bytes_max: 64 << 20,
            compression_level: 1,
            cache_bytes: 64 << 20,
            runtime: None,
        }
    }
}

/// The chunks of a database. All methods block and must be called from threads that may (not from those that drive
/// asynchronous tasks); dropping it does not block.
pub struct ChunkStore {
    db: Db,
    objects: Arc<SealedObjects>,
    driver: Arc<Driver>,
    home: String,
    options: ChunkStoreOptions,
    state: Mutex<State>,
    /// Held while a checkpoint is written: there is one at a time.
    writing: Mutex<()>,
}

struct State {
    latest: Option<CommitId>,
    /// The last whole checkpoint, which reads see also while the next is being written.
    view: Arc<DbSnapshot>,
}

impl ChunkStore {
    /// Opens the chunks below a database's directory, creating the store if there is none. A checkpoint that a crash
    /// interrupted is finished if it was complete, and dropped if not.
    ///
    /// # Errors
    /// [`ChunkError::Corrupt`] naming a file that is damaged or missing, [`ChunkError::Engine`].
    pub fn open(directory: &Path, keys: &DatabaseKeys, options: ChunkStoreOptions) -> Result<Self, ChunkError> {
        let home = directory.join(engine::DIRECTORY).display().to_string();
        let failed = |source: Arc<dyn std::error::Error + Send + Sync>| ChunkError::Engine {
            action: "open",
            home: home.clone(),
            source,
        };
        let driver = Driver::new(options.runtime.clone()).map_err(|error| failed(Arc::new(error)))?;
        let objects =
            engine::sealed_objects(directory, keys, &options.home).map_err(|error| failed(Arc::new(error)))?;
        let objects = Arc::new(objects);
        let lost = driver
            .wait_for(engine::has_lost_manifests(&objects))
            .map_err(|error| failed(Arc::new(error)))?;
        if lost {
            return Err(ChunkError::Corrupt {
                object: engine::MANIFESTS.to_owned(),
                fault: "it is missing".to_owned(),
            });
        }
        let opened = driver.wait_for(async {
            let db = engine::open(Arc::clone(&objects), &options).await?;
            let view = db.snapshot()?;
            Ok((db, view))
        });
        let (db, view) = opened.map_err(|error| engine_error(&objects, &home, "open", error))?;
        let state = Mutex::new(State { latest: None, view });
        let store = Self {
            db,
            objects,
            driver: Arc::new(driver),
            home,
            options,
            state,
            writing: Mutex::new(()),
        };
        store.finish_interrupted()?;
        Ok(store)
    }

    /// The commit of the last checkpoint.
    pub fn latest_checkpoint(&self) -> Option<CommitId> {
        self.lock().latest
    }

    /// The chunk with this key, as of the last checkpoint.
    ///
    /// # Errors
    /// [`ChunkError::Corrupt`], [`ChunkError::Engine`], [`ChunkError::Malformed`].
    pub fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ChunkError> {
        let view = Arc::clone(&self.lock().view);
        let value = self.driver.wait_for(view.get(values::chunk_key(key)));
        let value = value.map_err(|error| self.failed("read", error))?;
        let decoded = value.map(|value| values::decode_chunk(&value, self.options.chunk_bytes_max));
        decoded.transpose().map_err(|fault| self.malformed(fault))
    }

    /// The chunks whose keys begin with `prefix`, as of the last checkpoint.
    ///
    /// # Errors
    /// [`ChunkError::Corrupt`], [`ChunkError::Engine`].
    pub fn scan(&self, prefix: &[u8]) -> Result<ChunkScan, ChunkError> {
        let view = Arc::clone(&self.lock().view);
        let options = ScanOptions {
            read_ahead_bytes: READ_AHEAD_BYTES,
            cache_blocks: true,
            max_fetch_tasks: 2,
            ..ScanOptions::default()
        };
        let scan = view.scan_prefix_with_options(values::chunk_key(prefix), .., &options);
        let iterator = self.driver.wait_for(scan).map_err(|error| self.failed("read", error))?;
        Ok(ChunkScan {
            iterator: Some(iterator),
            objects: Arc::clone(&self.objects),
            driver: Arc::clone(&self.driver),
            home: self.home.clone(),
            chunk_bytes_max: self.options.chunk_bytes_max,
            _view: view,
        })
    }

    /// Ends background work. Checkpoints that were written are durable without this.
    ///
    /// # Errors
    /// [`ChunkError::Engine`].
    pub fn close(self) -> Result<(), ChunkError> {
        let closed = self.driver.wait_at_most(CLOSE_TIME_MAX, self.db.close());
        closed.map_or(Ok(()), |result| result.map_err(|error| self.failed("close", error)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, action: &'static str, error: slatedb::Error) -> ChunkError {
        engine_error(&self.objects, &self.home, action, error)
    }

    fn malformed(&self, fault: &'static str) -> ChunkError {
        ChunkError::Malformed {
            home: self.home.clone(),
            fault,
        }
    }
}

/// The engine does not always hand on which object was damaged or missing, so the layer below it is asked.
fn engine_error(objects: &SealedObjects, home: &str, action: &'static str, error: slatedb::Error) -> ChunkError {
    match objects.damage() {
        Some(damage) => ChunkError::Corrupt {
            object: damage.object,
            fault: damage.fault,
        },
        None => match objects.missing_table() {
            Some(object) => ChunkError::Corrupt {
                object,
                fault: "it is missing".to_owned(),
            },
            None => ChunkError::Engine {
                action,
                home: home.to_owned(),
                source: Arc::new(error),
            },
        },
    }
}

impl fmt::Debug for ChunkStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ChunkStore")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

/// Keys with their chunks, in order of the keys. After an error it ends. Blocks on the disk.
pub struct ChunkScan {
    iterator: Option<DbIterator>,
    objects: Arc<SealedObjects>,
    driver: Arc<Driver>,
    home: String,
    chunk_bytes_max: usize,
    _view: Arc<DbSnapshot>,
}

impl Iterator for ChunkScan {
    type Item = Result<(Vec<u8>, Vec<u8>), ChunkError>;

    fn next(&mut self) -> Option<Self::Item> {
        let iterator = self.iterator.as_mut()?;
        let next = self.driver.wait_for(iterator.next());
        let next = next.map_err(|error| engine_error(&self.objects, &self.home, "read", error));
        let item = next.transpose().map(|entry| {
            let entry = entry?;
            let malformed = |fault| ChunkError::Malformed {
                home: self.home.clone(),
                fault,
            };
            let key = values::plain_key(&entry.key).map_err(malformed)?.to_vec();
            let chunk = values::decode_chunk(&entry.value, self.chunk_bytes_max).map_err(malformed)?;
            Ok((key, chunk))
        });
        if !matches!(item, Some(Ok(_))) {
            self.iterator = None;
        }
        item
    }
}

impl fmt::Debug for ChunkScan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ChunkScan")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
