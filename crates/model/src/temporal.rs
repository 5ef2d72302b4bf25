//! The six temporal values, as plain numbers.
//!
//! Only the representation lives here; parsing, arithmetic and truncation are functions of the query engine.
//! INVARIANT: nanoseconds of a second lie in 0..1_000_000_000 and nanoseconds of a day in 0..86_400_000_000_000.

use std::sync::Arc;

/// A calendar day: days since 1970-01-01 in the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Days since 1970-01-01.
    pub epoch_days: i64,
}

/// A time of day without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime {
    /// Nanoseconds since midnight.
    pub nanoseconds: i64,
}

/// A time of day at an offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    /// Nanoseconds since local midnight.
    pub nanoseconds: i64,
    /// Seconds east of UTC.
    pub offset_seconds: i32,
}

/// A date and a time of day without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDateTime {
    /// Seconds since 1970-01-01T00:00 on the local clock.
    pub epoch_seconds: i64,
    /// Nanoseconds of the second.
    pub nanoseconds: u32,
}

/// A zone of a [`DateTime`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Zone {
    /// Seconds east of UTC.
    Offset(i32),
    /// An IANA zone and its offset, seconds east of UTC, at that instant.
    Named {
        /// The IANA name, such as `Europe/Stockholm`.
        name: Arc<str>,
        /// Seconds east of UTC at the instant.
        offset_seconds: i32,
    },
}

impl Zone {
    /// Seconds east of UTC.
    pub fn offset_seconds(&self) -> i32 {
        match self {
            Self::Offset(offset) => *offset,
            Self::Named { offset_seconds, .. } => *offset_seconds,
        }
    }
}

/// An instant with the zone it was given in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// Seconds since 1970-01-01T00:00Z.
    pub epoch_seconds: i64,
    /// Nanoseconds of the second.
    pub nanoseconds: u32,
    /// The zone.
    pub zone: Zone,
}

/// An amount of time in four parts that do not convert into one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Duration {
    /// Months; years are twelve of them.
    pub months: i64,
    /// Days; weeks are seven of them.
    pub days: i64,
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds of the second, 0..1_000_000_000 (seconds are rounded towards minus infinity).
    pub nanoseconds: i32,
}

impl Duration {
    /// The average length in seconds and nanoseconds, by which durations are ordered (a month is 2,629,746 s).
    pub fn average_length(&self) -> (i128, i32) {
        let seconds = i128::from(self.months) * 2_629_746 + i128::from(self.days) * 86_400 + i128::from(self.seconds);
        (seconds, self.nanoseconds)
    }
}

impl Time {
    /// Nanoseconds since midnight UTC, which may be negative or above a day; times are ordered by it.
    pub fn utc_nanoseconds(&self) -> i64 {
        self.nanoseconds - i64::from(self.offset_seconds) * 1_000_000_000
    }
}

impl DateTime {
    /// Date and time on the clock of the zone.
    pub fn local(&self) -> LocalDateTime {
        LocalDateTime {
            epoch_seconds: self.epoch_seconds.saturating_add(i64::from(self.zone.offset_seconds())),
            nanoseconds: self.nanoseconds,
        }
    }
}

impl LocalDateTime {
    /// The day.
    pub fn date(&self) -> Date {
        Date {
            epoch_days: self.epoch_seconds.div_euclid(86_400),
        }
    }

    /// The time of day.
    pub fn time(&self) -> LocalTime {
        LocalTime {
            nanoseconds: self.epoch_seconds.rem_euclid(86_400) * 1_000_000_000 + i64::from(self.nanoseconds),
        }
    }
}
