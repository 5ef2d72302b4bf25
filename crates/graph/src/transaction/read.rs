//! Reading within a transaction: its own changes included, and every read noted for the validation at commit.

use std::sync::Arc;

use bastide_model::{
    Adjacent, ConstraintDescription, Direction, GraphError, GraphRead, IndexDescription, IndexId, LabelId, NodeId,
    PropertyKeyId, RelationshipId, RelationshipRecord, RelationshipTypeId, Seek, Value,
};

use super::Transaction;
use crate::snapshot::read_names;
use crate::tokens::TokenKind;

impl Transaction {
    /// How many properties an index has.
    fn index_width(&self, index: IndexId) -> usize {
        self.work
            .root
            .index(index)
            .map_or(0, |index| index.definition.properties.len())
    }
}

impl GraphRead for Transaction {
    read_names!();

    fn node_exists(&self, node: NodeId) -> Result<bool, GraphError> {
        self.note(|reads| reads.node(node));
        Ok(self.work.root.node(node).is_some())
    }

    fn node_has_label(&self, node: NodeId, label: LabelId) -> Result<bool, GraphError> {
        self.note(|reads| reads.node(node));
        Ok(self.work.root.has_label(node, label))
    }

    fn node_labels(&self, node: NodeId, labels: &mut Vec<LabelId>) -> Result<(), GraphError> {
        self.note(|reads| reads.node(node));
        self.work.root.node_labels(node, labels);
        Ok(())
    }

    fn node_property(&self, node: NodeId, key: PropertyKeyId) -> Result<Value, GraphError> {
        self.note(|reads| reads.node(node));
        Ok(self.work.root.node_property(node, key))
    }

    fn node_properties(&self, node: NodeId, properties: &mut Vec<(PropertyKeyId, Value)>) -> Result<(), GraphError> {
        self.note(|reads| reads.node(node));
        self.work.root.node_properties(node, properties);
        Ok(())
    }

    fn relationship(&self, relationship: RelationshipId) -> Result<Option<RelationshipRecord>, GraphError> {
        self.note(|reads| reads.relationship(relationship));
        Ok(self.work.root.relationship(relationship))
    }

    fn relationship_property(&self, relationship: RelationshipId, key: PropertyKeyId) -> Result<Value, GraphError> {
        self.note(|reads| reads.relationship(relationship));
        Ok(self.work.root.relationship_property(relationship, key))
    }

    fn relationship_properties(
        &self,
        relationship: RelationshipId,
        properties: &mut Vec<(PropertyKeyId, Value)>,
    ) -> Result<(), GraphError> {
        self.note(|reads| reads.relationship(relationship));
        self.work.root.relationship_properties(relationship, properties);
        Ok(())
    }

    fn expand(
        &self,
        node: NodeId,
        direction: Direction,
        types: &[RelationshipTypeId],
        adjacent: &mut Vec<Adjacent>,
    ) -> Result<(), GraphError> {
        self.note(|reads| reads.adjacency(node));
        self.work.root.expand(node, direction, types, adjacent);
        Ok(())
    }

    fn degree(&self, node: NodeId, direction: Direction, types: &[RelationshipTypeId]) -> Result<u64, GraphError> {
        self.note(|reads| reads.adjacency(node));
        Ok(self.work.root.degree(node, direction, types))
    }

    fn scan_nodes(&self, from: NodeId, limit: usize, nodes: &mut Vec<NodeId>) -> Result<(), GraphError> {
        self.note(|reads| reads.label(None));
        self.work.root.scan_nodes(from, limit, nodes);
        Ok(())
    }

    fn scan_label(
        &self,
        label: LabelId,
        from: NodeId,
        limit: usize,
        nodes: &mut Vec<NodeId>,
    ) -> Result<(), GraphError> {
        self.note(|reads| reads.label(Some(label)));
        self.work.root.scan_label(label, from, limit, nodes);
        Ok(())
    }

    fn scan_relationships(
        &self,
        relationship_type: Option<RelationshipTypeId>,
        from: RelationshipId,
        limit: usize,
        relationships: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError> {
        self.note(|reads| reads.relationship_type(relationship_type));
        self.work
            .root
            .scan_relationships(relationship_type, from, limit, relationships);
        Ok(())
    }

    fn node_count(&self, label: Option<LabelId>) -> Result<u64, GraphError> {
        self.note(|reads| reads.label(label));
        Ok(self.work.root.node_count(label))
    }

    fn relationship_count(&self, relationship_type: Option<RelationshipTypeId>) -> Result<u64, GraphError> {
        self.note(|reads| reads.relationship_type(relationship_type));
        Ok(self.work.root.relationship_count(relationship_type))
    }

    fn indexes(&self) -> Vec<IndexDescription> {
        self.work.root.index_descriptions()
    }

    fn constraints(&self) -> Vec<ConstraintDescription> {
        self.work.root.constraints.to_vec()
    }

    fn index_seek_nodes(&self, index: IndexId, seek: &Seek, nodes: &mut Vec<NodeId>) -> Result<(), GraphError> {
        self.note(|reads| reads.seek(index, self.index_width(index), seek));
        self.work.root.seek(index, seek, &mut |id| nodes.push(NodeId(id)));
        Ok(())
    }

    fn index_seek_relationships(
        &self,
        index: IndexId,
        seek: &Seek,
        relationships: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError> {
        self.note(|reads| reads.seek(index, self.index_width(index), seek));
        self.work
            .root
            .seek(index, seek, &mut |id| relationships.push(RelationshipId(id)));
        Ok(())
    }

    fn schema_version(&self) -> u64 {
        self.work.root.schema_version
    }
}
