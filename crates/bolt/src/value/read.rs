//! Reads value trees.

use super::{WireMap, WireNode, WirePath, WireRelationship, WireStructure, WireUnboundRelationship, WireValue};
use crate::limits::ELEMENTS_RESERVED_MAX;
use crate::packstream::tag;
use crate::{Dialect, Header, PackStreamError, Reader};

const NANOSECONDS_PER_DAY: i64 = 86_400_000_000_000;
const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;
const OFFSET_SECONDS_MAX: i64 = 18 * 3600;

impl WireValue {
    /// Reads one value.
    ///
    /// # Errors
    /// Malformed or excessive data, unknown structures, fields out of range.
    pub fn read(reader: &mut Reader<'_>, dialect: Dialect) -> Result<Self, PackStreamError> {
        Ok(match reader.header()? {
            Header::Null => Self::Null,
            Header::Boolean(value) => Self::Boolean(value),
            Header::Integer(value) => Self::Integer(value),
            Header::Float(value) => Self::Float(value),
            Header::Bytes(value) => Self::Bytes(value.to_vec()),
            Header::String(value) => Self::String(value.to_owned()),
            Header::List(count) => {
                Self::List(reader.nested(|reader| elements(reader, count, |reader| Self::read(reader, dialect)))?)
            }
            Header::Map(count) => Self::Map(pairs(reader, count, dialect)?),
            Header::Structure { tag, fields } => {
                Self::from(reader.nested(|reader| structure(reader, tag, fields, dialect))?)
            }
        })
    }

    /// Reads a map; null counts as empty.
    ///
    /// # Errors
    /// As [`WireValue::read`], and where there is no map.
    pub fn read_map(reader: &mut Reader<'_>, dialect: Dialect) -> Result<WireMap, PackStreamError> {
        let count = reader.map()?;
        pairs(reader, count, dialect)
    }
}

/// Reads `count` elements, reserving little ahead of seeing them.
pub(crate) fn elements<'a, T>(
    reader: &mut Reader<'a>,
    count: usize,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T, PackStreamError>,
) -> Result<Vec<T>, PackStreamError> {
    let mut values = Vec::with_capacity(count.min(ELEMENTS_RESERVED_MAX));
    for _ in 0..count {
        values.push(read(reader)?);
    }
    Ok(values)
}

fn pairs(reader: &mut Reader<'_>, count: usize, dialect: Dialect) -> Result<WireMap, PackStreamError> {
    reader.nested(|reader| {
        elements(reader, count, |reader| {
            Ok((reader.string()?.to_owned(), WireValue::read(reader, dialect)?))
        })
    })
}

fn structure(
    reader: &mut Reader<'_>,
    found: u8,
    fields: usize,
    dialect: Dialect,
) -> Result<WireStructure, PackStreamError> {
    let expect = |expected| check_fields(found, fields, expected);
    let entity = |plain, with_element_ids| {
        expect(if dialect.has_element_ids() {
            with_element_ids
        } else {
            plain
        })
    };
    match found {
        tag::NODE => entity(3, 4).and_then(|()| Ok(WireStructure::Node(node(reader, dialect)?))),
        tag::RELATIONSHIP => {
            entity(5, 8).and_then(|()| Ok(WireStructure::Relationship(relationship(reader, dialect)?)))
        }
        tag::UNBOUND_RELATIONSHIP => {
            entity(3, 4).and_then(|()| Ok(WireStructure::UnboundRelationship(unbound(reader, dialect)?)))
        }
        tag::PATH => expect(3).and_then(|()| Ok(WireStructure::Path(path(reader, dialect)?))),
        tag::DATE => expect(1).and_then(|()| {
            Ok(WireStructure::Date {
                days: reader.integer()?,
            })
        }),
        tag::TIME => expect(2).and_then(|()| {
            Ok(WireStructure::Time {
                nanoseconds: nanoseconds_of_day(reader)?,
                offset_seconds: offset(reader)?,
            })
        }),
        tag::LOCAL_TIME => expect(1).and_then(|()| {
            Ok(WireStructure::LocalTime {
                nanoseconds: nanoseconds_of_day(reader)?,
            })
        }),
        tag::LOCAL_DATE_TIME => expect(2).and_then(|()| {
            Ok(WireStructure::LocalDateTime {
                seconds: reader.integer()?,
                nanoseconds: nanoseconds(reader)?,
            })
        }),
        tag::DURATION => expect(4).and_then(|()| {
            Ok(WireStructure::Duration {
                months: reader.integer()?,
                days: reader.integer()?,
                seconds: reader.integer()?,
                nanoseconds: reader.integer()?,
            })
        }),
        tag::POINT_2D => expect(3).and_then(|()| {
            Ok(WireStructure::Point2D {
                srid: reader.integer()?,
                x: reader.float()?,
                y: reader.float()?,
            })
        }),
        tag::POINT_3D => expect(4).and_then(|()| {
            let (srid, x, y, z) = (reader.integer()?, reader.float()?, reader.float()?, reader.float()?);
            Ok(WireStructure::Point3D { srid, x, y, z })
        }),
        _ => date_time(reader, found, fields, dialect),
    }
}

fn date_time(
    reader: &mut Reader<'_>,
    found: u8,
    fields: usize,
    dialect: Dialect,
) -> Result<WireStructure, PackStreamError> {
    match (found, dialect.has_utc_date_times()) {
        (tag::DATE_TIME, true) | (tag::LEGACY_DATE_TIME, false) => {
            check_fields(found, fields, 3)?;
            let (seconds, nanoseconds, offset_seconds) = (reader.integer()?, nanoseconds(reader)?, offset(reader)?);
            let shift = if found == tag::DATE_TIME {
                0
            } else {
                i64::from(offset_seconds)
            };
            let utc_seconds = seconds
                .checked_sub(shift)
                .ok_or(PackStreamError::OutOfRange("a date-time"))?;
            Ok(WireStructure::DateTime {
                utc_seconds,
                nanoseconds,
                offset_seconds,
            })
        }
        (tag::DATE_TIME_ZONE_ID, true) => {
            check_fields(found, fields, 3)?;
            let (utc_seconds, nanoseconds) = (reader.integer()?, nanoseconds(reader)?);
            Ok(WireStructure::DateTimeZoneId {
                utc_seconds,
                nanoseconds,
                zone: reader.string()?.to_owned(),
            })
        }
        (tag::LEGACY_DATE_TIME_ZONE_ID, false) => {
            check_fields(found, fields, 3)?;
            let (local_seconds, nanoseconds) = (reader.integer()?, nanoseconds(reader)?);
            Ok(WireStructure::LegacyDateTimeZoneId {
                local_seconds,
                nanoseconds,
                zone: reader.string()?.to_owned(),
            })
        }
        _ => Err(PackStreamError::UnknownStructure(found)),
    }
}

fn node(reader: &mut Reader<'_>, dialect: Dialect) -> Result<WireNode, PackStreamError> {
    let id = reader.integer()?;
    let count = reader.list()?;
    let labels = elements(reader, count, |reader| Ok(reader.string()?.to_owned()))?;
    let properties = WireValue::read_map(reader, dialect)?;
    Ok(WireNode {
        id,
        labels,
        properties,
        element_id: element_id(reader, dialect)?,
    })
}

fn relationship(reader: &mut Reader<'_>, dialect: Dialect) -> Result<WireRelationship, PackStreamError> {
    let ids = [reader.integer()?, reader.integer()?, reader.integer()?];
    let relationship_type = reader.string()?.to_owned();
    let properties = WireValue::read_map(reader, dialect)?;
    let element_ids = [
        element_id(reader, dialect)?,
        element_id(reader, dialect)?,
        element_id(reader, dialect)?,
    ];
    Ok(WireRelationship {
        ids,
        relationship_type,
        properties,
        element_ids,
    })
}

fn unbound(reader: &mut Reader<'_>, dialect: Dialect) -> Result<WireUnboundRelationship, PackStreamError> {
    let id = reader.integer()?;
    let relationship_type = reader.string()?.to_owned();
    let properties = WireValue::read_map(reader, dialect)?;
    Ok(WireUnboundRelationship {
        id,
        relationship_type,
        properties,
        element_id: element_id(reader, dialect)?,
    })
}

fn path(reader: &mut Reader<'_>, dialect: Dialect) -> Result<WirePath, PackStreamError> {
    let extra = usize::from(dialect.has_element_ids());
    let count = reader.list()?;
    let nodes = elements(reader, count, |reader| {
        expect_structure(reader, tag::NODE, 3 + extra)?;
        node(reader, dialect)
    })?;
    let count = reader.list()?;
    let relationships = elements(reader, count, |reader| {
        expect_structure(reader, tag::UNBOUND_RELATIONSHIP, 3 + extra)?;
        unbound(reader, dialect)
    })?;
    let count = reader.list()?;
    Ok(WirePath {
        nodes,
        relationships,
        indices: elements(reader, count, Reader::integer)?,
    })
}

fn expect_structure(reader: &mut Reader<'_>, tag: u8, fields: usize) -> Result<(), PackStreamError> {
    let (found, count) = reader.structure()?;
    if found != tag {
        return Err(PackStreamError::UnknownStructure(found));
    }
    check_fields(tag, count, fields)
}

fn element_id(reader: &mut Reader<'_>, dialect: Dialect) -> Result<String, PackStreamError> {
    if dialect.has_element_ids() {
        Ok(reader.string()?.to_owned())
    } else {
        Ok(String::new())
    }
}

fn check_fields(tag: u8, found: usize, expected: usize) -> Result<(), PackStreamError> {
    if found == expected {
        Ok(())
    } else {
        Err(PackStreamError::WrongFieldCount { tag, expected, found })
    }
}

fn nanoseconds_of_day(reader: &mut Reader<'_>) -> Result<i64, PackStreamError> {
    let nanoseconds = reader.integer()?;
    if (0..NANOSECONDS_PER_DAY).contains(&nanoseconds) {
        Ok(nanoseconds)
    } else {
        Err(PackStreamError::OutOfRange("a time of day"))
    }
}

fn nanoseconds(reader: &mut Reader<'_>) -> Result<u32, PackStreamError> {
    let nanoseconds = reader.integer()?;
    u32::try_from(nanoseconds)
        .ok()
        .filter(|_| nanoseconds < NANOSECONDS_PER_SECOND)
        .ok_or(PackStreamError::OutOfRange("the nanoseconds of a second"))
}

fn offset(reader: &mut Reader<'_>) -> Result<i32, PackStreamError> {
    let offset = reader.integer()?;
    i32::try_from(offset)
        .ok()
        .filter(|_| offset.abs() <= OFFSET_SECONDS_MAX)
        .ok_or(PackStreamError::OutOfRange("a time zone offset"))
}
