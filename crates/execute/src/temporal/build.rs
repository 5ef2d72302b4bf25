//! Temporal values from maps, texts, other temporal values and the clock.

use std::sync::Arc;

use bastide_model::calendar::{civil_from_days, day_of_week, iso_week};
use bastide_model::{Date, LocalTime, Map, Time, Value, Zone};
use bastide_status::Status;

use super::arithmetic::within_years;
use super::components::day_of_quarter;
use super::parse;
use super::zone::Rule;
use super::{NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND};
use crate::evaluate::{Clock, Instant, argument_error, type_error};

/// A kind of temporal value that a function makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `date`
    Date,
    /// `localtime`
    LocalTime,
    /// `time`
    Time,
    /// `localdatetime`
    LocalDateTime,
    /// `datetime`
    DateTime,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Date => "a date",
            Self::LocalTime => "a local time",
            Self::Time => "a time",
            Self::LocalDateTime => "a local date time",
            Self::DateTime => "a date time",
        }
    }

    pub(super) fn has_date(self) -> bool {
        matches!(self, Self::Date | Self::LocalDateTime | Self::DateTime)
    }

    pub(super) fn has_time(self) -> bool {
        self != Self::Date
    }

    pub(super) fn has_zone(self) -> bool {
        matches!(self, Self::Time | Self::DateTime)
    }
}

const DATE_FIELDS: &[&str] = &[
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "dayOfWeek",
    "dayOfQuarter",
    "ordinalDay",
];
const TIME_FIELDS: &[&str] = &["hour", "minute", "second", "millisecond", "microsecond", "nanosecond"];

/// What a temporal value is made of, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Base {
    pub(super) date: Option<Date>,
    pub(super) time: Option<LocalTime>,
    pub(super) zone: Option<Zone>,
}

impl Base {
    /// The parts of a temporal value.
    pub(super) fn of(value: &Value) -> Result<Self, Status> {
        let (date, time, zone) = match value {
            Value::Date(date) => (Some(*date), None, None),
            Value::LocalTime(time) => (None, Some(*time), None),
            Value::Time(time) => {
                let clock = LocalTime {
                    nanoseconds: time.nanoseconds,
                };
                (None, Some(clock), Some(Zone::Offset(time.offset_seconds)))
            }
            Value::LocalDateTime(local) => (Some(local.date()), Some(local.time()), None),
            Value::DateTime(instant) => {
                let local = instant.local();
                (Some(local.date()), Some(local.time()), Some(instant.zone.clone()))
            }
            other => return Err(type_error("making a temporal value", "a temporal value", other)),
        };
        Ok(Self { date, time, zone })
    }
}

/// A temporal value from a map, a text or another temporal value.
pub(crate) fn from_value(kind: Kind, value: &Value, clock: &Clock) -> Result<Value, Status> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::String(text) => from_text(kind, text, clock)?
            .ok_or_else(|| argument_error(format!("`{text}` cannot be read as {}", kind.name()))),
        Value::Map(map) => from_map(kind, map, clock),
        temporal => {
            let base = Base::of(temporal)?;
            if kind.has_date() && base.date.is_none() || kind.has_time() && !kind.has_date() && base.time.is_none() {
                return Err(type_error(
                    kind.name(),
                    "a temporal value that holds its parts",
                    temporal,
                ));
            }
            finish(kind, base, None, clock)
        }
    }
}

/// The moment `instant` as a temporal value, on the clock of `zone` or the default one.
pub(crate) fn current(kind: Kind, instant: Instant, zone: Option<&str>, clock: &Clock) -> Result<Value, Status> {
    let rule = Rule::parse(zone.unwrap_or(&clock.default_zone))?;
    let moment = Value::DateTime(Arc::new(rule.at_instant(instant.epoch_seconds, instant.nanoseconds)));
    finish(kind, Base::of(&moment)?, None, clock)
}

/// `datetime.fromepoch`; nanoseconds may be any number of them.
pub(crate) fn from_epoch(seconds: i64, nanoseconds: i64) -> Result<Value, Status> {
    let out_of_range = || argument_error("the date time lies beyond the years -999999999 to 999999999");
    let seconds = seconds
        .checked_add(nanoseconds.div_euclid(NANOSECONDS_PER_SECOND))
        .and_then(within_years)
        .ok_or_else(out_of_range)?;
    let nanoseconds = u32::try_from(nanoseconds.rem_euclid(NANOSECONDS_PER_SECOND)).unwrap_or(0);
    Ok(Value::DateTime(Arc::new(
        Rule::Offset(0).at_instant(seconds, nanoseconds),
    )))
}

/// Puts the parts together; `zone` replaces the zone of the base without moving the clock.
pub(super) fn finish(kind: Kind, base: Base, zone: Option<Rule>, clock: &Clock) -> Result<Value, Status> {
    let date = base.date.unwrap_or(Date { epoch_days: 0 });
    let time = base.time.unwrap_or(LocalTime { nanoseconds: 0 });
    if !kind.has_zone() {
        return Ok(match kind {
            Kind::Date => Value::Date(date),
            Kind::LocalTime => Value::LocalTime(time),
            _ => Value::LocalDateTime(parse::joined(date, time)),
        });
    }
    let preferred = base.zone.as_ref().map(Zone::offset_seconds);
    let rule = match (zone, &base.zone) {
        (Some(rule), _) => rule,
        // A time keeps the offset of the moment it was taken from.
        (None, Some(zone)) if kind == Kind::Time => Rule::Offset(zone.offset_seconds()),
        (None, Some(zone)) => Rule::of(zone),
        (None, None) => Rule::parse(&clock.default_zone)?,
    };
    if kind == Kind::Time {
        return Ok(Value::Time(Time {
            nanoseconds: time.nanoseconds,
            offset_seconds: rule.offset_at(clock.statement.epoch_seconds),
        }));
    }
    Ok(Value::DateTime(Arc::new(
        rule.at_local(parse::joined(date, time), preferred),
    )))
}

fn from_text(kind: Kind, text: &str, clock: &Clock) -> Result<Option<Value>, Status> {
    let text = text.trim();
    if !kind.has_zone() {
        return Ok(match kind {
            Kind::Date => parse::date(text).map(Value::Date),
            Kind::LocalTime => parse::time(text).map(Value::LocalTime),
            _ => parse::local_date_time(text).map(Value::LocalDateTime),
        });
    }
    if kind == Kind::Time {
        let Some((time_text, zone)) = parse::split_zone(text) else {
            return Ok(None);
        };
        let (Some(time), None) = (parse::time(time_text), zone.name) else {
            return Ok(None);
        };
        let offset_seconds = match zone.offset_seconds {
            Some(offset) => offset,
            None => Rule::parse(&clock.default_zone)?.offset_at(clock.statement.epoch_seconds),
        };
        return Ok(Some(Value::Time(Time {
            nanoseconds: time.nanoseconds,
            offset_seconds,
        })));
    }
    // Only after a `T` can a sign be that of an offset.
    let (local_text, zone) = if text.contains(['T', '[']) {
        match parse::split_zone(text) {
            Some(parts) => parts,
            None => return Ok(None),
        }
    } else {
        (text, parse::WrittenZone::default())
    };
    let Some(local) = parse::local_date_time(local_text) else {
        return Ok(None);
    };
    let instant = match (zone.name, zone.offset_seconds) {
        (Some(name), offset) => {
            let instant = Rule::parse(name)?.at_local(local, offset);
            if offset.is_some_and(|offset| offset != instant.zone.offset_seconds()) {
                return Err(argument_error(format!("`{name}` has another offset at `{local_text}`")));
            }
            instant
        }
        (None, Some(offset)) => Rule::Offset(offset).at_local(local, None),
        (None, None) => Rule::parse(&clock.default_zone)?.at_local(local, None),
    };
    Ok(Some(Value::DateTime(Arc::new(instant))))
}

fn from_map(kind: Kind, map: &Map, clock: &Clock) -> Result<Value, Status> {
    check_fields(kind, map)?;
    let zone = match map.get("timezone") {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(other) => return Err(type_error("`timezone`", "a string", other)),
    };
    if let (1, Some(zone)) = (map.len(), zone) {
        return current(kind, clock.statement, Some(zone), clock);
    }
    let rule = zone.map(|zone| Rule::parse(zone)).transpose()?;
    if let Some(value) = epoch(map, rule.as_ref())? {
        return Ok(value);
    }
    let selected = selected(kind, map)?;
    let mut base = Base {
        zone: selected.zone,
        ..Base::default()
    };
    if kind.has_date() {
        base.date = Some(date(map, selected.date)?);
    }
    if kind.has_time() {
        base.time = Some(time(map, selected.time, kind.has_date())?);
    }
    match (rule, base.zone.clone()) {
        // The clock of the source is read first and then moved to the zone asked for.
        (Some(rule), Some(_)) if kind.has_zone() => in_zone(kind, &finish(kind, base, None, clock)?, &rule, clock),
        (rule, _) => finish(kind, base, rule, clock),
    }
}

/// A time or date time, on the clock of another zone.
fn in_zone(kind: Kind, value: &Value, rule: &Rule, clock: &Clock) -> Result<Value, Status> {
    match value {
        Value::DateTime(instant) => Ok(Value::DateTime(Arc::new(
            rule.at_instant(instant.epoch_seconds, instant.nanoseconds),
        ))),
        Value::Time(time) => {
            let offset_seconds = rule.offset_at(clock.statement.epoch_seconds);
            let shift = i64::from(offset_seconds - time.offset_seconds) * NANOSECONDS_PER_SECOND;
            Ok(Value::Time(Time {
                nanoseconds: (time.nanoseconds + shift).rem_euclid(NANOSECONDS_PER_DAY),
                offset_seconds,
            }))
        }
        other => Err(type_error(kind.name(), "a zone", other)),
    }
}

fn epoch(map: &Map, rule: Option<&Rule>) -> Result<Option<Value>, Status> {
    let (seconds, nanoseconds) = match (integer(map, "epochSeconds")?, integer(map, "epochMillis")?) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(argument_error("`epochSeconds` and `epochMillis` cannot both be given")),
        (Some(seconds), None) => (seconds, 0),
        (None, Some(millis)) => (millis.div_euclid(1_000), millis.rem_euclid(1_000) * 1_000_000),
    };
    let (_, fraction) = fraction(map, 0)?;
    let value = from_epoch(seconds, nanoseconds + fraction)?;
    Ok(Some(match (rule, &value) {
        (Some(rule), Value::DateTime(instant)) => {
            Value::DateTime(Arc::new(rule.at_instant(instant.epoch_seconds, instant.nanoseconds)))
        }
        _ => value,
    }))
}

/// Refuses fields that the kind has not.
pub(super) fn check_fields(kind: Kind, map: &Map) -> Result<(), Status> {
    for field in map.keys() {
        let field = field.as_ref();
        let known = DATE_FIELDS.contains(&field) && kind.has_date()
            || TIME_FIELDS.contains(&field) && kind.has_time()
            || field == "timezone" && (kind.has_zone() || map.len() == 1)
            || field == "date" && kind.has_date()
            || field == "time" && kind.has_time()
            || field == "datetime" && kind.has_date() && kind.has_time()
            || matches!(field, "epochSeconds" | "epochMillis") && kind == Kind::DateTime;
        if !known {
            return Err(argument_error(format!("{} has no field `{field}`", kind.name())));
        }
    }
    Ok(())
}

/// The parts that `date`, `time` and `datetime` bring in.
fn selected(kind: Kind, map: &Map) -> Result<Base, Status> {
    let part = |field: &str| map.get(field).map(Base::of).transpose();
    if let Some(both) = part("datetime")? {
        if map.contains_key("date") || map.contains_key("time") {
            return Err(argument_error("`datetime` cannot be combined with `date` or `time`"));
        }
        if both.date.is_none() || both.time.is_none() {
            return Err(argument_error("`datetime` must be a date and time"));
        }
        return Ok(both);
    }
    let date = match part("date")? {
        Some(base) if base.date.is_some() => base.date,
        Some(_) => return Err(argument_error(format!("`date` of {} must hold a date", kind.name()))),
        None => None,
    };
    let (time, zone) = match part("time")? {
        Some(base) if base.time.is_some() => (base.time, base.zone),
        Some(_) => return Err(argument_error(format!("`time` of {} must hold a time", kind.name()))),
        None => (None, None),
    };
    Ok(Base { date, time, zone })
}

fn integer(map: &Map, field: &str) -> Result<Option<i64>, Status> {
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
