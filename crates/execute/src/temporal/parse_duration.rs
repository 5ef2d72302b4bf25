//! Durations as ISO 8601 text: by units, `P12Y5M14DT16H12M70S`, or in the form of a date and time, `P2012-02-02T14:37:21.545`.

use bastide_model::{Duration, Value};
use bastide_status::Status;
use std::sync::Arc;

use super::duration::{Amount, Parts};
use super::parse;
use crate::evaluate::argument_error;

/// Reads a duration.
pub(crate) fn parse(text: &str) -> Result<Value, Status> {
    let parts = read(text).ok_or_else(|| argument_error(format!("`{text}` cannot be read as a duration")))?;
    parts
        .finish()
        .map(|duration: Duration| Value::Duration(Arc::new(duration)))
}

fn read(text: &str) -> Option<Parts> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let rest = rest.strip_prefix('P')?;
    let mut parts = date_form(rest).or_else(|| unit_form(rest))?;
    if negative {
        parts.negate();
    }
    Some(parts)
}

fn unit_form(text: &str) -> Option<Parts> {
    let (date, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let mut parts = Parts::default();
    read_units(
        date,
        &['Y', 'M', 'W', 'D'],
        &mut parts,
        |parts, unit, amount| match unit {
            'Y' => parts.add_months(amount, 12),
            'M' => parts.add_months(amount, 1),
            'W' => parts.add_days(amount, 7),
            _ => parts.add_days(amount, 1),
        },
    )?;
    read_units(time, &['H', 'M', 'S'], &mut parts, |parts, unit, amount| match unit {
        'H' => parts.add_seconds(amount, 3600),
        'M' => parts.add_seconds(amount, 60),
        _ => parts.add_seconds(amount, 1),
    })?;
    Some(parts)
}

/// Reads amounts with their units, which come in order and each at most once.
fn read_units(text: &str, units: &[char], parts: &mut Parts, add: impl Fn(&mut Parts, char, Amount)) -> Option<()> {
    let mut rest = text;
    let mut units = units.iter();
    while !rest.is_empty() {
        let end = rest.find(|character: char| !matches!(character, '0'..='9' | '+' | '-' | '.' | ','))?;
        let (amount, after) = rest.split_at_checked(end)?;
        let unit = after.chars().next()?;
        units.find(|known| **known == unit)?;
        add(parts, unit, Amount::parse(amount)?);
        rest = after.strip_prefix(unit)?;
    }
    Some(())
}

/// `2012-02-02T14:37:21.545`: as many years, months, days, hours and so on.
fn date_form(text: &str) -> Option<Parts> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let fields: Vec<&str> = date.split('-').collect();
    let [year, month, day] = fields.as_slice() else {
        return None;
    };
    if year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    let mut parts = Parts::default();
    parts.add_months(Amount::parse(year)?, 12);
    parts.add_months(Amount::parse(month)?, 1);
    parts.add_days(Amount::parse(day)?, 1);
    if let Some(time) = time {
        parts.add_nanoseconds(Amount::whole(parse::time(time)?.nanoseconds));
    }
    Some(parts)
}
