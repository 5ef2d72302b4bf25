//! Values as they travel: the tree that parameters are read into and metadata is written from.
//!
//! Knows PackStream and the structures of Bolt, not the database's own values.

mod read;
mod write;

pub(crate) use read::elements;

/// Pairs in the order in which they came; a key that comes twice stands twice.
pub type WireMap = Vec<(String, WireValue)>;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum WireValue {
    /// Null.
    Null,
    /// True or false.
    Boolean(bool),
    /// A 64-bit integer.
    Integer(i64),
    /// A 64-bit float.
    Float(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    String(String),
    /// A list.
    List(Vec<WireValue>),
    /// A map.
    Map(WireMap),
    /// A structure.
    Structure(Box<WireStructure>),
}

/// A structure of Bolt.
#[derive(Debug, Clone, PartialEq)]
pub enum WireStructure {
    /// A node.
    Node(WireNode),
    /// A relationship with its ends.
    Relationship(WireRelationship),
    /// A relationship without its ends.
    UnboundRelationship(WireUnboundRelationship),
    /// A path.
    Path(WirePath),
    /// A date.
    Date {
        /// Days since 1970-01-01.
        days: i64,
    },
    /// A time of day with an offset.
    Time {
        /// Nanoseconds since midnight on the wall clock, less than a day.
        nanoseconds: i64,
        /// Seconds east of UTC.
        offset_seconds: i32,
    },
    /// A time of day without offset.
    LocalTime {
        /// Nanoseconds since midnight, less than a day.
        nanoseconds: i64,
    },
    /// An instant with an offset; legacy wall-clock seconds are made UTC on reading.
    DateTime {
        /// Seconds since 1970-01-01T00:00Z.
        utc_seconds: i64,
        /// Nanoseconds of the second.
        nanoseconds: u32,
        /// Seconds east of UTC.
        offset_seconds: i32,
    },
    /// An instant in a named zone.
    DateTimeZoneId {
        /// Seconds since 1970-01-01T00:00Z.
        utc_seconds: i64,
        /// Nanoseconds of the second.
        nanoseconds: u32,
        /// The zone's name, e.g. `Europe/Paris`; not checked here.
        zone: String,
    },
    /// A wall-clock time in a named zone, from a legacy dialect: only who knows the zone can tell the instant.
    LegacyDateTimeZoneId {
        /// Seconds since 1970-01-01T00:00 on the zone's wall clock.
        local_seconds: i64,
        /// Nanoseconds of the second.
        nanoseconds: u32,
        /// The zone's name; not checked here.
        zone: String,
    },
    /// A date and time without offset.
    LocalDateTime {
        /// Seconds since 1970-01-01T00:00 on the same clock.
        seconds: i64,
        /// Nanoseconds of the second.
        nanoseconds: u32,
    },
    /// A duration.
    Duration {
        /// Months.
        months: i64,
        /// Days.
        days: i64,
        /// Seconds.
        seconds: i64,
        /// Nanoseconds.
        nanoseconds: i64,
    },
    /// A point of two dimensions.
    Point2D {
        /// Coordinate reference system, e.g. 4326.
        srid: i64,
        /// First coordinate.
        x: f64,
        /// Second coordinate.
        y: f64,
    },
    /// A point of three dimensions.
    Point3D {
        /// Coordinate reference system, e.g. 4979.
        srid: i64,
        /// First coordinate.
        x: f64,
        /// Second coordinate.
        y: f64,
        /// Third coordinate.
        z: f64,
    },
}

/// A node.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WireNode {
    /// Numeric id.
    pub id: i64,
    /// Labels.
    pub labels: Vec<String>,
    /// Properties.
    pub properties: WireMap,
    /// Element id; empty before 5.0.
    pub element_id: String,
}

/// A relationship with its ends.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WireRelationship {
    /// Numeric ids of the relationship, its start and its end.
    pub ids: [i64; 3],
    /// Type.
    pub relationship_type: String,
    /// Properties.
    pub properties: WireMap,
    /// Element ids of the relationship, its start and its end; empty before 5.0.
    pub element_ids: [String; 3],
}

/// A relationship without its ends.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WireUnboundRelationship {
    /// Numeric id.
    pub id: i64,
    /// Type.
    pub relationship_type: String,
    /// Properties.
    pub properties: WireMap,
    /// Element id; empty before 5.0.
    pub element_id: String,
}

/// A path: distinct nodes and relationships, and the walk as indices into them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WirePath {
    /// Distinct nodes; the first is the start.
    pub nodes: Vec<WireNode>,
    /// Distinct relationships.
    pub relationships: Vec<WireUnboundRelationship>,
    /// Alternately a relationship (from 1; negative when walked against its direction) and a node (from 0).
    pub indices: Vec<i64>,
}

impl WireValue {
    /// The type's name for error messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Bytes(_) => "bytes",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Structure(_) => "a structure",
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The value of `key`, if it is a map that has it (the last one, where it stands twice).
    pub fn field(&self, key: &str) -> Option<&WireValue> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl From<WireStructure> for WireValue {
    fn from(structure: WireStructure) -> Self {
        Self::Structure(Box::new(structure))
    }
}

impl From<bool> for WireValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for WireValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for WireValue {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for WireValue {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for WireValue {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Vec<WireValue>> for WireValue {
    fn from(value: Vec<WireValue>) -> Self {
        Self::List(value)
    }
}

impl From<WireMap> for WireValue {
    fn from(value: WireMap) -> Self {
        Self::Map(value)
    }
}
