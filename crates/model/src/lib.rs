//! Values, typed identifiers and the traits through which the graph is read and changed.
//!
//! The vocabulary that every other crate shares: what a value is and how two compare ([`Value`], [`order`]), how entities are
//! named ([`NodeId`] and its kin), and what an engine may ask of a graph ([`GraphRead`], [`GraphWrite`]). Must not know
//! how anything is stored, parsed, planned or sent.

pub mod calendar;
mod identifier;
mod map;
pub mod order;
mod path;
mod point;
mod read;
mod schema;
mod temporal;
mod value;
mod write;

pub use identifier::{
    CommitId, ConstraintId, Direction, IndexId, LabelId, NodeId, PropertyKeyId, RelationshipId, RelationshipTypeId,
};
pub use map::Map;
pub use path::{Path, PathStep};
pub use point::{CoordinateSystem, Point};
pub use read::{Adjacent, GraphRead, RelationshipRecord, Seek, SeekBound};
pub use schema::{ConstraintDescription, ConstraintKind, IndexDescription, IndexKind, IndexState, SchemaTarget};
pub use temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time, Zone};
pub use value::{Value, ValueKind};
pub use write::{GraphError, GraphWrite};
