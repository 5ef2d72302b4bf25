//! Temporal values as ISO 8601 text, the way Cypher's `toString` writes them.

use std::fmt::Write;

use bastide_model::calendar::civil_from_days;
use jiff::Timestamp;
use jiff::tz::TimeZone;

const NANOSECONDS_OF_SECOND: i64 = 1_000_000_000;
const SECONDS_OF_DAY: i64 = 86_400;

/// `2024-02-29`; years beyond four digits have a sign.
pub fn date(days: i64, text: &mut String) {
    let date = civil_from_days(days);
    let sign = match date.year {
        ..0 => "-",
        0..=9_999 => "",
        _ => "+",
    };
    let _ = write!(
        text,
        "{sign}{:04}-{:02}-{:02}",
        date.year.unsigned_abs(),
        date.month,
        date.day
    );
}

/// `12:31:14.5`, the fraction as long as needed.
pub fn local_time(nanoseconds_of_day: i64, text: &mut String) {
    let seconds = nanoseconds_of_day.div_euclid(NANOSECONDS_OF_SECOND);
    let _ = write!(
        text,
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    );
    fraction(nanoseconds_of_day.rem_euclid(NANOSECONDS_OF_SECOND), text);
}

/// `Z`, `+02:00` or `-00:30:15`.
pub fn offset(offset_seconds: i32, text: &mut String) {
    if offset_seconds == 0 {
        text.push('Z');
        return;
    }
    let sign = if offset_seconds < 0 { '-' } else { '+' };
    let seconds = offset_seconds.unsigned_abs();
    let _ = write!(text, "{sign}{:02}:{:02}", seconds / 3_600, seconds / 60 % 60);
    if !seconds.is_multiple_of(60) {
        let _ = write!(text, ":{:02}", seconds % 60);
    }
}

/// `2024-02-29T12:31:14.5` from seconds on the same clock.
pub fn local_date_time(seconds: i64, nanoseconds: u32, text: &mut String) {
    date(seconds.div_euclid(SECONDS_OF_DAY), text);
    text.push('T');
    local_time(
        seconds.rem_euclid(SECONDS_OF_DAY) * NANOSECONDS_OF_SECOND + i64::from(nanoseconds),
        text,
    );
}

/// `2024-02-29T12:31:14.5+01:00`.
pub fn date_time(utc_seconds: i64, nanoseconds: u32, offset_seconds: i32, text: &mut String) {
    local_date_time(utc_seconds.saturating_add(i64::from(offset_seconds)), nanoseconds, text);
    offset(offset_seconds, text);
}

/// `2024-02-29T12:31:14.5+01:00[Europe/Paris]`; a zone not known here is shown in UTC.
pub fn zoned_date_time(utc_seconds: i64, nanoseconds: u32, zone: &str, text: &mut String) {
    let offset_seconds = TimeZone::get(zone).ok().map_or(0, |zone| {
        let seconds = utc_seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(seconds).map_or(0, |instant| zone.to_offset(instant).seconds())
    });
    date_time(utc_seconds, nanoseconds, offset_seconds, text);
    let _ = write!(text, "[{zone}]");
}

/// `P1Y2M3DT4H5M6.7S`.
pub fn duration(months: i64, days: i64, seconds: i64, nanoseconds: i64, text: &mut String) {
    let start = text.len();
    text.push('P');
    for (amount, unit) in [(months / 12, 'Y'), (months % 12, 'M'), (days, 'D')] {
        if amount != 0 {
            let _ = write!(text, "{amount}{unit}");
        }
    }
    let total = i128::from(seconds) * i128::from(NANOSECONDS_OF_SECOND) + i128::from(nanoseconds);
    if total != 0 {
        text.push('T');
        let sign = if total < 0 { "-" } else { "" };
        let total = total.unsigned_abs();
        let unit = NANOSECONDS_OF_SECOND.unsigned_abs();
        let (seconds, rest) = (total / u128::from(unit), total % u128::from(unit));
        for (amount, unit) in [(seconds / 3_600, 'H'), (seconds / 60 % 60, 'M')] {
            if amount != 0 {
                let _ = write!(text, "{sign}{amount}{unit}");
            }
        }
        if seconds % 60 != 0 || rest != 0 {
            let _ = write!(text, "{sign}{}", seconds % 60);
            fraction(i64::try_from(rest).unwrap_or(0), text);
            text.push('S');
        }
    }
    if text.len() == start + 1 {
        text.push_str("T0S");
    }
}

fn fraction(nanoseconds: i64, text: &mut String) {
    if nanoseconds != 0 {
        let digits = format!("{nanoseconds:09}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut String)) -> String {
        let mut text = String::new();
        write(&mut text);
        text
    }

    #[test]
    fn dates_are_iso_with_a_sign_beyond_four_digits() {
        assert_eq!(written(|text| date(0, text)), "1970-01-01");
        assert_eq!(written(|text| date(19_782, text)), "2024-02-29");
        assert_eq!(written(|text| date(-719_529, text)), "-0001-12-31");
        assert_eq!(written(|text| date(2_932_897, text)), "+10000-01-01");
    }

    #[test]
    fn times_have_as_many_digits_as_needed() {
        assert_eq!(written(|text| local_time(0, text)), "00:00:00");
        assert_eq!(written(|text| local_time(45_074_645_876_100, text)), "12:31:14.6458761");
        assert_eq!(written(|text| offset(0, text)), "Z");
        assert_eq!(written(|text| offset(7_200, text)), "+02:00");
        assert_eq!(written(|text| offset(-1_815, text)), "-00:30:15");
    }

    #[test]
    fn date_times_show_the_wall_clock_of_their_zone() {
        assert_eq!(written(|text| local_date_time(-1, 0, text)), "1969-12-31T23:59:59");
        assert_eq!(
            written(|text| date_time(0, 5, 3_600, text)),
            "1970-01-01T01:00:00.000000005+01:00"
        );
        assert_eq!(
            written(|text| zoned_date_time(1_593_597_600, 0, "Europe/Stockholm", text)),
            "2020-07-01T12:00:00+02:00[Europe/Stockholm]"
        );
        assert_eq!(
            written(|text| zoned_date_time(0, 0, "Nowhere/At_All", text)),
            "1970-01-01T00:00:00Z[Nowhere/At_All]"
        );
    }

    #[test]
    fn durations_keep_their_parts_apart() {
        assert_eq!(written(|text| duration(0, 0, 0, 0, text)), "PT0S");
        assert_eq!(
            written(|text| duration(14, 3, 14_706, 700_000_000, text)),
            "P1Y2M3DT4H5M6.7S"
        );
        assert_eq!(written(|text| duration(0, 0, -1, 500_000_000, text)), "PT-0.5S");
        assert_eq!(written(|text| duration(-1, 0, -3_600, 0, text)), "P-1MT-1H");
        assert_eq!(written(|text| duration(0, 5, 0, 0, text)), "P5D");
    }
}
