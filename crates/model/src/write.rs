//! What the query engine may change in a graph, and how that can fail.

use std::sync::Arc;

use crate::{
    ConstraintDescription, ConstraintId, ConstraintKind, GraphRead, IndexDescription, IndexId, LabelId, NodeId,
    PropertyKeyId, RelationshipId, RelationshipTypeId, SchemaTarget, Value,
};

/// Why the graph could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The node is not there, or was deleted by this transaction.
    #[error("node with id {0} does not exist or has been deleted in this transaction")]
    NodeNotFound(NodeId),
    /// The relationship is not there, or was deleted by this transaction.
    #[error("relationship with id {0} does not exist or has been deleted in this transaction")]
    RelationshipNotFound(RelationshipId),
    /// At commit: a deleted node still has relationships.
    #[error("cannot delete node {0}, because it still has relationships")]
    NodeHasRelationships(NodeId),
    /// The value cannot be stored as a property.
    #[error("a property cannot hold a value of type {0}")]
    NotStorable(&'static str),
    /// A uniqueness or key constraint is violated.
    #[error("{holder} already exists with {target} and {properties}")]
    NotUnique {
        /// The constraint's name.
        constraint: Arc<str>,
        /// `Node(12)` or `Relationship(3)`: the one that is there already.
        holder: String,
        /// The label or type, in words.
        target: String,
        /// Property names and values, in words.
        properties: String,
    },
    /// An existence or key constraint is violated.
    #[error("{holder} with {target} must have the property `{property}`")]
    PropertyMissing {
        /// The constraint's name.
        constraint: Arc<str>,
        /// `Node(12)` or `Relationship(3)`.
        holder: String,
        /// The label or type, in words.
        target: String,
        /// The property's name.
        property: Arc<str>,
    },
    /// An index or constraint with the same name or the same content is there already.
    #[error("there already exists {existing}")]
    SchemaExists {
        /// The existing one, in words.
        existing: String,
        /// Whether it has the same content, so that `IF NOT EXISTS` is satisfied.
        equivalent: bool,
    },
    /// No index or constraint has this name.
    #[error("there is no {kind} named `{name}`")]
    SchemaNotFound {
        /// `index` or `constraint`.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
    },
    /// The index belongs to a constraint and goes with it.
    #[error("index `{index}` belongs to constraint `{constraint}`")]
    IndexBelongsToConstraint {
        /// The index.
        index: Arc<str>,
        /// The constraint to drop instead.
        constraint: Arc<str>,
    },
    /// Another transaction committed a change to what this one read or wrote. The whole transaction may be tried again.
    #[error("another transaction changed {what} after this one had read or written it")]
    Conflict {
        /// What collided, in words.
        what: String,
    },
    /// The transaction was ended from outside.
    #[error("the transaction has been terminated")]
    Terminated,
    /// The transaction holds more changes than it may.
    #[error("the transaction needs more than {limit} bytes of memory")]
    MemoryLimit {
        /// The limit in bytes.
        limit: usize,
    },
    /// A limit of the format, such as the number of labels.
    #[error("{what} is limited to {limit}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The store could not read or write; the cause is for the log, not for the client.
    #[error("the store failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Changing a graph, within one transaction. Nothing is seen by others before the commit.
pub trait GraphWrite: GraphRead {
    /// The id of a label name, made if need be.
    fn label_id_or_create(&mut self, name: &str) -> Result<LabelId, GraphError>;
    /// The id of a relationship type name, made if need be.
    fn relationship_type_id_or_create(&mut self, name: &str) -> Result<RelationshipTypeId, GraphError>;
    /// The id of a property key name, made if need be.
    fn property_key_id_or_create(&mut self, name: &str) -> Result<PropertyKeyId, GraphError>;

    /// A new node with these labels (any order, duplicates allowed).
    fn create_node(&mut self, labels: &[LabelId]) -> Result<NodeId, GraphError>;
    /// A new relationship.
    fn create_relationship(
        &mut self,
        relationship_type: RelationshipTypeId,
        start: NodeId,
        end: NodeId,
    ) -> Result<RelationshipId, GraphError>;
    /// Deletes a node. That it has no relationships left is checked at commit, as in Cypher they may go later in the
    /// same transaction.
    fn delete_node(&mut self, node: NodeId) -> Result<(), GraphError>;
    /// Deletes a relationship.
    fn delete_relationship(&mut self, relationship: RelationshipId) -> Result<(), GraphError>;
    /// Sets a property; null removes it. Says whether anything was there before.
    fn set_node_property(&mut self, node: NodeId, key: PropertyKeyId, value: Value) -> Result<bool, GraphError>;
    /// Sets a property; null removes it. Says whether anything was there before.
    fn set_relationship_property(
        &mut self,
        relationship: RelationshipId,
        key: PropertyKeyId,
        value: Value,
    ) -> Result<bool, GraphError>;
    /// Adds a label; says whether it was new.
    fn add_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, GraphError>;
    /// Removes a label; says whether it was there.
    fn remove_label(&mut self, node: NodeId, label: LabelId) -> Result<bool, GraphError>;

    /// Creates a range index; a missing name is made from its content.
    fn create_index(
        &mut self,
        name: Option<&str>,
        target: SchemaTarget,
        properties: &[PropertyKeyId],
    ) -> Result<IndexDescription, GraphError>;
    /// Drops an index by name.
    fn drop_index(&mut self, name: &str) -> Result<IndexId, GraphError>;
    /// Creates a constraint, and its index where it needs one; existing data is checked.
    fn create_constraint(
        &mut self,
        name: Option<&str>,
        kind: ConstraintKind,
        target: SchemaTarget,
        properties: &[PropertyKeyId],
    ) -> Result<ConstraintDescription, GraphError>;
    /// Drops a constraint by name.
    fn drop_constraint(&mut self, name: &str) -> Result<ConstraintId, GraphError>;
}
