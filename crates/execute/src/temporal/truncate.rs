//! `date.truncate` and its kin.

use bastide_model::calendar::{CivilDate, civil_from_days, day_of_week, days_from_civil, iso_week, iso_year_start};
use bastide_model::{Date, LocalTime, Map, Value};
use bastide_status::Status;

use super::NANOSECONDS_PER_SECOND;
use super::build::{Base, Kind, check_fields, finish};
use super::fields;
use super::zone::Rule;
use crate::evaluate::{Clock, argument_error, type_error};

/// `value` cut to `unit`, with the smaller fields that `given` names put on top. A zone among them replaces the zone and
/// leaves the clock as it is.
pub(crate) fn truncate(kind: Kind, unit: &str, value: &Value, given: &Map, clock: &Clock) -> Result<Value, Status> {
    let base = Base::of(value)?;
    check_fields(kind, given)?;
    let unknown = || argument_error(format!("`{unit}` is no unit to truncate to"));
    let midnight = LocalTime { nanoseconds: 0 };
    let (date, time) = match base.date {
        _ if is_time_unit(unit) => {
            let time = base
                .time
                .ok_or_else(|| argument_error(format!("a date cannot be truncated to `{unit}`")))?;
            if !kind.has_time() {
                return Err(argument_error(format!("a date cannot be truncated to `{unit}`")));
            }
            (base.date, cut_time(time, unit).ok_or_else(unknown)?)
        }
        _ if unit == "day" => (base.date, midnight),
        Some(date) if kind.has_date() => (Some(cut_date(date, unit).ok_or_else(unknown)?), midnight),
        _ => return Err(argument_error(format!("a time cannot be truncated to `{unit}`"))),
    };
    let mut cut = Base {
        date: None,
        time: None,
        zone: base.zone,
    };
    if kind.has_date() {
        let date = date.ok_or_else(|| type_error("truncating to a date", "a date", value))?;
        cut.date = Some(fields::date(given, Some(date))?);
    }
    if kind.has_time() {
        // Parts of the second come on top of those that truncation left.
        let (named, fraction) = fields::fraction(given, time.nanoseconds % NANOSECONDS_PER_SECOND)?;
        let mut clock_time = fields::time(given, Some(time), true)?;
        if named {
            clock_time.nanoseconds += fraction - clock_time.nanoseconds % NANOSECONDS_PER_SECOND;
        }
        cut.time = Some(clock_time);
    }
    let rule = match given.get("timezone") {
        None => None,
        Some(Value::String(text)) => Some(Rule::parse(text)?),
        Some(other) => return Err(type_error("`timezone`", "a string", other)),
    };
    finish(kind, cut, rule, clock)
}

fn is_time_unit(unit: &str) -> bool {
    matches!(unit, "hour" | "minute" | "second" | "millisecond" | "microsecond")
}

fn cut_time(time: LocalTime, unit: &str) -> Option<LocalTime> {
    let length = match unit {
        "hour" => 3600 * NANOSECONDS_PER_SECOND,
        "minute" => 60 * NANOSECONDS_PER_SECOND,
        "second" => NANOSECONDS_PER_SECOND,
        "millisecond" => 1_000_000,
        "microsecond" => 1_000,
        _ => return None,
    };
    Some(LocalTime {
        nanoseconds: time.nanoseconds - time.nanoseconds % length,
    })
}

fn cut_date(date: Date, unit: &str) -> Option<Date> {
    let civil = civil_from_days(date.epoch_days);
    let first = |year: i64, month: u32| days_from_civil(CivilDate { year, month, day: 1 });
    let of_years = |years: i64| first(civil.year.div_euclid(years) * years, 1);
    let epoch_days = match unit {
        "millennium" => of_years(1000),
        "century" => of_years(100),
        "decade" => of_years(10),
        "year" => first(civil.year, 1),
        "weekYear" => iso_year_start(iso_week(date.epoch_days).0),
        "quarter" => first(civil.year, (civil.month - 1) / 3 * 3 + 1),
        "month" => first(civil.year, civil.month),
        "week" => date.epoch_days - i64::from(day_of_week(date.epoch_days)) + 1,
        _ => return None,
    };
    Some(Date { epoch_days })
}
