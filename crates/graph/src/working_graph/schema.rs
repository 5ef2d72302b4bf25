//! Making and dropping indexes and constraints.
//!
//! Owns the rules of names and equivalence. An index is built from the data when it is made, also when a commit is
//! repeated on a newer state and in recovery, so that its content is never logged.

use std::sync::Arc;

use bastide_model::{
    ConstraintDescription, ConstraintId, ConstraintKind, GraphError, IndexId, NodeId, RelationshipId, SchemaTarget,
};

use super::{WorkingGraph, not_unique, target_in_words};
use crate::index::{Index, IndexDefinition};
use crate::records::Properties;
use crate::root::Root;
use crate::tokens::{TokenKind, Tokens};

/// Indexes and constraints of a database, each.
const SCHEMA_ITEMS_MAX: usize = 10_000;

impl WorkingGraph {
    pub(crate) fn create_index(&mut self, tokens: &Tokens, definition: IndexDefinition) -> Result<(), GraphError> {
        let same = |index: &&Index| {
            index.definition.target == definition.target && index.definition.properties == definition.properties
        };
        if let Some(index) = self.root.indexes.iter().find(same) {
            let is_owned = index.definition.owner.is_some();
            return Err(already_there(&index.definition.name, is_owned, !is_owned));
        }
        self.check_name(&definition.name, false)?;
        self.add_index(tokens, definition)?;
        self.root.schema_version += 1;
        Ok(())
    }

    pub(crate) fn drop_index(&mut self, index: IndexId) -> Result<(), GraphError> {
        let place = self
            .root
            .indexes
            .iter()
            .position(|present| present.definition.id == index);
        let place = place.ok_or(GraphError::SchemaNotFound {
            kind: "index",
            name: format!("id {index}"),
        })?;
        self.root.indexes.remove(place);
        self.root.schema_version += 1;
        Ok(())
    }

    pub(crate) fn create_constraint(
        &mut self,
        tokens: &Tokens,
        constraint: ConstraintDescription,
    ) -> Result<(), GraphError> {
        let same = |present: &&ConstraintDescription| {
            let same_content = present.target == constraint.target && present.properties == constraint.properties;
            let both_existence = |exists: bool| (present.kind == ConstraintKind::Exists) == exists;
            same_content && both_existence(constraint.kind == ConstraintKind::Exists)
        };
        if let Some(present) = self.root.constraints.iter().find(same) {
            return Err(already_there(&present.name, true, present.kind == constraint.kind));
        }
        self.check_name(&constraint.name, true)?;
        if let Some(id) = constraint.index {
            let definition = IndexDefinition {
                id,
                name: constraint.name.clone(),
                target: constraint.target,
                properties: constraint.properties.clone(),
                owner: Some(constraint.id),
            };
            let same = |index: &&Index| {
                index.definition.target == definition.target && index.definition.properties == definition.properties
            };
            if let Some(index) = self.root.indexes.iter().find(same) {
                return Err(already_there(&index.definition.name, false, false));
            }
            if constraint.kind == ConstraintKind::Key {
                self.check_all(tokens, &constraint)?;
            }
            self.add_index(tokens, definition)?;
        } else {
            self.check_all(tokens, &constraint)?;
        }
        Arc::make_mut(&mut self.root.constraints).push(constraint);
        self.root.schema_version += 1;
        Ok(())
    }

    pub(crate) fn drop_constraint(&mut self, constraint: ConstraintId) -> Result<(), GraphError> {
        let place = self
            .root
            .constraints
            .iter()
            .position(|present| present.id == constraint);
        let name = || format!("id {constraint}");
        let place = place.ok_or_else(|| GraphError::SchemaNotFound {
            kind: "constraint",
            name: name(),
        })?;
        Arc::make_mut(&mut self.root.constraints).remove(place);
        self.root
            .indexes
            .retain(|index| index.definition.owner != Some(constraint));
        self.root.schema_version += 1;
        Ok(())
    }

    fn check_name(&self, name: &str, is_constraint: bool) -> Result<(), GraphError> {
        if self
            .root
            .constraints
            .iter()
            .any(|present| present.name.as_ref() == name)
        {
            return Err(already_there(name, true, is_constraint));
        }
        let is_index = self
            .root
            .indexes
            .iter()
            .any(|present| present.definition.name.as_ref() == name);
        if is_index || Root::is_lookup_index_name(name) {
            return Err(already_there(name, false, !is_constraint));
        }
        if self.root.indexes.len().max(self.root.constraints.len()) >= SCHEMA_ITEMS_MAX {
            return Err(GraphError::Limit {
                what: "the number of indexes",
                limit: SCHEMA_ITEMS_MAX as u64,
            });
        }
        Ok(())
    }

    /// Builds an index from the data.
    pub(crate) fn add_index(&mut self, tokens: &Tokens, definition: IndexDefinition) -> Result<(), GraphError> {
        let mut index = Index::new(Arc::new(definition));
        let is_unique = index.definition.owner.is_some();
        let target = index.definition.target;
        self.root.visit_target(target, &mut |id, properties| {
            let Some(key) = index.key_of(properties) else {
                return Ok(());
            };
            if is_unique && let Some(holder) = index.other_holder(&key, Some(id)) {
                return Err(not_unique(tokens, &index, &key, holder));
            }
            index.insert(key, id);
            Ok(())
        })?;
        self.root.indexes.push(index);
        Ok(())
    }

    /// Checks the existence of properties in all data.
    fn check_all(&self, tokens: &Tokens, constraint: &ConstraintDescription) -> Result<(), GraphError> {
        self.root
            .visit_target(constraint.target, &mut |id, properties| match constraint.target {
                SchemaTarget::Label(_) => check_properties(tokens, constraint, Some(NodeId(id)), None, properties),
                SchemaTarget::RelationshipType(_) => {
                    check_properties(tokens, constraint, None, Some(RelationshipId(id)), properties)
                }
            })
    }
}

impl Root {
    /// Hands out the entities of a target with their properties.
    fn visit_target(
        &self,
        target: SchemaTarget,
        visit: &mut dyn FnMut(u64, &Properties) -> Result<(), GraphError>,
    ) -> Result<(), GraphError> {
        let (sets, id) = match target {
            SchemaTarget::Label(label) => (&self.labels, label.0),
            SchemaTarget::RelationshipType(id) => (&self.types, id.0),
        };
        let Some(set) = usize::try_from(id).ok().and_then(|id| sets.get(id)) else {
            return Ok(());
        };
        for id in set.iter_from(0) {
            let properties = match target {
                SchemaTarget::Label(_) => self.nodes.get(id).map(|record| &record.properties),
                SchemaTarget::RelationshipType(_) => self.relationships.get(id).map(|entry| &entry.properties),
            };
            if let Some(properties) = properties {
                visit(id, properties)?;
            }
        }
        Ok(())
    }
}

/// Checks that an entity has the properties of an existence or key constraint.
pub(super) fn check_properties(
    tokens: &Tokens,
    constraint: &ConstraintDescription,
    node: Option<NodeId>,
    relationship: Option<RelationshipId>,
    properties: &Properties,
) -> Result<(), GraphError> {
    let missing = constraint.properties.iter().find(|key| properties.get(**key).is_none());
    let Some(key) = missing else { return Ok(()) };
    let holder = match (node, relationship) {
        (Some(node), _) => format!("Node({node})"),
        (None, Some(relationship)) => format!("Relationship({relationship})"),
        (None, None) => String::new(),
    };
    Err(GraphError::PropertyMissing {
        constraint: constraint.name.clone(),
        holder,
        target: target_in_words(tokens, constraint.target),
        property: tokens.display_name(TokenKind::PropertyKey, key.0),
    })
}

fn already_there(name: &str, is_constraint: bool, equivalent: bool) -> GraphError {
    let kind = if is_constraint { "a constraint" } else { "an index" };
    GraphError::SchemaExists {
        existing: format!("{kind} named `{name}`"),
        equivalent,
    }
}
