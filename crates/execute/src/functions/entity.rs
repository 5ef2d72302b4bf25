//! Functions of nodes, relationships and paths.

use bastide_model::{RelationshipRecord, Value};
use bastide_status::Status;

use super::{Function, argument};
use crate::evaluate::{EvaluationContext, entity_deleted, exists, graph_status, properties, type_error};

pub(super) fn find(name: &str) -> Option<Function> {
    match name {
        "id" => Function::strict(id),
        "elementid" => Function::strict(element_id),
        "type" => Function::strict(relationship_type),
        "labels" => Function::strict(labels),
        "keys" => Function::strict(keys),
        "properties" => Function::strict(all_properties),
        "nodes" => Function::strict(nodes),
        "relationships" => Function::strict(relationships),
        "startnode" => Function::strict(start_node),
        "endnode" => Function::strict(end_node),
        "length" => Function::strict(length),
        _ => None,
    }
}

fn id(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let id = match argument(arguments, 0) {
        Value::Node(node) => node.0,
        Value::Relationship(relationship) => relationship.0,
        other => return Err(type_error("`id()`", "a node or relationship", other)),
    };
    Ok(Value::Integer(i64::try_from(id).unwrap_or(i64::MAX)))
}

/// `4:<database>:<id>` of a node, `5:<database>:<id>` of a relationship.
fn element_id(arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let prefix = context.element_id_prefix;
    Ok(Value::from(match argument(arguments, 0) {
        Value::Node(node) => format!("{prefix}{node}"),
        Value::Relationship(relationship) => match prefix.strip_prefix('4') {
            Some(rest) => format!("5{rest}{relationship}"),
            None => format!("{prefix}{relationship}"),
        },
        other => return Err(type_error("`elementId()`", "a node or relationship", other)),
    }))
}

fn record(function: &str, value: &Value, context: &EvaluationContext<'_>) -> Result<RelationshipRecord, Status> {
    let Value::Relationship(relationship) = value else {
        return Err(type_error(function, "a relationship", value));
    };
    context
        .graph
        .relationship(*relationship)
        .map_err(|error| graph_status(&error))?
        .ok_or_else(|| entity_deleted(value))
}

fn relationship_type(arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let record = record("`type()`", argument(arguments, 0), context)?;
    Ok(context
        .graph
        .relationship_type_name(record.relationship_type)
        .map_or(Value::Null, Value::String))
}

fn start_node(arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    record("`startNode()`", argument(arguments, 0), context).map(|record| Value::Node(record.start))
}

fn end_node(arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    record("`endNode()`", argument(arguments, 0), context).map(|record| Value::Node(record.end))
}

fn labels(arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let value = argument(arguments, 0);
    let Value::Node(node) = value else {
        return Err(type_error("`labels()`", "a node", value));
    };
    let mut labels = Vec::new();
    context
        .graph
        .node_labels(*node, &mut labels)
        .map_err(|error| graph_status(&error))?;
    if labels.is_empty() && !exists(value, context)? {
        return Err(entity_deleted(value));
    }
    let names: Vec<Value> = labels
        .into_iter()
        .filter_map(|label| context.graph.label_name(label).map(Value::String))
        .collect();
    Ok(Value::from(names))
}

fn keys(arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let map = match argument(arguments, 0) {
        subject @ (Value::Node(_) | Value::Relationship(_) | Value::Map(_)) => properties(subject, context)?,
        other => return Err(type_error("`keys()`", "a node, relationship or map", other)),
    };
    let keys: Vec<Value> = map
        .keys()
        .map(|key| Value::String(std::sync::Arc::clone(key)))
        .collect();
    Ok(Value::from(keys))
}

fn all_properties(arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match argument(arguments, 0) {
        Value::Map(map) => Ok(Value::Map(std::sync::Arc::clone(map))),
        other => properties(other, context).map(Value::map),
    }
}

fn nodes(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match argument(arguments, 0) {
        Value::Path(path) => Ok(Value::from(path.nodes().map(Value::Node).collect::<Vec<_>>())),
        other => Err(type_error("`nodes()`", "a path", other)),
    }
}

fn relationships(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match argument(arguments, 0) {
        Value::Path(path) => Ok(Value::from(
            path.relationships().map(Value::Relationship).collect::<Vec<_>>(),
        )),
        other => Err(type_error("`relationships()`", "a path", other)),
    }
}

fn length(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match argument(arguments, 0) {
        Value::Path(path) => Ok(Value::Integer(i64::try_from(path.length()).unwrap_or(i64::MAX))),
        other => Err(type_error("`length()`", "a path", other)),
    }
}
