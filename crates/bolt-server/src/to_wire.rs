//! Values of the model written to the wire; nodes and relationships are read from their snapshot while being written.

use bastide_bolt::Writer;
use bastide_model::{GraphError, Map, NodeId, Path, Point, PropertyKeyId, RelationshipId, Value, Zone};
use bastide_status::{Code, Status};

use crate::backend::EntityView;

/// How deep values may nest on the wire: writing them recurses.
const DEPTH_MAX: usize = 256;

/// Writes a value.
pub(crate) fn value(writer: &mut Writer<'_>, value: &Value, entities: &dyn EntityView) -> Result<(), Status> {
    nested(writer, value, Some(entities), 0)
}

fn nested(
    writer: &mut Writer<'_>,
    value: &Value,
    entities: Option<&dyn EntityView>,
    depth: usize,
) -> Result<(), Status> {
    if depth > DEPTH_MAX {
        return Err(Status::new(
            Code::ArgumentError,
            format!("a result nests deeper than {DEPTH_MAX}"),
        ));
    }
    match value {
        Value::List(values) => {
            writer.list_header(values.len());
            for value in values.iter() {
                nested(writer, value, entities, depth + 1)?;
            }
            Ok(())
        }
        Value::Map(map) => write_map(writer, map, entities, depth + 1),
        Value::Node(node) => with(entities, writer, |writer, entities| write_node(writer, *node, entities)),
        Value::Relationship(id) => with(entities, writer, |writer, entities| {
            write_relationship(writer, *id, entities)
        }),
        Value::Path(path) => with(entities, writer, |writer, entities| write_path(writer, path, entities)),
        scalar => {
            write_scalar(writer, scalar);
            Ok(())
        }
    }
}

fn with(
    entities: Option<&dyn EntityView>,
    writer: &mut Writer<'_>,
    write: impl FnOnce(&mut Writer<'_>, &dyn EntityView) -> Result<(), Status>,
) -> Result<(), Status> {
    if let Some(entities) = entities {
        return write(writer, entities);
    }
    writer.null();
    Ok(())
}

fn write_map(
    writer: &mut Writer<'_>,
    map: &Map,
    entities: Option<&dyn EntityView>,
    depth: usize,
) -> Result<(), Status> {
    writer.map_header(map.len());
    for (key, value) in map.iter() {
        writer.string(key);
        nested(writer, value, entities, depth)?;
    }
    Ok(())
}

fn write_scalar(writer: &mut Writer<'_>, value: &Value) {
    match value {
        Value::Boolean(value) => writer.boolean(*value),
        Value::Integer(value) => writer.integer(*value),
        Value::Float(value) => writer.float(*value),
        Value::String(value) => writer.string(value),
        Value::Bytes(value) => writer.bytes(value),
        Value::Date(date) => writer.date(date.epoch_days),
        Value::Time(time) => writer.time(time.nanoseconds, time.offset_seconds),
        Value::LocalTime(time) => writer.local_time(time.nanoseconds),
        Value::LocalDateTime(value) => writer.local_date_time(value.epoch_seconds, value.nanoseconds),
        Value::DateTime(value) => match &value.zone {
            Zone::Offset(offset) => writer.date_time(value.epoch_seconds, value.nanoseconds, *offset),
            Zone::Named { name, offset_seconds } => {
                writer.zoned_date_time(value.epoch_seconds, value.nanoseconds, *offset_seconds, name);
            }
        },
        Value::Duration(value) => {
            writer.duration(value.months, value.days, value.seconds, i64::from(value.nanoseconds));
        }
        Value::Point(point) => write_point(writer, point),
        Value::Null | Value::List(_) | Value::Map(_) | Value::Node(_) | Value::Relationship(_) | Value::Path(_) => {
            writer.null();
        }
    }
}

fn write_point(writer: &mut Writer<'_>, point: &Point) {
    let srid = i64::from(point.system.srid());
    if point.system.is_three_dimensional() {
        writer.point_3d(srid, point.x, point.y, point.z);
    } else {
        writer.point_2d(srid, point.x, point.y);
    }
}

/// A node that is gone (deleted in this very transaction) is written without labels and properties.
fn write_node(writer: &mut Writer<'_>, node: NodeId, entities: &dyn EntityView) -> Result<(), Status> {
    let graph = entities.graph();
    let mut labels = Vec::new();
    let mut properties = Vec::new();
    if graph.node_exists(node).map_err(unreadable)? {
        graph.node_labels(node, &mut labels).map_err(unreadable)?;
        graph.node_properties(node, &mut properties).map_err(unreadable)?;
    }
    let names: Vec<_> = labels.into_iter().filter_map(|label| graph.label_name(label)).collect();
    let mut element_id = String::new();
    entities.node_element_id(node, &mut element_id);
    let write_labels = |writer: &mut Writer<'_>| {
        writer.list_header(names.len());
        names.iter().for_each(|name| writer.string(name));
    };
    let mut result = Ok(());
    writer.node(node.0.cast_signed(), &element_id, write_labels, |writer| {
        result = write_properties(writer, &properties, entities);
    });
    result
}

fn write_relationship(
    writer: &mut Writer<'_>,
    relationship: RelationshipId,
    entities: &dyn EntityView,
) -> Result<(), Status> {
    let graph = entities.graph();
    let mut properties = Vec::new();
    let record = graph.relationship(relationship).map_err(unreadable)?;
    let (mut element_id, mut start_id, mut end_id) = (String::new(), String::new(), String::new());
    entities.relationship_element_id(relationship, &mut element_id);
    let mut ids = [relationship.0.cast_signed(), -1, -1];
    let mut name = None;
    if let Some(record) = record {
        graph
            .relationship_properties(relationship, &mut properties)
            .map_err(unreadable)?;
        name = graph.relationship_type_name(record.relationship_type);
        ids = [
            relationship.0.cast_signed(),
            record.start.0.cast_signed(),
            record.end.0.cast_signed(),
        ];
        entities.node_element_id(record.start, &mut start_id);
        entities.node_element_id(record.end, &mut end_id);
    }
    let mut result = Ok(());
    let element_ids = [element_id.as_str(), start_id.as_str(), end_id.as_str()];
    writer.relationship(ids, element_ids, name.as_deref().unwrap_or_default(), |writer| {
        result = write_properties(writer, &properties, entities);
    });
    result
}

fn write_unbound(
    writer: &mut Writer<'_>,
    relationship: RelationshipId,
    entities: &dyn EntityView,
) -> Result<(), Status> {
    let graph = entities.graph();
    let mut properties = Vec::new();
    let mut name = None;
    if let Some(record) = graph.relationship(relationship).map_err(unreadable)? {
        graph
            .relationship_properties(relationship, &mut properties)
            .map_err(unreadable)?;
        name = graph.relationship_type_name(record.relationship_type);
    }
    let mut element_id = String::new();
    entities.relationship_element_id(relationship, &mut element_id);
    let mut result = Ok(());
    let id = relationship.0.cast_signed();
    writer.unbound_relationship(id, &element_id, name.as_deref().unwrap_or_default(), |writer| {
        result = write_properties(writer, &properties, entities);
    });
    result
}

fn write_properties(
    writer: &mut Writer<'_>,
    properties: &[(PropertyKeyId, Value)],
    entities: &dyn EntityView,
) -> Result<(), Status> {
    let graph = entities.graph();
    writer.map_header(properties.len());
    for (key, value) in properties {
        writer.string(graph.property_key_name(*key).as_deref().unwrap_or_default());
        nested(writer, value, None, 0)?;
    }
    Ok(())
}

/// Nodes and relationships are written once each; the walk refers to them by number.
fn write_path(writer: &mut Writer<'_>, path: &Path, entities: &dyn EntityView) -> Result<(), Status> {
    let nodes = Numbering::of(path.nodes());
    let relationships = Numbering::of(path.relationships());
    writer.path_header();
    writer.list_header(nodes.distinct.len());
    for node in &nodes.distinct {
        write_node(writer, *node, entities)?;
    }
    writer.list_header(relationships.distinct.len());
    for relationship in &relationships.distinct {
        write_unbound(writer, *relationship, entities)?;
    }
    writer.list_header(path.steps.len() * 2);
    for step in &path.steps {
        let number = relationships.number(&step.relationship) + 1;
        writer.integer(if step.forward { number } else { -number });
        writer.integer(nodes.number(&step.node));
    }
    Ok(())
}

struct Numbering<T> {
    distinct: Vec<T>,
    numbers: std::collections::HashMap<T, i64>,
}

impl<T: Copy + Eq + std::hash::Hash> Numbering<T> {
    fn of(items: impl Iterator<Item = T>) -> Self {
        let mut numbering = Self {
            distinct: Vec::new(),
            numbers: std::collections::HashMap::new(),
        };
        for item in items {
            let next = i64::try_from(numbering.distinct.len()).unwrap_or(i64::MAX);
            if let std::collections::hash_map::Entry::Vacant(entry) = numbering.numbers.entry(item) {
                entry.insert(next);
                numbering.distinct.push(item);
            }
        }
        numbering
    }

    fn number(&self, item: &T) -> i64 {
        self.numbers.get(item).copied().unwrap_or_default()
    }
}

fn unreadable(error: GraphError) -> Status {
    tracing::error!(%error, "an entity of a result could not be read");
    Status::new(
        Code::UnknownError,
        "a node or relationship of the result could not be read",
    )
}
