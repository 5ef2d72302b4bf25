//! Values from the wire as values of the model.

use std::sync::Arc;

use bastide_bolt::{WireMap, WireStructure, WireValue};
use bastide_model::{
    CoordinateSystem, Date, DateTime, Duration, LocalDateTime, LocalTime, Map, Point, Time, Value, Zone,
};
use bastide_status::{Code, Status};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;

/// Takes over a map; of a key that stands twice the last value counts.
pub(crate) fn map(pairs: WireMap) -> Result<Map, Status> {
    let mut entries = pairs
        .into_iter()
        .map(|(key, value)| Ok((Arc::from(key), self::value(value)?)))
        .collect::<Result<Vec<(Arc<str>, Value)>, Status>>()?;
    // Sorted first (and stably), each goes to the end of the map: a million keys cost no million moves.
    entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(entries.into_iter().collect())
}

/// Takes over a value.
pub(crate) fn value(value: WireValue) -> Result<Value, Status> {
    Ok(match value {
        WireValue::Null => Value::Null,
        WireValue::Boolean(value) => Value::Boolean(value),
        WireValue::Integer(value) => Value::Integer(value),
        WireValue::Float(value) => Value::Float(value),
        WireValue::Bytes(value) => Value::Bytes(value.into()),
        WireValue::String(value) => Value::String(value.into()),
        WireValue::List(values) => Value::List(
            values
                .into_iter()
                .map(self::value)
                .collect::<Result<Vec<_>, Status>>()?
                .into(),
        ),
        WireValue::Map(pairs) => Value::map(map(pairs)?),
        WireValue::Structure(structure) => self::structure(*structure)?,
    })
}

fn structure(structure: WireStructure) -> Result<Value, Status> {
    Ok(match structure {
        WireStructure::Date { days } => Value::Date(Date { epoch_days: days }),
        WireStructure::Time {
            nanoseconds,
            offset_seconds,
        } => Value::Time(Time {
            nanoseconds,
            offset_seconds,
        }),
        WireStructure::LocalTime { nanoseconds } => Value::LocalTime(LocalTime { nanoseconds }),
        WireStructure::LocalDateTime { seconds, nanoseconds } => Value::LocalDateTime(LocalDateTime {
            epoch_seconds: seconds,
            nanoseconds,
        }),
        WireStructure::DateTime {
            utc_seconds,
            nanoseconds,
            offset_seconds,
        } => date_time(utc_seconds, nanoseconds, Zone::Offset(offset_seconds)),
        WireStructure::DateTimeZoneId {
            utc_seconds,
            nanoseconds,
            zone,
        } => {
            let instant = Timestamp::from_second(utc_seconds).map_err(|_| out_of_range())?;
            let offset_seconds = named_zone(&zone)?.to_offset(instant).seconds();
            date_time(
                utc_seconds,
                nanoseconds,
                Zone::Named {
                    name: zone.into(),
                    offset_seconds,
                },
            )
        }
        WireStructure::LegacyDateTimeZoneId {
            local_seconds,
            nanoseconds,
            zone,
        } => {
            let local = Timestamp::from_second(local_seconds).map_err(|_| out_of_range())?;
            let clock: civil::DateTime = TimeZone::UTC.to_datetime(local);
            let instant = named_zone(&zone)?.to_timestamp(clock).map_err(|_| out_of_range())?;
            let offset_seconds = named_zone(&zone)?.to_offset(instant).seconds();
            date_time(
                instant.as_second(),
                nanoseconds,
                Zone::Named {
                    name: zone.into(),
                    offset_seconds,
                },
            )
        }
        WireStructure::Duration {
            months,
            days,
            seconds,
            nanoseconds,
        } => duration(months, days, seconds, nanoseconds)?,
        WireStructure::Point2D { srid, x, y } => point(srid, x, y, None)?,
        WireStructure::Point3D { srid, x, y, z } => point(srid, x, y, Some(z))?,
        WireStructure::Node(_) => return Err(not_a_parameter("node")),
        WireStructure::Relationship(_) | WireStructure::UnboundRelationship(_) => {
            return Err(not_a_parameter("relationship"));
        }
        WireStructure::Path(_) => return Err(not_a_parameter("path")),
    })
}

fn date_time(epoch_seconds: i64, nanoseconds: u32, zone: Zone) -> Value {
    Value::DateTime(Arc::new(DateTime {
        epoch_seconds,
        nanoseconds,
        zone,
    }))
}

fn duration(months: i64, days: i64, seconds: i64, nanoseconds: i64) -> Result<Value, Status> {
    let seconds = seconds.checked_add(nanoseconds.div_euclid(NANOSECONDS_PER_SECOND));
    let nanoseconds = i32::try_from(nanoseconds.rem_euclid(NANOSECONDS_PER_SECOND)).ok();
    let (Some(seconds), Some(nanoseconds)) = (seconds, nanoseconds) else {
        return Err(out_of_range());
    };
    Ok(Value::Duration(Arc::new(Duration {
        months,
        days,
        seconds,
        nanoseconds,
    })))
}

fn point(srid: i64, x: f64, y: f64, z: Option<f64>) -> Result<Value, Status> {
    CoordinateSystem::from_srid(srid)
        .filter(|system| system.is_three_dimensional() == z.is_some())
        .map(|system| {
            Value::Point(Arc::new(Point {
                system,
                x,
                y,
                z: z.unwrap_or_default(),
            }))
        })
        .ok_or_else(|| {
            Status::new(
                Code::ArgumentError,
                format!("unknown coordinate reference system {srid}"),
            )
        })
}

fn named_zone(name: &str) -> Result<TimeZone, Status> {
    TimeZone::get(name).map_err(|_| Status::new(Code::ArgumentError, format!("unknown time zone `{name}`")))
}

fn out_of_range() -> Status {
    Status::new(Code::ArgumentError, "a temporal parameter is out of range")
}

fn not_a_parameter(kind: &str) -> Status {
    Status::new(Code::TypeError, format!("a {kind} cannot be a parameter"))
}
