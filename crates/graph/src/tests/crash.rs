//! The graph over the real log on a simulated disk that fails at every operation in turn.

use std::path::Path;
use std::sync::Arc;

use bastide_model::{CommitId, GraphRead, GraphWrite, NodeId, Value};
use bastide_store::{CommitLog, DatabaseKeys, Fault, FaultyFileSystem, KeyRing, Log, LogError, LogOptions, Survival};

use super::{MemoryHome, names, read, write};
use crate::Graph;
use crate::durability::{ChunkUpdate, Durability, DurabilityError, Ticket};
use crate::recovery::LoggedCommit;
use crate::stored::StoredTicket;

/// A log without checkpoints.
struct OnlyLog(Log);

impl Durability for OnlyLog {
    fn append(&self, record: &[u8]) -> Result<Box<dyn Ticket>, DurabilityError> {
        let ticket = self
            .0
            .append(record)
            .map_err(|error| DurabilityError(Box::new(error)))?;
        Ok(Box::new(StoredTicket(ticket)))
    }

    fn resume(&self) -> Result<CommitId, (CommitId, DurabilityError)> {
        let durable = CommitId(self.0.durable_commit().value());
        let resumed = self.0.resume().map(|commit| CommitId(commit.value()));
        resumed.map_err(|error| (durable, DurabilityError(Box::new(error))))
    }

    fn checkpoint(&self, _: CommitId, _: &mut dyn Iterator<Item = ChunkUpdate>) -> Result<(), DurabilityError> {
        Err(DurabilityError(Box::new(LogError::Closed)))
    }
}

fn open(disk: &FaultyFileSystem, keys: &DatabaseKeys) -> Result<Graph, LogError> {
    let file_system = Arc::new(disk.clone());
    let options = LogOptions {
        segment_bytes: 4096,
        ..LogOptions::default()
    };
    let after = bastide_store::CommitId::ZERO;
    let (log, _) = Log::open(file_system, Path::new("/data/log"), keys, after, options)?;
    let records = log.records_from(after.next())?.collect::<Result<Vec<_>, _>>()?;
    let mut logged = records.into_iter().map(|record| {
        Ok(LoggedCommit {
            commit_id: CommitId(record.commit_id.value()),
            record: record.payload,
        })
    });
    Ok(Graph::recover(&MemoryHome::default(), &mut logged, || Box::new(OnlyLog(log))).unwrap())
}

/// Commits pairs of nodes, numbered; returns the numbers that were acknowledged.
fn work(graph: &Graph) -> Vec<i64> {
    let mut acknowledged = Vec::new();
    for number in 0..30 {
        let mut transaction = write(graph);
        let names = names(&mut transaction);
        for _ in 0..2 {
            let node = transaction.create_node(&[names.label]).unwrap();
            transaction
                .set_node_property(node, names.key, Value::Integer(number))
                .unwrap();
            let text = Value::from("x".repeat(200));
            transaction.set_node_property(node, names.other_key, text).unwrap();
        }
        if transaction.commit().is_ok() {
            acknowledged.push(number);
        }
    }
    acknowledged
}

/// The numbers that are there, each exactly twice.
fn found(graph: &Graph) -> Vec<i64> {
    let snapshot = read(graph);
    let mut nodes = Vec::new();
    snapshot.scan_nodes(NodeId(0), usize::MAX, &mut nodes).unwrap();
    let Some(key) = snapshot.property_key_id("name") else {
        assert!(nodes.is_empty());
        return Vec::new();
    };
    let numbers = nodes
        .iter()
        .map(|node| snapshot.node_property(*node, key).unwrap().as_integer().unwrap());
    let numbers: Vec<i64> = numbers.collect();
    numbers
        .chunks(2)
        .for_each(|pair| assert!(matches!(pair, [a, b] if a == b), "a commit is there in part"));
    numbers.chunks(2).map(|pair| pair[0]).collect()
}

#[test]
fn what_was_acknowledged_is_there_whole_after_a_fault_at_any_operation() {
    let key_disk = FaultyFileSystem::new();
    let ring = KeyRing::create(&key_disk, Path::new("/secret/key")).unwrap();
    let keys = DatabaseKeys::create(&key_disk, Path::new("/data/keys"), &ring).unwrap();
    let disk = FaultyFileSystem::new();
    assert_eq!(work(&open(&disk, &keys).unwrap()).len(), 30);
    let operations = disk.operations();
    assert!(operations > 30);
    for operation in 0..operations {
        for fault in [Fault::Crash, Fault::CrashWithin, Fault::NoSpace, Fault::InputOutput] {
            let disk = FaultyFileSystem::new();
            disk.fail_at(operation, fault);
            let Ok(graph) = open(&disk, &keys) else { continue };
            let acknowledged = work(&graph);
            // Readers of the same process see what was acknowledged and nothing else.
            assert_eq!(found(&graph), acknowledged, "{fault:?} at {operation}");
            drop(graph);
            for survival in [Survival::Nothing, Survival::Some(operation)] {
                disk.restart(survival);
                let graph = open(&disk, &keys).unwrap();
                let found = found(&graph);
                // One commit may have reached the disk without an answer.
                let extra = found.iter().filter(|number| !acknowledged.contains(number)).count();
                let lost = acknowledged.iter().filter(|number| !found.contains(number)).count();
                assert!(
                    lost == 0 && extra <= 1,
                    "{fault:?} at {operation}: {lost} lost, {extra} more"
                );
            }
        }
    }
}
