//! The proleptic Gregorian calendar as arithmetic on days since 1970-01-01.
//!
//! Cypher's years reach from -999,999,999 to 999,999,999, further than calendar libraries go; zones come from one.

/// The least year that Cypher knows.
pub const YEAR_MIN: i64 = -999_999_999;
/// The greatest year that Cypher knows.
pub const YEAR_MAX: i64 = 999_999_999;

/// A year, month and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CivilDate {
    /// Astronomical year; 0 is 1 BC.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

/// Whether `year` has 366 days.
pub fn is_leap_year(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// The number of days in a month (1 to 12) of a year.
pub fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. The date must be valid; the year may be any that keeps the result within `i64`.
pub fn days_from_civil(date: CivilDate) -> i64 {
    // Years are counted from March, so that the leap day is the last of its year.
    let shifted_month = (i64::from(date.month) + 9).rem_euclid(12);
    let shifted_year = if date.month <= 2 { date.year - 1 } else { date.year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(date.day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date that lies `days` after 1970-01-01.
pub fn civil_from_days(days: i64) -> CivilDate {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    CivilDate {
        year,
        month: u32::try_from(month).unwrap_or(1),
        day: u32::try_from(day).unwrap_or(1),
    }
}

/// The day of the week, Monday is 1 and Sunday 7.
pub fn day_of_week(days: i64) -> u32 {
    u32::try_from((days + 3).rem_euclid(7) + 1).unwrap_or(1)
}

/// The day of the year, 1 to 366.
pub fn day_of_year(days: i64) -> u32 {
    let date = civil_from_days(days);
    let first = days_from_civil(CivilDate {
        year: date.year,
        month: 1,
        day: 1,
    });
    u32::try_from(days - first + 1).unwrap_or(1)
}

/// The ISO 8601 week-based year and week (1 to 53).
pub fn iso_week(days: i64) -> (i64, u32) {
    // The week belongs to the year that holds its Thursday.
    let thursday = days - i64::from(day_of_week(days)) + 4;
    let year = civil_from_days(thursday).year;
    let first = days_from_civil(CivilDate { year, month: 1, day: 1 });
    (year, u32::try_from((thursday - first) / 7 + 1).unwrap_or(1))
}

/// The Monday of the first ISO week of `year`, as days since 1970-01-01.
pub fn iso_year_start(year: i64) -> i64 {
    let fourth = days_from_civil(CivilDate { year, month: 1, day: 4 });
    fourth - i64::from(day_of_week(fourth)) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn knows_some_days() {
        assert_eq!(
            days_from_civil(CivilDate {
                year: 1970,
                month: 1,
                day: 1
            }),
            0
        );
        assert_eq!(
            days_from_civil(CivilDate {
                year: 2000,
                month: 3,
                day: 1
            }),
            11_017
        );
        assert_eq!(
            civil_from_days(-1),
            CivilDate {
                year: 1969,
                month: 12,
                day: 31
            }
        );
        assert_eq!(day_of_week(0), 4);
        assert_eq!(
            iso_week(days_from_civil(CivilDate {
                year: 2021,
                month: 1,
                day: 3
            })),
            (2020, 53)
        );
    }

    proptest! {
        #[test]
        fn days_and_dates_are_inverse(days in -365_000_000_000i64..365_000_000_000) {
            let date = civil_from_days(days);
            prop_assert_eq!(days_from_civil(date), days);
            prop_assert!(date.day <= days_in_month(date.year, date.month));
        }

        #[test]
        fn a_week_starts_within_its_iso_year(days in -1_000_000i64..1_000_000) {
            let (year, week) = iso_week(days);
            let monday = iso_year_start(year) + i64::from(week - 1) * 7;
            prop_assert!(monday <= days && days < monday + 7);
        }
    }
}
