//! What is reached into: properties, items of lists and entries of maps.

use std::sync::Arc;

use bastide_model::{Map, Value};
use bastide_plan::expression::{KeyName, Offset};
use bastide_status::Status;

use super::context::{EvaluationContext, graph_status};
use super::error::{entity_deleted, type_error};
use crate::functions::spatial;
use crate::temporal::components;

/// `subject.key`.
pub(super) fn property(
    subject: &Value,
    key: KeyName,
    offset: Offset,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    match subject {
        Value::Null => Ok(Value::Null),
        Value::Node(node) => {
            let value = match context.keys.id(key, context.graph) {
                Some(id) => context
                    .graph
                    .node_property(*node, id)
                    .map_err(|error| graph_status(&error))?,
                None => Value::Null,
            };
            present(value, subject, context)
        }
        Value::Relationship(relationship) => {
            let value = match context.keys.id(key, context.graph) {
                Some(id) => context
                    .graph
                    .relationship_property(*relationship, id)
                    .map_err(|error| graph_status(&error))?,
                None => Value::Null,
            };
            present(value, subject, context)
        }
        Value::Map(map) => Ok(context
            .keys
            .with_name(key, |name| map.get(name).cloned())
            .unwrap_or_default()),
        other => context
            .keys
            .with_name(key, |name| component(other, name))
            .map_err(|status| context.at(status, offset)),
    }
}

/// A null of an entity that is gone is an error; one that merely has no such property is null.
fn present(value: Value, entity: &Value, context: &EvaluationContext<'_>) -> Result<Value, Status> {
    if !value.is_null() || exists(entity, context)? {
        return Ok(value);
    }
    Err(entity_deleted(entity))
}

/// Whether an entity is there still. What is no entity is.
pub(crate) fn exists(entity: &Value, context: &EvaluationContext<'_>) -> Result<bool, Status> {
    match entity {
        Value::Node(node) => context.graph.node_exists(*node),
        Value::Relationship(relationship) => context.graph.relationship(*relationship).map(|record| record.is_some()),
        _ => Ok(true),
    }
    .map_err(|error| graph_status(&error))
}

/// `subject.name` of a point or temporal value.
fn component(subject: &Value, name: &str) -> Result<Value, Status> {
    match subject {
        Value::Point(point) => spatial::component(point, name),
        Value::Date(_)
        | Value::Time(_)
        | Value::LocalTime(_)
        | Value::DateTime(_)
        | Value::LocalDateTime(_)
        | Value::Duration(_) => components::component(subject, name),
        other => Err(type_error(
            &format!("`.{name}`"),
            "a node, relationship, map, point or temporal value",
            other,
        )),
    }
}

/// `subject[name]`, where the name is known only now.
fn property_by_name(subject: &Value, name: &str, context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let id = || context.graph.property_key_id(name);
    let value = match subject {
        Value::Node(node) => id().map(|id| context.graph.node_property(*node, id)),
        Value::Relationship(relationship) => id().map(|id| context.graph.relationship_property(*relationship, id)),
        Value::Map(map) => return Ok(map.get(name).cloned().unwrap_or_default()),
        other => return component(other, name),
    };
    let value = value
        .transpose()
        .map_err(|error| graph_status(&error))?
        .unwrap_or_default();
    present(value, subject, context)
}

/// `container[index]`.
pub(super) fn index(container: &Value, index: &Value, context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match (container, index) {
        (Value::Null, _) => Ok(Value::Null),
        (Value::List(_) | Value::Map(_) | Value::Node(_) | Value::Relationship(_), Value::Null) => Ok(Value::Null),
        (Value::List(items), Value::Integer(place)) => Ok(item_place(items.len(), *place)
            .and_then(|place| items.get(place))
            .cloned()
            .unwrap_or_default()),
        (Value::List(_), other) => Err(type_error("an index into a list", "an integer", other)),
        (subject, Value::String(name)) => property_by_name(subject, name, context),
        (Value::Map(_) | Value::Node(_) | Value::Relationship(_), other) => {
            Err(type_error("an index into a map or entity", "a string", other))
        }
        (other, _) => Err(type_error("`[…]`", "a list, map, node or relationship", other)),
    }
}

/// The place in a list of `length` items, counted from the end if negative.
fn item_place(length: usize, place: i64) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let place = if place < 0 { place.checked_add(length)? } else { place };
    usize::try_from(place).ok()
}

/// `list[from..to]`; a bound given as null makes it null.
pub(super) fn slice(list: &Value, from: Option<&Value>, to: Option<&Value>) -> Result<Value, Status> {
    let items = match list {
        Value::Null => return Ok(Value::Null),
        Value::List(items) => items,
        other => return Err(type_error("a slice", "a list", other)),
    };
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let bound = |bound: Option<&Value>, default: i64| match bound {
        None => Ok(Some(default)),
        Some(Value::Null) => Ok(None),
        Some(Value::Integer(place)) if *place < 0 => Ok(Some(place.saturating_add(length).max(0))),
        Some(Value::Integer(place)) => Ok(Some((*place).min(length))),
        Some(other) => Err(type_error("a bound of a slice", "an integer", other)),
    };
    let (Some(from), Some(to)) = (bound(from, 0)?, bound(to, length)?) else {
        return Ok(Value::Null);
    };
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let to = usize::try_from(to).unwrap_or(0);
    Ok(Value::list(items.get(from..to).unwrap_or_default()))
}

/// All properties of a node, relationship or map.
pub(crate) fn properties(subject: &Value, context: &EvaluationContext<'_>) -> Result<Map, Status> {
    let mut entries = Vec::new();
    let read = match subject {
        Value::Node(node) => context.graph.node_properties(*node, &mut entries),
        Value::Relationship(relationship) => context.graph.relationship_properties(*relationship, &mut entries),
        Value::Map(map) => return Ok(map.as_ref().clone()),
        other => return Err(type_error("`properties()`", "a node, relationship or map", other)),
    };
    read.map_err(|error| graph_status(&error))?;
    if entries.is_empty() && !exists(subject, context)? {
        return Err(entity_deleted(subject));
    }
    Ok(entries
        .into_iter()
        .filter_map(|(key, value)| context.graph.property_key_name(key).map(|name: Arc<str>| (name, value)))
        .collect())
}
