//! `duration.between` and its kin.

use std::sync::Arc;

use bastide_model::{DateTime, Duration, LocalDateTime, LocalTime, Value};
use bastide_status::Status;

use super::NANOSECONDS_PER_SECOND;
use super::arithmetic::date_plus;
use super::parse::joined;
use super::zone::Rule;
use crate::evaluate::{argument_error, type_error};

/// What a temporal value says of date, time and zone.
struct Facts {
    date: Option<bastide_model::Date>,
    time: LocalTime,
    zone: Option<bastide_model::Zone>,
    instant: Option<DateTime>,
}

fn facts(value: &Value) -> Result<Facts, Status> {
    let midnight = LocalTime { nanoseconds: 0 };
    let (date, time, zone, instant) = match value {
        Value::Date(date) => (Some(*date), midnight, None, None),
        Value::LocalTime(time) => (None, *time, None, None),
        Value::Time(time) => (
            None,
            LocalTime {
                nanoseconds: time.nanoseconds,
            },
            Some(bastide_model::Zone::Offset(time.offset_seconds)),
            None,
        ),
        Value::LocalDateTime(local) => (Some(local.date()), local.time(), None, None),
        Value::DateTime(instant) => {
            let local = instant.local();
            (
                Some(local.date()),
                local.time(),
                Some(instant.zone.clone()),
                Some(instant.as_ref().clone()),
            )
        }
        other => return Err(type_error("a duration between two values", "temporal values", other)),
    };
    Ok(Facts {
        date,
        time,
        zone,
        instant,
    })
}

/// Two values made comparable: what one does not say of date and zone it takes from the other. Both come with the zone's
/// clock of the first.
struct Pair {
    from: LocalDateTime,
    to: LocalDateTime,
    /// True time between them, in nanoseconds.
    nanoseconds: i128,
    rule: Rule,
    dated: bool,
}

fn pair(from: &Value, to: &Value) -> Result<Pair, Status> {
    let (from, to) = (facts(from)?, facts(to)?);
    let dated = from.date.is_some() && to.date.is_some();
    let epoch = bastide_model::Date { epoch_days: 0 };
    let date = |own: &Facts, other: &Facts| own.date.or(other.date).unwrap_or(epoch);
    let rule_of = |own: &Facts, other: &Facts| {
        own.zone
            .as_ref()
            .or(other.zone.as_ref())
            .map_or(Rule::Offset(0), Rule::of)
    };
    let rule = rule_of(&from, &to);
    let start = from
        .instant
        .clone()
        .unwrap_or_else(|| rule.at_local(joined(date(&from, &to), from.time), None));
    let end = to
        .instant
        .clone()
        .unwrap_or_else(|| rule_of(&to, &from).at_local(joined(date(&to, &from), to.time), None));
    let nanoseconds = (i128::from(end.epoch_seconds) - i128::from(start.epoch_seconds))
        * i128::from(NANOSECONDS_PER_SECOND)
        + i128::from(end.nanoseconds)
        - i128::from(start.nanoseconds);
    Ok(Pair {
        from: start.local(),
        to: rule.at_instant(end.epoch_seconds, end.nanoseconds).local(),
        nanoseconds,
        rule,
        dated,
    })
}

/// Whole months from one clock reading to another, towards zero.
fn months_between(from: LocalDateTime, to: LocalDateTime) -> i64 {
    let index = |local: LocalDateTime| {
        let date = bastide_model::calendar::civil_from_days(local.date().epoch_days);
        (
            date.year * 12 + i64::from(date.month) - 1,
            (date.day, local.time().nanoseconds),
        )
    };
    let (from_months, from_rest) = index(from);
    let (to_months, to_rest) = index(to);
    let months = to_months - from_months;
    match months.cmp(&0) {
        std::cmp::Ordering::Greater if to_rest < from_rest => months - 1,
        std::cmp::Ordering::Less if to_rest > from_rest => months + 1,
        _ => months,
    }
}

/// Whole days from one clock reading to another, towards zero.
fn days_between(from: LocalDateTime, to: LocalDateTime) -> i64 {
    let days = to.date().epoch_days - from.date().epoch_days;
    match days.cmp(&0) {
        std::cmp::Ordering::Greater if to.time() < from.time() => days - 1,
        std::cmp::Ordering::Less if to.time() > from.time() => days + 1,
        _ => days,
    }
}

fn duration(months: i64, days: i64, nanoseconds: i128) -> Result<Value, Status> {
    let second = i128::from(NANOSECONDS_PER_SECOND);
    let built = || {
        Some(Duration {
            months,
            days,
            seconds: i64::try_from(nanoseconds.div_euclid(second)).ok()?,
            nanoseconds: i32::try_from(nanoseconds.rem_euclid(second)).ok()?,
        })
    };
    built()
        .map(|duration| Value::Duration(Arc::new(duration)))
        .ok_or_else(|| argument_error("the duration is too long"))
}

/// `duration.between`: months, then days, then the rest.
pub(crate) fn between(from: &Value, to: &Value) -> Result<Value, Status> {
    let pair = pair(from, to)?;
    if !pair.dated {
        return duration(0, 0, pair.nanoseconds);
    }
    let months = months_between(pair.from, pair.to);
    let moved = |date: bastide_model::Date| joined(date, pair.from.time());
    let after_months = date_plus(pair.from.date(), months, 0).map_or(pair.from, moved);
    let days = days_between(after_months, pair.to);
    let after_days = date_plus(after_months.date(), 0, days).map_or(after_months, moved);
    let rest = if months == 0 && days == 0 {
        pair.nanoseconds
    } else {
        // What is left is true time, which a change of the clocks makes differ from what they show.
        let start = pair.rule.at_local(after_days, None);
        let end = pair.rule.at_local(pair.to, None);
        (i128::from(end.epoch_seconds) - i128::from(start.epoch_seconds)) * i128::from(NANOSECONDS_PER_SECOND)
            + i128::from(end.nanoseconds)
            - i128::from(start.nanoseconds)
    };
    duration(months, days, rest)
}

/// `duration.inMonths`: whole months only.
pub(crate) fn in_months(from: &Value, to: &Value) -> Result<Value, Status> {
    let pair = pair(from, to)?;
    let months = if pair.dated {
        months_between(pair.from, pair.to)
    } else {
        0
    };
    duration(months, 0, 0)
}

/// `duration.inDays`: whole days only.
pub(crate) fn in_days(from: &Value, to: &Value) -> Result<Value, Status> {
    let pair = pair(from, to)?;
    let days = if pair.dated {
        days_between(pair.from, pair.to)
    } else {
        0
    };
    duration(0, days, 0)
}

/// `duration.inSeconds`: true time.
pub(crate) fn in_seconds(from: &Value, to: &Value) -> Result<Value, Status> {
    duration(0, 0, pair(from, to)?.nanoseconds)
}
