//! Log records, checkpoints, failures of the disk and damaged bytes.

use std::sync::Arc;

use bastide_model::{
    CommitId, CoordinateSystem, Date, DateTime, Duration, GraphError, GraphRead, GraphWrite, LabelId, LocalDateTime,
    LocalTime, NodeId, Point, PropertyKeyId, RelationshipId, RelationshipTypeId, SchemaTarget, Time, Value, Zone,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::{MemoryHome, names, read, write};
use crate::OpenError;
use crate::change::{Change, read_record, write_record};
use crate::codec::{Reader, read_value, write_value};
use crate::records::Labels;
use crate::recovery::LoggedCommit;
use crate::tokens::{TokenCounts, Tokens};

#[test]
fn a_failed_commit_takes_its_followers_with_it_and_the_graph_goes_on() {
    let home = MemoryHome::default();
    let graph = home.open();
    let mut first = write(&graph);
    let names = names(&mut first);
    first.create_node(&[names.label]).unwrap();
    first.commit().unwrap();
    home.fail_after(1);
    let outcomes: Vec<bool> = std::thread::scope(|scope| {
        let commit = || {
            let mut transaction = write(&graph);
            transaction.create_node(&[names.label]).unwrap();
            transaction.commit().is_ok()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(commit)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|succeeded| **succeeded).count(), 1);
    assert_eq!(read(&graph).node_count(None).unwrap(), 2);
    home.repair();
    let mut transaction = write(&graph);
    let label = transaction
        .label_id_or_create("Made while the disk failed or after")
        .unwrap();
    transaction.create_node(&[label]).unwrap();
    assert_eq!(transaction.commit().unwrap().commit_id, CommitId(3));
    let reopened = home.open();
    assert_eq!(read(&reopened).node_count(None).unwrap(), 3);
    assert_eq!(
        read(&reopened).label_id("Made while the disk failed or after"),
        Some(label)
    );
}

#[test]
fn a_name_of_a_rolled_back_transaction_is_logged_with_the_commit_that_uses_it() {
    let home = MemoryHome::default();
    let graph = home.open();
    let mut rolled_back = write(&graph);
    let label = rolled_back.label_id_or_create("Shared").unwrap();
    let mut using = write(&graph);
    assert_eq!(using.label_id_or_create("Shared").unwrap(), label);
    rolled_back.rollback();
    using.create_node(&[label]).unwrap();
    using.commit().unwrap();
    let reopened = read(&home.open());
    assert_eq!(reopened.label_name(label).as_deref(), Some("Shared"));
    assert_eq!(reopened.node_count(Some(label)).unwrap(), 1);
}

#[test]
fn a_checkpoint_writes_what_changed_and_cuts_the_log() {
    let home = MemoryHome::default();
    let graph = home.open();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    let target = SchemaTarget::Label(names.label);
    let kind = bastide_model::ConstraintKind::Unique;
    transaction
        .create_constraint(Some("unique"), kind, target, &[names.key])
        .unwrap();
    let nodes: Vec<_> = (0..10_000i64)
        .map(|number| {
            let node = transaction.create_node(&[names.label]).unwrap();
            transaction
                .set_node_property(node, names.key, Value::Integer(number))
                .unwrap();
            node
        })
        .collect();
    for pair in nodes.windows(2) {
        transaction
            .create_relationship(names.relationship_type, pair[0], pair[1])
            .unwrap();
    }
    transaction.commit().unwrap();
    assert!(graph.bytes_since_checkpoint() > 0);
    assert_eq!(graph.checkpoint().unwrap(), CommitId(1));
    assert_eq!(graph.bytes_since_checkpoint(), 0);
    assert!(home.records().is_empty());
    let first = home.chunk_writes();
    assert_eq!(first, 1 + 2 * 10_000usize.div_ceil(256));

    let mut transaction = write(&graph);
    transaction
        .set_node_property(nodes[5_000], names.other_key, Value::from("new"))
        .unwrap();
    transaction.commit().unwrap();
    graph.checkpoint().unwrap();
    assert_eq!(home.chunk_writes() - first, 2);

    let mut transaction = write(&graph);
    transaction.create_node(&[]).unwrap();
    transaction.commit().unwrap();
    let reopened = home.open();
    let (before, after) = (read(&graph), read(&reopened));
    assert_eq!(after.commit_id(), CommitId(3));
    assert_eq!(after.node_count(None).unwrap(), 10_001);
    assert_eq!(before.indexes(), after.indexes());
    assert_eq!(before.constraints(), after.constraints());
    assert_eq!(before.schema_version(), after.schema_version());
    assert_eq!(
        after.node_property(nodes[5_000], names.other_key).unwrap().as_str(),
        Some("new")
    );
    // New ids do not collide with old ones.
    let mut transaction = write(&reopened);
    assert_eq!(transaction.create_node(&[]).unwrap(), NodeId(10_001));
}

#[test]
fn large_chunks_are_cut_and_smaller_ones_leave_nothing_wrong_behind() {
    let home = MemoryHome::default();
    let graph = home.open();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    let node = transaction.create_node(&[]).unwrap();
    let large = Value::Bytes(vec![7u8; 20 << 20].into());
    transaction.set_node_property(node, names.key, large).unwrap();
    transaction.commit().unwrap();
    graph.checkpoint().unwrap();
    assert_eq!(home.chunk_count(), 4);
    let size = |graph: &crate::Graph| read(graph).node_property(node, names.key).unwrap().memory_size();
    assert!(size(&home.open()) > 20 << 20);
    let mut transaction = write(&graph);
    transaction
        .set_node_property(node, names.key, Value::Integer(1))
        .unwrap();
    transaction.commit().unwrap();
    graph.checkpoint().unwrap();
    assert!(size(&home.open()) < 100);
}

#[test]
fn a_missing_commit_and_a_damaged_record_are_named() {
    let home = MemoryHome::default();
    let graph = home.open();
    for _ in 0..3 {
        let mut transaction = write(&graph);
        transaction.create_node(&[]).unwrap();
        transaction.commit().unwrap();
    }
    let records = home.records();
    let logged = |id: u64, record: &[u8]| {
        Ok(LoggedCommit {
            commit_id: CommitId(id),
            record: record.to_vec(),
        })
    };
    let missing = home.open_with(vec![logged(1, &records[0]), logged(3, &records[2])]);
    assert!(matches!(
        missing,
        Err(OpenError::MissingCommit {
            expected: CommitId(2),
            found: CommitId(3)
        })
    ));
    let damaged = home.open_with(vec![logged(1, &[1, 0, 0, 0, 0, 0, 0, 99])]);
    assert_eq!(
        damaged.unwrap_err().to_string(),
        "the log record of commit 1 is not valid: a change has the unknown tag 99"
    );
}

#[test]
fn the_head_falls_back_when_the_only_commit_fails() {
    let home = MemoryHome::default();
    let graph = home.open();
    home.fail_after(0);
    let mut transaction = write(&graph);
    let label = transaction.label_id_or_create("A").unwrap();
    transaction.create_node(&[label]).unwrap();
    assert!(matches!(transaction.commit(), Err(GraphError::Store(_))));
    home.repair();
    let mut transaction = write(&graph);
    transaction.create_node(&[label]).unwrap();
    assert_eq!(transaction.commit().unwrap().commit_id, CommitId(1));
    assert_eq!(read(&home.open()).node_count(Some(label)).unwrap(), 1);
}

fn any_value() -> impl Strategy<Value = Value> {
    let single = prop_oneof![
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Float),
        ".{0,20}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| Value::Bytes(bytes.into())),
        any::<i64>().prop_map(|epoch_days| Value::Date(Date { epoch_days })),
        any::<(i64, i32)>().prop_map(|(nanoseconds, offset_seconds)| Value::Time(Time {
            nanoseconds,
            offset_seconds
        })),
        any::<i64>().prop_map(|nanoseconds| Value::LocalTime(LocalTime { nanoseconds })),
        any::<(i64, u32)>().prop_map(|(epoch_seconds, nanoseconds)| Value::LocalDateTime(LocalDateTime {
            epoch_seconds,
            nanoseconds
        })),
        (any::<(i64, u32, i32)>(), prop::option::of("[A-Z/]{1,9}")).prop_map(
            |((epoch_seconds, nanoseconds, offset), name)| {
                let zone = match name {
                    Some(name) => Zone::Named {
                        name: name.into(),
                        offset_seconds: offset,
                    },
                    None => Zone::Offset(offset),
                };
                Value::DateTime(Arc::new(DateTime {
                    epoch_seconds,
                    nanoseconds,
                    zone,
                }))
            }
        ),
        any::<(i64, i64, i64, i32)>().prop_map(|(months, days, seconds, nanoseconds)| {
            Value::Duration(Arc::new(Duration {
                months,
                days,
                seconds,
                nanoseconds,
            }))
        }),
        any::<(f64, f64, f64)>().prop_map(|(x, y, z)| {
            Value::Point(Arc::new(Point {
                system: CoordinateSystem::Wgs84ThreeD,
                x,
                y,
                z,
            }))
        }),
    ];
    prop_oneof![
        single.clone(),
        prop::collection::vec(single, 0..4).prop_map(Value::from)
    ]
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<u64>(), prop::collection::btree_set(any::<u32>(), 0..5)).prop_map(|(node, labels)| Change::CreateNode {
            node: NodeId(node),
            labels: labels.into_iter().map(LabelId).collect::<Labels>()
        }),
        any::<u64>().prop_map(|node| Change::DeleteNode { node: NodeId(node) }),
        any::<(u64, u32, u64, u64)>().prop_map(|(id, kind, start, end)| Change::CreateRelationship {
            relationship: RelationshipId(id),
            relationship_type: RelationshipTypeId(kind),
            start: NodeId(start),
            end: NodeId(end)
        }),
        (any::<u64>(), any::<u32>(), any_value()).prop_map(|(node, key, value)| Change::SetNodeProperty {
            node: NodeId(node),
            key: PropertyKeyId(key),
            value
        }),
        any::<(u64, u32)>().prop_map(|(node, label)| Change::AddLabel {
            node: NodeId(node),
            label: LabelId(label)
        }),
    ]
}

proptest! {
    #[test]
    fn changes_and_values_survive_writing_and_reading(changes in prop::collection::vec(any_change(), 0..20)) {
        let mut bytes = Vec::new();
        changes.iter().for_each(|change| change.write(&mut bytes));
        let record = write_record(&Tokens::default(), TokenCounts::default(), &bytes);
        let mut tokens = Tokens::default();
        let mut reader = read_record(&record, &mut tokens).unwrap();
        for change in &changes {
            let read = Change::read(&mut reader).unwrap();
            prop_assert_eq!(format!("{read:?}"), format!("{change:?}"));
        }
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn garbage_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0u8..20) {
        let mut with_start = vec![1, 0, 0, 0, 0, 0, 0, start];
        with_start.extend_from_slice(&bytes);
        for input in [bytes, with_start] {
            let _ = read_value(&mut Reader::new(&input));
            let record = vec![Ok(LoggedCommit { commit_id: CommitId(1), record: input })];
            let _ = MemoryHome::default().open_with(record);
        }
    }

    #[test]
    fn a_damaged_chunk_never_panics(place in any::<usize>(), byte in any::<usize>()) {
        let home = MemoryHome::default();
        let graph = home.open();
        let mut transaction = write(&graph);
        let names = names(&mut transaction);
        for number in 0..300 {
            let node = transaction.create_node(&[names.label]).unwrap();
            transaction.set_node_property(node, names.key, Value::Integer(number)).unwrap();
            transaction.create_relationship(names.relationship_type, node, NodeId(0)).unwrap();
        }
        transaction.commit().unwrap();
        graph.checkpoint().unwrap();
        home.damage_chunk(place % home.chunk_count(), byte);
        let _ = home.open_with(Vec::new());
    }
}

#[test]
fn every_storable_kind_of_value_is_the_same_after_a_restart() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let values: Vec<Value> = (0..200)
        .map(|_| any_value().new_tree(&mut runner).unwrap().current())
        .filter(Value::is_storable)
        .collect();
    let home = MemoryHome::default();
    let graph = home.open();
    let mut transaction = write(&graph);
    let key = transaction.property_key_id_or_create("v").unwrap();
    for value in &values {
        let node = transaction.create_node(&[]).unwrap();
        transaction.set_node_property(node, key, value.clone()).unwrap();
    }
    transaction.commit().unwrap();
    let bytes = |value: &Value| {
        let mut bytes = Vec::new();
        write_value(&mut bytes, value);
        bytes
    };
    for checkpoint in [false, true] {
        if checkpoint {
            graph.checkpoint().unwrap();
        }
        let reopened = read(&home.open());
        for (id, value) in (0..).zip(&values) {
            let found = reopened.node_property(NodeId(id), key).unwrap();
            assert_eq!(found.kind(), value.kind());
            assert_eq!(bytes(&found), bytes(value));
        }
    }
}
