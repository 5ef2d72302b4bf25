//! Typed JSON as values: `{"$type": "Date", "_value": "2015-03-26"}`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bastide_model::{CoordinateSystem, Map, Point, Value};
use bastide_status::{Code, Result, Status};

use super::temporal;

/// The types that a parameter may have.
const PARAMETER_TYPES: [&str; 16] = [
    "Null",
    "Boolean",
    "Integer",
    "Float",
    "String",
    "Base64",
    "List",
    "Map",
    "Date",
    "Time",
    "LocalTime",
    "ZonedDateTime",
    "OffsetDateTime",
    "LocalDateTime",
    "Duration",
    "Point",
];

/// Makes typed parameters of plain ones. Depth was limited when the request was read.
///
/// # Errors
/// A value without a type, of an unknown type, or that its type does not have; the text names the parameter.
pub(crate) fn parameters(plain: Map) -> Result<Map> {
    plain
        .into_iter()
        .map(|(name, plain)| {
            let typed = value(&plain)
                .map_err(|fault| Status::new(fault.code(), format!("parameter `{name}`: {}", fault.message())))?;
            Ok((name, typed))
        })
        .collect()
}

fn value(plain: &Value) -> Result<Value> {
    let (Value::Map(map), 2) = (plain, if let Value::Map(map) = plain { map.len() } else { 0 }) else {
        return Err(untyped());
    };
    let (Some(Value::String(type_name)), Some(content)) = (map.get("$type"), map.get("_value")) else {
        return Err(untyped());
    };
    of_type(type_name, content)
}

fn untyped() -> Status {
    refused("a value of typed JSON is an object of `$type` and `_value`")
}

fn refused(message: impl Into<String>) -> Status {
    Status::new(Code::InvalidFormat, message)
}

fn of_type(type_name: &str, content: &Value) -> Result<Value> {
    match (type_name, content) {
        ("Null", Value::Null) => return Ok(Value::Null),
        ("Boolean", Value::Boolean(_)) | ("String", Value::String(_)) => return Ok(content.clone()),
        ("List", Value::List(items)) => {
            let items = items.iter().map(value).collect::<Result<Vec<_>>>()?;
            return Ok(Value::from(items));
        }
        ("Map", Value::Map(map)) => {
            let entries = map.iter().map(|(key, plain)| Ok((Arc::clone(key), value(plain)?)));
            return entries.collect::<Result<Map>>().map(Value::map);
        }
        ("Node" | "Relationship" | "Path", _) => {
            return Err(Status::new(
                Code::TypeError,
                format!("a {} cannot be a parameter", type_name.to_lowercase()),
            ));
        }
        ("Vector" | "UUID" | "Unsupported", _) => {
            return Err(refused(format!("the type `{type_name}` is not available")));
        }
        _ => {}
    }
    let Value::String(text) = content else {
        return Err(if is_known(type_name) {
            refused(format!("`_value` does not fit the type `{type_name}`"))
        } else {
            unknown(type_name)
        });
    };
    if !is_known(type_name) {
        return Err(unknown(type_name));
    }
    from_text(type_name, text).ok_or_else(|| {
        let shown: String = text.chars().take(100).collect();
        refused(format!("`{shown}` cannot be read as `{type_name}`"))
    })
}

fn unknown(type_name: &str) -> Status {
    let shown: String = type_name.chars().take(100).collect();
    refused(format!("unknown type `{shown}`"))
}

fn is_known(type_name: &str) -> bool {
    PARAMETER_TYPES.contains(&type_name)
}

fn from_text(type_name: &str, text: &str) -> Option<Value> {
    match type_name {
        "Integer" => text.parse().ok().map(Value::Integer),
        "Float" => float(text).map(Value::Float),
        "Base64" => STANDARD.decode(text).ok().map(|bytes| Value::Bytes(bytes.into())),
        "Date" => temporal::date(text).map(Value::Date),
        "Time" => temporal::time(text).map(Value::Time),
        "LocalTime" => temporal::local_time(text).map(Value::LocalTime),
        "LocalDateTime" => temporal::local_date_time(text).map(Value::LocalDateTime),
        "OffsetDateTime" => temporal::offset_date_time(text).map(|instant| Value::DateTime(Arc::new(instant))),
        "ZonedDateTime" => temporal::zoned_date_time(text).map(|instant| Value::DateTime(Arc::new(instant))),
        "Duration" => temporal::duration(text).map(|duration| Value::Duration(Arc::new(duration))),
        "Point" => point(text).map(|point| Value::Point(Arc::new(point))),
        _ => None,
    }
}

/// A float as it is written in answers; Rust's reader knows more words for infinity, which are refused.
fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ if text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) =>
        {
            text.parse().ok().filter(|value: &f64| value.is_finite())
        }
        _ => None,
    }
}

/// `SRID=7203;POINT (1.2 3.4)`, also without the space, or `SRID=9157;POINT Z (1.0 2.0 3.0)`.
fn point(text: &str) -> Option<Point> {
    let (srid, shape) = text.strip_prefix("SRID=")?.split_once(';')?;
    let system = CoordinateSystem::from_srid(srid.parse().ok()?)?;
    let shape = shape.strip_prefix("POINT")?.trim_start();
    let (has_z, shape) = match shape.strip_prefix('Z') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, shape),
    };
    let inner = shape.strip_prefix('(')?.strip_suffix(')')?;
    let coordinates = inner.split_whitespace().map(float).collect::<Option<Vec<_>>>()?;
    let (x, y, z) = match coordinates.as_slice() {
        [x, y] if !has_z && !system.is_three_dimensional() => (*x, *y, 0.0),
        [x, y, z] if system.is_three_dimensional() => (*x, *y, *z),
        _ => return None,
    };
    Some(Point { system, x, y, z })
}

#[cfg(test)]
mod tests;
