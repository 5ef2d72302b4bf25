//! Values as Cypher writes them, on one line.
//!
//! INVARIANT: no control character of a value reaches the text, so that data cannot steer a terminal or break a row in two.

use std::fmt::Write;

use bastide_bolt::{WireMap, WireNode, WirePath, WireStructure, WireUnboundRelationship, WireValue};

use crate::temporal_text;

/// `value` as Cypher writes it, strings in quotes.
pub fn value_text(value: &WireValue) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

/// Appends `value` as Cypher writes it.
pub fn write_value(value: &WireValue, text: &mut String) {
    match value {
        WireValue::Null => text.push_str("NULL"),
        WireValue::Boolean(value) => text.push_str(if *value { "TRUE" } else { "FALSE" }),
        WireValue::Integer(value) => {
            let _ = write!(text, "{value}");
        }
        WireValue::Float(value) => write_float(*value, text),
        WireValue::Bytes(bytes) => {
            text.push_str("0x");
            for byte in bytes {
                let _ = write!(text, "{byte:02X}");
            }
        }
        WireValue::String(value) => write_quoted(value, text),
        WireValue::List(values) => {
            text.push('[');
            for (position, value) in values.iter().enumerate() {
                if position > 0 {
                    text.push_str(", ");
                }
                write_value(value, text);
            }
            text.push(']');
        }
        WireValue::Map(pairs) => write_map(pairs, text),
        WireValue::Structure(structure) => write_structure(structure, text),
    }
}

/// A float as Java writes it: `1.0`, `1.0E10`, `1.5E-5`, `NaN`, `Infinity`.
pub fn write_float(value: f64, text: &mut String) {
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value < 0.0 { "-Infinity" } else { "Infinity" });
    } else if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        // `Debug` keeps one digit after the point and uses no exponent in this range.
        let _ = write!(text, "{value:?}");
    } else {
        let scientific = format!("{value:e}");
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let point = if digits.contains('.') { "" } else { ".0" };
        let _ = write!(text, "{digits}{point}E{exponent}");
    }
}

/// `value` in double quotes, with escapes.
pub fn write_quoted(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            other => write_visible(other, text),
        }
    }
    text.push('"');
}

/// One character, or an escape for what would steer a terminal or reorder the line.
pub fn write_visible(character: char, text: &mut String) {
    match character {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        other if other.is_control() || is_reordering(other) => {
            let _ = write!(text, "\\u{:04X}", u32::from(other));
        }
        other => text.push(other),
    }
}

/// Text from a server for people: control characters become escapes, line breaks stay.
pub fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\n' | '\t') {
            harmless.push(character);
        } else {
            write_visible(character, &mut harmless);
        }
    }
    harmless
}

/// Marks that make text run the other way, and line separators.
fn is_reordering(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// A name as it can stand in a statement, in backticks where needed.
pub fn write_name(name: &str, text: &mut String) {
    let mut characters = name.chars();
    let is_plain = characters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|character| character.is_alphanumeric() || character == '_');
    if is_plain {
        text.push_str(name);
        return;
    }
    text.push('`');
    for character in name.chars() {
        if character == '`' {
            text.push('`');
        }
        write_visible(character, text);
    }
    text.push('`');
}

fn write_map(pairs: &WireMap, text: &mut String) {
    text.push('{');
    for (position, (key, value)) in pairs.iter().enumerate() {
        if position > 0 {
            text.push_str(", ");
        }
        write_name(key, text);
        text.push_str(": ");
        write_value(value, text);
    }
    text.push('}');
}

fn write_properties(pairs: &WireMap, space: bool, text: &mut String) {
    if !pairs.is_empty() {
        if space {
            text.push(' ');
        }
        write_map(pairs, text);
    }
}

fn write_node(node: &WireNode, text: &mut String) {
    text.push('(');
    for label in &node.labels {
        text.push(':');
        write_name(label, text);
    }
    write_properties(&node.properties, !node.labels.is_empty(), text);
    text.push(')');
}

fn write_relationship(relationship_type: &str, properties: &WireMap, text: &mut String) {
    text.push_str("[:");
    write_name(relationship_type, text);
    write_properties(properties, true, text);
    text.push(']');
}

fn write_path(path: &WirePath, text: &mut String) {
    if let Some(start) = path.nodes.first() {
        write_node(start, text);
    }
    for step in path_steps(path) {
        text.push_str(if step.forward { "-" } else { "<-" });
        write_relationship(
            &step.relationship.relationship_type,
            &step.relationship.properties,
            text,
        );
        text.push_str(if step.forward { "->" } else { "-" });
        write_node(step.node, text);
    }
}

/// One step of a path.
pub struct PathStep<'path> {
    /// The relationship walked.
    pub relationship: &'path WireUnboundRelationship,
    /// Whether it was walked in its direction.
    pub forward: bool,
    /// The node reached.
    pub node: &'path WireNode,
}

/// The steps of a path; ends early where an index points nowhere.
pub fn path_steps(path: &WirePath) -> impl Iterator<Item = PathStep<'_>> {
    path.indices
        .as_chunks::<2>()
        .0
        .iter()
        .map_while(|[relationship, node]| {
            let position = usize::try_from(relationship.unsigned_abs()).ok()?.checked_sub(1)?;
            Some(PathStep {
                relationship: path.relationships.get(position)?,
                forward: *relationship > 0,
                node: path.nodes.get(usize::try_from(*node).ok()?)?,
            })
        })
}

fn write_structure(structure: &WireStructure, text: &mut String) {
    match structure {
        WireStructure::Node(node) => write_node(node, text),
        WireStructure::Relationship(relationship) => {
            write_relationship(&relationship.relationship_type, &relationship.properties, text);
        }
        WireStructure::UnboundRelationship(relationship) => {
            write_relationship(&relationship.relationship_type, &relationship.properties, text);
        }
        WireStructure::Path(path) => write_path(path, text),
        WireStructure::Point2D { srid, x, y } => write_point(*srid, &[("x", *x), ("y", *y)], text),
        WireStructure::Point3D { srid, x, y, z } => write_point(*srid, &[("x", *x), ("y", *y), ("z", *z)], text),
        temporal => {
            let mut iso = String::new();
            write_temporal(temporal, &mut iso);
            // A zone's name is the server's text.
            iso.chars().for_each(|character| write_visible(character, text));
        }
    }
}

fn write_point(srid: i64, coordinates: &[(&str, f64)], text: &mut String) {
    let _ = write!(text, "point({{srid:{srid}");
    for (name, value) in coordinates {
        let _ = write!(text, ", {name}:");
        write_float(*value, text);
    }
    text.push_str("})");
}

/// A temporal value as ISO 8601; nothing for other structures.
pub fn write_temporal(structure: &WireStructure, text: &mut String) {
    match structure {
        WireStructure::Date { days } => temporal_text::date(*days, text),
        WireStructure::Time {
            nanoseconds,
            offset_seconds,
        } => {
            temporal_text::local_time(*nanoseconds, text);
            temporal_text::offset(*offset_seconds, text);
        }
        WireStructure::LocalTime { nanoseconds } => temporal_text::local_time(*nanoseconds, text),
        WireStructure::DateTime {
            utc_seconds,
            nanoseconds,
            offset_seconds,
        } => temporal_text::date_time(*utc_seconds, *nanoseconds, *offset_seconds, text),
        WireStructure::DateTimeZoneId {
            utc_seconds,
            nanoseconds,
            zone,
        } => temporal_text::zoned_date_time(*utc_seconds, *nanoseconds, zone, text),
        WireStructure::LegacyDateTimeZoneId {
            local_seconds,
            nanoseconds,
            zone,
        } => {
            temporal_text::local_date_time(*local_seconds, *nanoseconds, text);
            let _ = write!(text, "[{zone}]");
        }
        WireStructure::LocalDateTime { seconds, nanoseconds } => {
            temporal_text::local_date_time(*seconds, *nanoseconds, text);
        }
        WireStructure::Duration {
            months,
            days,
            seconds,
            nanoseconds,
        } => temporal_text::duration(*months, *days, *seconds, *nanoseconds, text),
        WireStructure::Node(_)
        | WireStructure::Relationship(_)
        | WireStructure::UnboundRelationship(_)
        | WireStructure::Path(_)
        | WireStructure::Point2D { .. }
        | WireStructure::Point3D { .. } => {}
    }
}

#[cfg(test)]
#[path = "value_text/tests.rs"]
mod tests;
