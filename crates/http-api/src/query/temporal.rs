//! Temporal values from the texts that typed JSON has for them: ISO 8601, extended form, as answers are written.

use bastide_model::calendar::{CivilDate, YEAR_MAX, days_from_civil, days_in_month};
use bastide_model::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time, Zone};
use jiff::Timestamp;
use jiff::tz::TimeZone;

const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// The largest offset from UTC, in seconds.
const OFFSET_SECONDS_MAX: i32 = 18 * 3600;
/// A first guess finds the day, the next one the offset that holds then.
const OFFSET_GUESSES: usize = 2;

/// `2015-03-26`; years beyond four digits have a sign.
pub(crate) fn date(text: &str) -> Option<Date> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("-", rest) => (-1, rest),
        ("+", rest) => (1, rest),
        _ => (1, text),
    };
    let mut parts = rest.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let has_sign = rest.len() < text.len();
    let is_complete = parts.next().is_none() && month.len() == 2 && day.len() == 2;
    if !is_complete || !(year.len() == 4 || has_sign && (5..=9).contains(&year.len())) {
        return None;
    }
    let year = sign * i64::from(digits(year)?);
    let (month, day) = (digits(month)?, digits(day)?);
    let is_valid =
        year.abs() <= YEAR_MAX && (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    is_valid.then(|| Date {
        epoch_days: days_from_civil(CivilDate { year, month, day }),
    })
}

/// `12:50[:35[.556]]`.
pub(crate) fn local_time(text: &str) -> Option<LocalTime> {
    let mut parts = text.split(':');
    let (hour, minute) = (two_digits(parts.next()?)?, two_digits(parts.next()?)?);
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(text) => match text.split_once('.') {
            None => (two_digits(text)?, 0),
            Some((second, fraction)) => (two_digits(second)?, fraction_nanoseconds(fraction)?),
        },
    };
    let is_valid = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    is_valid.then(|| LocalTime {
        nanoseconds: i64::from(hour * 3600 + minute * 60 + second) * NANOSECONDS_PER_SECOND + fraction,
    })
}

/// `12:50:35.556+01:00`.
pub(crate) fn time(text: &str) -> Option<Time> {
    let (clock, offset_seconds) = split_offset(text)?;
    Some(Time {
        nanoseconds: local_time(clock)?.nanoseconds,
        offset_seconds,
    })
}

/// `2015-07-04T19:32:24`.
pub(crate) fn local_date_time(text: &str) -> Option<LocalDateTime> {
    let (day, clock) = text.split_once('T')?;
    let (day, clock) = (date(day)?, local_time(clock)?);
    Some(LocalDateTime {
        epoch_seconds: day.epoch_days * SECONDS_PER_DAY + clock.nanoseconds / NANOSECONDS_PER_SECOND,
        nanoseconds: u32::try_from(clock.nanoseconds % NANOSECONDS_PER_SECOND).ok()?,
    })
}

/// `2015-11-21T21:40:32.142+01:00`.
pub(crate) fn offset_date_time(text: &str) -> Option<DateTime> {
    let (local, offset_seconds) = split_local_and_offset(text)?;
    Some(DateTime {
        epoch_seconds: local.epoch_seconds - i64::from(offset_seconds),
        nanoseconds: local.nanoseconds,
        zone: Zone::Offset(offset_seconds),
    })
}

/// `2015-11-21T21:40:32.142+01:00[Europe/Berlin]`, or without the offset. An offset that the zone does not have at that time is
/// refused.
pub(crate) fn zoned_date_time(text: &str) -> Option<DateTime> {
    let (before, name) = text.strip_suffix(']')?.split_once('[')?;
    let zone = TimeZone::get(name).ok()?;
    let name = zone.iana_name().unwrap_or(name).into();
    let (local, written) = match split_local_and_offset(before) {
        Some((local, offset)) => (local, Some(offset)),
        None => (local_date_time(before)?, None),
    };
    let offset_at = |epoch_seconds| {
        let instant = Timestamp::from_second(epoch_seconds).ok()?;
        Some(zone.to_offset(instant).seconds())
    };
    let mut offset_seconds = written.unwrap_or(0);
    // The clock time is kept: the offset that holds at the instant so found is tried in its place.
    for _ in 0..OFFSET_GUESSES {
        offset_seconds = offset_at(local.epoch_seconds - i64::from(offset_seconds))?;
    }
    let epoch_seconds = local.epoch_seconds - i64::from(offset_seconds);
    let offset_seconds = offset_at(epoch_seconds)?;
    written
        .is_none_or(|written| written == offset_seconds)
        .then_some(DateTime {
            epoch_seconds,
            nanoseconds: local.nanoseconds,
            zone: Zone::Named { name, offset_seconds },
        })
}

/// `P1Y2M3W4DT5H6M7.8S`; each part may be negative, and so may the whole.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let rest = rest.strip_prefix('P')?;
    let (days_text, clock_text) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((days, clock)) => (days, clock),
        None if rest.is_empty() => return None,
        None => (rest, ""),
    };
    let (mut months, mut days, mut nanoseconds) = (0_i64, 0_i64, 0_i128);
    units(days_text, "YMWD", |unit, whole, fraction| {
        let total = match unit {
            _ if fraction != 0 => return None,
            'Y' => return add(&mut months, whole.checked_mul(12)?),
            'M' => return add(&mut months, whole),
            'W' => whole.checked_mul(7)?,
            _ => whole,
        };
        add(&mut days, total)
    })?;
    units(clock_text, "HMS", |unit, whole, fraction| {
        let seconds = match unit {
            'S' => i128::from(whole),
            _ if fraction != 0 => return None,
            'H' => i128::from(whole) * 3600,
            _ => i128::from(whole) * 60,
        };
        nanoseconds += seconds * i128::from(NANOSECONDS_PER_SECOND) + i128::from(fraction);
        Some(())
    })?;
    nanoseconds *= i128::from(sign);
    Some(Duration {
        months: months.checked_mul(sign)?,
        days: days.checked_mul(sign)?,
        seconds: i64::try_from(nanoseconds.div_euclid(i128::from(NANOSECONDS_PER_SECOND))).ok()?,
        nanoseconds: i32::try_from(nanoseconds.rem_euclid(i128::from(NANOSECONDS_PER_SECOND))).ok()?,
    })
}

fn add(total: &mut i64, amount: i64) -> Option<()> {
    *total = total.checked_add(amount)?;
    Some(())
}

/// Reads amounts with their units, which come in order and each at most once. A fraction has the sign of its amount.
fn units(text: &str, order: &str, mut add: impl FnMut(char, i64, i64) -> Option<()>) -> Option<()> {
    let mut rest = text;
    let mut order = order.chars();
    while !rest.is_empty() {
        let end = rest.find(|character: char| character.is_ascii_alphabetic())?;
        let (amount, after) = rest.split_at_checked(end)?;
        let unit = after.chars().next()?;
        order.find(|known| *known == unit)?;
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
        let fraction = match fraction {
            "" if whole.len() == amount.len() => 0,
            digits => fraction_nanoseconds(digits)?,
        };
        let is_negative = whole.starts_with('-');
        add(
            unit,
            whole.parse().ok()?,
            if is_negative { -fraction } else { fraction },
        )?;
        rest = after.strip_prefix(unit)?;
    }
    Some(())
}

fn split_local_and_offset(text: &str) -> Option<(LocalDateTime, i32)> {
    let (day, clock) = text.split_once('T')?;
    let (clock_text, offset) = split_offset(clock)?;
    let whole = text.get(..day.len() + 1 + clock_text.len())?;
    Some((local_date_time(whole)?, offset))
}

/// Parts `Z` or `±HH:MM[:SS]` from a time.
fn split_offset(text: &str) -> Option<(&str, i32)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let (clock, offset) = text.split_at_checked(text.find(['+', '-'])?)?;
    let (sign, offset) = match offset.split_at_checked(1)? {
        ("-", offset) => (-1, offset),
        (_, offset) => (1, offset),
    };
    let mut parts = offset.split(':').map(two_digits);
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    let total = i32::try_from(hours * 3600 + minutes * 60 + seconds).ok()?;
    let is_valid = parts.next().is_none() && minutes < 60 && seconds < 60 && total <= OFFSET_SECONDS_MAX;
    is_valid.then_some((clock, sign * total))
}

fn fraction_nanoseconds(text: &str) -> Option<i64> {
    if text.len() > 9 {
        return None;
    }
    let scale = 10_i64.checked_pow(9 - u32::try_from(text.len()).ok()?)?;
    Some(i64::from(digits(text)?) * scale)
}

fn two_digits(text: &str) -> Option<u32> {
    digits(text).filter(|_| text.len() == 2)
}

fn digits(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}
