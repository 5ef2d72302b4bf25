//! Temporal arithmetic: a temporal value and a duration, two durations, a duration and a number.

use std::sync::Arc;

use bastide_model::calendar::{CivilDate, YEAR_MAX, YEAR_MIN, civil_from_days, days_from_civil, days_in_month};
use bastide_model::{Date, Duration, LocalDateTime, LocalTime, Time, Value};
use bastide_status::Status;

use super::duration::scaled;
use super::zone::Rule;
use super::{NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, SECONDS_PER_DAY};
use crate::evaluate::{argument_error, integer_overflow};

type Outcome = Option<Result<Value, Status>>;

/// `left + right`, if one is a duration and the other a temporal value or duration.
pub(crate) fn add(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Duration(a), Value::Duration(b)) => Some(sum(a, b)),
        (Value::Duration(duration), temporal) | (temporal, Value::Duration(duration)) => plus(temporal, duration),
        _ => None,
    }
}

/// `left - right`, if `right` is a duration and `left` a temporal value or duration.
pub(crate) fn subtract(left: &Value, right: &Value) -> Outcome {
    let Value::Duration(duration) = right else { return None };
    let negative = match negative(duration) {
        Ok(negative) => negative,
        Err(status) => return Some(Err(status)),
    };
    match left {
        Value::Duration(left) => Some(sum(left, &negative)),
        temporal => plus(temporal, &negative),
    }
}

/// `left * right`, if one is a duration and the other a number.
pub(crate) fn multiply(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Duration(duration), factor @ (Value::Integer(_) | Value::Float(_)))
        | (factor @ (Value::Integer(_) | Value::Float(_)), Value::Duration(duration)) => {
            Some(scaled(duration, factor, false).map(|duration| Value::Duration(Arc::new(duration))))
        }
        _ => None,
    }
}

/// `left / right`, if they are a duration and a number.
pub(crate) fn divide(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Duration(duration), divisor @ (Value::Integer(_) | Value::Float(_))) => {
            Some(scaled(duration, divisor, true).map(|duration| Value::Duration(Arc::new(duration))))
        }
        _ => None,
    }
}

/// `-duration`.
pub(crate) fn negated(duration: &Duration) -> Result<Value, Status> {
    negative(duration).map(|duration| Value::Duration(Arc::new(duration)))
}

fn negative(duration: &Duration) -> Result<Duration, Status> {
    let built = || {
        let (seconds, nanoseconds) = if duration.nanoseconds == 0 {
            (duration.seconds.checked_neg()?, 0)
        } else {
            (
                duration.seconds.checked_neg()?.checked_sub(1)?,
                1_000_000_000 - duration.nanoseconds,
            )
        };
        Some(Duration {
            months: duration.months.checked_neg()?,
            days: duration.days.checked_neg()?,
            seconds,
            nanoseconds,
        })
    };
    built().ok_or_else(|| integer_overflow("a negated duration"))
}

/// The sum of two durations, unit by unit.
pub(crate) fn sum(a: &Duration, b: &Duration) -> Result<Value, Status> {
    let built = || {
        let nanoseconds = a.nanoseconds + b.nanoseconds;
        Some(Duration {
            months: a.months.checked_add(b.months)?,
            days: a.days.checked_add(b.days)?,
            seconds: a
                .seconds
                .checked_add(b.seconds)?
                .checked_add(i64::from(nanoseconds / 1_000_000_000))?,
            nanoseconds: nanoseconds % 1_000_000_000,
        })
    };
    built()
        .map(|duration| Value::Duration(Arc::new(duration)))
        .ok_or_else(|| integer_overflow("a sum of durations"))
}

fn plus(temporal: &Value, duration: &Duration) -> Outcome {
    let out_of_range = || argument_error("the date lies beyond the years -999999999 to 999999999");
    Some(match temporal {
        Value::Date(date) => date_plus(*date, duration.months, duration.days)
            .and_then(|date| date_plus(date, 0, duration.seconds / SECONDS_PER_DAY))
            .map(Value::Date)
            .ok_or_else(out_of_range),
        Value::LocalTime(time) => Ok(Value::LocalTime(LocalTime {
            nanoseconds: clock_plus(time.nanoseconds, duration),
        })),
        Value::Time(time) => Ok(Value::Time(Time {
            nanoseconds: clock_plus(time.nanoseconds, duration),
            offset_seconds: time.offset_seconds,
        })),
        Value::LocalDateTime(local) => local_plus(*local, duration)
            .map(Value::LocalDateTime)
            .ok_or_else(out_of_range),
        Value::DateTime(instant) => {
            let rule = Rule::of(&instant.zone);
            let built = || {
                // Months and days are counted on the clock of the zone, the rest in true time.
                let moved = if duration.months == 0 && duration.days == 0 {
                    instant.as_ref().clone()
                } else {
                    let local = instant.local();
                    let date = date_plus(local.date(), duration.months, duration.days)?;
                    let local = super::parse::joined(date, local.time());
                    rule.at_local(local, Some(instant.zone.offset_seconds()))
                };
                let (seconds, nanoseconds) = seconds_plus(moved.epoch_seconds, moved.nanoseconds, duration)?;
                within_years(seconds.checked_add(i64::from(moved.zone.offset_seconds()))?)?;
                Some(rule.at_instant(seconds, nanoseconds))
            };
            built()
                .map(|instant| Value::DateTime(Arc::new(instant)))
                .ok_or_else(out_of_range)
        }
        _ => return None,
    })
}

/// A date so many months and then days later; the day is cut to the length of the month.
pub(super) fn date_plus(date: Date, months: i64, days: i64) -> Option<Date> {
    let mut epoch_days = date.epoch_days;
    if months != 0 {
        let civil = civil_from_days(epoch_days);
        let total = civil
            .year
            .checked_mul(12)?
            .checked_add(i64::from(civil.month) - 1)?
            .checked_add(months)?;
        let year = total.div_euclid(12);
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) {
            return None;
        }
        let month = u32::try_from(total.rem_euclid(12)).ok()? + 1;
        epoch_days = days_from_civil(CivilDate {
            year,
            month,
            day: civil.day.min(days_in_month(year, month)),
        });
    }
    let epoch_days = epoch_days.checked_add(days)?;
    within_years(epoch_days.checked_mul(SECONDS_PER_DAY)?)?;
    Some(Date { epoch_days })
}

pub(super) fn local_plus(local: LocalDateTime, duration: &Duration) -> Option<LocalDateTime> {
    let date = date_plus(local.date(), duration.months, duration.days)?;
    let moved = super::parse::joined(date, local.time());
    let (epoch_seconds, nanoseconds) = seconds_plus(moved.epoch_seconds, moved.nanoseconds, duration)?;
    within_years(epoch_seconds)?;
    Some(LocalDateTime {
        epoch_seconds,
        nanoseconds,
    })
}

fn seconds_plus(seconds: i64, nanoseconds: u32, duration: &Duration) -> Option<(i64, u32)> {
    let nanoseconds = i64::from(nanoseconds) + i64::from(duration.nanoseconds);
    let seconds = seconds
        .checked_add(duration.seconds)?
        .checked_add(nanoseconds / NANOSECONDS_PER_SECOND)?;
    Some((seconds, u32::try_from(nanoseconds % NANOSECONDS_PER_SECOND).ok()?))
}

fn clock_plus(nanoseconds: i64, duration: &Duration) -> i64 {
    let added = duration.seconds.rem_euclid(SECONDS_PER_DAY) * NANOSECONDS_PER_SECOND + i64::from(duration.nanoseconds);
    (nanoseconds + added).rem_euclid(NANOSECONDS_PER_DAY)
}

/// Seconds since 1970 if they lie within the years that Cypher knows.
pub(super) fn within_years(epoch_seconds: i64) -> Option<i64> {
    let days = epoch_seconds.div_euclid(SECONDS_PER_DAY);
    (YEAR_MIN..=YEAR_MAX)
        .contains(&civil_from_days(days).year)
        .then_some(epoch_seconds)
}
