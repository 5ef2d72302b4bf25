//! Temporal values as ISO 8601 text.

use std::fmt::Write;

use bastide_model::calendar::civil_from_days;
use bastide_model::{Date, Duration, LocalDateTime, LocalTime, Value, Zone};

use super::NANOSECONDS_PER_SECOND;

/// The text of a temporal value; `None` for any other.
pub(crate) fn temporal_text(value: &Value) -> Option<String> {
    let mut text = String::with_capacity(40);
    match value {
        Value::Date(date) => write_date(&mut text, *date),
        Value::LocalTime(time) => write_time(&mut text, *time),
        Value::Time(time) => {
            write_time(
                &mut text,
                LocalTime {
                    nanoseconds: time.nanoseconds,
                },
            );
            write_offset(&mut text, time.offset_seconds);
        }
        Value::LocalDateTime(local) => write_local(&mut text, *local),
        Value::DateTime(instant) => {
            write_local(&mut text, instant.local());
            write_offset(&mut text, instant.zone.offset_seconds());
            if let Zone::Named { name, .. } = &instant.zone {
                text.push('[');
                text.push_str(name);
                text.push(']');
            }
        }
        Value::Duration(duration) => write_duration(&mut text, duration),
        _ => return None,
    }
    Some(text)
}

// Writing to a string cannot fail, so that the results of `write!` are of no interest here.

fn write_date(text: &mut String, date: Date) {
    let civil = civil_from_days(date.epoch_days);
    let sign = match civil.year {
        10_000.. => "+",
        ..0 => "-",
        _ => "",
    };
    let _ = write!(
        text,
        "{sign}{:04}-{:02}-{:02}",
        civil.year.unsigned_abs(),
        civil.month,
        civil.day
    );
}

fn write_time(text: &mut String, time: LocalTime) {
    let seconds = time.nanoseconds / NANOSECONDS_PER_SECOND;
    let fraction = time.nanoseconds % NANOSECONDS_PER_SECOND;
    let _ = write!(text, "{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    if seconds % 60 == 0 && fraction == 0 {
        return;
    }
    let _ = write!(text, ":{:02}", seconds % 60);
    let _ = match fraction {
        0 => Ok(()),
        _ if fraction % 1_000_000 == 0 => write!(text, ".{:03}", fraction / 1_000_000),
        _ if fraction % 1_000 == 0 => write!(text, ".{:06}", fraction / 1_000),
        _ => write!(text, ".{fraction:09}"),
    };
}

fn write_local(text: &mut String, local: LocalDateTime) {
    write_date(text, local.date());
    text.push('T');
    write_time(text, local.time());
}

fn write_offset(text: &mut String, offset_seconds: i32) {
    text.push_str(&offset_text(offset_seconds));
}

/// An offset as `Z`, `+01:00` or `+00:53:28`.
pub(super) fn offset_text(offset_seconds: i32) -> String {
    if offset_seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if offset_seconds < 0 { '-' } else { '+' };
    let seconds = offset_seconds.unsigned_abs();
    let mut text = format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    if !seconds.is_multiple_of(60) {
        let _ = write!(text, ":{:02}", seconds % 60);
    }
    text
}

fn write_duration(text: &mut String, duration: &Duration) {
    text.push('P');
    let nanoseconds =
        i128::from(duration.seconds) * i128::from(NANOSECONDS_PER_SECOND) + i128::from(duration.nanoseconds);
    let mut unit = |amount: i64, name: char| {
        if amount != 0 {
            let _ = write!(text, "{amount}{name}");
        }
    };
    unit(duration.months / 12, 'Y');
    unit(duration.months % 12, 'M');
    unit(duration.days, 'D');
    if nanoseconds != 0 {
        text.push('T');
        write_time_amount(text, nanoseconds);
    } else if text.len() == 1 {
        text.push_str("T0S");
    }
}

fn write_time_amount(text: &mut String, nanoseconds: i128) {
    const SECOND: i128 = NANOSECONDS_PER_SECOND as i128;
    let hours = nanoseconds / (3600 * SECOND);
    let minutes = nanoseconds / (60 * SECOND) % 60;
    let rest = nanoseconds % (60 * SECOND);
    if hours != 0 {
        let _ = write!(text, "{hours}H");
    }
    if minutes != 0 {
        let _ = write!(text, "{minutes}M");
    }
    if rest != 0 {
        let sign = if rest < 0 { "-" } else { "" };
        let _ = write!(text, "{sign}{}", (rest / SECOND).unsigned_abs());
        let fraction = (rest % SECOND).unsigned_abs();
        if fraction != 0 {
            let digits = format!("{fraction:09}");
            let _ = write!(text, ".{}", digits.trim_end_matches('0'));
        }
        text.push('S');
    }
}
