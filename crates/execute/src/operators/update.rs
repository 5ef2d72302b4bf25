//! SET and REMOVE, item by item for each row.

use std::sync::Arc;

use bastide_model::{Map, NodeId, Value};
use bastide_plan::expression::Offset;
use bastide_status::{Code, Status};

use super::create::{Entity, exists, set_property};
use super::entity::{at, failed, value_of};
use super::{Operate, Run, Shared, Stream};
use crate::batch::Batch;
use crate::evaluate::{Compiled, RowView};

/// What an item does, prepared.
pub(super) enum Change {
    /// `SET n.key = value`
    Property { key: Arc<str>, value: Compiled },
    /// `SET n[key] = value`
    DynamicProperty { key: Compiled, value: Compiled },
    /// `SET n = map`
    Replace(Compiled),
    /// `SET n += map`
    Merge(Compiled),
    /// `SET n:A`
    AddLabels(Vec<Arc<str>>),
    /// `REMOVE n:A`
    RemoveLabels(Vec<Arc<str>>),
}

/// One item of SET or REMOVE, prepared.
pub(super) struct PreparedUpdate {
    pub(super) subject: Compiled,
    pub(super) change: Change,
    pub(super) offset: Offset,
}

impl PreparedUpdate {
    /// Makes the change for a row. A null subject is passed over.
    pub(super) fn apply(&self, run: &mut Run<'_>, row: &dyn RowView) -> Result<(), Status> {
        let result = self.change(run, row);
        at(result, self.offset, run)
    }

    fn change(&self, run: &mut Run<'_>, row: &dyn RowView) -> Result<(), Status> {
        let entity = match value_of(&self.subject, row, run)? {
            Value::Null => return Ok(()),
            Value::Node(node) => Entity::Node(node),
            Value::Relationship(relationship) => Entity::Relationship(relationship),
            other => {
                return Err(Status::new(
                    Code::TypeError,
                    format!("expected a node or a relationship, got {}", other.kind().name()),
                ));
            }
        };
        match &self.change {
            Change::Property { key, value } => {
                let value = value_of(value, row, run)?;
                set_property(run, entity, key, value)
            }
            Change::DynamicProperty { key, value } => match value_of(key, row, run)? {
                Value::String(key) => {
                    let value = value_of(value, row, run)?;
                    set_property(run, entity, &key, value)
                }
                other => Err(Status::new(
                    Code::TypeError,
                    format!("a property key is a text, not a value of type {}", other.kind().name()),
                )),
            },
            Change::Replace(map) => {
                let map = property_map(run, value_of(map, row, run)?)?;
                replace(run, entity, &map)
            }
            Change::Merge(map) => {
                let map = property_map(run, value_of(map, row, run)?)?;
                exists(run, entity)?;
                set_all(run, entity, &map)
            }
            Change::AddLabels(labels) => change_labels(run, entity, labels, true),
            Change::RemoveLabels(labels) => change_labels(run, entity, labels, false),
        }
    }
}

/// What is set all at once: a map, or the properties of an entity.
fn property_map(run: &Run<'_>, value: Value) -> Result<Arc<Map>, Status> {
    let graph = run.graph();
    let mut properties = Vec::new();
    match value {
        Value::Map(map) => return Ok(map),
        Value::Null => return Ok(Arc::default()),
        Value::Node(node) => graph.node_properties(node, &mut properties).map_err(failed)?,
        Value::Relationship(relationship) => graph
            .relationship_properties(relationship, &mut properties)
            .map_err(failed)?,
        other => {
            return Err(Status::new(
                Code::TypeError,
                format!("expected a map, a node or a relationship, got {}", other.kind().name()),
            ));
        }
    }
    Ok(Arc::new(
        properties
            .into_iter()
            .filter_map(|(key, value)| Some((graph.property_key_name(key)?, value)))
            .collect(),
    ))
}

fn set_all(run: &mut Run<'_>, entity: Entity, map: &Map) -> Result<(), Status> {
    for (key, value) in map.iter() {
        set_property(run, entity, key, value.clone())?;
    }
    Ok(())
}

fn replace(run: &mut Run<'_>, entity: Entity, map: &Map) -> Result<(), Status> {
    exists(run, entity)?;
    let mut present = Vec::new();
    match entity {
        Entity::Node(node) => run.graph().node_properties(node, &mut present),
        Entity::Relationship(relationship) => run.graph().relationship_properties(relationship, &mut present),
    }
    .map_err(failed)?;
    for (key, _) in present {
        let Some(name) = run.graph().property_key_name(key) else {
            continue;
        };
        if !map.contains_key(&name) {
            set_property(run, entity, &name, Value::Null)?;
        }
    }
    set_all(run, entity, map)
}

fn change_labels(run: &mut Run<'_>, entity: Entity, labels: &[Arc<str>], adds: bool) -> Result<(), Status> {
    let node: NodeId = match entity {
        Entity::Node(node) => node,
        Entity::Relationship(_) => {
            return Err(Status::new(Code::TypeError, "expected a node, got RELATIONSHIP"));
        }
    };
    exists(run, entity)?;
    for label in labels {
        let graph = run.access.write()?;
        if adds {
            let id = graph.label_id_or_create(label).map_err(failed)?;
            if graph.add_label(node, id).map_err(failed)? {
                run.count(|statistics| statistics.labels_added += 1);
            }
        } else if let Some(id) = graph.label_id(label)
            && graph.remove_label(node, id).map_err(failed)?
        {
            run.count(|statistics| statistics.labels_removed += 1);
        }
    }
    Ok(())
}

/// SET and REMOVE.
pub(super) struct Update {
    input: Stream,
    updates: Vec<PreparedUpdate>,
}

impl Update {
    pub(super) fn new(input: Stream, updates: Vec<PreparedUpdate>) -> Self {
        Self { input, updates }
    }
}

impl Operate for Update {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        self.input.next(run, wanted, out)?;
        run.check()?;
        for place in 0..out.rows() {
            let row = out.row(place);
            for update in &self.updates {
                update.apply(run, &row)?;
            }
        }
        Ok(())
    }
}
