//! A graph of two people who know each other, for tests: `(n:Person {name: 'Ann', age: 30})-[r:KNOWS {since: 2000}]->(m:Person:Admin)`.

use std::sync::Arc;

use bastide_model::*;

pub(crate) struct TwoPeople;

const KEYS: &[&str] = &["name", "age", "since"];
const LABELS: &[&str] = &["Person", "Admin"];

fn place(names: &[&str], name: &str) -> Option<u32> {
    names
        .iter()
        .position(|known| *known == name)
        .map(|place| u32::try_from(place).unwrap())
}

fn name(names: &[&str], id: u32) -> Option<Arc<str>> {
    names.get(id as usize).map(|name| Arc::from(*name))
}

fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

type Answer<T> = Result<T, GraphError>;

impl GraphRead for TwoPeople {
    fn label_id(&self, name: &str) -> Option<LabelId> {
        place(LABELS, name).map(LabelId)
    }
    fn label_name(&self, id: LabelId) -> Option<Arc<str>> {
        name(LABELS, id.0)
    }
    fn relationship_type_id(&self, name: &str) -> Option<RelationshipTypeId> {
        place(&["KNOWS"], name).map(RelationshipTypeId)
    }
    fn relationship_type_name(&self, id: RelationshipTypeId) -> Option<Arc<str>> {
        name(&["KNOWS"], id.0)
    }
    fn property_key_id(&self, name: &str) -> Option<PropertyKeyId> {
        place(KEYS, name).map(PropertyKeyId)
    }
    fn property_key_name(&self, id: PropertyKeyId) -> Option<Arc<str>> {
        name(KEYS, id.0)
    }
    fn label_names(&self) -> Vec<Arc<str>> {
        names(LABELS)
    }
    fn relationship_type_names(&self) -> Vec<Arc<str>> {
        names(&["KNOWS"])
    }
    fn property_key_names(&self) -> Vec<Arc<str>> {
        names(KEYS)
    }
    fn node_exists(&self, node: NodeId) -> Answer<bool> {
        Ok(node.0 < 2)
    }
    fn node_has_label(&self, node: NodeId, label: LabelId) -> Answer<bool> {
        Ok(node.0 < 2 && u64::from(label.0) <= node.0)
    }
    fn node_labels(&self, node: NodeId, labels: &mut Vec<LabelId>) -> Answer<()> {
        labels.extend(
            (0..2)
                .map(LabelId)
                .filter(|label| self.node_has_label(node, *label).unwrap()),
        );
        Ok(())
    }
    fn node_property(&self, node: NodeId, key: PropertyKeyId) -> Answer<Value> {
        let mut properties = Vec::new();
        self.node_properties(node, &mut properties)?;
        Ok(properties
            .into_iter()
            .find(|(present, _)| *present == key)
            .map_or(Value::Null, |(_, value)| value))
    }
    fn node_properties(&self, node: NodeId, properties: &mut Vec<(PropertyKeyId, Value)>) -> Answer<()> {
        if node.0 == 0 {
            properties.push((PropertyKeyId(0), Value::from("Ann")));
            properties.push((PropertyKeyId(1), Value::Integer(30)));
        }
        Ok(())
    }
    fn relationship(&self, relationship: RelationshipId) -> Answer<Option<RelationshipRecord>> {
        Ok((relationship.0 == 0).then_some(RelationshipRecord {
            relationship_type: RelationshipTypeId(0),
            start: NodeId(0),
            end: NodeId(1),
        }))
    }
    fn relationship_property(&self, relationship: RelationshipId, key: PropertyKeyId) -> Answer<Value> {
        Ok(if relationship.0 == 0 && key.0 == 2 {
            Value::Integer(2000)
        } else {
            Value::Null
        })
    }
    fn relationship_properties(
        &self,
        relationship: RelationshipId,
        properties: &mut Vec<(PropertyKeyId, Value)>,
    ) -> Answer<()> {
        if relationship.0 == 0 {
            properties.push((PropertyKeyId(2), Value::Integer(2000)));
        }
        Ok(())
    }
    fn expand(
        &self,
        _node: NodeId,
        _direction: Direction,
        _types: &[RelationshipTypeId],
        _adjacent: &mut Vec<Adjacent>,
    ) -> Answer<()> {
        Ok(())
    }
    fn degree(&self, _node: NodeId, _direction: Direction, _types: &[RelationshipTypeId]) -> Answer<u64> {
        Ok(0)
    }
    fn scan_nodes(&self, _from: NodeId, _limit: usize, _nodes: &mut Vec<NodeId>) -> Answer<()> {
        Ok(())
    }
    fn scan_label(&self, _label: LabelId, _from: NodeId, _limit: usize, _nodes: &mut Vec<NodeId>) -> Answer<()> {
        Ok(())
    }
    fn scan_relationships(
        &self,
        _relationship_type: Option<RelationshipTypeId>,
        _from: RelationshipId,
        _limit: usize,
        _relationships: &mut Vec<RelationshipId>,
    ) -> Answer<()> {
        Ok(())
    }
    fn node_count(&self, _label: Option<LabelId>) -> Answer<u64> {
        Ok(2)
    }
    fn relationship_count(&self, _relationship_type: Option<RelationshipTypeId>) -> Answer<u64> {
        Ok(1)
    }
    fn indexes(&self) -> Vec<IndexDescription> {
        Vec::new()
    }
    fn constraints(&self) -> Vec<ConstraintDescription> {
        Vec::new()
    }
    fn index_seek_nodes(&self, _index: IndexId, _seek: &Seek, _nodes: &mut Vec<NodeId>) -> Answer<()> {
        Ok(())
    }
    fn index_seek_relationships(
        &self,
        _index: IndexId,
        _seek: &Seek,
        _relationships: &mut Vec<RelationshipId>,
    ) -> Answer<()> {
        Ok(())
    }
    fn schema_version(&self) -> u64 {
        0
    }
}
