//! Writes value trees.

use super::{WireNode, WirePath, WireStructure, WireUnboundRelationship, WireValue};
use crate::Writer;
use crate::packstream::tag;

impl WireValue {
    /// Writes this value.
    pub fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Null => writer.null(),
            Self::Boolean(value) => writer.boolean(*value),
            Self::Integer(value) => writer.integer(*value),
            Self::Float(value) => writer.float(*value),
            Self::Bytes(value) => writer.bytes(value),
            Self::String(value) => writer.string(value),
            Self::List(values) => {
                writer.list_header(values.len());
                values.iter().for_each(|value| value.write(writer));
            }
            Self::Map(pairs) => Self::write_map(pairs, writer),
            Self::Structure(structure) => structure.write(writer),
        }
    }

    /// Writes a map from pairs with any kind of key.
    pub fn write_map<K: AsRef<str>>(pairs: &[(K, Self)], writer: &mut Writer<'_>) {
        writer.map_header(pairs.len());
        for (key, value) in pairs {
            writer.string(key.as_ref());
            value.write(writer);
        }
    }
}

impl WireStructure {
    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Node(node) => write_node(node, writer),
            Self::Relationship(relationship) => writer.relationship(
                relationship.ids,
                relationship.element_ids.each_ref().map(String::as_str),
                &relationship.relationship_type,
                |writer| WireValue::write_map(&relationship.properties, writer),
            ),
            Self::UnboundRelationship(relationship) => write_unbound(relationship, writer),
            Self::Path(path) => write_path(path, writer),
            Self::Date { days } => writer.date(*days),
            Self::Time {
                nanoseconds,
                offset_seconds,
            } => writer.time(*nanoseconds, *offset_seconds),
            Self::LocalTime { nanoseconds } => writer.local_time(*nanoseconds),
            Self::DateTime {
                utc_seconds,
                nanoseconds,
                offset_seconds,
            } => {
                writer.date_time(*utc_seconds, *nanoseconds, *offset_seconds);
            }
            Self::DateTimeZoneId {
                utc_seconds,
                nanoseconds,
                zone,
            } => {
                write_zoned(writer, tag::DATE_TIME_ZONE_ID, *utc_seconds, *nanoseconds, zone);
            }
            Self::LegacyDateTimeZoneId {
                local_seconds,
                nanoseconds,
                zone,
            } => {
                write_zoned(
                    writer,
                    tag::LEGACY_DATE_TIME_ZONE_ID,
                    *local_seconds,
                    *nanoseconds,
                    zone,
                );
            }
            Self::LocalDateTime { seconds, nanoseconds } => writer.local_date_time(*seconds, *nanoseconds),
            Self::Duration {
                months,
                days,
                seconds,
                nanoseconds,
            } => {
                writer.duration(*months, *days, *seconds, *nanoseconds);
            }
            Self::Point2D { srid, x, y } => writer.point_2d(*srid, *x, *y),
            Self::Point3D { srid, x, y, z } => writer.point_3d(*srid, *x, *y, *z),
        }
    }
}

/// A tree says itself which kind of seconds it holds; whoever converts picks the one of the dialect.
fn write_zoned(writer: &mut Writer<'_>, tag: u8, seconds: i64, nanoseconds: u32, zone: &str) {
    writer.structure(tag, 3);
    writer.integer(seconds);
    writer.integer(i64::from(nanoseconds));
    writer.string(zone);
}

fn write_node(node: &WireNode, writer: &mut Writer<'_>) {
    let labels = |writer: &mut Writer<'_>| {
        writer.list_header(node.labels.len());
        node.labels.iter().for_each(|label| writer.string(label));
    };
    writer.node(node.id, &node.element_id, labels, |writer| {
        WireValue::write_map(&node.properties, writer)
    });
}

fn write_unbound(relationship: &WireUnboundRelationship, writer: &mut Writer<'_>) {
    writer.unbound_relationship(
        relationship.id,
        &relationship.element_id,
        &relationship.relationship_type,
        |writer| WireValue::write_map(&relationship.properties, writer),
    );
}

fn write_path(path: &WirePath, writer: &mut Writer<'_>) {
    writer.path_header();
    writer.list_header(path.nodes.len());
    path.nodes.iter().for_each(|node| write_node(node, writer));
    writer.list_header(path.relationships.len());
    path.relationships
        .iter()
        .for_each(|relationship| write_unbound(relationship, writer));
    writer.list_header(path.indices.len());
    path.indices.iter().for_each(|index| writer.integer(*index));
}
