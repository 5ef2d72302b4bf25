//! Values as stored properties.

use std::sync::Arc;

use bastide_model::{CoordinateSystem, Date, DateTime, Duration, LocalDateTime, LocalTime, Point, Time, Value, Zone};

use super::{CodecError, Reader, Writer};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const FLOAT: u8 = 4;
const STRING: u8 = 5;
const BYTES: u8 = 6;
const LIST: u8 = 7;
const DATE: u8 = 8;
const TIME: u8 = 9;
const LOCAL_TIME: u8 = 10;
const LOCAL_DATE_TIME: u8 = 11;
const DATE_TIME_OFFSET: u8 = 12;
const DATE_TIME_NAMED: u8 = 13;
const DURATION: u8 = 14;
const POINT: u8 = 15;

/// Writes a value that may be stored.
///
/// INVARIANT: the caller has checked that it may ([`Value::is_storable`]), as transactions do before anything is changed;
/// any other value is written as null.
pub(crate) fn write_value(writer: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => writer.byte(NULL),
        Value::Boolean(boolean) => writer.byte(if *boolean { TRUE } else { FALSE }),
        Value::Integer(integer) => {
            writer.byte(INTEGER);
            writer.signed(*integer);
        }
        Value::Float(float) => {
            writer.byte(FLOAT);
            writer.float(*float);
        }
        Value::String(text) => {
            writer.byte(STRING);
            writer.text(text);
        }
        Value::Bytes(bytes) => {
            writer.byte(BYTES);
            writer.sized(bytes);
        }
        Value::List(items) => {
            writer.byte(LIST);
            writer.unsigned(items.len() as u64);
            items.iter().for_each(|item| write_value(writer, item));
        }
        other => write_temporal_or_point(writer, other),
    }
}

fn write_temporal_or_point(writer: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Date(date) => {
            writer.byte(DATE);
            writer.signed(date.epoch_days);
        }
        Value::Time(time) => {
            writer.byte(TIME);
            writer.signed(time.nanoseconds);
            writer.signed(time.offset_seconds.into());
        }
        Value::LocalTime(time) => {
            writer.byte(LOCAL_TIME);
            writer.signed(time.nanoseconds);
        }
        Value::LocalDateTime(moment) => {
            writer.byte(LOCAL_DATE_TIME);
            writer.signed(moment.epoch_seconds);
            writer.unsigned(moment.nanoseconds.into());
        }
        Value::DateTime(moment) => {
            writer.byte(match &moment.zone {
                Zone::Offset(_) => DATE_TIME_OFFSET,
                Zone::Named { .. } => DATE_TIME_NAMED,
            });
            writer.signed(moment.epoch_seconds);
            writer.unsigned(moment.nanoseconds.into());
            writer.signed(moment.zone.offset_seconds().into());
            if let Zone::Named { name, .. } = &moment.zone {
                writer.text(name);
            }
        }
        Value::Duration(duration) => {
            writer.byte(DURATION);
            writer.signed(duration.months);
            writer.signed(duration.days);
            writer.signed(duration.seconds);
            writer.signed(duration.nanoseconds.into());
        }
        Value::Point(point) => {
            writer.byte(POINT);
            writer.signed(point.system.srid().into());
            [point.x, point.y, point.z]
                .into_iter()
                .for_each(|coordinate| writer.float(coordinate));
        }
        _ => writer.byte(NULL),
    }
}

/// Reads a value.
pub(crate) fn read_value(reader: &mut Reader<'_>) -> Result<Value, CodecError> {
    let tag = reader.byte()?;
    if tag != LIST {
        return read_single(reader, tag);
    }
    let count = reader.count()?;
    let mut items = Vec::with_capacity(count.min(1024));
    for _ in 0..count {
        let tag = reader.byte()?;
        if tag == LIST {
            return Err(CodecError::NestedList);
        }
        items.push(read_single(reader, tag)?);
    }
    Ok(Value::List(items.into()))
}

fn read_single(reader: &mut Reader<'_>, tag: u8) -> Result<Value, CodecError> {
    Ok(match tag {
        NULL => Value::Null,
        FALSE => Value::Boolean(false),
        TRUE => Value::Boolean(true),
        INTEGER => Value::Integer(reader.signed()?),
        FLOAT => Value::Float(reader.float()?),
        STRING => Value::String(reader.text()?.into()),
        BYTES => Value::Bytes(reader.sized()?.into()),
        DATE => Value::Date(Date {
            epoch_days: reader.signed()?,
        }),
        TIME => Value::Time(Time {
            nanoseconds: reader.signed()?,
            offset_seconds: reader.signed_32()?,
        }),
        LOCAL_TIME => Value::LocalTime(LocalTime {
            nanoseconds: reader.signed()?,
        }),
        LOCAL_DATE_TIME => Value::LocalDateTime(LocalDateTime {
            epoch_seconds: reader.signed()?,
            nanoseconds: reader.unsigned_32()?,
        }),
        DATE_TIME_OFFSET | DATE_TIME_NAMED => read_date_time(reader, tag)?,
        DURATION => Value::Duration(Arc::new(Duration {
            months: reader.signed()?,
            days: reader.signed()?,
            seconds: reader.signed()?,
            nanoseconds: reader.signed_32()?,
        })),
        POINT => {
            let system = CoordinateSystem::from_srid(reader.signed()?);
            let system = system.ok_or(CodecError::OutOfRange("a coordinate system"))?;
            Value::Point(Arc::new(Point {
                system,
                x: reader.float()?,
                y: reader.float()?,
                z: reader.float()?,
            }))
        }
        tag => return Err(CodecError::UnknownTag { what: "a value", tag }),
    })
}

fn read_date_time(reader: &mut Reader<'_>, tag: u8) -> Result<Value, CodecError> {
    let epoch_seconds = reader.signed()?;
    let nanoseconds = reader.unsigned_32()?;
    let offset_seconds = reader.signed_32()?;
    let zone = if tag == DATE_TIME_NAMED {
        Zone::Named {
            name: reader.text()?.into(),
            offset_seconds,
        }
    } else {
        Zone::Offset(offset_seconds)
    };
    Ok(Value::DateTime(Arc::new(DateTime {
        epoch_seconds,
        nanoseconds,
        zone,
    })))
}
