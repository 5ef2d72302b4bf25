//! How the engine below is opened.
//!
//! Owns its settings and the runtime it works on. INVARIANT: it has no log of its own, so that nothing is durable before
//! a flush and a batch that was flushed is there whole. Must not know what is kept in it.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use slatedb::Db;
use slatedb::config::{CompactorOptions, GarbageCollectorOptions, Settings};
use slatedb::db_cache::moka::{MokaCache, MokaCacheOptions};
use tokio::runtime::{Handle, Runtime};

use super::{ChunkHome, ChunkStoreOptions};
use crate::DatabaseKeys;
use crate::sealed_objects::SealedObjects;

/// The directory of the chunks in the database's.
pub(super) const DIRECTORY: &str = "chunks";
/// Where the engine keeps its manifests.
pub(super) const MANIFESTS: &str = "chunks/manifest";
/// How often background work looks for something to do.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// How often an operation on an object is tried again before it fails.
const RETRIES_MAX: u32 = 4;
/// How many files of recent checkpoints there may be before one waits for compaction.
const RECENT_FILES_MAX: usize = 64;

/// The runtime that drives the engine.
pub(super) struct Driver {
    own: Option<Runtime>,
    handle: Handle,
}

impl Driver {
    pub(super) fn new(shared: Option<Handle>) -> std::io::Result<Self> {
        if let Some(handle) = shared {
            return Ok(Self { own: None, handle });
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("chunk-store")
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            own: Some(runtime),
        })
    }

    pub(super) fn wait_for<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    pub(super) fn wait_at_most<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        self.handle
            .block_on(async { tokio::time::timeout(limit, future).await.ok() })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.own.take() {
            runtime.shutdown_background();
        }
    }
}

/// The objects of a database, sealed.
pub(super) fn sealed_objects(
    directory: &Path,
    keys: &DatabaseKeys,
    home: &ChunkHome,
) -> object_store::Result<SealedObjects> {
    Ok(match home {
        ChunkHome::Local => {
            let inner = LocalFileSystem::new_with_prefix(directory)?.with_fsync(true);
            SealedObjects::new(Arc::new(inner), keys.clone()).for_owner_only(directory)
        }
        ChunkHome::Objects(inner) => SealedObjects::new(Arc::clone(inner), keys.clone()),
    })
}

/// Whether there are objects but none that says which of them count: then the engine would begin anew over them.
pub(super) async fn has_lost_manifests(objects: &SealedObjects) -> object_store::Result<bool> {
    let top = objects.list_with_delimiter(Some(&DIRECTORY.into())).await?;
    if top.common_prefixes.is_empty() && top.objects.is_empty() {
        return Ok(false);
    }
    let manifests = objects.list_with_delimiter(Some(&MANIFESTS.into())).await?;
    Ok(manifests.objects.is_empty())
}

/// Opens the engine over sealed objects.
pub(super) async fn open(objects: Arc<SealedObjects>, options: &ChunkStoreOptions) -> Result<Db, slatedb::Error> {
    let conditional_updates = matches!(options.home, ChunkHome::Objects(_));
    let settings = Settings {
        flush_interval: None,
        wal_enabled: false,
        manifest_poll_interval: POLL_INTERVAL,
        l0_max_ssts: RECENT_FILES_MAX,
        l0_max_ssts_per_key: RECENT_FILES_MAX,
        compactor_options: Some(CompactorOptions {
            poll_interval: POLL_INTERVAL,
            object_store_max_retries: Some(RETRIES_MAX),
            ..CompactorOptions::default()
        }),
        garbage_collector_options: Some(GarbageCollectorOptions {
            // A local directory has no conditional overwrite; the database's lock keeps a second process out.
            boundary_files_enabled: conditional_updates,
            object_store_max_retries: Some(RETRIES_MAX),
            wal_options: None,
            wal_fence_options: None,
            ..GarbageCollectorOptions::default()
        }),
        object_store_max_retries: Some(RETRIES_MAX),
        ..Settings::default()
    };
    let cache = MokaCache::new_with_opts(MokaCacheOptions {
        max_capacity: options.cache_bytes,
        ..MokaCacheOptions::default()
    });
    let objects: Arc<dyn ObjectStore> = objects;
    Db::builder(DIRECTORY, objects)
        .with_settings(settings)
        .with_db_cache(Arc::new(cache), 0)
        .build()
        .await
}
