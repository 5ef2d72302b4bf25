//! Checkpoints: crashes at every write, damage, what is left on disk.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult,
};

use super::*;
use crate::{FaultyFileSystem, KeyRing};

type Chunks = BTreeMap<Vec<u8>, Vec<u8>>;

fn keys() -> DatabaseKeys {
    let disk = FaultyFileSystem::new();
    let ring = KeyRing::create(&disk, Path::new("/key")).unwrap();
    DatabaseKeys::create(&disk, Path::new("/keys"), &ring).unwrap()
}

fn options(home: ChunkHome) -> ChunkStoreOptions {
    ChunkStoreOptions {
        home,
        ..ChunkStoreOptions::default()
    }
}

/// Sets chunks `from..to` to what stands for `version`, and removes every fifth of them.
fn changes(from: u32, to: u32, version: u8) -> Vec<ChunkChange> {
    let change = |number: u32| {
        let key = format!("node/{number:06}").into_bytes();
        if number % 5 == u32::from(version) % 5 {
            ChunkChange::Delete { key }
        } else {
            let mut chunk = format!("plaintext marker {number} ").repeat(20).into_bytes();
            chunk.extend((0..300_u32).map(|index| (index.wrapping_mul(number + 7) >> 3) as u8 ^ version));
            ChunkChange::Put { key, chunk }
        }
    };
    (from..to).map(change).collect()
}

fn apply(chunks: &mut Chunks, changes: Vec<ChunkChange>) {
    for change in changes {
        match change {
            ChunkChange::Put { key, chunk } => drop(chunks.insert(key, chunk)),
            ChunkChange::Delete { key } => drop(chunks.remove(&key)),
        }
    }
}

fn all(store: &ChunkStore) -> Chunks {
    store.scan(b"").unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn reads_back_checkpoints_over_openings_in_files_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, keys) = (tempfile::tempdir().unwrap(), keys());
    let mut expected = Chunks::new();
    for round in 1..=3_u8 {
        let store = ChunkStore::open(directory.path(), &keys, options(ChunkHome::Local)).unwrap();
        assert_eq!(
            store.latest_checkpoint(),
            (round > 1).then_some(CommitId::new(u64::from(round - 1) * 10))
        );
        assert_eq!(all(&store), expected);
        let changes = changes(u32::from(round) * 50, u32::from(round) * 50 + 200, round);
        apply(&mut expected, changes.clone());
        store
            .write_checkpoint(CommitId::new(u64::from(round) * 10), changes)
            .unwrap();
        assert_eq!(all(&store), expected);
        let key = b"node/000151".to_vec();
        assert_eq!(store.read(&key).unwrap().as_ref(), expected.get(&key));
        assert_eq!(
            store.scan(b"node/00015").unwrap().count(),
            expected.keys().filter(|key| key.starts_with(b"node/00015")).count()
        );
        let error = store.write_checkpoint(CommitId::new(1), Vec::new()).unwrap_err();
        assert!(matches!(error, ChunkError::Older { .. }));
        store.close().unwrap();
    }
    let mut files = 0;
    let mut directories = vec![directory.path().join("chunks")];
    while let Some(folder) = directories.pop() {
        assert_eq!(
            folder.metadata().unwrap().permissions().mode() & 0o777,
            0o700,
            "{}",
            folder.display()
        );
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            files += 1;
            assert_eq!(
                path.metadata().unwrap().permissions().mode() & 0o777,
                0o600,
                "{}",
                path.display()
            );
            let content = std::fs::read(&path).unwrap();
            for marker in [&b"plaintext"[..], b"node/", b"latest"] {
                assert!(
                    !content.windows(marker.len()).any(|window| window == marker),
                    "{}",
                    path.display()
                );
            }
        }
    }
    assert!(files > 3);
}

/// A store that stops after so many writes, as a machine that crashes does.
#[derive(Debug)]
struct Stopping {
    inner: Arc<InMemory>,
    writes_left: AtomicI64,
}

impl Stopping {
    fn check(&self) -> object_store::Result<()> {
        if self.writes_left.load(Ordering::SeqCst) >= 0 {
            return Ok(());
        }
        let error = std::io::Error::other("the simulated machine has stopped");
        let source = Box::new(slatedb_common::retry::NonRetryable(Box::new(error)));
        Err(object_store::Error::Generic {
            store: "stopping",
            source,
        })
    }

    fn write(&self) -> object_store::Result<()> {
        self.writes_left.fetch_sub(1, Ordering::SeqCst);
        self.check()
    }
}

impl fmt::Display for Stopping {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("stopping")
    }
}

#[async_trait]
impl ObjectStore for Stopping {
    async fn put_opts(
        &self,
        at: &ObjectPath,
        payload: PutPayload,
        opts: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.write()?;
        self.inner.put_opts(at, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        at: &ObjectPath,
        opts: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.write()?;
        self.inner.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, at: &ObjectPath, options: GetOptions) -> object_store::Result<GetResult> {
        self.check()?;
        self.inner.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        at: BoxStream<'static, object_store::Result<ObjectPath>>,
    ) -> BoxStream<'static, object_store::Result<ObjectPath>> {
        self.inner.delete_stream(at)
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> object_store::Result<ListResult> {
        self.check()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &ObjectPath, to: &ObjectPath, options: CopyOptions) -> object_store::Result<()> {
        self.write()?;
        self.inner.copy_opts(from, to, options).await
    }
}

/// Writes a checkpoint over another and stops at each write in turn: what is found is one of the two, whole.
fn stops_anywhere(batch_bytes_max: usize) -> usize {
    let keys = keys();
    let base = Arc::new(InMemory::new());
    let open = |home: ChunkHome| {
        ChunkStore::open(
            Path::new("/data"),
            &keys,
            ChunkStoreOptions {
                batch_bytes_max,
                ..options(home)
            },
        )
    };
    let store = open(ChunkHome::Objects(base.clone())).unwrap();
    let mut former = Chunks::new();
    apply(&mut former, changes(0, 100, 1));
    store.write_checkpoint(CommitId::new(10), changes(0, 100, 1)).unwrap();
    store.close().unwrap();
    let mut newer = former.clone();
    apply(&mut newer, changes(50, 150, 2));
    let mut stops = 0;
    loop {
        let inner = Arc::new(base.fork());
        let stopping = Arc::new(Stopping {
            inner: inner.clone(),
            writes_left: AtomicI64::new(stops as i64),
        });
        let written = open(ChunkHome::Objects(stopping))
            .and_then(|store| store.write_checkpoint(CommitId::new(20), changes(50, 150, 2)));
        let store = open(ChunkHome::Objects(inner)).unwrap();
        let found = all(&store);
        match store.latest_checkpoint().map(CommitId::value) {
            Some(10) => assert!(written.is_err() && found == former, "stopped after {stops} writes"),
            Some(20) => assert!(found == newer, "stopped after {stops} writes"),
            other => panic!("{other:?}"),
        }
        // The next checkpoint finds nothing left of the one that was interrupted.
        let mut last = found;
        apply(&mut last, changes(20, 60, 3));
        store.write_checkpoint(CommitId::new(30), changes(20, 60, 3)).unwrap();
        assert!(all(&store) == last);
        if written.is_ok() {
            return stops;
        }
        stops += 1;
    }
}

#[test]
fn a_small_checkpoint_is_there_whole_or_not_at_all() {
    assert!(stops_anywhere(1 << 20) >= 2);
}

#[test]
fn a_staged_checkpoint_is_there_whole_or_not_at_all() {
    assert!(stops_anywhere(4096) >= 6);
}

#[test]
fn reads_see_the_former_checkpoint_while_the_next_is_written() {
    let home = ChunkHome::Objects(Arc::new(InMemory::new()));
    let store = ChunkStore::open(
        Path::new("/data"),
        &keys(),
        ChunkStoreOptions {
            batch_bytes_max: 4096,
            ..options(home)
        },
    )
    .unwrap();
    store.write_checkpoint(CommitId::new(1), changes(0, 50, 1)).unwrap();
    let before = all(&store);
    let watched = changes(0, 100, 2)
        .into_iter()
        .inspect(|_| assert!(all(&store) == before));
    store.write_checkpoint(CommitId::new(2), watched.step_by(10)).unwrap();
    assert!(all(&store) != before);
}

#[test]
fn names_a_damaged_a_missing_and_an_exchanged_file() {
    let (keys, inner) = (keys(), Arc::new(InMemory::new()));
    let open = |inner: &InMemory| {
        ChunkStore::open(
            Path::new("/data"),
            &keys,
            options(ChunkHome::Objects(Arc::new(inner.fork()))),
        )
        .and_then(|store| store.scan(b"")?.collect::<Result<Vec<_>, _>>())
    };
    for commit in 1..=2 {
        let store = ChunkStore::open(Path::new("/data"), &keys, options(ChunkHome::Objects(inner.clone()))).unwrap();
        store
            .write_checkpoint(CommitId::new(commit), changes(0, 100, commit as u8))
            .unwrap();
        store.close().unwrap();
    }
    open(&inner).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let listed: Vec<_> = runtime.block_on(inner.list(None).map(|meta| meta.unwrap().location).collect());
    let tables: Vec<_> = listed
        .into_iter()
        .filter(|path| path.extension() == Some("sst"))
        .collect();
    assert!(tables.len() >= 2, "{tables:?}");
    let get = |path: &ObjectPath| {
        let path = path.clone();
        let inner = inner.clone();
        runtime.block_on(async move {
            inner
                .get_opts(&path, GetOptions::default())
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap()
        })
    };
    let damaged = |content: Option<Vec<u8>>, path: &ObjectPath| {
        let forked = inner.fork();
        runtime.block_on(async {
            use object_store::ObjectStoreExt;
            match content {
                Some(content) => drop(forked.put(path, content.into()).await.unwrap()),
                None => forked.delete(path).await.unwrap(),
            }
        });
        open(&forked).unwrap_err()
    };
    let (table, other) = (&tables[0], &tables[1]);
    let whole = get(table).to_vec();
    for position in [0, 30, 70, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[position] ^= 4;
        let error = damaged(Some(flipped), table);
        assert!(
            matches!(&error, ChunkError::Corrupt { object, .. } if *object == table.to_string()),
            "{error:?}"
        );
    }
    for content in [
        Some(whole[..whole.len() - 100].to_vec()),
        Some(get(other).to_vec()),
        Some(Vec::new()),
        None,
    ] {
        let error = damaged(content, table);
        assert!(
            matches!(&error, ChunkError::Corrupt { object, .. } if *object == table.to_string()),
            "{error:?}"
        );
    }
}

#[test]
fn refuses_the_key_of_another_database() {
    let inner = Arc::new(InMemory::new());
    let home = || options(ChunkHome::Objects(inner.clone()));
    ChunkStore::open(Path::new("/data"), &keys(), home())
        .unwrap()
        .close()
        .unwrap();
    let error = ChunkStore::open(Path::new("/data"), &keys(), home()).unwrap_err();
    assert!(
        matches!(&error, ChunkError::Corrupt { fault, .. } if fault.contains("another key")),
        "{error:?}"
    );
}
