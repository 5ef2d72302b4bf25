//! Values as JSON: what JSON has as it is, temporal values as ISO 8601 texts, entities and points as objects.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bastide_bolt::{WireMap, WireNode, WireStructure, WireValue};
use serde_json::{Map, Value, json};

use crate::value_text::{path_steps, write_float, write_temporal};

/// `value` as JSON. Floats that JSON lacks become the texts `NaN`, `Infinity` and `-Infinity`, bytes become Base64.
pub fn value_json(value: &WireValue) -> Value {
    match value {
        WireValue::Null => Value::Null,
        WireValue::Boolean(value) => Value::Bool(*value),
        WireValue::Integer(value) => Value::from(*value),
        WireValue::Float(value) => serde_json::Number::from_f64(*value).map_or_else(
            || {
                let mut text = String::new();
                write_float(*value, &mut text);
                Value::String(text)
            },
            Value::Number,
        ),
        WireValue::Bytes(bytes) => Value::String(STANDARD.encode(bytes)),
        WireValue::String(text) => Value::String(text.clone()),
        WireValue::List(values) => Value::Array(values.iter().map(value_json).collect()),
        WireValue::Map(pairs) => map_json(pairs),
        WireValue::Structure(structure) => structure_json(structure),
    }
}

fn map_json(pairs: &WireMap) -> Value {
    Value::Object(
        pairs
            .iter()
            .map(|(key, value)| (key.clone(), value_json(value)))
            .collect::<Map<_, _>>(),
    )
}

/// Element ids came with Bolt 5; older servers have numbers only.
fn identity(element_id: &str, id: i64) -> String {
    if element_id.is_empty() {
        id.to_string()
    } else {
        element_id.to_owned()
    }
}

fn node_json(node: &WireNode) -> Value {
    json!({
        "elementId": identity(&node.element_id, node.id),
        "labels": node.labels,
        "properties": map_json(&node.properties),
    })
}

fn structure_json(structure: &WireStructure) -> Value {
    match structure {
        WireStructure::Node(node) => node_json(node),
        WireStructure::Relationship(relationship) => {
            let [own, start, end] = &relationship.element_ids;
            let [own_id, start_id, end_id] = relationship.ids;
            json!({
                "elementId": identity(own, own_id),
                "startNodeElementId": identity(start, start_id),
                "endNodeElementId": identity(end, end_id),
                "type": relationship.relationship_type,
                "properties": map_json(&relationship.properties),
            })
        }
        WireStructure::UnboundRelationship(relationship) => json!({
            "elementId": identity(&relationship.element_id, relationship.id),
            "type": relationship.relationship_type,
            "properties": map_json(&relationship.properties),
        }),
        WireStructure::Path(path) => path_json(path),
        WireStructure::Point2D { srid, x, y } => json!({"srid": srid, "x": x, "y": y}),
        WireStructure::Point3D { srid, x, y, z } => json!({"srid": srid, "x": x, "y": y, "z": z}),
        temporal => {
            let mut text = String::new();
            write_temporal(temporal, &mut text);
            Value::String(text)
        }
    }
}

/// Nodes and relationships in the order in which they are walked.
fn path_json(path: &bastide_bolt::WirePath) -> Value {
    let mut nodes: Vec<Value> = path.nodes.first().map(node_json).into_iter().collect();
    let mut relationships = Vec::new();
    let mut from = path.nodes.first();
    for step in path_steps(path) {
        let (start, end) = if step.forward {
            (from, Some(step.node))
        } else {
            (Some(step.node), from)
        };
        let end_of = |node: Option<&WireNode>| node.map(|node| identity(&node.element_id, node.id));
        relationships.push(json!({
            "elementId": identity(&step.relationship.element_id, step.relationship.id),
            "startNodeElementId": end_of(start),
            "endNodeElementId": end_of(end),
            "type": step.relationship.relationship_type,
            "properties": map_json(&step.relationship.properties),
        }));
        nodes.push(node_json(step.node));
        from = Some(step.node);
    }
    json!({"nodes": nodes, "relationships": relationships})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_integers_exact_and_names_what_json_lacks() {
        let values = WireValue::List(vec![
            i64::MAX.into(),
            1.5.into(),
            f64::NAN.into(),
            f64::NEG_INFINITY.into(),
            WireValue::Bytes(vec![1, 2, 3]),
            WireStructure::Date { days: 0 }.into(),
        ]);
        assert_eq!(
            value_json(&values).to_string(),
            r#"[9223372036854775807,1.5,"NaN","-Infinity","AQID","1970-01-01"]"#
        );
    }

    #[test]
    fn a_step_walked_backwards_keeps_its_own_ends() {
        let node = |id: i64| WireNode {
            id,
            element_id: format!("n{id}"),
            ..WireNode::default()
        };
        let path = bastide_bolt::WirePath {
            nodes: vec![node(1), node(2)],
            relationships: vec![bastide_bolt::WireUnboundRelationship::default()],
            indices: vec![-1, 1],
        };
        let json = value_json(&WireStructure::Path(path).into());
        assert_eq!(json["relationships"][0]["startNodeElementId"], "n2");
        assert_eq!(json["relationships"][0]["endNodeElementId"], "n1");
        assert_eq!(json["nodes"][1]["elementId"], "n2");
    }
}
