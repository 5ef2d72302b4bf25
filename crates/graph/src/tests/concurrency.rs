//! Transactions that overlap.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use bastide_model::{
    CommitId, ConstraintKind, Direction, GraphError, GraphRead, GraphWrite, SchemaTarget, Seek, SeekBound, Value,
};

use super::{MemoryHome, Names, names, read, write, write_with};
use crate::{Graph, Isolation, Transaction, WriteOptions};

fn graph_with(prepare: impl FnOnce(&mut Transaction, Names)) -> (Graph, Names) {
    let graph = Graph::in_memory();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    prepare(&mut transaction, names);
    transaction.commit().unwrap();
    (graph, names)
}

fn conflicts(result: Result<crate::Committed, GraphError>) -> bool {
    match result {
        Ok(_) => false,
        Err(GraphError::Conflict { .. }) => true,
        Err(other) => panic!("{other}"),
    }
}

fn integer(transaction: &impl GraphRead, node: bastide_model::NodeId, names: Names) -> i64 {
    transaction
        .node_property(node, names.key)
        .unwrap()
        .as_integer()
        .unwrap_or(0)
}

#[test]
fn the_second_to_write_the_same_node_loses() {
    let mut node = None;
    let (graph, names) = graph_with(|transaction, _| node = Some(transaction.create_node(&[]).unwrap()));
    let node = node.unwrap();
    for isolation in [Isolation::Serializable, Isolation::Snapshot] {
        let options = WriteOptions {
            isolation,
            ..WriteOptions::default()
        };
        let (mut first, mut second) = (write_with(&graph, options.clone()), write_with(&graph, options));
        first.set_node_property(node, names.key, Value::Integer(1)).unwrap();
        second.set_node_property(node, names.key, Value::Integer(2)).unwrap();
        first.commit().unwrap();
        assert!(conflicts(second.commit()));
    }
    assert_eq!(integer(&read(&graph), node, names), 1);
}

/// Each takes from one account what only the sum of both allows.
fn write_skew(isolation: Isolation) -> bool {
    let mut nodes = Vec::new();
    let (graph, names) = graph_with(|transaction, _| {
        nodes = vec![
            transaction.create_node(&[]).unwrap(),
            transaction.create_node(&[]).unwrap(),
        ];
    });
    let begin = || {
        write_with(
            &graph,
            WriteOptions {
                isolation,
                ..WriteOptions::default()
            },
        )
    };
    let (mut first, mut second) = (begin(), begin());
    for (transaction, own) in [(&mut first, nodes[0]), (&mut second, nodes[1])] {
        let sum: i64 = nodes.iter().map(|node| integer(transaction, *node, names)).sum();
        assert_eq!(sum, 0);
        transaction
            .set_node_property(own, names.key, Value::Integer(1))
            .unwrap();
    }
    first.commit().unwrap();
    conflicts(second.commit())
}

#[test]
fn write_skew_is_prevented_under_serializable_and_allowed_under_snapshot() {
    assert!(write_skew(Isolation::Serializable));
    assert!(!write_skew(Isolation::Snapshot));
}

#[test]
fn phantoms_are_prevented_for_scans_counts_expansions_and_seeks() {
    let mut made = None;
    let (graph, names) = graph_with(|transaction, names| {
        let target = SchemaTarget::Label(names.label);
        let index = transaction.create_index(None, target, &[names.key]).unwrap().id;
        made = Some((transaction.create_node(&[]).unwrap(), index));
    });
    let (hub, index) = made.unwrap();
    let range = |from, to| Seek::Range {
        from: SeekBound::Included(from),
        to: SeekBound::Excluded(to),
    };
    let around = range(Value::Integer(0), Value::Integer(10));
    let elsewhere = range(Value::Integer(10), Value::Integer(20));
    let equal = |number| Seek::Equal(vec![Value::Integer(number)]);
    type Read<'a> = (bool, Box<dyn Fn(&Transaction) + 'a>);
    let reads: Vec<Read<'_>> = vec![
        (
            true,
            Box::new(|t| {
                t.scan_label(names.label, bastide_model::NodeId(0), 10, &mut Vec::new())
                    .unwrap()
            }),
        ),
        (
            true,
            Box::new(|t| assert!(t.node_count(Some(names.label)).unwrap() < u64::MAX)),
        ),
        (true, Box::new(|t| assert!(t.node_count(None).unwrap() < u64::MAX))),
        (
            true,
            Box::new(|t| assert!(t.relationship_count(Some(names.relationship_type)).unwrap() < u64::MAX)),
        ),
        (
            true,
            Box::new(|t| t.expand(hub, Direction::Outgoing, &[], &mut Vec::new()).unwrap()),
        ),
        (
            true,
            Box::new(|t| t.index_seek_nodes(index, &around, &mut Vec::new()).unwrap()),
        ),
        (
            true,
            Box::new(|t| t.index_seek_nodes(index, &Seek::All, &mut Vec::new()).unwrap()),
        ),
        (
            true,
            Box::new(|t| t.index_seek_nodes(index, &equal(5), &mut Vec::new()).unwrap()),
        ),
        (
            false,
            Box::new(|t| t.index_seek_nodes(index, &elsewhere, &mut Vec::new()).unwrap()),
        ),
        (
            false,
            Box::new(|t| t.index_seek_nodes(index, &equal(6), &mut Vec::new()).unwrap()),
        ),
        (false, Box::new(|t| drop(t.node_property(hub, names.key).unwrap()))),
    ];
    for (place, (expected, read)) in reads.iter().enumerate() {
        let mut reader = write(&graph);
        read(&reader);
        reader.create_node(&[]).unwrap();
        let mut writer = write(&graph);
        let node = writer.create_node(&[names.label]).unwrap();
        writer.set_node_property(node, names.key, Value::Integer(5)).unwrap();
        writer.create_relationship(names.relationship_type, hub, node).unwrap();
        writer.commit().unwrap();
        assert_eq!(conflicts(reader.commit()), *expected, "read {place}");
    }
}

#[test]
fn relationships_added_to_one_hub_do_not_collide() {
    let mut hub = None;
    let (graph, names) = graph_with(|transaction, _| hub = Some(transaction.create_node(&[]).unwrap()));
    let hub = hub.unwrap();
    let mut open: Vec<Transaction> = (0..8).map(|_| write(&graph)).collect();
    for transaction in &mut open {
        let node = transaction.create_node(&[]).unwrap();
        transaction
            .create_relationship(names.relationship_type, hub, node)
            .unwrap();
    }
    open.into_iter()
        .for_each(|transaction| assert!(transaction.commit().is_ok()));
    assert_eq!(read(&graph).degree(hub, Direction::Outgoing, &[]).unwrap(), 8);
}

#[test]
fn deleting_a_node_and_adding_a_relationship_to_it_collide_either_way() {
    for delete_first in [true, false] {
        let mut node = None;
        let (graph, names) = graph_with(|transaction, _| node = Some(transaction.create_node(&[]).unwrap()));
        let node = node.unwrap();
        let (mut deleting, mut adding) = (write(&graph), write(&graph));
        deleting.delete_node(node).unwrap();
        adding.create_relationship(names.relationship_type, node, node).unwrap();
        let (winner, loser) = if delete_first {
            (deleting, adding)
        } else {
            (adding, deleting)
        };
        winner.commit().unwrap();
        assert!(conflicts(loser.commit()));
    }
}

#[test]
fn of_two_transactions_that_insert_the_same_unique_key_one_wins() {
    let (graph, names) = graph_with(|transaction, names| {
        let target = SchemaTarget::Label(names.label);
        transaction
            .create_constraint(None, ConstraintKind::Unique, target, &[names.key])
            .unwrap();
    });
    let (mut first, mut second) = (write(&graph), write(&graph));
    for transaction in [&mut first, &mut second] {
        let node = transaction.create_node(&[names.label]).unwrap();
        transaction
            .set_node_property(node, names.key, Value::from("same"))
            .unwrap();
    }
    second.commit().unwrap();
    assert!(matches!(first.commit(), Err(GraphError::NotUnique { .. })));
    assert_eq!(read(&graph).node_count(None).unwrap(), 1);
}

/// Adds one to the counter; the fourth attempt takes the writer's slot.
fn increment(graph: &Graph, node: bastide_model::NodeId, names: Names) {
    for attempt in 0.. {
        let hold_writer_slot = attempt >= 3;
        let mut transaction = write_with(
            graph,
            WriteOptions {
                hold_writer_slot,
                ..WriteOptions::default()
            },
        );
        let number = integer(&transaction, node, names);
        transaction
            .set_node_property(node, names.key, Value::Integer(number + 1))
            .unwrap();
        match transaction.commit() {
            Ok(_) => return,
            Err(GraphError::Conflict { .. }) => assert!(!hold_writer_slot, "the holder of the slot cannot lose"),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn no_increment_of_a_shared_counter_is_lost() {
    let home = MemoryHome::default();
    let graph = home.open();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    let node = transaction.create_node(&[]).unwrap();
    transaction.commit().unwrap();
    let (threads, rounds) = (32, 10);
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                start.wait();
                (0..rounds).for_each(|_| increment(&graph, node, names));
            });
        }
    });
    let total = i64::try_from(threads * rounds).unwrap();
    assert_eq!(integer(&read(&graph), node, names), total);
    assert_eq!(integer(&read(&home.open()), node, names), total);
}

#[test]
fn independent_transactions_of_many_threads_all_succeed_without_a_retry() {
    let home = MemoryHome::default();
    let graph = home.open();
    std::thread::scope(|scope| {
        for thread in 0..16i64 {
            let graph = &graph;
            scope.spawn(move || {
                for round in 0..50 {
                    let mut transaction = write(graph);
                    let names = names(&mut transaction);
                    let node = transaction.create_node(&[names.label]).unwrap();
                    transaction
                        .set_node_property(node, names.key, Value::Integer(thread * 50 + round))
                        .unwrap();
                    let committed = transaction.commit().unwrap();
                    assert!(read(graph).commit_id() >= committed.commit_id);
                    assert!(read(graph).node_exists(node).unwrap());
                }
            });
        }
    });
    assert_eq!(read(&graph).node_count(None).unwrap(), 800);
    assert_eq!(graph.last_commit_id(), CommitId(800));
    assert_eq!(read(&home.open()).node_count(None).unwrap(), 800);
}

#[test]
fn waiting_for_a_commit_ends_with_it_or_at_the_deadline() {
    let (graph, _) = graph_with(|transaction, _| assert!(transaction.create_node(&[]).is_ok()));
    assert!(graph.wait_for_commit(CommitId(1), Instant::now()));
    assert!(!graph.wait_for_commit(CommitId(2), Instant::now() + Duration::from_millis(5)));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| graph.wait_for_commit(CommitId(2), Instant::now() + Duration::from_secs(60)));
        let mut transaction = write(&graph);
        transaction.create_node(&[]).unwrap();
        transaction.commit().unwrap();
        assert!(waiting.join().unwrap());
    });
}
