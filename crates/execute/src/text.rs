//! Values as text: as Cypher writes them, and as `toString()` does.

use std::fmt::Write;

use bastide_model::{GraphRead, Map, NodeId, Path, Point, RelationshipId, Value};

use crate::temporal::temporal_text;

/// The deepest nesting that is written out; what lies deeper is shown as `…`.
const DEPTH_MAX: usize = 256;

/// A value as Cypher writes it: texts quoted, nodes as `(:Label {key: value})`, relationships as `[:TYPE {key: value}]`, paths
/// as `<(…)-[…]->(…)>`. An entity that is gone shows without labels and properties.
pub fn format_value(value: &Value, graph: &dyn GraphRead) -> String {
    let mut writer = Writer {
        text: String::new(),
        graph,
    };
    writer.value(value, 0);
    writer.text
}

/// The text of a scalar as `toString()` and `+` make it: numbers, booleans, texts, temporal values, points. `None` for others.
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::Boolean(boolean) => Some(boolean.to_string()),
        Value::Integer(integer) => Some(integer.to_string()),
        Value::Float(float) => Some(float_text(*float)),
        Value::String(text) => Some(text.to_string()),
        Value::Point(point) => Some(point_text(point)),
        other => temporal_text(other),
    }
}

/// A float as Java prints it: `1.0`, `100.0`, `1.0E10`, `1.0E-5`, `Infinity`, `NaN`.
pub fn float_text(float: f64) -> String {
    if float.is_nan() {
        return "NaN".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = float.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        let mut text = float.to_string();
        if !text.contains('.') {
            text.push_str(".0");
        }
        return text;
    }
    let text = format!("{float:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if digits.contains('.') => format!("{digits}E{exponent}"),
        Some((digits, exponent)) => format!("{digits}.0E{exponent}"),
        None => text,
    }
}

/// A point as `point({x: 1.0, y: 2.0, crs: 'cartesian'})`.
fn point_text(point: &Point) -> String {
    let geographic = point.system.name().starts_with("wgs");
    let names = if geographic {
        ["longitude", "latitude", "height"]
    } else {
        ["x", "y", "z"]
    };
    let mut text = String::from("point({");
    let coordinates = if point.system.is_three_dimensional() { 3 } else { 2 };
    for (name, coordinate) in names.iter().zip([point.x, point.y, point.z]).take(coordinates) {
        let _ = write!(text, "{name}: {}, ", float_text(coordinate));
    }
    let _ = write!(text, "crs: '{}'}})", point.system.name());
    text
}

// Writing to a string cannot fail, so that the results of `write!` are of no interest here.

struct Writer<'a> {
    text: String,
    graph: &'a dyn GraphRead,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) {
        if depth > DEPTH_MAX {
            self.text.push('…');
            return;
        }
        match value {
            Value::Null => self.text.push_str("null"),
            Value::String(text) => self.quoted(text),
            Value::List(items) => {
                self.text.push('[');
                for (place, item) in items.iter().enumerate() {
                    self.separate(place);
                    self.value(item, depth + 1);
                }
                self.text.push(']');
            }
            Value::Map(map) => self.map(map, depth),
            Value::Bytes(bytes) => {
                self.text.push_str("0x");
                for byte in bytes.iter() {
                    let _ = write!(self.text, "{byte:02x}");
                }
            }
            Value::Node(node) => self.node(*node, depth),
            Value::Relationship(relationship) => self.relationship(*relationship, depth),
            Value::Path(path) => self.path(path, depth),
            scalar => {
                if let Some(text) = scalar_text(scalar) {
                    self.text.push_str(&text);
                }
            }
        }
    }

    fn separate(&mut self, place: usize) {
        if place > 0 {
            self.text.push_str(", ");
        }
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('\'');
        for character in text.chars() {
            match character {
                '\'' => self.text.push_str("\\'"),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                other => self.text.push(other),
            }
        }
        self.text.push('\'');
    }

    /// A name, in backticks unless it is a plain identifier.
    fn name(&mut self, name: &str) {
        let plain = name.chars().enumerate().all(|(place, character)| {
            character == '_' || character.is_alphabetic() || place > 0 && character.is_numeric()
        });
        if plain && !name.is_empty() {
            self.text.push_str(name);
        } else {
            let _ = write!(self.text, "`{}`", name.replace('`', "``"));
        }
    }

    fn map(&mut self, map: &Map, depth: usize) {
        self.text.push('{');
        for (place, (key, value)) in map.iter().enumerate() {
            self.separate(place);
            self.name(key);
            self.text.push_str(": ");
            self.value(value, depth + 1);
        }
        self.text.push('}');
    }

    fn node(&mut self, node: NodeId, depth: usize) {
        let mut labels = Vec::new();
        let mut properties = Vec::new();
        // An entity that cannot be read any more is shown bare.
        let _ = self.graph.node_labels(node, &mut labels);
        let _ = self.graph.node_properties(node, &mut properties);
        self.text.push('(');
        for name in labels.into_iter().filter_map(|label| self.graph.label_name(label)) {
            self.text.push(':');
            self.name(&name);
        }
        let labelled = !self.text.ends_with('(');
        self.properties(properties, labelled, depth);
        self.text.push(')');
    }

    fn relationship(&mut self, relationship: RelationshipId, depth: usize) {
        let mut properties = Vec::new();
        let _ = self.graph.relationship_properties(relationship, &mut properties);
        let name = self
            .graph
            .relationship(relationship)
            .ok()
            .flatten()
            .and_then(|record| self.graph.relationship_type_name(record.relationship_type));
        self.text.push('[');
        if let Some(name) = &name {
            self.text.push(':');
            self.name(name);
        }
        self.properties(properties, name.is_some(), depth);
        self.text.push(']');
    }

    fn properties(&mut self, properties: Vec<(bastide_model::PropertyKeyId, Value)>, spaced: bool, depth: usize) {
        let map: Map = properties
            .into_iter()
            .filter_map(|(key, value)| self.graph.property_key_name(key).map(|name| (name, value)))
            .collect();
        if map.is_empty() {
            return;
        }
        if spaced {
            self.text.push(' ');
        }
        self.map(&map, depth);
    }

    fn path(&mut self, path: &Path, depth: usize) {
        self.text.push('<');
        self.node(path.start, depth + 1);
        for step in &path.steps {
            self.text.push_str(if step.forward { "-" } else { "<-" });
            self.relationship(step.relationship, depth + 1);
            self.text.push_str(if step.forward { "->" } else { "-" });
            self.node(step.node, depth + 1);
        }
        self.text.push('>');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_floats_as_java_does() {
        for (float, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (0.1, "0.1"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.5e10, "1.5E10"),
            (1e-3, "0.001"),
            (1e-5, "1.0E-5"),
            (-1.25e-7, "-1.25E-7"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float_text(float), text);
        }
    }
}
