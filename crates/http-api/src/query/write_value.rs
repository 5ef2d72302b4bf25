//! Values of the model as JSON, plain or with their types; nodes and relationships are read from their snapshot on the way.
//!
//! INVARIANT: whatever comes out is valid JSON, also for floats that JSON does not have.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bastide_execute::text::{float_text, scalar_text};
use bastide_model::{GraphError, GraphRead, Map, NodeId, Path, Point, PropertyKeyId, RelationshipId, Value, Zone};
use bastide_status::{Code, Result, Status};

use super::json;

/// How deep values may nest in an answer: writing them recurses.
const DEPTH_MAX: usize = 256;

/// What element ids begin with: `4:<database>:` for nodes and `5:<database>:` for relationships.
#[derive(Clone, Debug)]
pub(crate) struct ElementIds {
    node: String,
    relationship: String,
}

impl ElementIds {
    /// `prefix` is that of nodes.
    pub(crate) fn new(prefix: &str) -> Self {
        let rest = prefix.strip_prefix('4').unwrap_or(prefix);
        Self {
            node: prefix.to_owned(),
            relationship: format!("5{rest}"),
        }
    }

    fn write(out: &mut Vec<u8>, prefix: &str, id: u64) {
        out.push(b'"');
        // Made of digits, dashes and colons, which need no escape.
        out.extend_from_slice(prefix.as_bytes());
        json::write(out, &id);
        out.push(b'"');
    }
}

/// Where nodes and relationships are looked up.
pub(crate) struct Entities<'a> {
    /// The snapshot that the values are of.
    pub(crate) graph: &'a dyn GraphRead,
    /// How ids are written.
    pub(crate) ids: &'a ElementIds,
}

/// The names of the parts of nodes and relationships.
struct Names {
    element_id: &'static str,
    labels: &'static str,
    properties: &'static str,
    start: &'static str,
    end: &'static str,
    relationship_type: &'static str,
}

const PLAIN_NAMES: Names = Names {
    element_id: "elementId",
    labels: "labels",
    properties: "properties",
    start: "startNodeElementId",
    end: "endNodeElementId",
    relationship_type: "type",
};

const TYPED_NAMES: Names = Names {
    element_id: "_element_id",
    labels: "_labels",
    properties: "_properties",
    start: "_start_node_element_id",
    end: "_end_node_element_id",
    relationship_type: "_type",
};

/// Writes a value, with its type if `TYPED`.
pub(crate) fn value<const TYPED: bool>(out: &mut Vec<u8>, value: &Value, entities: &Entities<'_>) -> Result<()> {
    nested::<TYPED>(out, value, Some(entities), 0)
}

fn nested<const TYPED: bool>(
    out: &mut Vec<u8>,
    value: &Value,
    entities: Option<&Entities<'_>>,
    depth: usize,
) -> Result<()> {
    if depth > DEPTH_MAX {
        let message = format!("a result nests deeper than {DEPTH_MAX}");
        return Err(Status::new(Code::ArgumentError, message));
    }
    if TYPED {
        out.extend_from_slice(b"{\"$type\":\"");
        out.extend_from_slice(type_name(value).as_bytes());
        out.extend_from_slice(b"\",\"_value\":");
    }
    match value {
        Value::List(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                nested::<TYPED>(out, item, entities, depth + 1)?;
            }
            out.push(b']');
        }
        Value::Map(map) => write_map::<TYPED>(out, map, entities, depth + 1)?,
        Value::Node(node) => match entities {
            Some(entities) => write_node::<TYPED>(out, *node, entities)?,
            None => out.extend_from_slice(b"null"),
        },
        Value::Relationship(relationship) => match entities {
            Some(entities) => write_relationship::<TYPED>(out, *relationship, entities)?,
            None => out.extend_from_slice(b"null"),
        },
        Value::Path(path) => match entities {
            Some(entities) => write_path::<TYPED>(out, path, entities)?,
            None => out.extend_from_slice(b"null"),
        },
        scalar => write_scalar::<TYPED>(out, scalar),
    }
    if TYPED {
        out.push(b'}');
    }
    Ok(())
}

/// The type as typed JSON calls it.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Boolean(_) => "Boolean",
        Value::Integer(_) => "Integer",
        Value::Float(_) => "Float",
        Value::String(_) => "String",
        Value::Bytes(_) => "Base64",
        Value::List(_) => "List",
        Value::Map(_) => "Map",
        Value::Node(_) => "Node",
        Value::Relationship(_) => "Relationship",
        Value::Path(_) => "Path",
        Value::Date(_) => "Date",
        Value::Time(_) => "Time",
        Value::LocalTime(_) => "LocalTime",
        Value::DateTime(instant) => match instant.zone {
            Zone::Offset(_) => "OffsetDateTime",
            Zone::Named { .. } => "ZonedDateTime",
        },
        Value::LocalDateTime(_) => "LocalDateTime",
        Value::Duration(_) => "Duration",
        Value::Point(_) => "Point",
    }
}

fn write_scalar<const TYPED: bool>(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Boolean(value) => json::write(out, value),
        Value::Integer(value) if TYPED => {
            out.push(b'"');
            json::write(out, value);
            out.push(b'"');
        }
        Value::Integer(value) => json::write(out, value),
        Value::Float(value) if TYPED => quoted_float(out, *value),
        Value::Float(value) if value.is_finite() => json::write(out, value),
        // JSON has no such numbers; they are told by name, as Neo4j does.
        Value::Float(value) => quoted_float(out, *value),
        Value::String(text) => json::write(out, text.as_ref()),
        Value::Bytes(bytes) => {
            out.push(b'"');
            out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            out.push(b'"');
        }
        Value::Point(point) => write_point(out, point),
        other => match scalar_text(other) {
            Some(text) => json::write(out, text.as_str()),
            None => out.extend_from_slice(b"null"),
        },
    }
}

/// A float as Java prints it, in quotes.
fn quoted_float(out: &mut Vec<u8>, value: f64) {
    out.push(b'"');
    write_float(out, value);
    out.push(b'"');
}

fn write_float(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        // Both print the shortest decimal here, and this one needs no memory of its own.
        json::write(out, &value);
    } else {
        out.extend_from_slice(float_text(value).as_bytes());
    }
}

/// A point as extended well-known text.
fn write_point(out: &mut Vec<u8>, point: &Point) {
    let is_three_dimensional = point.system.is_three_dimensional();
    out.extend_from_slice(b"\"SRID=");
    json::write(out, &point.system.srid());
    out.extend_from_slice(if is_three_dimensional {
        b";POINT Z ("
    } else {
        b";POINT ("
    });
    write_float(out, point.x);
    out.push(b' ');
    write_float(out, point.y);
    if is_three_dimensional {
        out.push(b' ');
        write_float(out, point.z);
    }
    out.extend_from_slice(b")\"");
}

fn write_map<const TYPED: bool>(
    out: &mut Vec<u8>,
    map: &Map,
    entities: Option<&Entities<'_>>,
    depth: usize,
) -> Result<()> {
    out.push(b'{');
    for (key, value) in map.iter() {
        json::key(out, key);
        nested::<TYPED>(out, value, entities, depth)?;
    }
    out.push(b'}');
    Ok(())
}

fn names<const TYPED: bool>() -> &'static Names {
    if TYPED { &TYPED_NAMES } else { &PLAIN_NAMES }
}

/// A node that is gone (deleted in this very transaction) is written without labels and properties.
fn write_node<const TYPED: bool>(out: &mut Vec<u8>, node: NodeId, entities: &Entities<'_>) -> Result<()> {
    let (graph, names) = (entities.graph, names::<TYPED>());
    let mut labels = Vec::new();
    let mut properties = Vec::new();
    if graph.node_exists(node).map_err(unreadable)? {
        graph.node_labels(node, &mut labels).map_err(unreadable)?;
        graph.node_properties(node, &mut properties).map_err(unreadable)?;
    }
    out.push(b'{');
    json::key(out, names.element_id);
    ElementIds::write(out, &entities.ids.node, node.0);
    json::key(out, names.labels);
    let labels = labels.into_iter().filter_map(|label| graph.label_name(label));
    json::list(out, labels, |out, label| json::write(out, label.as_ref()));
    json::key(out, names.properties);
    write_properties::<TYPED>(out, &properties, graph)?;
    out.push(b'}');
    Ok(())
}

fn write_relationship<const TYPED: bool>(
    out: &mut Vec<u8>,
    relationship: RelationshipId,
    entities: &Entities<'_>,
) -> Result<()> {
    let (graph, names) = (entities.graph, names::<TYPED>());
    let record = graph.relationship(relationship).map_err(unreadable)?;
    let mut properties = Vec::new();
    let mut type_name = None;
    out.push(b'{');
    json::key(out, names.element_id);
    ElementIds::write(out, &entities.ids.relationship, relationship.0);
    for (name, end) in [
        (names.start, record.map(|record| record.start)),
        (names.end, record.map(|record| record.end)),
    ] {
        json::key(out, name);
        match end {
            Some(node) => ElementIds::write(out, &entities.ids.node, node.0),
            None => out.extend_from_slice(b"\"\""),
        }
    }
    if let Some(record) = record {
        graph
            .relationship_properties(relationship, &mut properties)
            .map_err(unreadable)?;
        type_name = graph.relationship_type_name(record.relationship_type);
    }
    json::key(out, names.relationship_type);
    json::write(out, type_name.as_deref().unwrap_or_default());
    json::key(out, names.properties);
    write_properties::<TYPED>(out, &properties, graph)?;
    out.push(b'}');
    Ok(())
}

fn write_properties<const TYPED: bool>(
    out: &mut Vec<u8>,
    properties: &[(PropertyKeyId, Value)],
    graph: &dyn GraphRead,
) -> Result<()> {
    out.push(b'{');
    for (key, value) in properties {
        json::key(out, graph.property_key_name(*key).as_deref().unwrap_or_default());
        nested::<TYPED>(out, value, None, 0)?;
    }
    out.push(b'}');
    Ok(())
}

/// Nodes and relationships in turn, in the order in which the path was walked.
fn write_path<const TYPED: bool>(out: &mut Vec<u8>, path: &Path, entities: &Entities<'_>) -> Result<()> {
    out.push(b'[');
    nested::<TYPED>(out, &Value::Node(path.start), Some(entities), 0)?;
    for step in &path.steps {
        out.push(b',');
        nested::<TYPED>(out, &Value::Relationship(step.relationship), Some(entities), 0)?;
        out.push(b',');
        nested::<TYPED>(out, &Value::Node(step.node), Some(entities), 0)?;
    }
    out.push(b']');
    Ok(())
}

fn unreadable(error: GraphError) -> Status {
    tracing::error!(%error, "an entity of a result could not be read");
    Status::new(
        Code::UnknownError,
        "a node or relationship of the result could not be read",
    )
}

#[cfg(test)]
mod tests;
