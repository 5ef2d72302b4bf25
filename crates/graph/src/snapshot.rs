//! Reading one committed state.
//!
//! Owns the implementation of [`GraphRead`] over a root and the names. INVARIANT: what it answers never changes.

use std::sync::Arc;

use bastide_model::{
    Adjacent, CommitId, ConstraintDescription, Direction, GraphError, GraphRead, IndexDescription, IndexId, LabelId,
    NodeId, PropertyKeyId, RelationshipId, RelationshipRecord, RelationshipTypeId, Seek, Value,
};

use crate::root::Root;
use crate::tokens::{TokenKind, Tokens};

/// One committed state of a graph. Taking one costs two counters at any size; it is kept in memory for as long as
/// somebody holds it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    root: Arc<Root>,
    tokens: Arc<Tokens>,
}

impl Snapshot {
    pub(crate) fn new(root: Arc<Root>, tokens: Arc<Tokens>) -> Self {
        Self { root, tokens }
    }

    /// The last commit that it holds; 0 for the empty graph.
    #[must_use]
    pub fn commit_id(&self) -> CommitId {
        self.root.commit_id()
    }
}

/// The part of [`GraphRead`] that concerns names, for a type with a field `tokens`.
macro_rules! read_names {
    () => {
        fn label_id(&self, name: &str) -> Option<LabelId> {
            self.tokens.of(TokenKind::Label).id(name).map(LabelId)
        }

        fn label_name(&self, id: LabelId) -> Option<Arc<str>> {
            self.tokens.of(TokenKind::Label).name(id.0).cloned()
        }

        fn relationship_type_id(&self, name: &str) -> Option<RelationshipTypeId> {
            self.tokens
                .of(TokenKind::RelationshipType)
                .id(name)
                .map(RelationshipTypeId)
        }

        fn relationship_type_name(&self, id: RelationshipTypeId) -> Option<Arc<str>> {
            self.tokens.of(TokenKind::RelationshipType).name(id.0).cloned()
        }

        fn property_key_id(&self, name: &str) -> Option<PropertyKeyId> {
            self.tokens.of(TokenKind::PropertyKey).id(name).map(PropertyKeyId)
        }

        fn property_key_name(&self, id: PropertyKeyId) -> Option<Arc<str>> {
            self.tokens.of(TokenKind::PropertyKey).name(id.0).cloned()
        }

        fn label_names(&self) -> Vec<Arc<str>> {
            self.tokens.of(TokenKind::Label).all().to_vec()
        }

        fn relationship_type_names(&self) -> Vec<Arc<str>> {
            self.tokens.of(TokenKind::RelationshipType).all().to_vec()
        }

        fn property_key_names(&self) -> Vec<Arc<str>> {
            self.tokens.of(TokenKind::PropertyKey).all().to_vec()
        }
    };
}

pub(crate) use read_names;

impl GraphRead for Snapshot {
    read_names!();

    fn node_exists(&self, node: NodeId) -> Result<bool, GraphError> {
        Ok(self.root.node(node).is_some())
    }

    fn node_has_label(&self, node: NodeId, label: LabelId) -> Result<bool, GraphError> {
        Ok(self.root.has_label(node, label))
    }

    fn node_labels(&self, node: NodeId, labels: &mut Vec<LabelId>) -> Result<(), GraphError> {
        self.root.node_labels(node, labels);
        Ok(())
    }

    fn node_property(&self, node: NodeId, key: PropertyKeyId) -> Result<Value, GraphError> {
        Ok(self.root.node_property(node, key))
    }

    fn node_properties(&self, node: NodeId, properties: &mut Vec<(PropertyKeyId, Value)>) -> Result<(), GraphError> {
        self.root.node_properties(node, properties);
        Ok(())
    }

    fn relationship(&self, relationship: RelationshipId) -> Result<Option<RelationshipRecord>, GraphError> {
        Ok(self.root.relationship(relationship))
    }

    fn relationship_property(&self, relationship: RelationshipId, key: PropertyKeyId) -> Result<Value, GraphError> {
        Ok(self.root.relationship_property(relationship, key))
    }

    fn relationship_properties(
        &self,
        relationship: RelationshipId,
        properties: &mut Vec<(PropertyKeyId, Value)>,
    ) -> Result<(), GraphError> {
        self.root.relationship_properties(relationship, properties);
        Ok(())
    }

    fn expand(
        &self,
        node: NodeId,
        direction: Direction,
        types: &[RelationshipTypeId],
        adjacent: &mut Vec<Adjacent>,
    ) -> Result<(), GraphError> {
        self.root.expand(node, direction, types, adjacent);
        Ok(())
    }

    fn degree(&self, node: NodeId, direction: Direction, types: &[RelationshipTypeId]) -> Result<u64, GraphError> {
        Ok(self.root.degree(node, direction, types))
    }

    fn scan_nodes(&self, from: NodeId, limit: usize, nodes: &mut Vec<NodeId>) -> Result<(), GraphError> {
        self.root.scan_nodes(from, limit, nodes);
        Ok(())
    }

    fn scan_label(
        &self,
        label: LabelId,
        from: NodeId,
        limit: usize,
        nodes: &mut Vec<NodeId>,
    ) -> Result<(), GraphError> {
        self.root.scan_label(label, from, limit, nodes);
        Ok(())
    }

    fn scan_relationships(
        &self,
        relationship_type: Option<RelationshipTypeId>,
        from: RelationshipId,
        limit: usize,
        relationships: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError> {
        self.root
            .scan_relationships(relationship_type, from, limit, relationships);
        Ok(())
    }

    fn node_count(&self, label: Option<LabelId>) -> Result<u64, GraphError> {
        Ok(self.root.node_count(label))
    }

    fn relationship_count(&self, relationship_type: Option<RelationshipTypeId>) -> Result<u64, GraphError> {
        Ok(self.root.relationship_count(relationship_type))
    }

    fn indexes(&self) -> Vec<IndexDescription> {
        self.root.index_descriptions()
    }

    fn constraints(&self) -> Vec<ConstraintDescription> {
        self.root.constraints.to_vec()
    }

    fn index_seek_nodes(&self, index: IndexId, seek: &Seek, nodes: &mut Vec<NodeId>) -> Result<(), GraphError> {
        self.root.seek(index, seek, &mut |id| nodes.push(NodeId(id)));
        Ok(())
    }

    fn index_seek_relationships(
        &self,
        index: IndexId,
        seek: &Seek,
        relationships: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError> {
        self.root
            .seek(index, seek, &mut |id| relationships.push(RelationshipId(id)));
        Ok(())
    }

    fn schema_version(&self) -> u64 {
        self.root.schema_version
    }
}
