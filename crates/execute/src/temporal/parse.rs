//! ISO 8601 dates and times as Cypher reads them: extended and basic, calendar, week, quarter and ordinal.

use bastide_model::calendar::{
    CivilDate, YEAR_MAX, days_from_civil, days_in_month, is_leap_year, iso_week, iso_year_start,
};
use bastide_model::{Date, LocalDateTime, LocalTime};

use super::zone::parse_offset;
use super::{NANOSECONDS_PER_SECOND, SECONDS_PER_DAY};

/// What follows the time: an offset, a zone name, both or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WrittenZone<'a> {
    pub(super) offset_seconds: Option<i32>,
    pub(super) name: Option<&'a str>,
}

/// Reads a date.
pub(super) fn date(text: &str) -> Option<Date> {
    let signed = text.starts_with(['+', '-']);
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let run = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = rest.split_at_checked(run)?;
    if signed {
        if !(1..=9).contains(&digits.len()) {
            return None;
        }
        let year = sign * digits.parse::<i64>().ok()?;
        return date_after_year(year, rest);
    }
    let (year, month_and_day) = digits.split_at_checked(4)?;
    let year = year.parse::<i64>().ok()?;
    match (month_and_day.len(), rest) {
        (0, _) => date_after_year(year, rest),
        (2, "") => calendar_date(year, month_and_day.parse().ok()?, 1),
        (3, "") => ordinal_date(year, month_and_day.parse().ok()?),
        (4, "") => {
            let (month, day) = month_and_day.split_at_checked(2)?;
            calendar_date(year, month.parse().ok()?, day.parse().ok()?)
        }
        _ => None,
    }
}

fn date_after_year(year: i64, rest: &str) -> Option<Date> {
    if rest.is_empty() {
        return calendar_date(year, 1, 1);
    }
    let extended = rest.starts_with('-');
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    if let Some(week) = rest.strip_prefix('W') {
        let (week, day) = part(week, 2, extended, 1)?;
        return week_date(year, week, day.unwrap_or(1));
    }
    if let Some(quarter) = rest.strip_prefix('Q') {
        let (quarter, day) = part(quarter, 1, extended, 2)?;
        return quarter_date(year, quarter, day.unwrap_or(1));
    }
    if !extended {
        return None;
    }
    if rest.len() == 3 {
        return ordinal_date(year, number(rest)?);
    }
    let (month, day) = part(rest, 2, true, 2)?;
    calendar_date(year, month, day.unwrap_or(1))
}

/// A number of `width` digits, and after it perhaps another of `second_width`, parted by `-` in the extended form.
fn part(text: &str, width: usize, extended: bool, second_width: usize) -> Option<(u32, Option<u32>)> {
    let (first, rest) = text.split_at_checked(width)?;
    let first = number(first)?;
    if rest.is_empty() {
        return Some((first, None));
    }
    let second = if extended { rest.strip_prefix('-')? } else { rest };
    (second.len() == second_width)
        .then(|| number(second))
        .flatten()
        .map(|second| (first, Some(second)))
}

fn number(text: &str) -> Option<u32> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

pub(super) fn calendar_date(year: i64, month: u32, day: u32) -> Option<Date> {
    let valid = (-YEAR_MAX..=YEAR_MAX).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day);
    valid.then(|| Date {
        epoch_days: days_from_civil(CivilDate { year, month, day }),
    })
}

pub(super) fn ordinal_date(year: i64, day: u32) -> Option<Date> {
    let last = if is_leap_year(year) { 366 } else { 365 };
    if !(1..=last).contains(&day) {
        return None;
    }
    let first = calendar_date(year, 1, 1)?;
    Some(Date {
        epoch_days: first.epoch_days + i64::from(day) - 1,
    })
}

pub(super) fn week_date(year: i64, week: u32, day: u32) -> Option<Date> {
    if !(-YEAR_MAX..=YEAR_MAX).contains(&year) || !(1..=53).contains(&week) || !(1..=7).contains(&day) {
        return None;
    }
    let monday = iso_year_start(year) + i64::from(week - 1) * 7;
    // Most years have no 53rd week.
    (iso_week(monday) == (year, week)).then_some(Date {
        epoch_days: monday + i64::from(day) - 1,
    })
}

pub(super) fn quarter_date(year: i64, quarter: u32, day: u32) -> Option<Date> {
    if !(1..=4).contains(&quarter) {
        return None;
    }
    let first = calendar_date(year, quarter * 3 - 2, 1)?;
    let next = if quarter == 4 {
        calendar_date(year, 12, 31)?.epoch_days + 1
    } else {
        calendar_date(year, quarter * 3 + 1, 1)?.epoch_days
    };
    let epoch_days = first.epoch_days + i64::from(day) - 1;
    (day >= 1 && epoch_days < next).then_some(Date { epoch_days })
}

/// Reads a time of day, `HH[:MM[:SS[.f]]]` or `HH[MM[SS[.f]]]`.
pub(super) fn time(text: &str) -> Option<LocalTime> {
    let (whole, fraction) = match text.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let parts: Vec<&str> = if whole.contains(':') {
        whole.split(':').collect()
    } else {
        whole
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).ok())
            .collect::<Option<_>>()?
    };
    if parts.len() > 3 || parts.iter().any(|part| part.len() != 2) {
        return None;
    }
    let mut parts = parts.into_iter().map(number);
    let hour = parts.next()??;
    let minute = parts.next().unwrap_or(Some(0))?;
    let second = parts.next();
    let fraction = match fraction {
        Some(digits) if second.is_some() => fraction_nanoseconds(digits)?,
        Some(_) => return None,
        None => 0,
    };
    let second = second.unwrap_or(Some(0))?;
    let valid = hour < 24 && minute < 60 && second < 60;
    valid.then(|| LocalTime {
        nanoseconds: i64::from(hour * 3600 + minute * 60 + second) * NANOSECONDS_PER_SECOND + fraction,
    })
}

fn fraction_nanoseconds(digits: &str) -> Option<i64> {
    if digits.len() > 9 {
        return None;
    }
    let value = i64::from(number(digits)?);
    let scale = 10i64.checked_pow(9 - u32::try_from(digits.len()).ok()?)?;
    Some(value * scale)
}

/// Reads a date, and after `T` a time; midnight without it.
pub(super) fn local_date_time(text: &str) -> Option<LocalDateTime> {
    let (date_text, time_text) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let date = date(date_text)?;
    let time = match time_text {
        Some(time_text) => time(time_text)?,
        None => LocalTime { nanoseconds: 0 },
    };
    Some(joined(date, time))
}

pub(super) fn joined(date: Date, time: LocalTime) -> LocalDateTime {
    LocalDateTime {
        epoch_seconds: date.epoch_days * SECONDS_PER_DAY + time.nanoseconds / NANOSECONDS_PER_SECOND,
        nanoseconds: u32::try_from(time.nanoseconds % NANOSECONDS_PER_SECOND).unwrap_or(0),
    }
}

/// Parts the zone from a time, or from a date and time.
pub(super) fn split_zone(text: &str) -> Option<(&str, WrittenZone<'_>)> {
    let mut zone = WrittenZone::default();
    let mut rest = text;
    if let Some(bracketed) = text.strip_suffix(']') {
        let (before, name) = bracketed.split_once('[')?;
        zone.name = Some(name);
        rest = before;
    }
    // A sign before the `T` belongs to the date.
    let clock_start = rest.find('T').map_or(0, |place| place + 1);
    let clock = rest.get(clock_start..)?;
    let Some(place) = clock.find(['Z', 'z', '+', '-']) else {
        return Some((rest, zone));
    };
    let at = clock_start + place;
    zone.offset_seconds = Some(parse_offset(rest.get(at..)?)?);
    Some((rest.get(..at)?, zone))
}
