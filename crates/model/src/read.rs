//! What the query engine may ask of a graph.
//!
//! Every answer is of one snapshot plus the changes of the asking transaction. Results go into buffers of the caller, so
//! that a hot loop allocates nothing; every method adds to its buffer and never clears it.

use std::sync::Arc;

use crate::{
    ConstraintDescription, Direction, GraphError, IndexDescription, IndexId, LabelId, NodeId, PropertyKeyId,
    RelationshipId, RelationshipTypeId, Value,
};

/// A relationship met from one of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Adjacent {
    /// The relationship.
    pub relationship: RelationshipId,
    /// The node at its other end.
    pub neighbour: NodeId,
}

/// What a relationship is, without its properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RelationshipRecord {
    /// Its type.
    pub relationship_type: RelationshipTypeId,
    /// Where it starts.
    pub start: NodeId,
    /// Where it ends.
    pub end: NodeId,
}

/// One end of a range.
#[derive(Clone, Debug)]
pub enum SeekBound {
    /// No bound on this side.
    Unbounded,
    /// The value itself is inside.
    Included(Value),
    /// The value itself is outside.
    Excluded(Value),
}

/// What to look for in an ordered index.
#[derive(Clone, Debug)]
pub enum Seek {
    /// All entries, in the order of the index.
    All,
    /// Entries whose leading properties equal these values, at most as many as the index has properties. Values that equal
    /// nothing (null, NaN) find nothing; `1` finds `1.0`.
    Equal(Vec<Value>),
    /// Entries whose first property lies between two bounds of one type.
    Range {
        /// Lower end.
        from: SeekBound,
        /// Upper end.
        to: SeekBound,
    },
    /// Entries whose first property is a text that starts so.
    Prefix(Arc<str>),
}

/// Reading a graph. Implementors: a snapshot, and a transaction, which sees its own changes.
///
/// Ids of deleted entities are answered as absent, never as an error, except where said.
pub trait GraphRead {
    /// The id of a label name, if any entity ever had it.
    fn label_id(&self, name: &str) -> Option<LabelId>;
    /// The name of a label.
    fn label_name(&self, id: LabelId) -> Option<Arc<str>>;
    /// The id of a relationship type name, if it was ever used.
    fn relationship_type_id(&self, name: &str) -> Option<RelationshipTypeId>;
    /// The name of a relationship type.
    fn relationship_type_name(&self, id: RelationshipTypeId) -> Option<Arc<str>>;
    /// The id of a property key name, if it was ever used.
    fn property_key_id(&self, name: &str) -> Option<PropertyKeyId>;
    /// The name of a property key.
    fn property_key_name(&self, id: PropertyKeyId) -> Option<Arc<str>>;
    /// All label names, by id.
    fn label_names(&self) -> Vec<Arc<str>>;
    /// All relationship type names, by id.
    fn relationship_type_names(&self) -> Vec<Arc<str>>;
    /// All property key names, by id.
    fn property_key_names(&self) -> Vec<Arc<str>>;

    /// Whether the node exists.
    fn node_exists(&self, node: NodeId) -> Result<bool, GraphError>;
    /// Whether the node exists and has the label.
    fn node_has_label(&self, node: NodeId, label: LabelId) -> Result<bool, GraphError>;
    /// The labels of a node, ascending.
    fn node_labels(&self, node: NodeId, labels: &mut Vec<LabelId>) -> Result<(), GraphError>;
    /// A property of a node; null if either is absent.
    fn node_property(&self, node: NodeId, key: PropertyKeyId) -> Result<Value, GraphError>;
    /// The properties of a node, by key id.
    fn node_properties(&self, node: NodeId, properties: &mut Vec<(PropertyKeyId, Value)>) -> Result<(), GraphError>;

    /// What a relationship is, or `None` if it is not there.
    fn relationship(&self, relationship: RelationshipId) -> Result<Option<RelationshipRecord>, GraphError>;
    /// A property of a relationship; null if either is absent.
    fn relationship_property(&self, relationship: RelationshipId, key: PropertyKeyId) -> Result<Value, GraphError>;
    /// The properties of a relationship, by key id.
    fn relationship_properties(
        &self,
        relationship: RelationshipId,
        properties: &mut Vec<(PropertyKeyId, Value)>,
    ) -> Result<(), GraphError>;

    /// The relationships of a node in a direction; an empty `types` stands for every type. A loop is met once, also in
    /// both directions.
    fn expand(
        &self,
        node: NodeId,
        direction: Direction,
        types: &[RelationshipTypeId],
        adjacent: &mut Vec<Adjacent>,
    ) -> Result<(), GraphError>;
    /// How many relationships [`GraphRead::expand`] would find.
    fn degree(&self, node: NodeId, direction: Direction, types: &[RelationshipTypeId]) -> Result<u64, GraphError>;

    /// Up to `limit` nodes with ids of at least `from`, ascending; the next call passes the last id plus one. Fewer than
    /// `limit` means that there are no more.
    fn scan_nodes(&self, from: NodeId, limit: usize, nodes: &mut Vec<NodeId>) -> Result<(), GraphError>;
    /// As [`GraphRead::scan_nodes`], only nodes with the label.
    fn scan_label(&self, label: LabelId, from: NodeId, limit: usize, nodes: &mut Vec<NodeId>)
    -> Result<(), GraphError>;
    /// As [`GraphRead::scan_nodes`], for relationships; `None` stands for every type.
    fn scan_relationships(
        &self,
        relationship_type: Option<RelationshipTypeId>,
        from: RelationshipId,
        limit: usize,
        relationships: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError>;

    /// How many nodes there are, or how many have the label. Exact.
    fn node_count(&self, label: Option<LabelId>) -> Result<u64, GraphError>;
    /// How many relationships there are, or how many have the type. Exact.
    fn relationship_count(&self, relationship_type: Option<RelationshipTypeId>) -> Result<u64, GraphError>;

    /// All indexes.
    fn indexes(&self) -> Vec<IndexDescription>;
    /// All constraints.
    fn constraints(&self) -> Vec<ConstraintDescription>;
    /// The nodes that an index on a label holds for `seek`, in the order of the index.
    fn index_seek_nodes(&self, index: IndexId, seek: &Seek, nodes: &mut Vec<NodeId>) -> Result<(), GraphError>;
    /// The relationships that an index on a type holds for `seek`, in the order of the index.
    fn index_seek_relationships(
        &self,
        index: IndexId,
        seek: &Seek,
        relationships: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError>;
    /// Grows by one with every change of indexes or constraints; cached plans carry it.
    fn schema_version(&self) -> u64;
}
