//! Temporal values from maps, texts, other temporal values and the clock.

use std::sync::Arc;

use bastide_model::{Date, LocalTime, Map, Time, Value, Zone};
use bastide_status::Status;

use super::arithmetic::within_years;
use super::fields::{DATE_FIELDS, TIME_FIELDS, date, fraction, integer, time};
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
