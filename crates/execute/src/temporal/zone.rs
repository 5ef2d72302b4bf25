//! Zones: offsets as written, named ones from the bundled IANA database.

use std::sync::{Arc, LazyLock};

use bastide_model::calendar::{CivilDate, civil_from_days, days_from_civil};
use bastide_model::{DateTime, LocalDateTime, Zone};
use bastide_status::Status;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use super::SECONDS_PER_DAY;
use crate::evaluate::argument_error;

/// The largest offset from UTC, in seconds.
const OFFSET_SECONDS_MAX: i32 = 18 * 3600;
/// Within these years the database is asked as it is; beyond them its rules repeat every 400 years.
const DATABASE_YEARS: std::ops::RangeInclusive<i64> = -9_000..=9_900;

/// Bundled, not the machine's: the same query must answer the same everywhere.
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A zone that can be asked for its offset.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    Offset(i32),
    Named { name: Arc<str>, zone: TimeZone },
}

impl Rule {
    /// Reads `Z`, an offset or an IANA name.
    pub(super) fn parse(text: &str) -> Result<Self, Status> {
        if let Some(offset) = parse_offset(text) {
            return Ok(Self::Offset(offset));
        }
        // The manual's examples write spaces for underscores.
        let zone = DATABASE
            .get(text)
            .or_else(|_| DATABASE.get(&text.replace(' ', "_")))
            .map_err(|_| argument_error(format!("unknown time zone `{text}`")))?;
        Ok(Self::Named {
            name: zone.iana_name().unwrap_or(text).into(),
            zone,
        })
    }

    /// The rule behind the zone of a value.
    pub(super) fn of(zone: &Zone) -> Self {
        match zone {
            Zone::Offset(offset) => Self::Offset(*offset),
            Zone::Named { name, offset_seconds } => match DATABASE.get(name) {
                Ok(zone) => Self::Named {
                    name: Arc::clone(name),
                    zone,
                },
                // A name this build does not know keeps the offset it came with.
                Err(_) => Self::Offset(*offset_seconds),
            },
        }
    }

    /// The offset at an instant, in seconds east of UTC.
    pub(super) fn offset_at(&self, epoch_seconds: i64) -> i32 {
        match self {
            Self::Offset(offset) => *offset,
            Self::Named { zone, .. } => {
                let shift = shift_into_database(epoch_seconds.div_euclid(SECONDS_PER_DAY));
                let seconds = epoch_seconds - shift * SECONDS_PER_DAY;
                jiff::Timestamp::from_second(seconds).map_or(0, |instant| zone.to_offset(instant).seconds())
            }
        }
    }

    /// The instant with this rule's zone.
    pub(super) fn at_instant(&self, epoch_seconds: i64, nanoseconds: u32) -> DateTime {
        DateTime {
            epoch_seconds,
            nanoseconds,
            zone: match self {
                Self::Offset(offset) => Zone::Offset(*offset),
                Self::Named { name, .. } => Zone::Named {
                    name: Arc::clone(name),
                    offset_seconds: self.offset_at(epoch_seconds),
                },
            },
        }
    }

    /// The instant at which the zone's clock shows `local`. In a gap the clock is put forward; where the clock shows it
    /// twice, `preferred` decides, else the first counts.
    pub(super) fn at_local(&self, local: LocalDateTime, preferred: Option<i32>) -> DateTime {
        let offset = match self {
            Self::Offset(offset) => *offset,
            Self::Named { zone, .. } => local_offset(zone, local, preferred),
        };
        self.at_instant(local.epoch_seconds.saturating_sub(i64::from(offset)), local.nanoseconds)
    }
}

fn local_offset(zone: &TimeZone, local: LocalDateTime, preferred: Option<i32>) -> i32 {
    let Some(clock) = civil_time(local) else { return 0 };
    match zone.to_ambiguous_timestamp(clock).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
        AmbiguousOffset::Gap { before, .. } => before.seconds(),
        AmbiguousOffset::Fold { before, after } => match preferred {
            Some(preferred) if preferred == after.seconds() => preferred,
            _ => before.seconds(),
        },
    }
}

fn civil_time(local: LocalDateTime) -> Option<civil::DateTime> {
    let days = local.epoch_seconds.div_euclid(SECONDS_PER_DAY);
    let date = civil_from_days(days - shift_into_database(days));
    let second = local.epoch_seconds.rem_euclid(SECONDS_PER_DAY);
    civil::DateTime::new(
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
        i8::try_from(second / 3600).ok()?,
        i8::try_from(second / 60 % 60).ok()?,
        i8::try_from(second % 60).ok()?,
        0,
    )
    .ok()
}

/// How many days to take off so that the year lies within the database; a multiple of 400 years, after which weekdays repeat.
fn shift_into_database(days: i64) -> i64 {
    let year = civil_from_days(days).year;
    if DATABASE_YEARS.contains(&year) {
        return 0;
    }
    let within = if year > 0 { 9_200 } else { -8_800 } + year.rem_euclid(400);
    let first = |year| days_from_civil(CivilDate { year, month: 1, day: 1 });
    first(year) - first(within)
}

/// Reads `Z`, `±HH`, `±HHMM`, `±HH:MM`, `±HHMMSS` or `±HH:MM:SS` as seconds east of UTC.
pub(super) fn parse_offset(text: &str) -> Option<i32> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let parts: Vec<i32> = if digits.contains(':') {
        digits.split(':').map(two_digits).collect::<Option<_>>()?
    } else {
        if digits.len() > 6 || digits.len() % 2 != 0 {
            return None;
        }
        digits
            .as_bytes()
            .chunks(2)
            .map(|pair| two_digits(std::str::from_utf8(pair).ok()?))
            .collect::<Option<_>>()?
    };
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours] => (*hours, 0, 0),
        [hours, minutes] => (*hours, *minutes, 0),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    let total = hours * 3600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && total <= OFFSET_SECONDS_MAX).then_some(sign * total)
}

fn two_digits(text: &str) -> Option<i32> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}
