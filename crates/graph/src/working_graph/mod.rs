//! Changing a state of the graph.
//!
//! Owns the rules by which a change keeps records, adjacency, sets and indexes in step, and checks uniqueness at once. A
//! transaction works on one, a repeated commit on a newer one, recovery on the recovered one. INVARIANT: after an error
//! the graph is as it was before the change. Must not know transactions, logs or who else writes.

mod schema;
use std::sync::Arc;

use bastide_model::{
    Adjacent, ConstraintKind, GraphError, LabelId, NodeId, PropertyKeyId, RelationshipId, RelationshipTypeId,
    SchemaTarget, Value,
};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::adjacency::Incident;
use crate::change::Change;
use crate::footprint::Footprint;
use crate::index::{Index, IndexKey, key_order};
use crate::records::{Labels, NodeRecord, Properties, RelationshipEntry};
use crate::root::{Root, set_of_mut};
use crate::tokens::{TokenKind, Tokens};

/// Ids lie below this, so that no damaged record makes a table of absurd size.
pub(crate) const ENTITY_ID_LIMIT: u64 = 1 << 36;

/// A state of the graph while it is changed.
#[derive(Debug, Default)]
pub(crate) struct WorkingGraph {
    pub(crate) root: Root,
    /// Deleted nodes and how many relationships they have left; none may be left at the commit.
    pub(crate) dangling: FxHashMap<NodeId, u64>,
    pub(crate) footprint: Footprint,
}

/// Whose properties are indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entity {
    Node(NodeId),
    Relationship(RelationshipId),
}

impl Entity {
    fn id(self) -> u64 {
        match self {
            Self::Node(node) => node.0,
            Self::Relationship(relationship) => relationship.0,
        }
    }
}

/// A change of one index.
struct Reindexed {
    place: usize,
    old: Option<IndexKey>,
    new: Option<IndexKey>,
}

impl WorkingGraph {
    pub(crate) fn new(root: Root) -> Self {
        Self {
            root,
            ..Self::default()
        }
    }

    /// Makes one change.
    pub(crate) fn apply(&mut self, tokens: &Tokens, change: Change) -> Result<(), GraphError> {
        match change {
            Change::CreateNode { node, labels } => self.create_node(node, labels),
            Change::DeleteNode { node } => self.delete_node(node).map(drop),
            Change::CreateRelationship {
                relationship,
                relationship_type,
                start,
                end,
            } => self.create_relationship(relationship, relationship_type, start, end),
            Change::DeleteRelationship { relationship } => self.delete_relationship(relationship),
            Change::SetNodeProperty { node, key, value } => self.set_node_property(tokens, node, key, value).map(drop),
            Change::SetRelationshipProperty {
                relationship,
                key,
                value,
            } => self
                .set_relationship_property(tokens, relationship, key, value)
                .map(drop),
            Change::AddLabel { node, label } => self.add_label(tokens, node, label).map(drop),
            Change::RemoveLabel { node, label } => self.remove_label(node, label).map(drop),
            Change::CreateIndex(definition) => self.create_index(tokens, definition),
            Change::DropIndex(index) => self.drop_index(index),
            Change::CreateConstraint(constraint) => self.create_constraint(tokens, constraint),
            Change::DropConstraint(constraint) => self.drop_constraint(constraint),
        }
    }

    /// What must hold when a transaction ends: no relationship without its nodes, no missing property.
    pub(crate) fn check_at_commit(&self, tokens: &Tokens) -> Result<(), GraphError> {
        if let Some(node) = self.dangling.keys().min() {
            return Err(GraphError::NodeHasRelationships(*node));
        }
        self.check_existence(tokens)
    }

    pub(crate) fn create_node(&mut self, node: NodeId, labels: Labels) -> Result<(), GraphError> {
        check_id(node.0)?;
        for label in &labels {
            if let Some(set) = set_of_mut(&mut self.root.labels, label.0) {
                set.insert(node.0);
            }
            self.footprint.labels.insert(*label);
        }
        self.root.nodes.insert(
            node.0,
            NodeRecord {
                labels,
                ..NodeRecord::default()
            },
        );
        self.footprint.nodes.insert(node.0);
        self.footprint.node_set = true;
        Ok(())
    }

    /// Deletes a node and says what it was.
    pub(crate) fn delete_node(&mut self, node: NodeId) -> Result<NodeRecord, GraphError> {
        let record = self.root.node(node).cloned().ok_or(GraphError::NodeNotFound(node))?;
        let targets: SmallVec<[SchemaTarget; 4]> = record.labels.iter().copied().map(SchemaTarget::Label).collect();
        let reindexed = self.reindexed(&targets, None, Some(&record.properties), None);
        self.reindex(Entity::Node(node), reindexed);
        for label in &record.labels {
            if let Some(set) = set_of_mut(&mut self.root.labels, label.0) {
                set.remove(node.0);
            }
            self.footprint.labels.insert(*label);
        }
        let left = record.adjacency.len(node);
        if left > 0 {
            self.dangling.insert(node, left);
        }
        self.root.nodes.remove(node.0);
        self.footprint.nodes.insert(node.0);
        self.footprint.node_set = true;
        Ok(record)
    }

    pub(crate) fn create_relationship(
        &mut self,
        relationship: RelationshipId,
        relationship_type: RelationshipTypeId,
        start: NodeId,
        end: NodeId,
    ) -> Result<(), GraphError> {
        check_id(relationship.0)?;
        for node in [start, end] {
            self.root.node(node).ok_or(GraphError::NodeNotFound(node))?;
        }
        for (own, neighbour, incoming) in [(start, end, false), (end, start, true)] {
            let adjacent = Adjacent {
                relationship,
                neighbour,
            };
            if let Some(record) = self.root.nodes.get_mut(own.0) {
                record.adjacency.insert(
                    own,
                    Incident {
                        adjacent,
                        relationship_type,
                        incoming,
                    },
                );
            }
            self.footprint.adjacency.insert(own.0);
        }
        let entry = RelationshipEntry {
            relationship_type,
            start,
            end,
            properties: Properties::default(),
        };
        self.root.relationships.insert(relationship.0, entry);
        if let Some(set) = set_of_mut(&mut self.root.types, relationship_type.0) {
            set.insert(relationship.0);
        }
        self.note_relationship(relationship, relationship_type);
        Ok(())
    }

    fn note_relationship(&mut self, relationship: RelationshipId, relationship_type: RelationshipTypeId) {
        self.footprint.relationships.insert(relationship.0);
        self.footprint.types.insert(relationship_type);
        self.footprint.relationship_set = true;
    }

    pub(crate) fn delete_relationship(&mut self, relationship: RelationshipId) -> Result<(), GraphError> {
        let entry = self.root.relationship_entry(relationship).cloned();
        let entry = entry.ok_or(GraphError::RelationshipNotFound(relationship))?;
        let targets = [SchemaTarget::RelationshipType(entry.relationship_type)];
        let reindexed = self.reindexed(&targets, None, Some(&entry.properties), None);
        self.reindex(Entity::Relationship(relationship), reindexed);
        for (own, incoming) in [(entry.start, false), (entry.end, true)] {
            match self.root.nodes.get_mut(own.0) {
                Some(record) => record
                    .adjacency
                    .remove(own, relationship, entry.relationship_type, incoming),
                // A loop counts once.
                None if incoming && entry.start == entry.end => {}
                None => self.untie(own),
            }
            self.footprint.adjacency.insert(own.0);
        }
        self.root.relationships.remove(relationship.0);
        if let Some(set) = set_of_mut(&mut self.root.types, entry.relationship_type.0) {
            set.remove(relationship.0);
        }
        self.note_relationship(relationship, entry.relationship_type);
        Ok(())
    }

    /// Counts one relationship of a deleted node as gone.
    fn untie(&mut self, node: NodeId) {
        if let Some(left) = self.dangling.get_mut(&node) {
            *left -= 1;
            if *left == 0 {
                self.dangling.remove(&node);
            }
        }
    }

    /// Sets or, with null, removes a property; says whether it was there.
    pub(crate) fn set_node_property(
        &mut self,
        tokens: &Tokens,
        node: NodeId,
        key: PropertyKeyId,
        value: Value,
    ) -> Result<bool, GraphError> {
        let record = self.root.node(node).ok_or(GraphError::NodeNotFound(node))?;
        let old = &record.properties;
        let was_there = old.get(key).is_some();
        let new = old.with(key, value);
        if !self.root.indexes.is_empty() {
            let targets: SmallVec<[SchemaTarget; 4]> = record.labels.iter().copied().map(SchemaTarget::Label).collect();
            let reindexed = self.reindexed(&targets, Some(key), Some(old), Some(&new));
            self.check_unique(tokens, Entity::Node(node), &reindexed)?;
            self.reindex(Entity::Node(node), reindexed);
        }
        if let Some(record) = self.root.nodes.get_mut(node.0) {
            record.properties = new;
        }
        self.footprint.nodes.insert(node.0);
        Ok(was_there)
    }

    /// Sets or, with null, removes a property; says whether it was there.
    pub(crate) fn set_relationship_property(
        &mut self,
        tokens: &Tokens,
        relationship: RelationshipId,
        key: PropertyKeyId,
        value: Value,
    ) -> Result<bool, GraphError> {
        let entry = self.root.relationship_entry(relationship);
        let entry = entry.ok_or(GraphError::RelationshipNotFound(relationship))?;
        let old = &entry.properties;
        let was_there = old.get(key).is_some();
        let new = old.with(key, value);
        if !self.root.indexes.is_empty() {
            let targets = [SchemaTarget::RelationshipType(entry.relationship_type)];
            let reindexed = self.reindexed(&targets, Some(key), Some(old), Some(&new));
            self.check_unique(tokens, Entity::Relationship(relationship), &reindexed)?;
            self.reindex(Entity::Relationship(relationship), reindexed);
        }
        if let Some(entry) = self.root.relationships.get_mut(relationship.0) {
            entry.properties = new;
        }
        self.footprint.relationships.insert(relationship.0);
        Ok(was_there)
    }

    /// Adds a label; says whether it was new.
    pub(crate) fn add_label(&mut self, tokens: &Tokens, node: NodeId, label: LabelId) -> Result<bool, GraphError> {
        let record = self.root.node(node).ok_or(GraphError::NodeNotFound(node))?;
        let Err(place) = record.labels.binary_search(&label) else {
            // Nothing to do here, but on a newer state there might be: it counts as written.
            self.footprint.nodes.insert(node.0);
            return Ok(false);
        };
        let reindexed = self.reindexed(&[SchemaTarget::Label(label)], None, None, Some(&record.properties));
        self.check_unique(tokens, Entity::Node(node), &reindexed)?;
        self.reindex(Entity::Node(node), reindexed);
        if let Some(record) = self.root.nodes.get_mut(node.0) {
            record.labels.insert(place, label);
        }
        if let Some(set) = set_of_mut(&mut self.root.labels, label.0) {
            set.insert(node.0);
        }
        self.footprint.nodes.insert(node.0);
        self.footprint.labels.insert(label);
        Ok(true)
    }

    /// Removes a label; says whether it was there.
    pub(crate) fn remove_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, GraphError> {
        let record = self.root.node(node).ok_or(GraphError::NodeNotFound(node))?;
        let Ok(place) = record.labels.binary_search(&label) else {
            // Nothing to do here, but on a newer state there might be: it counts as written.
            self.footprint.nodes.insert(node.0);
            return Ok(false);
        };
        let reindexed = self.reindexed(&[SchemaTarget::Label(label)], None, Some(&record.properties), None);
        self.reindex(Entity::Node(node), reindexed);
        if let Some(record) = self.root.nodes.get_mut(node.0) {
            record.labels.remove(place);
        }
        if let Some(set) = set_of_mut(&mut self.root.labels, label.0) {
            set.remove(node.0);
        }
        self.footprint.nodes.insert(node.0);
        self.footprint.labels.insert(label);
        Ok(true)
    }

    /// How the indexes on `targets` change when the properties do; `changed` is the property that did, if only one.
    fn reindexed(
        &self,
        targets: &[SchemaTarget],
        changed: Option<PropertyKeyId>,
        old: Option<&Properties>,
        new: Option<&Properties>,
    ) -> SmallVec<[Reindexed; 2]> {
        let concerned = |index: &Index| {
            let definition = &index.definition;
            targets.contains(&definition.target) && changed.is_none_or(|key| definition.properties.contains(&key))
        };
        let mut all = SmallVec::new();
        for (place, index) in self
            .root
            .indexes
            .iter()
            .enumerate()
            .filter(|(_, index)| concerned(index))
        {
            let old = old.and_then(|properties| index.key_of(properties));
            let new = new.and_then(|properties| index.key_of(properties));
            let same = match (&old, &new) {
                (Some(old), Some(new)) => key_order(old, new).is_eq(),
                (None, None) => true,
                _ => false,
            };
            if !same {
                all.push(Reindexed { place, old, new });
            }
        }
        all
    }

    fn check_unique(&self, tokens: &Tokens, entity: Entity, changes: &[Reindexed]) -> Result<(), GraphError> {
        for change in changes {
            let (Some(index), Some(key)) = (self.root.indexes.get(change.place), &change.new) else {
                continue;
            };
            if index.definition.owner.is_some()
                && let Some(holder) = index.other_holder(key, Some(entity.id()))
            {
                return Err(not_unique(tokens, index, key, holder));
            }
        }
        Ok(())
    }

    fn reindex(&mut self, entity: Entity, changes: SmallVec<[Reindexed; 2]>) {
        for change in changes {
            let Some(index) = self.root.indexes.get_mut(change.place) else {
                continue;
            };
            let id = index.definition.id;
            if let Some(key) = change.old {
                index.remove(&key, entity.id());
                self.footprint.index_key(id, key);
            }
            if let Some(key) = change.new {
                index.insert(key.clone(), entity.id());
                self.footprint.index_key(id, key);
            }
        }
    }

    /// Looks for missing properties among what was changed.
    fn check_existence(&self, tokens: &Tokens) -> Result<(), GraphError> {
        let constraints = self.root.constraints.clone();
        for constraint in constraints
            .iter()
            .filter(|constraint| constraint.kind != ConstraintKind::Unique)
        {
            match constraint.target {
                SchemaTarget::Label(label) => {
                    for node in self.footprint.nodes.iter().map(NodeId) {
                        if let Some(record) = self.root.node(node).filter(|record| record.labels.contains(&label)) {
                            schema::check_properties(tokens, constraint, Some(node), None, &record.properties)?;
                        }
                    }
                }
                SchemaTarget::RelationshipType(id) => {
                    for relationship in self.footprint.relationships.iter().map(RelationshipId) {
                        let entry = self.root.relationship_entry(relationship);
                        if let Some(entry) = entry.filter(|entry| entry.relationship_type == id) {
                            let properties = &entry.properties;
                            schema::check_properties(tokens, constraint, None, Some(relationship), properties)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn check_id(id: u64) -> Result<(), GraphError> {
    if id < ENTITY_ID_LIMIT {
        return Ok(());
    }
    Err(GraphError::Limit {
        what: "the number of nodes or relationships",
        limit: ENTITY_ID_LIMIT,
    })
}

/// `label ` or `relationship type ` with the name, for messages.
pub(crate) fn target_in_words(tokens: &Tokens, target: SchemaTarget) -> String {
    match target {
        SchemaTarget::Label(label) => format!("label `{}`", tokens.display_name(TokenKind::Label, label.0)),
        SchemaTarget::RelationshipType(id) => {
            format!(
                "relationship type `{}`",
                tokens.display_name(TokenKind::RelationshipType, id.0)
            )
        }
    }
}

fn not_unique(tokens: &Tokens, index: &Index, key: &IndexKey, holder: u64) -> GraphError {
    let definition = &index.definition;
    let pairs: Vec<String> = definition
        .properties
        .iter()
        .zip(key)
        .map(|(property, value)| {
            format!(
                "`{}` = {}",
                tokens.display_name(TokenKind::PropertyKey, property.0),
                in_words(value)
            )
        })
        .collect();
    let noun = if pairs.len() == 1 { "property" } else { "properties" };
    GraphError::NotUnique {
        constraint: Arc::clone(&definition.name),
        holder: match definition.target {
            SchemaTarget::Label(_) => format!("Node({holder})"),
            SchemaTarget::RelationshipType(_) => format!("Relationship({holder})"),
        },
        target: target_in_words(tokens, definition.target),
        properties: format!("{noun} {}", pairs.join(", ")),
    }
}

/// A value in a message.
fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{text}'"),
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => format!("{float:?}"),
        Value::Boolean(boolean) => boolean.to_string(),
        other => format!("a value of type {}", other.kind().name()),
    }
}
