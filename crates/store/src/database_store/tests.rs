//! The facade over real files: reopening, damage, removal of old log.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::{FaultyFileSystem, LocalFileSystem, LogRecord, Survival};

struct Home {
    directory: tempfile::TempDir,
    ring: KeyRing,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ring = KeyRing::create(&LocalFileSystem, &directory.path().join("secrets/key")).unwrap();
        Self { directory, ring }
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("data/neo4j")
    }

    fn open(&self) -> Result<(DatabaseStore, Recovered), StoreError> {
        let log = LogOptions {
            segment_bytes: 4096,
            ..LogOptions::default()
        };
        let options = StoreOptions {
            log,
            ..StoreOptions::default()
        };
        DatabaseStore::open(&self.database(), Arc::new(LocalFileSystem), &self.ring, options)
    }
}

fn append(store: &DatabaseStore, number: u64) {
    let durable = store
        .append(format!("commit {number} ").repeat(20).as_bytes())
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!(durable.commit_id.value(), number);
}

fn numbers(records: LogRecords) -> Vec<u64> {
    records
        .map(|record: Result<LogRecord, _>| record.unwrap().commit_id.value())
        .collect()
}

fn chunk(number: u64) -> ChunkChange {
    ChunkChange::Put {
        key: b"state".to_vec(),
        chunk: number.to_string().into_bytes(),
    }
}

#[test]
fn recovers_the_checkpoint_and_the_commits_after_it() {
    let home = Home::new();
    let (store, recovered) = home.open().unwrap();
    assert_eq!((recovered.checkpoint, recovered.last_commit), (None, CommitId::ZERO));
    (1..=40).for_each(|number| append(&store, number));
    let early = store.checkpoint(CommitId::new(41), [chunk(41)]).unwrap_err();
    assert!(matches!(early, StoreError::NotDurable { .. }));
    store.checkpoint(CommitId::new(30), [chunk(30)]).unwrap();
    assert!(store.records_from(CommitId::new(1)).is_err());
    drop(store);
    let (store, recovered) = home.open().unwrap();
    assert_eq!(
        (recovered.checkpoint, recovered.last_commit.value()),
        (Some(CommitId::new(30)), 40)
    );
    assert_eq!(numbers(recovered.records), (31..=40).collect::<Vec<_>>());
    assert_eq!(store.read_chunk(b"state").unwrap().unwrap(), b"30");
    store.checkpoint(CommitId::new(40), [chunk(40)]).unwrap();
    store.close().unwrap();
    let (store, recovered) = home.open().unwrap();
    assert!(numbers(recovered.records).is_empty());
    append(&store, 41);
    assert_eq!(
        store.scan_chunks(b"st").unwrap().next().unwrap().unwrap(),
        (b"state".to_vec(), b"40".to_vec())
    );
}

#[test]
fn refuses_a_second_opening_and_a_directory_open_to_others() {
    let home = Home::new();
    let (store, _) = home.open().unwrap();
    assert!(matches!(home.open(), Err(StoreError::InUse { .. })));
    drop(store);
    home.open().unwrap();
    fs::set_permissions(home.database(), fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(home.open(), Err(StoreError::OpenToOthers { mode: 0o750, .. })));
}

#[test]
fn refuses_another_key_and_a_missing_envelope() {
    let home = Home::new();
    let (store, _) = home.open().unwrap();
    append(&store, 1);
    store.close().unwrap();
    let ring = KeyRing::create(&LocalFileSystem, &home.directory.path().join("other")).unwrap();
    let options = StoreOptions::default();
    let error = DatabaseStore::open(&home.database(), Arc::new(LocalFileSystem), &ring, options).unwrap_err();
    assert!(matches!(error, StoreError::Key(KeyError::WrongKey { .. })), "{error}");
    fs::remove_file(home.database().join("keys")).unwrap();
    assert!(matches!(home.open(), Err(StoreError::EnvelopeMissing { .. })));
}

#[test]
fn refuses_chunks_that_were_removed_after_the_log_was_cut() {
    let home = Home::new();
    let (store, _) = home.open().unwrap();
    (1..=40).for_each(|number| append(&store, number));
    store.checkpoint(CommitId::new(40), [chunk(40)]).unwrap();
    store.close().unwrap();
    fs::remove_dir_all(home.database().join("chunks/manifest")).unwrap();
    let error = home.open().unwrap_err();
    assert!(matches!(&error, StoreError::Chunk(ChunkError::Corrupt { object, .. }) if object == "chunks/manifest"));
    fs::remove_dir_all(home.database().join("chunks")).unwrap();
    let error = home.open().unwrap_err();
    assert!(matches!(error, StoreError::CheckpointMissing { .. }), "{error}");
}

#[test]
fn a_log_that_is_gone_is_not_begun_anew() {
    let home = Home::new();
    let (store, _) = home.open().unwrap();
    append(&store, 1);
    store.checkpoint(CommitId::new(1), [chunk(1)]).unwrap();
    store.close().unwrap();
    fs::remove_dir_all(home.database().join("log")).unwrap();
    for _ in 0..2 {
        let error = home.open().unwrap_err();
        assert!(
            matches!(&error, StoreError::Log(LogError::Corrupt { file, .. }) if file.ends_with("log/mark")),
            "{error}"
        );
    }
}

#[test]
fn every_file_is_for_the_owner_alone() {
    let home = Home::new();
    let (store, _) = home.open().unwrap();
    append(&store, 1);
    store.checkpoint(CommitId::new(1), [chunk(1)]).unwrap();
    store.close().unwrap();
    let mut folders = vec![home.directory.path().join("data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", path.display());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
}

#[test]
fn runs_on_a_simulated_disk_with_chunks_in_memory() {
    let disk = FaultyFileSystem::new();
    let ring = KeyRing::create(&disk, Path::new("/secrets/key")).unwrap();
    let objects = Arc::new(object_store::memory::InMemory::new());
    let open = || {
        let home = crate::ChunkHome::Objects(objects.clone());
        let options = StoreOptions {
            chunks: ChunkStoreOptions {
                home,
                ..ChunkStoreOptions::default()
            },
            ..StoreOptions::default()
        };
        DatabaseStore::open(Path::new("/data/neo4j"), Arc::new(disk.clone()), &ring, options)
    };
    let (store, _) = open().unwrap();
    (1..=3).for_each(|number| append(&store, number));
    store.checkpoint(CommitId::new(2), [chunk(2)]).unwrap();
    drop(store);
    disk.restart(Survival::Nothing);
    let (_, recovered) = open().unwrap();
    assert_eq!(
        (recovered.checkpoint, numbers(recovered.records)),
        (Some(CommitId::new(2)), vec![3])
    );
}
