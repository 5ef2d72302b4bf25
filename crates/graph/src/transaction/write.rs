//! Writing within a transaction.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bastide_model::{
    ConstraintDescription, ConstraintId, ConstraintKind, GraphError, GraphWrite, IndexDescription, IndexId, LabelId,
    NodeId, PropertyKeyId, RelationshipId, RelationshipTypeId, SchemaTarget, Value,
};
use rustc_hash::FxHasher;

use super::Transaction;
use crate::change::Change;
use crate::index::IndexDefinition;
use crate::records::Labels;
use crate::root::{Root, describe_index};
use crate::tokens::TokenKind;

/// Properties of an index or constraint.
const SCHEMA_PROPERTIES_MAX: usize = 32;

impl Transaction {
    fn intern(&mut self, kind: TokenKind, name: &str) -> Result<u32, GraphError> {
        if let Some(id) = self.tokens.of(kind).id(name) {
            return Ok(id);
        }
        let (id, tokens) = self.shared.interner.intern(kind, name)?;
        self.tokens = tokens;
        Ok(id)
    }

    /// A name in the manner of Neo4j, from the content: `index_` or `constraint_` and eight hexadecimal digits.
    fn generated_name(
        &self,
        noun: &str,
        discriminant: u8,
        target: SchemaTarget,
        properties: &[PropertyKeyId],
    ) -> String {
        let mut hasher = FxHasher::default();
        discriminant.hash(&mut hasher);
        match target {
            SchemaTarget::Label(id) => (0u8, self.tokens.display_name(TokenKind::Label, id.0)).hash(&mut hasher),
            SchemaTarget::RelationshipType(id) => {
                (1u8, self.tokens.display_name(TokenKind::RelationshipType, id.0)).hash(&mut hasher);
            }
        }
        for key in properties {
            self.tokens
                .display_name(TokenKind::PropertyKey, key.0)
                .hash(&mut hasher);
        }
        format!("{noun}_{:08x}", hasher.finish() >> 32)
    }

    fn check_schema_properties(properties: &[PropertyKeyId]) -> Result<(), GraphError> {
        if properties.is_empty() || properties.len() > SCHEMA_PROPERTIES_MAX {
            let what = "the number of properties of an index or constraint";
            return Err(GraphError::Limit {
                what,
                limit: SCHEMA_PROPERTIES_MAX as u64,
            });
        }
        Ok(())
    }
}

fn check_storable(value: &Value) -> Result<(), GraphError> {
    if value.is_null() || value.is_storable() {
        Ok(())
    } else {
        Err(GraphError::NotStorable(value.kind().name()))
    }
}

impl GraphWrite for Transaction {
    fn label_id_or_create(&mut self, name: &str) -> Result<LabelId, GraphError> {
        self.intern(TokenKind::Label, name).map(LabelId)
    }

    fn relationship_type_id_or_create(&mut self, name: &str) -> Result<RelationshipTypeId, GraphError> {
        self.intern(TokenKind::RelationshipType, name).map(RelationshipTypeId)
    }

    fn property_key_id_or_create(&mut self, name: &str) -> Result<PropertyKeyId, GraphError> {
        self.intern(TokenKind::PropertyKey, name).map(PropertyKeyId)
    }

    fn create_node(&mut self, labels: &[LabelId]) -> Result<NodeId, GraphError> {
        let node = NodeId(self.shared.node_ids.fetch_add(1, Ordering::Relaxed));
        let mut labels = Labels::from_slice(labels);
        labels.sort_unstable();
        labels.dedup();
        let added = labels.len() as u64;
        let change = Change::CreateNode {
            node,
            labels: labels.clone(),
        };
        self.change(&change, |work, _| work.create_node(node, labels))?;
        self.statistics.nodes_created += 1;
        self.statistics.labels_added += added;
        Ok(node)
    }

    fn create_relationship(
        &mut self,
        relationship_type: RelationshipTypeId,
        start: NodeId,
        end: NodeId,
    ) -> Result<RelationshipId, GraphError> {
        let relationship = RelationshipId(self.shared.relationship_ids.fetch_add(1, Ordering::Relaxed));
        let change = Change::CreateRelationship {
            relationship,
            relationship_type,
            start,
            end,
        };
        self.change(&change, |work, _| {
            work.create_relationship(relationship, relationship_type, start, end)
        })?;
        self.statistics.relationships_created += 1;
        Ok(relationship)
    }

    fn delete_node(&mut self, node: NodeId) -> Result<(), GraphError> {
        self.change(&Change::DeleteNode { node }, |work, _| work.delete_node(node).map(drop))?;
        self.statistics.nodes_deleted += 1;
        Ok(())
    }

    fn delete_relationship(&mut self, relationship: RelationshipId) -> Result<(), GraphError> {
        let change = Change::DeleteRelationship { relationship };
        self.change(&change, |work, _| work.delete_relationship(relationship))?;
        self.statistics.relationships_deleted += 1;
        Ok(())
    }

    fn set_node_property(&mut self, node: NodeId, key: PropertyKeyId, value: Value) -> Result<bool, GraphError> {
        check_storable(&value)?;
        let is_removal = value.is_null();
        let change = Change::SetNodeProperty {
            node,
            key,
            value: value.clone(),
        };
        let was_there = self.change(&change, |work, tokens| work.set_node_property(tokens, node, key, value))?;
        self.statistics.properties_set += u64::from(was_there || !is_removal);
        Ok(was_there)
    }

    fn set_relationship_property(
        &mut self,
        relationship: RelationshipId,
        key: PropertyKeyId,
        value: Value,
    ) -> Result<bool, GraphError> {
        check_storable(&value)?;
        let is_removal = value.is_null();
        let change = Change::SetRelationshipProperty {
            relationship,
            key,
            value: value.clone(),
        };
        let set = |work: &mut crate::working_graph::WorkingGraph, tokens: &crate::tokens::Tokens| {
            work.set_relationship_property(tokens, relationship, key, value)
        };
        let was_there = self.change(&change, set)?;
        self.statistics.properties_set += u64::from(was_there || !is_removal);
        Ok(was_there)
    }

    fn add_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, GraphError> {
        let change = Change::AddLabel { node, label };
        let is_new = self.change(&change, |work, tokens| work.add_label(tokens, node, label))?;
        self.statistics.labels_added += u64::from(is_new);
        Ok(is_new)
    }

    fn remove_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, GraphError> {
        let change = Change::RemoveLabel { node, label };
        let was_there = self.change(&change, |work, _| work.remove_label(node, label))?;
        self.statistics.labels_removed += u64::from(was_there);
        Ok(was_there)
    }

    fn create_index(
        &mut self,
        name: Option<&str>,
        target: SchemaTarget,
        properties: &[PropertyKeyId],
    ) -> Result<IndexDescription, GraphError> {
        Self::check_schema_properties(properties)?;
        let generated = || self.generated_name("index", 0, target, properties);
        let definition = IndexDefinition {
            id: IndexId(self.shared.index_ids.fetch_add(1, Ordering::Relaxed)),
            name: name.map_or_else(generated, str::to_owned).into(),
            target,
            properties: properties.to_vec(),
            owner: None,
        };
        let id = definition.id;
        let change = Change::CreateIndex(definition.clone());
        self.change(&change, |work, tokens| work.create_index(tokens, definition))?;
        self.statistics.indexes_added += 1;
        let index = self.work.root.index(id).map(describe_index);
        index.ok_or_else(|| GraphError::SchemaNotFound {
            kind: "index",
            name: format!("id {id}"),
        })
    }

    fn drop_index(&mut self, name: &str) -> Result<IndexId, GraphError> {
        let index = self
            .work
            .root
            .indexes
            .iter()
            .find(|index| index.definition.name.as_ref() == name);
        let definition = index.map(|index| index.definition.clone());
        if definition.is_none() && Root::is_lookup_index_name(name) {
            return Err(GraphError::Limit {
                what: "dropping lookup indexes",
                limit: 0,
            });
        }
        let missing = || GraphError::SchemaNotFound {
            kind: "index",
            name: name.to_owned(),
        };
        let definition = definition.ok_or_else(missing)?;
        if definition.owner.is_some() {
            let (index, constraint) = (definition.name.clone(), definition.name.clone());
            return Err(GraphError::IndexBelongsToConstraint { index, constraint });
        }
        let id = definition.id;
        self.change(&Change::DropIndex(id), |work, _| work.drop_index(id))?;
        self.statistics.indexes_removed += 1;
        Ok(id)
    }

    fn create_constraint(
        &mut self,
        name: Option<&str>,
        kind: ConstraintKind,
        target: SchemaTarget,
        properties: &[PropertyKeyId],
    ) -> Result<ConstraintDescription, GraphError> {
        Self::check_schema_properties(properties)?;
        let discriminant = match kind {
            ConstraintKind::Unique => 1,
            ConstraintKind::Exists => 2,
            ConstraintKind::Key => 3,
        };
        let generated = || self.generated_name("constraint", discriminant, target, properties);
        let needs_index = kind != ConstraintKind::Exists;
        let new_index = || IndexId(self.shared.index_ids.fetch_add(1, Ordering::Relaxed));
        let constraint = ConstraintDescription {
            id: ConstraintId(self.shared.constraint_ids.fetch_add(1, Ordering::Relaxed)),
            name: Arc::from(name.map_or_else(generated, str::to_owned)),
            kind,
            target,
            properties: properties.to_vec(),
            index: needs_index.then(new_index),
        };
        let change = Change::CreateConstraint(constraint.clone());
        self.change(&change, |work, tokens| {
            work.create_constraint(tokens, constraint.clone())
        })?;
        self.statistics.constraints_added += 1;
        Ok(constraint)
    }

    fn drop_constraint(&mut self, name: &str) -> Result<ConstraintId, GraphError> {
        let constraint = self
            .work
            .root
            .constraints
            .iter()
            .find(|constraint| constraint.name.as_ref() == name);
        let missing = || GraphError::SchemaNotFound {
            kind: "constraint",
            name: name.to_owned(),
        };
        let id = constraint.map(|constraint| constraint.id).ok_or_else(missing)?;
        self.change(&Change::DropConstraint(id), |work, _| work.drop_constraint(id))?;
        self.statistics.constraints_removed += 1;
        Ok(id)
    }
}
