//! Random work of three overlapping transactions against plain maps, with checkpoints, failures of the disk and restarts.

use std::collections::{BTreeMap, BTreeSet};

use bastide_model::{
    CommitId, Direction, GraphError, GraphRead, GraphWrite, IndexId, LabelId, NodeId, PropertyKeyId, RelationshipId,
    RelationshipTypeId, SchemaTarget, Seek, Value,
};
use proptest::prelude::*;

use super::{MemoryHome, read, write};
use crate::{Graph, Transaction};

#[derive(Clone, Debug, Default, PartialEq)]
struct ModelNode {
    labels: BTreeSet<u32>,
    properties: BTreeMap<u32, i64>,
}

#[derive(Clone, Debug, PartialEq)]
struct ModelRelationship {
    relationship_type: u32,
    start: u64,
    end: u64,
    properties: BTreeMap<u32, i64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    nodes: BTreeMap<u64, ModelNode>,
    relationships: BTreeMap<u64, ModelRelationship>,
}

/// What is asked for; entities are picked by place among those that are there.
#[derive(Clone, Debug)]
enum Step {
    CreateNode(u32),
    DeleteNode(usize),
    CreateRelationship(u32, usize, usize),
    DeleteRelationship(usize),
    SetNodeProperty(usize, u32, Option<i64>),
    SetRelationshipProperty(usize, u32, Option<i64>),
    AddLabel(usize, u32),
    RemoveLabel(usize, u32),
    TakeBack,
    Commit,
    Rollback,
    FailToCommit,
    Checkpoint,
    Restart,
}

/// What was done, so that it can be done to another model.
#[derive(Clone, Debug)]
enum Done {
    CreateNode(u64, u32),
    DeleteNode(u64),
    CreateRelationship(u64, u32, u64, u64),
    DeleteRelationship(u64),
    SetNodeProperty(u64, u32, Option<i64>),
    SetRelationshipProperty(u64, u32, Option<i64>),
    AddLabel(u64, u32),
    RemoveLabel(u64, u32),
}

impl Model {
    fn node(&self, place: usize) -> Option<u64> {
        let count = self.nodes.len();
        (count > 0).then(|| *self.nodes.keys().nth(place % count).unwrap())
    }

    fn relationship(&self, place: usize) -> Option<u64> {
        let count = self.relationships.len();
        (count > 0).then(|| *self.relationships.keys().nth(place % count).unwrap())
    }

    fn apply(&mut self, done: &Done) {
        let set = |properties: &mut BTreeMap<u32, i64>, key: u32, value: Option<i64>| match value {
            Some(value) => properties.insert(key, value),
            None => properties.remove(&key),
        };
        match *done {
            Done::CreateNode(id, labels) => {
                let labels = (0..3).filter(|label| labels & (1 << label) != 0).collect();
                self.nodes.insert(
                    id,
                    ModelNode {
                        labels,
                        ..ModelNode::default()
                    },
                );
            }
            Done::DeleteNode(id) => assert!(self.nodes.remove(&id).is_some()),
            Done::CreateRelationship(id, relationship_type, start, end) => {
                assert!(self.nodes.contains_key(&start) && self.nodes.contains_key(&end));
                let properties = BTreeMap::new();
                self.relationships.insert(
                    id,
                    ModelRelationship {
                        relationship_type,
                        start,
                        end,
                        properties,
                    },
                );
            }
            Done::DeleteRelationship(id) => assert!(self.relationships.remove(&id).is_some()),
            Done::SetNodeProperty(id, key, value) => {
                set(&mut self.nodes.get_mut(&id).unwrap().properties, key, value);
            }
            Done::SetRelationshipProperty(id, key, value) => {
                set(&mut self.relationships.get_mut(&id).unwrap().properties, key, value);
            }
            Done::AddLabel(id, label) => assert!(self.nodes.get_mut(&id).unwrap().labels.insert(label)),
            Done::RemoveLabel(id, label) => assert!(self.nodes.get_mut(&id).unwrap().labels.remove(&label)),
        }
    }

    fn of(graph: &impl GraphRead) -> Self {
        let mut model = Self::default();
        let mut nodes = Vec::new();
        graph.scan_nodes(NodeId(0), usize::MAX, &mut nodes).unwrap();
        let plain = |properties: Vec<(PropertyKeyId, Value)>| {
            properties
                .into_iter()
                .map(|(key, value)| (key.0, value.as_integer().unwrap()))
                .collect()
        };
        for node in nodes {
            let (mut labels, mut properties) = (Vec::new(), Vec::new());
            graph.node_labels(node, &mut labels).unwrap();
            graph.node_properties(node, &mut properties).unwrap();
            let labels = labels.into_iter().map(|label| label.0).collect();
            model.nodes.insert(
                node.0,
                ModelNode {
                    labels,
                    properties: plain(properties),
                },
            );
        }
        let mut relationships = Vec::new();
        graph
            .scan_relationships(None, RelationshipId(0), usize::MAX, &mut relationships)
            .unwrap();
        for id in relationships {
            let record = graph.relationship(id).unwrap().unwrap();
            let mut properties = Vec::new();
            graph.relationship_properties(id, &mut properties).unwrap();
            let relationship = ModelRelationship {
                relationship_type: record.relationship_type.0,
                start: record.start.0,
                end: record.end.0,
                properties: plain(properties),
            };
            model.relationships.insert(id.0, relationship);
        }
        model
    }

    /// Compares what follows from the records: sets, counts, adjacency and the index.
    fn check_derived(&self, graph: &impl GraphRead, index: IndexId) {
        for label in 0..3 {
            let has_label = |(_, node): &(&u64, &ModelNode)| node.labels.contains(&label);
            let expected: Vec<_> = self.nodes.iter().filter(has_label).map(|(id, _)| NodeId(*id)).collect();
            let mut found = Vec::new();
            graph
                .scan_label(LabelId(label), NodeId(0), usize::MAX, &mut found)
                .unwrap();
            assert_eq!(found, expected);
            assert_eq!(graph.node_count(Some(LabelId(label))).unwrap(), expected.len() as u64);
        }
        for id in 0..2 {
            let of_type = |(_, each): &(&u64, &ModelRelationship)| each.relationship_type == id;
            let expected: Vec<_> = self
                .relationships
                .iter()
                .filter(of_type)
                .map(|(id, _)| RelationshipId(*id))
                .collect();
            let mut found = Vec::new();
            let relationship_type = Some(RelationshipTypeId(id));
            graph
                .scan_relationships(relationship_type, RelationshipId(0), usize::MAX, &mut found)
                .unwrap();
            assert_eq!(found, expected);
            assert_eq!(
                graph.relationship_count(relationship_type).unwrap(),
                expected.len() as u64
            );
        }
        for node in self.nodes.keys() {
            self.check_adjacency(graph, *node);
        }
        let keyed = self.nodes.iter().filter(|(_, node)| node.labels.contains(&0));
        let mut expected: Vec<_> = keyed
            .filter_map(|(id, node)| Some((*node.properties.get(&0)?, NodeId(*id))))
            .collect();
        expected.sort_unstable();
        let mut found = Vec::new();
        graph.index_seek_nodes(index, &Seek::All, &mut found).unwrap();
        assert_eq!(found, expected.iter().map(|(_, node)| *node).collect::<Vec<_>>());
        let mut found = Vec::new();
        graph
            .index_seek_nodes(index, &Seek::Equal(vec![Value::Float(1.0)]), &mut found)
            .unwrap();
        let equal = expected.iter().filter(|(value, _)| *value == 1).map(|(_, node)| *node);
        assert_eq!(found, equal.collect::<Vec<_>>());
        let description = graph.indexes().into_iter().find(|each| each.id == index).unwrap();
        let distinct: BTreeSet<_> = expected.iter().map(|(value, _)| *value).collect();
        assert_eq!(
            (description.entries, description.distinct_keys),
            (expected.len() as u64, distinct.len() as u64)
        );
    }

    fn check_adjacency(&self, graph: &impl GraphRead, node: u64) {
        for direction in [Direction::Outgoing, Direction::Incoming, Direction::Both] {
            for types in [vec![], vec![RelationshipTypeId(1)]] {
                let meets = |each: &ModelRelationship| match direction {
                    Direction::Outgoing => each.start == node,
                    Direction::Incoming => each.end == node,
                    Direction::Both => each.start == node || each.end == node,
                };
                let wanted = |each: &ModelRelationship| types.is_empty() || each.relationship_type == 1;
                let all = self
                    .relationships
                    .iter()
                    .filter(|(_, each)| meets(each) && wanted(each));
                let expected: BTreeSet<_> = all
                    .map(|(id, each)| (*id, if each.start == node { each.end } else { each.start }))
                    .collect();
                let mut found = Vec::new();
                graph.expand(NodeId(node), direction, &types, &mut found).unwrap();
                assert_eq!(
                    graph.degree(NodeId(node), direction, &types).unwrap(),
                    found.len() as u64
                );
                assert_eq!(found.len(), expected.len());
                let found: BTreeSet<_> = found
                    .iter()
                    .map(|each| (each.relationship.0, each.neighbour.0))
                    .collect();
                assert_eq!(found, expected);
            }
        }
    }
}

/// An open transaction with what it must see and what it did.
struct Open {
    transaction: Transaction,
    sees: Model,
    done: Vec<Done>,
}

struct World {
    home: MemoryHome,
    graph: Graph,
    index: IndexId,
    committed: Model,
    open: [Option<Open>; 3],
}

impl World {
    fn new() -> Self {
        let home = MemoryHome::default();
        let graph = home.open();
        let mut transaction = write(&graph);
        for name in ["A", "B", "C"] {
            transaction.label_id_or_create(name).unwrap();
            transaction.property_key_id_or_create(name).unwrap();
        }
        ["R", "S"]
            .iter()
            .for_each(|name| drop(transaction.relationship_type_id_or_create(name)));
        let target = SchemaTarget::Label(LabelId(0));
        let index = transaction.create_index(None, target, &[PropertyKeyId(0)]).unwrap().id;
        transaction.commit().unwrap();
        Self {
            home,
            graph,
            index,
            committed: Model::default(),
            open: [None, None, None],
        }
    }

    fn check(&self, graph: &impl GraphRead, model: &Model) {
        assert_eq!(&Model::of(graph), model);
        model.check_derived(graph, self.index);
    }

    fn step(&mut self, slot: usize, step: &Step) {
        match step {
            Step::Checkpoint => drop(self.graph.checkpoint().unwrap()),
            Step::Restart => {
                self.open = [None, None, None];
                let last = self.graph.last_commit_id();
                self.graph = self.home.open();
                assert_eq!(self.graph.last_commit_id(), last);
                self.check(&read(&self.graph), &self.committed);
            }
            Step::Rollback => self.open[slot] = None,
            Step::Commit => self.commit(slot),
            Step::FailToCommit => {
                let Some(open) = self.open[slot].take().filter(|open| !open.done.is_empty()) else {
                    return;
                };
                self.home.fail_after(0);
                let failed = open.transaction.commit();
                assert!(matches!(
                    failed,
                    Err(GraphError::Store(_) | GraphError::Conflict { .. })
                ));
                self.home.repair();
                self.check(&read(&self.graph), &self.committed);
            }
            change => self.change(slot, change),
        }
    }

    fn commit(&mut self, slot: usize) {
        let Some(open) = self.open[slot].take() else { return };
        let is_alone = open.transaction.base_commit_id() == self.graph.last_commit_id();
        let before = self.graph.last_commit_id();
        match open.transaction.commit() {
            Ok(committed) => {
                open.done.iter().for_each(|done| self.committed.apply(done));
                let expected = CommitId(before.0 + 1);
                assert!(open.done.is_empty() || committed.commit_id == expected);
            }
            Err(GraphError::Conflict { .. }) => assert!(!is_alone),
            Err(other) => panic!("{other}"),
        }
        self.check(&read(&self.graph), &self.committed);
    }

    fn change(&mut self, slot: usize, step: &Step) {
        let (graph, committed) = (&self.graph, &self.committed);
        let open = self.open[slot].get_or_insert_with(|| Open {
            transaction: write(graph),
            sees: committed.clone(),
            done: Vec::new(),
        });
        if matches!(step, Step::TakeBack) {
            let savepoint = open.transaction.savepoint();
            let node = open.transaction.create_node(&[LabelId(0)]).unwrap();
            open.transaction
                .set_node_property(node, PropertyKeyId(0), Value::Integer(1))
                .unwrap();
            open.transaction.rollback_to(savepoint);
        }
        for done in make(&mut open.transaction, &open.sees, step) {
            open.sees.apply(&done);
            open.done.push(done);
        }
        let open = self.open[slot].as_ref().unwrap();
        self.check(&open.transaction.view(), &open.sees);
    }
}

fn make(transaction: &mut Transaction, sees: &Model, step: &Step) -> Vec<Done> {
    let value = |value: Option<i64>| value.map_or(Value::Null, Value::Integer);
    let one = |done: Option<Done>| done.into_iter().collect();
    match *step {
        Step::CreateNode(labels) => {
            let ids: Vec<_> = (0..3).filter(|label| labels & (1 << label) != 0).map(LabelId).collect();
            vec![Done::CreateNode(transaction.create_node(&ids).unwrap().0, labels)]
        }
        Step::DeleteNode(place) => {
            let Some(node) = sees.node(place) else {
                return Vec::new();
            };
            let tied = sees
                .relationships
                .iter()
                .filter(|(_, each)| each.start == node || each.end == node);
            let mut done: Vec<_> = tied.map(|(id, _)| Done::DeleteRelationship(*id)).collect();
            // Every other time the node goes before its relationships.
            let place = if node % 2 == 0 { 0 } else { done.len() };
            done.insert(place, Done::DeleteNode(node));
            for each in &done {
                match *each {
                    Done::DeleteRelationship(id) => transaction.delete_relationship(RelationshipId(id)).unwrap(),
                    _ => transaction.delete_node(NodeId(node)).unwrap(),
                }
            }
            done
        }
        Step::CreateRelationship(relationship_type, start, end) => {
            let (Some(start), Some(end)) = (sees.node(start), sees.node(end)) else {
                return Vec::new();
            };
            let id = RelationshipTypeId(relationship_type);
            let made = transaction.create_relationship(id, NodeId(start), NodeId(end)).unwrap();
            vec![Done::CreateRelationship(made.0, relationship_type, start, end)]
        }
        Step::DeleteRelationship(place) => one(sees.relationship(place).map(|id| {
            transaction.delete_relationship(RelationshipId(id)).unwrap();
            Done::DeleteRelationship(id)
        })),
        Step::SetNodeProperty(place, key, new) => one(sees.node(place).map(|id| {
            let was_there = transaction
                .set_node_property(NodeId(id), PropertyKeyId(key), value(new))
                .unwrap();
            assert_eq!(was_there, sees.nodes[&id].properties.contains_key(&key));
            Done::SetNodeProperty(id, key, new)
        })),
        Step::SetRelationshipProperty(place, key, new) => one(sees.relationship(place).map(|id| {
            let (id, key) = (RelationshipId(id), PropertyKeyId(key));
            transaction.set_relationship_property(id, key, value(new)).unwrap();
            Done::SetRelationshipProperty(id.0, key.0, new)
        })),
        Step::AddLabel(place, label) => one(sees.node(place).and_then(|id| {
            let is_new = transaction.add_label(NodeId(id), LabelId(label)).unwrap();
            assert_eq!(is_new, !sees.nodes[&id].labels.contains(&label));
            is_new.then_some(Done::AddLabel(id, label))
        })),
        Step::RemoveLabel(place, label) => one(sees.node(place).and_then(|id| {
            let was_there = transaction.remove_label(NodeId(id), LabelId(label)).unwrap();
            was_there.then_some(Done::RemoveLabel(id, label))
        })),
        _ => Vec::new(),
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let value = || prop::option::weighted(0.8, 0i64..4);
    prop_oneof![
        6 => (0u32..8).prop_map(Step::CreateNode),
        2 => any::<usize>().prop_map(Step::DeleteNode),
        8 => (0u32..2, any::<usize>(), any::<usize>()).prop_map(|(t, a, b)| Step::CreateRelationship(t, a, b)),
        2 => any::<usize>().prop_map(Step::DeleteRelationship),
        6 => (any::<usize>(), 0u32..3, value()).prop_map(|(n, k, v)| Step::SetNodeProperty(n, k, v)),
        2 => (any::<usize>(), 0u32..3, value()).prop_map(|(n, k, v)| Step::SetRelationshipProperty(n, k, v)),
        2 => (any::<usize>(), 0u32..3).prop_map(|(n, l)| Step::AddLabel(n, l)),
        2 => (any::<usize>(), 0u32..3).prop_map(|(n, l)| Step::RemoveLabel(n, l)),
        1 => Just(Step::TakeBack),
        5 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        1 => Just(Step::FailToCommit),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_graph_behaves_as_plain_maps(steps in prop::collection::vec((0usize..3, any_step()), 0..120)) {
        let mut world = World::new();
        for (slot, step) in &steps {
            world.step(*slot, step);
        }
        (0..3).for_each(|slot| world.step(slot, &Step::Commit));
        world.step(0, &Step::Restart);
    }
}
