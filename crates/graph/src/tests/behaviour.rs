//! Single transactions: rules, messages, savepoints, limits.

use std::sync::atomic::Ordering;

use bastide_model::{
    CommitId, ConstraintKind, Direction, GraphError, GraphRead, GraphWrite, NodeId, PropertyKeyId, RelationshipId,
    SchemaTarget, Seek, Value,
};

use super::{names, read, write, write_with};
use crate::{Graph, TransactionStatistics, WriteOptions};

#[test]
fn a_snapshot_does_not_see_what_is_committed_later() {
    let graph = Graph::in_memory();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    let node = transaction.create_node(&[names.label, names.label]).unwrap();
    transaction
        .set_node_property(node, names.key, Value::from("Ada"))
        .unwrap();
    assert!(!read(&graph).node_exists(node).unwrap());
    let committed = transaction.commit().unwrap();
    assert_eq!(committed.commit_id, CommitId(1));
    let expected = TransactionStatistics {
        nodes_created: 1,
        labels_added: 1,
        properties_set: 1,
        ..Default::default()
    };
    assert_eq!(committed.statistics, expected);

    let before = read(&graph);
    let mut transaction = write(&graph);
    transaction.delete_node(node).unwrap();
    assert!(!transaction.node_exists(node).unwrap());
    transaction.commit().unwrap();
    assert_eq!(before.node_property(node, names.key).unwrap().as_str(), Some("Ada"));
    assert_eq!(before.node_count(Some(names.label)).unwrap(), 1);
    assert_eq!(read(&graph).node_count(None).unwrap(), 0);
}

#[test]
fn a_node_may_be_deleted_before_its_relationships_but_not_without_them() {
    let graph = Graph::in_memory();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    let a = transaction.create_node(&[]).unwrap();
    let b = transaction.create_node(&[]).unwrap();
    let ab = transaction.create_relationship(names.relationship_type, a, b).unwrap();
    let aa = transaction.create_relationship(names.relationship_type, a, a).unwrap();
    transaction.commit().unwrap();

    let mut transaction = write(&graph);
    transaction.delete_node(a).unwrap();
    transaction.delete_relationship(ab).unwrap();
    assert!(matches!(transaction.commit(), Err(GraphError::NodeHasRelationships(node)) if node == a));

    let mut transaction = write(&graph);
    transaction.delete_node(a).unwrap();
    transaction.delete_relationship(ab).unwrap();
    transaction.delete_relationship(aa).unwrap();
    transaction.commit().unwrap();
    let snapshot = read(&graph);
    assert_eq!(snapshot.degree(b, Direction::Both, &[]).unwrap(), 0);
    assert_eq!(snapshot.relationship_count(Some(names.relationship_type)).unwrap(), 0);
}

#[test]
fn a_loop_is_met_once_in_both_directions() {
    let graph = Graph::in_memory();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    let a = transaction.create_node(&[]).unwrap();
    let b = transaction.create_node(&[]).unwrap();
    for round in 0..40 {
        transaction.create_relationship(names.relationship_type, a, a).unwrap();
        let to_b = transaction.create_relationship(names.relationship_type, a, b).unwrap();
        let count = |direction| transaction.degree(a, direction, &[]).unwrap();
        let so_far = u64::try_from(round + 1).unwrap();
        assert_eq!(count(Direction::Both), 2 * so_far);
        assert_eq!(count(Direction::Outgoing), 2 * so_far);
        assert_eq!(count(Direction::Incoming), so_far);
        let mut met = Vec::new();
        transaction
            .expand(a, Direction::Both, &[names.relationship_type], &mut met)
            .unwrap();
        assert_eq!(met.len() as u64, 2 * so_far);
        assert!(
            met.iter()
                .any(|adjacent| adjacent.relationship == to_b && adjacent.neighbour == b)
        );
    }
}

#[test]
fn a_uniqueness_constraint_is_enforced_by_the_statement_that_breaks_it() {
    let graph = Graph::in_memory();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    let target = SchemaTarget::Label(names.label);
    let constraint = transaction
        .create_constraint(None, ConstraintKind::Unique, target, &[names.key])
        .unwrap();
    let a = transaction.create_node(&[names.label]).unwrap();
    let b = transaction.create_node(&[names.label]).unwrap();
    transaction.set_node_property(a, names.key, Value::Integer(1)).unwrap();
    let error = transaction
        .set_node_property(b, names.key, Value::Float(1.0))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Node({a}) already exists with label `Person` and property `name` = 1.0")
    );
    assert!(transaction.node_property(b, names.key).unwrap().is_null());
    // A node outside the label is free, until it gets the label.
    let c = transaction.create_node(&[]).unwrap();
    transaction.set_node_property(c, names.key, Value::Integer(1)).unwrap();
    assert!(matches!(
        transaction.add_label(c, names.label),
        Err(GraphError::NotUnique { .. })
    ));
    transaction.set_node_property(a, names.key, Value::Null).unwrap();
    assert!(transaction.add_label(c, names.label).unwrap());
    let mut found = Vec::new();
    let seek = Seek::Equal(vec![Value::Integer(1)]);
    transaction
        .index_seek_nodes(constraint.index.unwrap(), &seek, &mut found)
        .unwrap();
    assert_eq!(found, [c]);
    let dropped = transaction.drop_index(&constraint.name);
    assert!(matches!(dropped, Err(GraphError::IndexBelongsToConstraint { .. })));
    transaction.drop_constraint(&constraint.name).unwrap();
    assert!(transaction.indexes().iter().all(|index| index.target.is_none()));
}

#[test]
fn existing_data_is_checked_and_indexed_when_a_constraint_or_index_is_made() {
    let graph = Graph::in_memory();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    for number in 0..100 {
        let node = transaction.create_node(&[names.label]).unwrap();
        transaction
            .set_node_property(node, names.key, Value::Integer(number / 2))
            .unwrap();
    }
    transaction.commit().unwrap();
    let mut transaction = write(&graph);
    let target = SchemaTarget::Label(names.label);
    let unique = transaction.create_constraint(Some("u"), ConstraintKind::Unique, target, &[names.key]);
    assert!(matches!(unique, Err(GraphError::NotUnique { .. })));
    let exists = transaction.create_constraint(Some("e"), ConstraintKind::Exists, target, &[names.other_key]);
    assert!(matches!(exists, Err(GraphError::PropertyMissing { .. })));
    let index = transaction.create_index(None, target, &[names.key]).unwrap();
    assert_eq!((index.entries, index.distinct_keys), (100, 50));
    assert!(index.name.starts_with("index_"));
    let again = transaction.create_index(Some("i"), target, &[names.key]);
    assert!(matches!(again, Err(GraphError::SchemaExists { equivalent: true, .. })));
    let same_name = transaction.create_index(Some(&index.name), target, &[names.other_key]);
    assert!(matches!(same_name, Err(GraphError::SchemaExists { .. })));
    assert!(matches!(
        transaction.drop_index("nothing"),
        Err(GraphError::SchemaNotFound { .. })
    ));
    transaction.commit().unwrap();
    assert_eq!(read(&graph).schema_version(), 1);
}

#[test]
fn existence_is_checked_at_the_commit() {
    let graph = Graph::in_memory();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    let target = SchemaTarget::RelationshipType(names.relationship_type);
    transaction
        .create_constraint(None, ConstraintKind::Exists, target, &[names.key])
        .unwrap();
    let node = transaction.create_node(&[]).unwrap();
    let relationship = transaction
        .create_relationship(names.relationship_type, node, node)
        .unwrap();
    transaction
        .set_relationship_property(relationship, names.key, Value::Boolean(true))
        .unwrap();
    transaction.commit().unwrap();
    let mut transaction = write(&graph);
    transaction
        .set_relationship_property(relationship, names.key, Value::Null)
        .unwrap();
    let error = transaction.commit().unwrap_err();
    assert_eq!(
        error.to_string(),
        "Relationship(0) with relationship type `KNOWS` must have the property `name`"
    );
}

#[test]
fn a_savepoint_takes_back_what_came_after_it() {
    let graph = Graph::in_memory();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    let kept = transaction.create_node(&[names.label]).unwrap();
    let savepoint = transaction.savepoint();
    let dropped = transaction.create_node(&[names.label]).unwrap();
    transaction
        .set_node_property(kept, names.key, Value::Integer(1))
        .unwrap();
    transaction.rollback_to(savepoint);
    assert!(!transaction.node_exists(dropped).unwrap());
    assert_eq!(transaction.commit().unwrap().statistics.nodes_created, 1);
    let snapshot = read(&graph);
    assert_eq!(snapshot.node_count(Some(names.label)).unwrap(), 1);
    assert!(snapshot.node_property(kept, names.key).unwrap().is_null());
}

#[test]
fn limits_and_termination_stop_writes() {
    let graph = Graph::in_memory();
    let options = WriteOptions {
        memory_limit: 10_000,
        ..WriteOptions::default()
    };
    let termination = options.termination.clone();
    let mut transaction = write_with(&graph, options);
    let outcome: Result<Vec<NodeId>, GraphError> = (0..1_000).map(|_| transaction.create_node(&[])).collect();
    assert!(matches!(outcome, Err(GraphError::MemoryLimit { limit: 10_000 })));
    termination.store(true, Ordering::Relaxed);
    assert!(matches!(transaction.create_node(&[]), Err(GraphError::Terminated)));
    assert!(matches!(transaction.commit(), Err(GraphError::Terminated)));
    assert_eq!(read(&graph).node_count(None).unwrap(), 0);
}

#[test]
fn what_is_absent_is_reported_when_written_and_empty_when_read() {
    let graph = Graph::in_memory();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    let (node, key) = (NodeId(u64::MAX), PropertyKeyId(9));
    assert!(transaction.node_property(node, key).unwrap().is_null());
    assert!(transaction.relationship(RelationshipId(u64::MAX)).unwrap().is_none());
    assert!(matches!(
        transaction.delete_node(node),
        Err(GraphError::NodeNotFound(_))
    ));
    assert!(matches!(
        transaction.set_node_property(node, key, Value::Null),
        Err(GraphError::NodeNotFound(_))
    ));
    let made = transaction.create_node(&[]).unwrap();
    let map = Value::map(bastide_model::Map::new());
    assert!(matches!(
        transaction.set_node_property(made, names.key, map),
        Err(GraphError::NotStorable("MAP"))
    ));
    assert_eq!(transaction.statistics().properties_set, 0);
}
