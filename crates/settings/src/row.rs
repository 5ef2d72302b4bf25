//! What a row of the table is made of, and the typed handle to it.
//!
//! INVARIANT: a handle can only be built together with a row of the matching kind, so reading a setting cannot meet a
//! value of another type.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use bastide_secret::SecretString;

use crate::value::{ClientAuthentication, SocketAddress, TlsLevel, TlsVersion, Value};

/// The type of a setting, with its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// A number from the first to the second.
    Float(f64, f64),
    /// A duration such as `30s` or `1h30m`, from the first to the second in milliseconds.
    Duration(u64, u64),
    /// A byte size such as `8KiB` or `1g`, from the first to the second.
    Bytes(u64, u64),
    /// `host:port`, `:port` or `host`.
    SocketAddress,
    /// A host name or address without a port.
    HostName,
    /// A file or folder; a relative one is taken from the home directory, or from what the help says.
    Path,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Words separated by commas, in order.
    List,
    /// Several of these words, separated by commas.
    ChoiceList(&'static [&'static str]),
    /// Any text.
    Text,
    /// A text that is never shown.
    Secret,
    /// The name of a database.
    DatabaseName,
    /// `Z`, an offset such as `+02:00`, or the name of a time zone.
    TimeZone,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The name, Neo4j's where Neo4j has it.
    pub name: &'static str,
    /// Type and limits.
    pub kind: Kind,
    /// The default as it would be written; `None` for a setting that is absent unless set.
    pub default: Option<&'static str>,
    /// Whether it can be changed while the server runs.
    pub is_dynamic: bool,
    /// Whether it exists in Neo4j under this name.
    pub in_neo4j: bool,
    /// The release that brought it.
    pub since: &'static str,
    /// What it does, in one or two sentences.
    pub help: &'static str,
}

impl Row {
    /// Whether its value must never be shown.
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret)
    }
}

/// A typed handle to a row.
pub struct Setting<T> {
    pub(crate) row: &'static Row,
    marker: PhantomData<fn() -> T>,
}

impl<T> Clone for Setting<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Setting<T> {}

impl<T> Setting<T> {
    /// Only the table's macro calls this, with a row of the kind that belongs to `T`.
    pub(crate) const fn new(row: &'static Row) -> Self {
        Self {
            row,
            marker: PhantomData,
        }
    }

    /// The setting's name.
    pub const fn name(&self) -> &'static str {
        self.row.name
    }

    /// Its row.
    pub const fn row(&self) -> &'static Row {
        self.row
    }
}

/// A Rust type that a setting can be read as.
pub trait SettingType: Sized {
    /// The value as this type; `None` for a value of another kind, which the table's tests rule out.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! setting_types {
    ($($type:ty: $pattern:pat => $result:expr;)+) => {$(
        impl SettingType for $type {
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    $pattern => $result,
                    _ => None,
                }
            }
        }
    )+};
}

setting_types! {
    bool: Value::Boolean(value) => Some(*value);
    i64: Value::Integer(value) => Some(*value);
    u64: Value::Integer(value) => u64::try_from(*value).ok();
    f64: Value::Float(value) => Some(*value);
    Duration: Value::Duration(value) => Some(*value);
    ByteSize: Value::Bytes(value) => Some(ByteSize(*value));
    String: Value::Text(value) => Some(value.clone());
    SecretString: Value::Secret(value) => Some(value.clone());
    SocketAddress: Value::Address(value) => Some(value.clone());
    PathBuf: Value::Path(value) => Some(value.clone());
    Vec<String>: Value::List(value) => Some(value.clone());
    TlsLevel: Value::Text(value) => TlsLevel::from_word(value);
    ClientAuthentication: Value::Text(value) => ClientAuthentication::from_word(value);
    Vec<TlsVersion>: Value::List(value) => value.iter().map(|word| TlsVersion::from_word(word)).collect();
}

impl<T: SettingType> SettingType for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Absent => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);
