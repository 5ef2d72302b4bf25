//! `value.component` of temporal values.

use std::sync::Arc;

use bastide_model::calendar::{CivilDate, civil_from_days, day_of_week, day_of_year, days_from_civil, iso_week};
use bastide_model::{Date, Duration, LocalTime, Value, Zone};
use bastide_status::Status;

use super::NANOSECONDS_PER_SECOND;
use super::format::offset_text;
use crate::evaluate::argument_error;

/// A component of a temporal value, by the name the manual gives it.
pub(crate) fn component(value: &Value, name: &str) -> Result<Value, Status> {
    let found = match value {
        Value::Date(date) => date_component(*date, name).map(Value::Integer),
        Value::LocalTime(time) => time_component(*time, name).map(Value::Integer),
        Value::Time(time) => time_component(
            LocalTime {
                nanoseconds: time.nanoseconds,
            },
            name,
        )
        .map(Value::Integer)
        .or_else(|| zone_component(&Zone::Offset(time.offset_seconds), name)),
        Value::LocalDateTime(local) => date_component(local.date(), name)
            .or_else(|| time_component(local.time(), name))
            .map(Value::Integer),
        Value::DateTime(instant) => {
            let local = instant.local();
            date_component(local.date(), name)
                .or_else(|| time_component(local.time(), name))
                .or(match name {
                    "epochSeconds" => Some(instant.epoch_seconds),
                    "epochMillis" => Some(
                        instant
                            .epoch_seconds
                            .saturating_mul(1000)
                            .saturating_add(i64::from(instant.nanoseconds / 1_000_000)),
                    ),
                    _ => None,
                })
                .map(Value::Integer)
                .or_else(|| zone_component(&instant.zone, name))
        }
        Value::Duration(duration) => duration_component(duration, name).map(Value::Integer),
        _ => None,
    };
    found.ok_or_else(|| argument_error(format!("{} has no component `{name}`", value.kind().name())))
}

/// The day of the quarter, from 1.
pub(super) fn day_of_quarter(date: Date) -> i64 {
    let civil = civil_from_days(date.epoch_days);
    let first = days_from_civil(CivilDate {
        year: civil.year,
        month: (civil.month - 1) / 3 * 3 + 1,
        day: 1,
    });
    date.epoch_days - first + 1
}

fn date_component(date: Date, name: &str) -> Option<i64> {
    let civil = civil_from_days(date.epoch_days);
    Some(match name {
        "year" => civil.year,
        "quarter" => i64::from((civil.month - 1) / 3 + 1),
        "month" => i64::from(civil.month),
        "week" => i64::from(iso_week(date.epoch_days).1),
        "weekYear" => iso_week(date.epoch_days).0,
        "dayOfQuarter" => day_of_quarter(date),
        "ordinalDay" => i64::from(day_of_year(date.epoch_days)),
        "weekDay" | "dayOfWeek" => i64::from(day_of_week(date.epoch_days)),
        "day" => i64::from(civil.day),
        _ => return None,
    })
}

fn time_component(time: LocalTime, name: &str) -> Option<i64> {
    let seconds = time.nanoseconds / NANOSECONDS_PER_SECOND;
    let fraction = time.nanoseconds % NANOSECONDS_PER_SECOND;
    Some(match name {
        "hour" => seconds / 3600,
        "minute" => seconds / 60 % 60,
        "second" => seconds % 60,
        "millisecond" => fraction / 1_000_000,
        "microsecond" => fraction / 1_000,
        "nanosecond" => fraction,
        _ => return None,
    })
}

fn zone_component(zone: &Zone, name: &str) -> Option<Value> {
    let offset = zone.offset_seconds();
    Some(match name {
        "timezone" => match zone {
            Zone::Offset(offset) => Value::from(offset_text(*offset)),
            Zone::Named { name, .. } => Value::String(Arc::clone(name)),
        },
        "offset" => Value::from(offset_text(offset)),
        "offsetMinutes" => Value::Integer(i64::from(offset / 60)),
        "offsetSeconds" => Value::Integer(i64::from(offset)),
        _ => return None,
    })
}

fn duration_component(duration: &Duration, name: &str) -> Option<i64> {
    let (months, days, seconds) = (duration.months, duration.days, duration.seconds);
    let nanoseconds = i64::from(duration.nanoseconds);
    Some(match name {
        "years" => months / 12,
        "quarters" => months / 3,
        "months" => months,
        "quartersOfYear" => months / 3 % 4,
        "monthsOfYear" => months % 12,
        "monthsOfQuarter" => months % 3,
        "weeks" => days / 7,
        "days" => days,
        "daysOfWeek" => days % 7,
        "hours" => seconds / 3600,
        "minutes" => seconds / 60,
        "seconds" => seconds,
        "milliseconds" => seconds.saturating_mul(1_000).saturating_add(nanoseconds / 1_000_000),
        "microseconds" => seconds.saturating_mul(1_000_000).saturating_add(nanoseconds / 1_000),
        "nanoseconds" => seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds),
        "minutesOfHour" => seconds / 60 % 60,
        "secondsOfMinute" => seconds % 60,
        "millisecondsOfSecond" => nanoseconds / 1_000_000,
        "microsecondsOfSecond" => nanoseconds / 1_000,
        "nanosecondsOfSecond" => nanoseconds,
        _ => return None,
    })
}
