//! The one value type of the query engine.

use std::sync::Arc;

use crate::{Date, DateTime, Duration, LocalDateTime, LocalTime, Map, NodeId, Path, Point, RelationshipId, Time};

/// A Cypher value. Cloning one never copies its content; 24 bytes wide.
///
/// Nodes and relationships are their ids: labels and properties are read late, from the snapshot that produced the id.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// True or false.
    Boolean(bool),
    /// A 64-bit integer.
    Integer(i64),
    /// A 64-bit float.
    Float(f64),
    /// A text.
    String(Arc<str>),
    /// Bytes, which only parameters and properties bring in.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<[Value]>),
    /// A map.
    Map(Arc<Map>),
    /// A node.
    Node(NodeId),
    /// A relationship.
    Relationship(RelationshipId),
    /// A path.
    Path(Arc<Path>),
    /// A day.
    Date(Date),
    /// A time of day with an offset.
    Time(Time),
    /// A time of day.
    LocalTime(LocalTime),
    /// An instant with a zone.
    DateTime(Arc<DateTime>),
    /// A date and time of day.
    LocalDateTime(LocalDateTime),
    /// An amount of time.
    Duration(Arc<Duration>),
    /// A point.
    Point(Arc<Point>),
}

/// The type of a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// `NULL`
    Null,
    /// `BOOLEAN`
    Boolean,
    /// `INTEGER`
    Integer,
    /// `FLOAT`
    Float,
    /// `STRING`
    String,
    /// `BYTES`
    Bytes,
    /// `LIST`
    List,
    /// `MAP`
    Map,
    /// `NODE`
    Node,
    /// `RELATIONSHIP`
    Relationship,
    /// `PATH`
    Path,
    /// `DATE`
    Date,
    /// `ZONED TIME`
    Time,
    /// `LOCAL TIME`
    LocalTime,
    /// `ZONED DATETIME`
    DateTime,
    /// `LOCAL DATETIME`
    LocalDateTime,
    /// `DURATION`
    Duration,
    /// `POINT`
    Point,
}

impl ValueKind {
    /// The type's name in error messages and `valueType()`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean => "BOOLEAN",
            Self::Integer => "INTEGER",
            Self::Float => "FLOAT",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::List => "LIST",
            Self::Map => "MAP",
            Self::Node => "NODE",
            Self::Relationship => "RELATIONSHIP",
            Self::Path => "PATH",
            Self::Date => "DATE",
            Self::Time => "ZONED TIME",
            Self::LocalTime => "LOCAL TIME",
            Self::DateTime => "ZONED DATETIME",
            Self::LocalDateTime => "LOCAL DATETIME",
            Self::Duration => "DURATION",
            Self::Point => "POINT",
        }
    }
}

impl Value {
    /// The type.
    pub fn kind(&self) -> ValueKind {
        match self {
            Self::Null => ValueKind::Null,
            Self::Boolean(_) => ValueKind::Boolean,
            Self::Integer(_) => ValueKind::Integer,
            Self::Float(_) => ValueKind::Float,
            Self::String(_) => ValueKind::String,
            Self::Bytes(_) => ValueKind::Bytes,
            Self::List(_) => ValueKind::List,
            Self::Map(_) => ValueKind::Map,
            Self::Node(_) => ValueKind::Node,
            Self::Relationship(_) => ValueKind::Relationship,
            Self::Path(_) => ValueKind::Path,
            Self::Date(_) => ValueKind::Date,
            Self::Time(_) => ValueKind::Time,
            Self::LocalTime(_) => ValueKind::LocalTime,
            Self::DateTime(_) => ValueKind::DateTime,
            Self::LocalDateTime(_) => ValueKind::LocalDateTime,
            Self::Duration(_) => ValueKind::Duration,
            Self::Point(_) => ValueKind::Point,
        }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A text value.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// A list value.
    pub fn list(items: impl Into<Arc<[Value]>>) -> Self {
        Self::List(items.into())
    }

    /// A map value.
    pub fn map(map: Map) -> Self {
        Self::Map(Arc::new(map))
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if this is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(boolean) => Some(*boolean),
            _ => None,
        }
    }

    /// Whether the value may be stored as a property: a scalar, a temporal, a point, bytes or a list of one kind of these.
    pub fn is_storable(&self) -> bool {
        match self {
            Self::Null | Self::Map(_) | Self::Node(_) | Self::Relationship(_) | Self::Path(_) => false,
            Self::List(items) => {
                let mut kinds = items.iter().map(Value::kind);
                let Some(first) = kinds.next() else { return true };
                let numeric = |kind| matches!(kind, ValueKind::Integer | ValueKind::Float);
                items
                    .iter()
                    .all(|item| item.is_storable() && !matches!(item, Self::List(_)))
                    && kinds.all(|kind| kind == first || (numeric(kind) && numeric(first)))
            }
            _ => true,
        }
    }

    /// An estimate of the memory the value holds, in bytes, for limits.
    pub fn memory_size(&self) -> usize {
        let content = match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) => items.iter().map(Value::memory_size).sum(),
            Self::Map(map) => map
                .iter()
                .map(|(key, value)| key.len() + 16 + value.memory_size())
                .sum(),
            Self::Path(path) => path.steps.len() * size_of::<crate::PathStep>(),
            Self::DateTime(_) | Self::Duration(_) | Self::Point(_) => 48,
            _ => 0,
        };
        size_of::<Self>() + content
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Self {
        Self::List(value.into())
    }
}

impl From<Map> for Value {
    fn from(value: Map) -> Self {
        Self::map(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_three_words_wide() {
        assert!(size_of::<Value>() <= 24);
    }

    #[test]
    fn refuses_to_store_maps_and_mixed_lists() {
        assert!(Value::list([Value::Integer(1), Value::Float(2.0)]).is_storable());
        assert!(!Value::list([Value::Integer(1), Value::from("x")]).is_storable());
        assert!(!Value::list([Value::Null]).is_storable());
        assert!(!Value::list([Value::list([])]).is_storable());
        assert!(!Value::map(Map::new()).is_storable());
    }
}
