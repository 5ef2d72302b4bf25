//! CREATE: new nodes and relationships for each row.

use std::sync::Arc;

use bastide_model::{GraphError, LabelId, Map, NodeId, PropertyKeyId, RelationshipId, Value};
use bastide_plan::expression::{Offset, Slot};
use bastide_status::{Code, Status};

use super::entity::{at, failed, value_of};
use super::{Operate, Run, Shared, Stream};
use crate::batch::Batch;
use crate::evaluate::{Compiled, RowView};

/// A node to create, prepared.
pub(super) struct PreparedNode {
    pub(super) slot: Slot,
    pub(super) labels: Vec<Arc<str>>,
    pub(super) properties: Option<Compiled>,
}

/// A relationship to create, prepared.
pub(super) struct PreparedRelationship {
    pub(super) slot: Slot,
    pub(super) relationship_type: Arc<str>,
    pub(super) start: Slot,
    pub(super) end: Slot,
    pub(super) properties: Option<Compiled>,
    pub(super) offset: Offset,
}

/// Makes the entities of one pattern.
pub(super) struct Creator {
    nodes: Vec<PreparedNode>,
    relationships: Vec<PreparedRelationship>,
    /// MERGE: a null property is an error, as nothing could ever match it.
    refuses_null: bool,
    labels: Vec<LabelId>,
}

/// A node or a relationship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entity {
    /// A node.
    Node(NodeId),
    /// A relationship.
    Relationship(RelationshipId),
}

impl Creator {
    pub(super) fn new(nodes: Vec<PreparedNode>, relationships: Vec<PreparedRelationship>, refuses_null: bool) -> Self {
        Self {
            nodes,
            relationships,
            refuses_null,
            labels: Vec::new(),
        }
    }

    /// Empties the columns that are written.
    pub(super) fn begin(&self, batch: &mut Batch) {
        self.nodes.iter().for_each(|node| batch.start(node.slot));
        self.relationships
            .iter()
            .for_each(|relationship| batch.start(relationship.slot));
    }

    /// Makes the entities of the row at `place`, whose columns are written up to it.
    pub(super) fn create(&mut self, run: &mut Run<'_>, batch: &mut Batch, place: usize) -> Result<(), Status> {
        for node in &self.nodes {
            let properties = properties(run, node.properties.as_ref(), &batch.row(place))?;
            self.refuse_null(properties.as_deref())?;
            self.labels.clear();
            for label in &node.labels {
                let id = run.access.write()?.label_id_or_create(label).map_err(failed)?;
                if !self.labels.contains(&id) {
                    self.labels.push(id);
                }
            }
            let id = run.access.write()?.create_node(&self.labels).map_err(failed)?;
            let labels = self.labels.len() as u64;
            run.count(|statistics| {
                statistics.nodes_created += 1;
                statistics.labels_added += labels;
            });
            batch.push(node.slot, Value::Node(id));
            set_new_properties(run, Entity::Node(id), properties.as_deref())?;
        }
        for relationship in &self.relationships {
            let row = batch.row(place);
            let properties = properties(run, relationship.properties.as_ref(), &row)?;
            self.refuse_null(properties.as_deref())?;
            let start = end_node(run, &row.value(relationship.start), relationship)?;
            let end = end_node(run, &row.value(relationship.end), relationship)?;
            let graph = run.access.write()?;
            let relationship_type = graph
                .relationship_type_id_or_create(&relationship.relationship_type)
                .map_err(failed)?;
            let id = graph
                .create_relationship(relationship_type, start, end)
                .map_err(failed)?;
            run.count(|statistics| statistics.relationships_created += 1);
            batch.push(relationship.slot, Value::Relationship(id));
            set_new_properties(run, Entity::Relationship(id), properties.as_deref())?;
        }
        Ok(())
    }

    fn refuse_null(&self, properties: Option<&Map>) -> Result<(), Status> {
        if !self.refuses_null {
            return Ok(());
        }
        let null = properties.and_then(|map| map.iter().find(|(_, value)| value.is_null()));
        match null {
            None => Ok(()),
            Some((key, _)) => Err(Status::new(
                Code::SemanticError,
                format!("cannot merge on a null value for property `{key}`"),
            )),
        }
    }
}

fn end_node(run: &Run<'_>, value: &Value, relationship: &PreparedRelationship) -> Result<NodeId, Status> {
    let refused = match value {
        Value::Node(node) => return Ok(*node),
        Value::Null => Status::new(
            Code::EntityNotFound,
            format!(
                "failed to create a relationship of type `{}`: one of its nodes is null",
                relationship.relationship_type
            ),
        ),
        other => Status::new(
            Code::TypeError,
            format!(
                "a relationship joins nodes, not a value of type {}",
                other.kind().name()
            ),
        ),
    };
    at(Err(refused), relationship.offset, run)
}

fn properties(run: &Run<'_>, map: Option<&Compiled>, row: &dyn RowView) -> Result<Option<Arc<Map>>, Status> {
    let Some(map) = map else { return Ok(None) };
    match value_of(map, row, run)? {
        Value::Map(map) => Ok(Some(map)),
        Value::Null => Ok(None),
        other => Err(Status::new(
            Code::TypeError,
            format!("expected a map of properties, got {}", other.kind().name()),
        )),
    }
}

fn set_new_properties(run: &mut Run<'_>, entity: Entity, map: Option<&Map>) -> Result<(), Status> {
    for (key, value) in map.into_iter().flat_map(Map::iter) {
        if !value.is_null() {
            set_property(run, entity, key, value.clone())?;
        }
    }
    Ok(())
}

/// Sets a property, or removes it if the value is null, and counts that.
pub(super) fn set_property(run: &mut Run<'_>, entity: Entity, key: &str, value: Value) -> Result<(), Status> {
    let removes = value.is_null();
    let graph = run.access.write()?;
    let id: PropertyKeyId = if removes {
        match graph.property_key_id(key) {
            Some(id) => id,
            // No entity has the property, but the entity must be there.
            None => return exists(run, entity),
        }
    } else {
        graph.property_key_id_or_create(key).map_err(failed)?
    };
    let value = storable(value)?;
    let was_there = match entity {
        Entity::Node(node) => graph.set_node_property(node, id, value),
        Entity::Relationship(relationship) => graph.set_relationship_property(relationship, id, value),
    }
    .map_err(failed)?;
    if !removes || was_there {
        run.count(|statistics| statistics.properties_set += 1);
    }
    Ok(())
}

/// An error if the entity was deleted.
pub(super) fn exists(run: &Run<'_>, entity: Entity) -> Result<(), Status> {
    let graph = run.graph();
    match entity {
        Entity::Node(node) if !graph.node_exists(node).map_err(failed)? => Err(failed(GraphError::NodeNotFound(node))),
        Entity::Relationship(relationship) if graph.relationship(relationship).map_err(failed)?.is_none() => {
            Err(failed(GraphError::RelationshipNotFound(relationship)))
        }
        _ => Ok(()),
    }
}

/// The value as it is stored: a list of integers and floats becomes one of floats.
fn storable(value: Value) -> Result<Value, Status> {
    if value.is_null() {
        return Ok(value);
    }
    if !value.is_storable() {
        let kind = match &value {
            Value::List(items) => items
                .iter()
                .find(|item| !item.is_storable() || matches!(item, Value::List(_)))
                .map_or("LIST of different types", |item| item.kind().name()),
            other => other.kind().name(),
        };
        return Err(Status::new(
            Code::TypeError,
            format!("property values can only be of primitive types or lists of one of them; encountered: {kind}"),
        ));
    }
    let Value::List(items) = &value else { return Ok(value) };
    let has_floats = items.iter().any(|item| matches!(item, Value::Float(_)));
    if !has_floats || !items.iter().any(|item| matches!(item, Value::Integer(_))) {
        return Ok(value);
    }
    let floats = items.iter().map(|item| match item {
        Value::Integer(integer) => Value::Float(*integer as f64),
        other => other.clone(),
    });
    Ok(Value::List(floats.collect()))
}

/// New nodes, then new relationships, for each row.
pub(super) struct Create {
    input: Stream,
    creator: Creator,
}

impl Create {
    pub(super) fn new(input: Stream, creator: Creator) -> Self {
        Self { input, creator }
    }
}

impl Operate for Create {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        self.input.next(run, wanted, out)?;
        run.check()?;
        self.creator.begin(out);
        for place in 0..out.rows() {
            self.creator.create(run, out, place)?;
        }
        Ok(())
    }
}
