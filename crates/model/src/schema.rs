//! What indexes and constraints look like from outside the store.

use std::sync::Arc;

use crate::{ConstraintId, IndexId, LabelId, PropertyKeyId, RelationshipTypeId};

/// What an index or constraint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaTarget {
    /// Nodes with a label.
    Label(LabelId),
    /// Relationships of a type.
    RelationshipType(RelationshipTypeId),
}

/// The kind of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexKind {
    /// Ordered by value: equality, ranges and prefixes.
    Range,
    /// Which nodes have a label; always there.
    LabelLookup,
    /// Which relationships have a type; always there.
    TypeLookup,
}

/// Whether an index can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexState {
    /// Complete.
    Online,
    /// Being built.
    Populating,
}

/// One index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexDescription {
    /// Its id.
    pub id: IndexId,
    /// Its name, unique among indexes and constraints.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: IndexKind,
    /// What it covers; `None` for the two lookup indexes.
    pub target: Option<SchemaTarget>,
    /// The properties, in order.
    pub properties: Vec<PropertyKeyId>,
    /// Whether it is complete.
    pub state: IndexState,
    /// The constraint that owns it, which then must be dropped instead.
    pub owner: Option<ConstraintId>,
    /// How many entries it has, for the planner.
    pub entries: u64,
    /// How many distinct keys it has, or an estimate, for the planner.
    pub distinct_keys: u64,
}

/// The kind of a constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConstraintKind {
    /// No two entities share the values of the properties.
    Unique,
    /// Every entity has the property.
    Exists,
    /// Both of the above, over one or more properties.
    Key,
}

/// One constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstraintDescription {
    /// Its id.
    pub id: ConstraintId,
    /// Its name, unique among indexes and constraints.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: ConstraintKind,
    /// What it is about.
    pub target: SchemaTarget,
    /// The properties, in order.
    pub properties: Vec<PropertyKeyId>,
    /// The index that serves it, for uniqueness and key constraints.
    pub index: Option<IndexId>,
}
