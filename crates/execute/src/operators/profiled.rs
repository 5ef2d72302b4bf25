//! PROFILE: counts rows as they pass and questions as the graph is asked.

use std::sync::Arc;

use bastide_model::{
    Adjacent, ConstraintDescription, Direction, GraphError, GraphRead, GraphWrite, IndexDescription, IndexId, LabelId,
    NodeId, PropertyKeyId, RelationshipId, RelationshipRecord, RelationshipTypeId, Seek, Value,
};
use bastide_status::Status;

use super::{Operate, Run, Shared, Stream};
use crate::access::{GraphAccess, TransactionControl};
use crate::batch::Batch;
use crate::evaluate::RowView;
use crate::statistics::ProfileCounters;

/// An operator whose rows are counted, and to which questions are put down while it runs.
pub(super) struct Profiled {
    inner: Stream,
    id: u32,
}

impl Profiled {
    pub(super) fn new(inner: Stream, id: u32) -> Self {
        Self { inner, id }
    }
}

impl Operate for Profiled {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.inner.reset(shared, argument);
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        let Some(counters) = &run.shared.profile else {
            return self.inner.next(run, wanted, out);
        };
        let before = counters.enter(self.id);
        let result = self.inner.next(run, wanted, out);
        counters.leave(before);
        counters.add_rows(self.id, out.rows());
        result
    }
}

/// A transaction that counts what it is asked.
pub(crate) struct ProfiledAccess<'a> {
    inner: &'a mut dyn GraphAccess,
    counters: &'a ProfileCounters,
}

impl<'a> ProfiledAccess<'a> {
    pub(crate) fn new(inner: &'a mut dyn GraphAccess, counters: &'a ProfileCounters) -> Self {
        Self { inner, counters }
    }

    fn asked(&self) -> &dyn GraphRead {
        self.counters.hit();
        self.inner.read()
    }
}

impl GraphAccess for ProfiledAccess<'_> {
    fn read(&self) -> &dyn GraphRead {
        self
    }

    /// Each change asks anew for the right to make it, so a change counts as one question.
    fn write(&mut self) -> Result<&mut dyn GraphWrite, Status> {
        self.counters.hit();
        self.inner.write()
    }

    fn transaction_control(&mut self) -> Option<&mut dyn TransactionControl> {
        self.inner.transaction_control()
    }
}

/// Names are not counted: they are looked up once and not for each row.
impl GraphRead for ProfiledAccess<'_> {
    fn label_id(&self, name: &str) -> Option<LabelId> {
        self.inner.read().label_id(name)
    }

    fn label_name(&self, id: LabelId) -> Option<Arc<str>> {
        self.inner.read().label_name(id)
    }

    fn relationship_type_id(&self, name: &str) -> Option<RelationshipTypeId> {
        self.inner.read().relationship_type_id(name)
    }

    fn relationship_type_name(&self, id: RelationshipTypeId) -> Option<Arc<str>> {
        self.inner.read().relationship_type_name(id)
    }

    fn property_key_id(&self, name: &str) -> Option<PropertyKeyId> {
        self.inner.read().property_key_id(name)
    }

    fn property_key_name(&self, id: PropertyKeyId) -> Option<Arc<str>> {
        self.inner.read().property_key_name(id)
    }

    fn label_names(&self) -> Vec<Arc<str>> {
        self.inner.read().label_names()
    }

    fn relationship_type_names(&self) -> Vec<Arc<str>> {
        self.inner.read().relationship_type_names()
    }

    fn property_key_names(&self) -> Vec<Arc<str>> {
        self.inner.read().property_key_names()
    }

    fn node_exists(&self, node: NodeId) -> Result<bool, GraphError> {
        self.asked().node_exists(node)
    }

    fn node_has_label(&self, node: NodeId, label: LabelId) -> Result<bool, GraphError> {
        self.asked().node_has_label(node, label)
    }

    fn node_labels(&self, node: NodeId, labels: &mut Vec<LabelId>) -> Result<(), GraphError> {
        self.asked().node_labels(node, labels)
    }

    fn node_property(&self, node: NodeId, key: PropertyKeyId) -> Result<Value, GraphError> {
        self.asked().node_property(node, key)
    }

    fn node_properties(&self, node: NodeId, properties: &mut Vec<(PropertyKeyId, Value)>) -> Result<(), GraphError> {
        self.asked().node_properties(node, properties)
    }

    fn relationship(&self, relationship: RelationshipId) -> Result<Option<RelationshipRecord>, GraphError> {
        self.asked().relationship(relationship)
    }

    fn relationship_property(&self, relationship: RelationshipId, key: PropertyKeyId) -> Result<Value, GraphError> {
        self.asked().relationship_property(relationship, key)
    }

    fn relationship_properties(
        &self,
        relationship: RelationshipId,
        properties: &mut Vec<(PropertyKeyId, Value)>,
    ) -> Result<(), GraphError> {
        self.asked().relationship_properties(relationship, properties)
    }

    fn expand(
        &self,
        node: NodeId,
        direction: Direction,
        types: &[RelationshipTypeId],
        adjacent: &mut Vec<Adjacent>,
    ) -> Result<(), GraphError> {
        let before = adjacent.len();
        self.asked().expand(node, direction, types, adjacent)?;
        (before..adjacent.len()).for_each(|_| self.counters.hit());
        Ok(())
    }

    fn degree(&self, node: NodeId, direction: Direction, types: &[RelationshipTypeId]) -> Result<u64, GraphError> {
        self.asked().degree(node, direction, types)
    }

    fn scan_nodes(&self, from: NodeId, limit: usize, nodes: &mut Vec<NodeId>) -> Result<(), GraphError> {
        let before = nodes.len();
        self.asked().scan_nodes(from, limit, nodes)?;
        (before..nodes.len()).for_each(|_| self.counters.hit());
        Ok(())
    }

    fn scan_label(
        &self,
        label: LabelId,
        from: NodeId,
        limit: usize,
        nodes: &mut Vec<NodeId>,
    ) -> Result<(), GraphError> {
        let before = nodes.len();
        self.asked().scan_label(label, from, limit, nodes)?;
        (before..nodes.len()).for_each(|_| self.counters.hit());
        Ok(())
    }

    fn scan_relationships(
        &self,
        relationship_type: Option<RelationshipTypeId>,
        from: RelationshipId,
        limit: usize,
        relationships: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError> {
        let before = relationships.len();
        self.asked()
            .scan_relationships(relationship_type, from, limit, relationships)?;
        (before..relationships.len()).for_each(|_| self.counters.hit());
        Ok(())
    }

    fn node_count(&self, label: Option<LabelId>) -> Result<u64, GraphError> {
        self.asked().node_count(label)
    }

    fn relationship_count(&self, relationship_type: Option<RelationshipTypeId>) -> Result<u64, GraphError> {
        self.asked().relationship_count(relationship_type)
    }

    fn indexes(&self) -> Vec<IndexDescription> {
        self.inner.read().indexes()
    }

    fn constraints(&self) -> Vec<ConstraintDescription> {
        self.inner.read().constraints()
    }

    fn index_seek_nodes(&self, index: IndexId, seek: &Seek, nodes: &mut Vec<NodeId>) -> Result<(), GraphError> {
        let before = nodes.len();
        self.asked().index_seek_nodes(index, seek, nodes)?;
        (before..nodes.len()).for_each(|_| self.counters.hit());
        Ok(())
    }

    fn index_seek_relationships(
        &self,
        index: IndexId,
        seek: &Seek,
        relationships: &mut Vec<RelationshipId>,
    ) -> Result<(), GraphError> {
        self.asked().index_seek_relationships(index, seek, relationships)
    }

    fn schema_version(&self) -> u64 {
        self.inner.read().schema_version()
    }
}
