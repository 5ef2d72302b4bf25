//! The fields of a map that names a date or a time of day.

use bastide_model::calendar::{civil_from_days, day_of_week, iso_week};
use bastide_model::{Date, LocalTime, Map, Value};
use bastide_status::Status;

use super::NANOSECONDS_PER_SECOND;
use super::components::day_of_quarter;
use super::parse;
use crate::evaluate::{argument_error, type_error};

pub(super) const DATE_FIELDS: &[&str] = &[
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "dayOfWeek",
    "dayOfQuarter",
    "ordinalDay",
];
pub(super) const TIME_FIELDS: &[&str] = &["hour", "minute", "second", "millisecond", "microsecond", "nanosecond"];

pub(super) fn integer(map: &Map, field: &str) -> Result<Option<i64>, Status> {
    match map.get(field) {
        None => Ok(None),
        Some(Value::Integer(value)) => Ok(Some(*value)),
        Some(other) => Err(type_error(&format!("`{field}`"), "an integer", other)),
    }
}

/// A field within its bounds.
fn field(map: &Map, name: &str, least: i64, most: i64) -> Result<Option<i64>, Status> {
    match integer(map, name)? {
        Some(value) if !(least..=most).contains(&value) => Err(argument_error(format!(
            "`{name}` must lie between {least} and {most}, but is {value}"
        ))),
        other => Ok(other),
    }
}

/// The date that a map names, what is missing taken from `base` or from the first day of the year.
pub(super) fn date(map: &Map, base: Option<Date>) -> Result<Date, Status> {
    let small = |name, most| field(map, name, 1, most).map(|value| value.and_then(|value| u32::try_from(value).ok()));
    let year = integer(map, "year")?;
    let week = small("week", 53)?;
    let day_of_week_given = small("dayOfWeek", 7)?;
    let ordinal = small("ordinalDay", 366)?;
    let quarter = small("quarter", 4)?;
    let day_of_quarter_given = small("dayOfQuarter", 92)?;
    let month = small("month", 12)?;
    let day = small("day", 31)?;
    let civil = base.map(|base| civil_from_days(base.epoch_days));
    let own_year = || {
        year.or(civil.map(|civil| civil.year))
            .ok_or_else(|| argument_error("`year` must be given"))
    };
    let built = if week.is_some() || day_of_week_given.is_some() {
        let (base_year, base_week) = base.map(|base| iso_week(base.epoch_days)).unzip();
        let year = year
            .or(base_year)
            .ok_or_else(|| argument_error("`year` must be given"))?;
        let week = week
            .or(base_week)
            .ok_or_else(|| argument_error("`week` must be given with `dayOfWeek`"))?;
        let day = day_of_week_given.or(base.map(|base| day_of_week(base.epoch_days)));
        parse::week_date(year, week, day.unwrap_or(1))
    } else if let Some(ordinal) = ordinal {
        parse::ordinal_date(own_year()?, ordinal)
    } else if quarter.is_some() || day_of_quarter_given.is_some() {
        let quarter = quarter
            .or(civil.map(|civil| (civil.month - 1) / 3 + 1))
            .ok_or_else(|| argument_error("`quarter` must be given with `dayOfQuarter`"))?;
        let base_day = base.and_then(|base| u32::try_from(day_of_quarter(base)).ok());
        parse::quarter_date(own_year()?, quarter, day_of_quarter_given.or(base_day).unwrap_or(1))
    } else {
        if civil.is_none() && day.is_some() && month.is_none() {
            return Err(argument_error("`month` must be given with `day`"));
        }
        let month = month.or(civil.map(|civil| civil.month)).unwrap_or(1);
        let day = day.or(civil.map(|civil| civil.day)).unwrap_or(1);
        parse::calendar_date(own_year()?, month, day)
    };
    built.ok_or_else(|| argument_error("there is no such date"))
}

/// The time of day that a map names, what is missing taken from `base`. Without either, `optional` makes it midnight.
pub(super) fn time(map: &Map, base: Option<LocalTime>, optional: bool) -> Result<LocalTime, Status> {
    let given = TIME_FIELDS.iter().position(|name| map.contains_key(name));
    if base.is_none() {
        match given {
            None if !optional => return Err(argument_error("`hour` must be given")),
            Some(place) if place > 0 && !map.contains_key("hour") => {
                return Err(argument_error("`hour` must be given with smaller units"));
            }
            _ => {}
        }
        if map.contains_key("second") && !map.contains_key("minute") {
            return Err(argument_error("`minute` must be given with `second`"));
        }
    }
    let base = base.map_or(0, |base| base.nanoseconds);
    let base_seconds = base / NANOSECONDS_PER_SECOND;
    let hour = field(map, "hour", 0, 23)?.unwrap_or(base_seconds / 3600);
    let minute = field(map, "minute", 0, 59)?.unwrap_or(base_seconds / 60 % 60);
    let second = field(map, "second", 0, 59)?.unwrap_or(base_seconds % 60);
    let (given, own) = fraction(map, 0)?;
    let fraction = if given { own } else { base % NANOSECONDS_PER_SECOND };
    Ok(LocalTime {
        nanoseconds: (hour * 3600 + minute * 60 + second) * NANOSECONDS_PER_SECOND + fraction,
    })
}

/// Nanoseconds of the second, on top of `base`, and whether the map names any.
pub(super) fn fraction(map: &Map, base: i64) -> Result<(bool, i64), Status> {
    let millisecond = field(map, "millisecond", 0, 999)?;
    let microsecond_most = if millisecond.is_some() { 999 } else { 999_999 };
    let microsecond = field(map, "microsecond", 0, microsecond_most)?;
    let nanosecond_most = match (millisecond, microsecond) {
        (_, Some(_)) => 999,
        (Some(_), None) => 999_999,
        (None, None) => 999_999_999,
    };
    let nanosecond = field(map, "nanosecond", 0, nanosecond_most)?;
    let given = millisecond.is_some() || microsecond.is_some() || nanosecond.is_some();
    let own = millisecond.unwrap_or(0) * 1_000_000 + microsecond.unwrap_or(0) * 1_000 + nanosecond.unwrap_or(0);
    if base + own >= NANOSECONDS_PER_SECOND {
        return Err(argument_error("the parts of the second add up to more than one"));
    }
    Ok((given, base + own))
}
