//! Restores over homes on disk, cut off after every step.

use std::net::SocketAddr;

use bastide_graph::WriteOptions;
use bastide_model::{ConstraintKind, GraphWrite, SchemaTarget, Value};
use bastide_security::WritePermit;

use super::*;
use crate::backup::BackupTaker;
use crate::{Configuration, Database, Dbms, NoAudit};

const STEPS: [RestoreStep; 7] = [
    RestoreStep::Prepared,
    RestoreStep::Written,
    RestoreStep::Verified,
    RestoreStep::Durable,
    RestoreStep::SystemThere,
    RestoreStep::InPlace,
    RestoreStep::Entered,
];

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn try_open(&self) -> Result<Arc<Dbms>, OpenError> {
        let configuration = Configuration {
            data_directory: Some(self.0.path().join("data")),
            key_file: self.0.path().join("conf/encryption.key"),
            ..Configuration::in_memory()
        };
        Dbms::open(configuration, Arc::new(NoAudit))
    }

    fn open(&self) -> Arc<Dbms> {
        self.try_open().unwrap()
    }

    fn databases(&self) -> PathBuf {
        self.0.path().join("data/databases")
    }

    /// Restores without looking at steps.
    fn restore(&self, backup: &Backup, name: &str, overwrite: bool) -> Result<Restored, RestoreError> {
        self.restore_until(backup, name, overwrite, None)
    }

    fn restore_until(
        &self,
        backup: &Backup,
        name: &str,
        overwrite: bool,
        until: Option<RestoreStep>,
    ) -> Result<Restored, RestoreError> {
        let request = RestoreRequest {
            data_directory: self.0.path().join("data"),
            key_file: self.0.path().join("conf/encryption.key"),
            database: name.to_owned(),
            overwrite,
            ..backup.request.clone()
        };
        let mut chunks = backup.chunks.iter().cloned().map(Ok);
        restore(&request, &mut chunks, &mut |step| {
            if Some(step) == until {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
    }
}

struct Backup {
    request: RestoreRequest,
    chunks: Vec<ExportedChunk>,
}

fn back_up(dbms: &Dbms, name: &str) -> Backup {
    let taker = BackupTaker {
        name: "CN=taker".to_owned(),
        address: SocketAddr::from(([127, 0, 0, 1], 1)),
    };
    let backup = dbms.begin_backup(name, &taker, "00").unwrap();
    let mut chunks: Vec<ExportedChunk> = Vec::new();
    loop {
        // Small batches, each found by the last key of the one before.
        let last = chunks.last().map(|(key, _)| key.clone());
        let batch = backup.export.chunks_after(last.as_deref(), 1);
        if batch.is_empty() {
            break;
        }
        chunks.extend(batch);
    }
    assert_eq!(chunks, backup.export.chunks_after(None, usize::MAX));
    let request = RestoreRequest {
        data_directory: PathBuf::new(),
        key_file: PathBuf::new(),
        database: String::new(),
        overwrite: false,
        backed_up_database: backup.database.to_string(),
        database_id: backup.database_id.to_string(),
        created: backup.created,
        commit: backup.export.commit_id().0,
    };
    Backup { request, chunks }
}

fn database(dbms: &Dbms) -> &Arc<Database> {
    dbms.databases.get("neo4j").unwrap()
}

/// Adds `count` nodes with their number, each joined to the first.
fn fill(dbms: &Dbms, from: i64, count: i64) {
    let graph = &database(dbms).graph;
    let mut transaction = graph.begin_write(&WritePermit::for_system_startup("neo4j"), WriteOptions::default());
    let label = transaction.label_id_or_create("Number").unwrap();
    let key = transaction.property_key_id_or_create("value").unwrap();
    let joins = transaction.relationship_type_id_or_create("JOINS").unwrap();
    let first = transaction.create_node(&[label]).unwrap();
    transaction.set_node_property(first, key, Value::Integer(from)).unwrap();
    for number in from + 1..from + count {
        let node = transaction.create_node(&[label]).unwrap();
        transaction
            .set_node_property(node, key, Value::Integer(number))
            .unwrap();
        transaction.create_relationship(joins, first, node).unwrap();
    }
    transaction.commit().unwrap();
}

fn constrain(dbms: &Dbms) {
    let graph = &database(dbms).graph;
    let mut transaction = graph.begin_write(&WritePermit::for_system_startup("neo4j"), WriteOptions::default());
    let target = SchemaTarget::Label(transaction.label_id_or_create("Number").unwrap());
    let key = transaction.property_key_id_or_create("value").unwrap();
    transaction
        .create_constraint(Some("numbers"), ConstraintKind::Unique, target, &[key])
        .unwrap();
    transaction.commit().unwrap();
}

fn nodes(dbms: &Dbms) -> u64 {
    let snapshot = database(dbms)
        .graph
        .begin_read(&ReadPermit::for_system_startup("neo4j"));
    snapshot.node_count(None).unwrap()
}

fn leftovers(home: &Home) -> usize {
    let entries = std::fs::read_dir(home.databases()).unwrap();
    entries
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .starts_with(FOLDER_PREFIX)
        })
        .count()
}

/// A home whose database has 1,000 nodes in more chunks than one, and its backup.
fn home_and_backup() -> (Home, Backup) {
    let home = Home::new();
    let dbms = home.open();
    constrain(&dbms);
    fill(&dbms, 0, 1_000);
    let backup = back_up(&dbms, "neo4j");
    fill(&dbms, 5_000, 7);
    (home, backup)
}

#[test]
fn a_fresh_home_gets_the_database_with_its_id_constraints_and_further_commits() {
    let (old, backup) = home_and_backup();
    let id = Arc::clone(&database(&old.open()).id);
    let home = Home::new();
    let restored = home.restore(&backup, "neo4j", false).unwrap();
    assert_eq!(
        (restored.nodes, restored.relationships, restored.replaced),
        (1_000, 999, false)
    );
    assert_eq!(restored.missing_databases, Vec::<String>::new());
    assert_eq!(leftovers(&home), 0);
    let dbms = home.open();
    assert!(dbms.has_no_users());
    assert_eq!((nodes(&dbms), Arc::clone(&database(&dbms).id)), (1_000, id));
    assert_eq!(database(&dbms).graph.last_commit_id().0, backup.request.commit);
    let graph = &database(&dbms).graph;
    let mut transaction = graph.begin_write(&WritePermit::for_system_startup("neo4j"), WriteOptions::default());
    let label = transaction.label_id_or_create("Number").unwrap();
    let key = transaction.property_key_id_or_create("value").unwrap();
    let node = transaction.create_node(&[label]).unwrap();
    assert!(node.0 >= 1_000, "an id is not given out twice");
    let doubled = transaction.set_node_property(node, key, Value::Integer(5));
    assert!(
        doubled.and_then(|_| transaction.commit().map(drop)).is_err(),
        "the constraint holds"
    );
    fill(&dbms, 2_000, 3);
    drop(dbms);
    assert_eq!(nodes(&home.open()), 1_003);
}

#[test]
fn a_database_is_replaced_only_on_request_and_never_while_it_is_open() {
    let (home, backup) = home_and_backup();
    let error = home.restore(&backup, "neo4j", false).unwrap_err();
    assert!(error.to_string().contains("--overwrite-destination"), "{error}");
    let dbms = home.open();
    assert_eq!(nodes(&dbms), 1_007);
    assert!(matches!(
        home.restore(&backup, "neo4j", true),
        Err(RestoreError::InUse { .. })
    ));
    drop(dbms);
    assert!(home.restore(&backup, "neo4j", true).unwrap().replaced);
    assert_eq!((nodes(&home.open()), leftovers(&home)), (1_000, 0));
}

#[test]
fn nothing_is_replaced_in_a_home_whose_system_database_cannot_be_used() {
    let (home, backup) = home_and_backup();
    let keys = home.databases().join("system/keys");
    let aside = home.0.path().join("keys");
    std::fs::rename(&keys, &aside).unwrap();
    let error = home.restore(&backup, "neo4j", true).unwrap_err();
    assert!(matches!(error, RestoreError::Home(_)), "{error:?}");
    std::fs::rename(&aside, &keys).unwrap();
    assert_eq!((nodes(&home.open()), leftovers(&home)), (1_007, 0));
}

#[test]
fn a_restore_that_is_cut_off_leaves_the_old_database_or_the_new_one() {
    for step in STEPS {
        let (home, backup) = home_and_backup();
        assert!(matches!(
            home.restore_until(&backup, "neo4j", true, Some(step)),
            Err(RestoreError::Ended)
        ));
        let is_new = matches!(step, RestoreStep::InPlace | RestoreStep::Entered);
        assert_eq!(nodes(&home.open()), if is_new { 1_000 } else { 1_007 }, "{step:?}");
        assert_eq!(leftovers(&home), 0, "{step:?}");
        home.restore(&backup, "neo4j", true).unwrap();
        assert_eq!(nodes(&home.open()), 1_000, "{step:?}");
    }
}

#[test]
fn a_fresh_home_starts_after_a_restore_that_was_cut_off_at_any_step() {
    let (_old, backup) = home_and_backup();
    for step in STEPS {
        let home = Home::new();
        home.restore_until(&backup, "neo4j", false, Some(step)).unwrap_err();
        let again = Home::new();
        again.restore_until(&backup, "neo4j", false, Some(step)).unwrap_err();
        let is_new = matches!(step, RestoreStep::InPlace | RestoreStep::Entered);
        assert_eq!(nodes(&home.open()), if is_new { 1_000 } else { 0 }, "{step:?}");
        again.restore(&backup, "neo4j", is_new).unwrap();
        assert_eq!(nodes(&again.open()), 1_000, "{step:?}");
    }
}

#[test]
fn a_backup_that_breaks_off_changes_nothing_and_says_why() {
    let (home, backup) = home_and_backup();
    let request = RestoreRequest {
        data_directory: home.0.path().join("data"),
        key_file: home.0.path().join("conf/encryption.key"),
        database: "neo4j".to_owned(),
        overwrite: true,
        ..backup.request.clone()
    };
    for count in 0..backup.chunks.len() {
        let good = backup.chunks.iter().take(count).cloned().map(Ok);
        let mut chunks = good.chain([Err("the disk is bad".into())]);
        let error = restore(&request, &mut chunks, &mut |_| ControlFlow::Continue(())).unwrap_err();
        let RestoreError::Backup(cause) = error else {
            panic!("{error}")
        };
        assert_eq!(cause.to_string(), "the disk is bad");
    }
    assert_eq!((nodes(&home.open()), leftovers(&home)), (1_007, 0));
}

#[test]
fn the_system_database_comes_back_with_what_it_knows_and_takes_no_other_place() {
    let (old, backup) = home_and_backup();
    let dbms = old.open();
    let system = back_up(&dbms, SYSTEM_DATABASE);
    let id = Arc::clone(&database(&dbms).id);
    drop(dbms);
    let home = Home::new();
    for (backup, name) in [(&system, "neo4j"), (&backup, SYSTEM_DATABASE)] {
        let refused = home.restore(backup, name, true);
        assert!(matches!(refused, Err(RestoreError::SystemMismatch { .. })));
    }
    let restored = home.restore(&system, SYSTEM_DATABASE, false).unwrap();
    assert_eq!(restored.missing_databases, ["neo4j"]);
    let refused = home.try_open().map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::Missing { .. }), "{refused}");
    home.restore(&backup, "neo4j", false).unwrap();
    let dbms = home.open();
    assert_eq!((nodes(&dbms), &database(&dbms).id), (1_000, &id));
}

#[test]
fn a_database_without_a_commit_and_one_of_another_name_can_be_restored() {
    let empty = Home::new();
    let backup = back_up(&empty.open(), "neo4j");
    assert_eq!(backup.request.commit, 0);
    let home = Home::new();
    home.restore(&backup, "Neo4j", false).unwrap();
    home.restore(&backup, "other", false).unwrap();
    assert_eq!(nodes(&home.open()), 0);
    assert!(home.databases().join("other/keys").exists());
}

#[test]
fn names_that_would_lead_elsewhere_are_refused() {
    let (home, backup) = home_and_backup();
    for name in ["", "..", "../x", "a/b", ".hidden", "-x", "1x", "é", &"x".repeat(64)] {
        assert!(
            matches!(home.restore(&backup, name, true), Err(RestoreError::Name(_))),
            "{name}"
        );
    }
}
