//! Durations from amounts of units, whole or broken. A broken unit is carried into smaller ones: a month is 30.436875 days
//! on average, a day 24 hours.

use std::sync::Arc;

use bastide_model::{Duration, Map, Value};
use bastide_status::Status;

use super::NANOSECONDS_PER_SECOND;
use crate::evaluate::{argument_error, integer_overflow, type_error};

const NANOSECONDS_PER_DAY: i128 = 86_400 * NANOSECONDS_PER_SECOND as i128;
/// The average length of a month: 30.436875 days.
const NANOSECONDS_PER_MONTH: f64 = 2_629_746.0 * 1e9;

/// A number of units: a whole part, and a fraction between -1 and 1 of the same sign.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount {
    whole: i128,
    fraction: f64,
}

impl Amount {
    pub(super) fn whole(amount: i64) -> Self {
        Self {
            whole: i128::from(amount),
            fraction: 0.0,
        }
    }

    pub(super) fn float(amount: f64) -> Self {
        // Conversion saturates; sums that do not fit are refused in the end.
        Self {
            whole: amount.trunc() as i128,
            fraction: amount.fract(),
        }
    }

    /// Reads a decimal number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.replace(',', ".");
        let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
        let valid = digits.starts_with(|first: char| first.is_ascii_digit())
            && digits.ends_with(|last: char| last.is_ascii_digit())
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if !valid {
            return None;
        }
        match text.split_once('.') {
            None => text.parse().ok().map(Self::whole),
            Some((whole, fraction)) => {
                let fraction: f64 = format!("0.{fraction}").parse().ok()?;
                Some(Self {
                    whole: i128::from(whole.parse::<i64>().ok()?),
                    fraction: if text.starts_with('-') { -fraction } else { fraction },
                })
            }
        }
    }

    fn of(unit: &str, value: &Value) -> Result<Self, Status> {
        match value {
            Value::Integer(amount) => Ok(Self::whole(*amount)),
            Value::Float(amount) if amount.is_finite() => Ok(Self::float(*amount)),
            Value::Float(_) => Err(argument_error(format!("`{unit}` of a duration must be finite"))),
            other => Err(type_error(&format!("`{unit}` of a duration"), "a number", other)),
        }
    }

    fn times(self, factor: i64) -> Self {
        let broken = self.fraction * factor as f64;
        Self {
            whole: self
                .whole
                .saturating_mul(i128::from(factor))
                .saturating_add(broken.trunc() as i128),
            fraction: broken.fract(),
        }
    }
}

/// A duration in the making: whole months, days and nanoseconds, and what of them was broken, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    months: i128,
    days: i128,
    /// Broken months and days; whole days of it are carried into `days`.
    broken: i128,
    nanoseconds: i128,
}

impl Parts {
    pub(super) fn add_months(&mut self, amount: Amount, months_per_unit: i64) {
        let amount = amount.times(months_per_unit);
        self.months = self.months.saturating_add(amount.whole);
        self.broken += (amount.fraction * NANOSECONDS_PER_MONTH).round() as i128;
    }

    pub(super) fn add_days(&mut self, amount: Amount, days_per_unit: i64) {
        let amount = amount.times(days_per_unit);
        self.days = self.days.saturating_add(amount.whole);
        self.broken += (amount.fraction * NANOSECONDS_PER_DAY as f64).round() as i128;
    }

    pub(super) fn add_seconds(&mut self, amount: Amount, seconds_per_unit: i64) {
        let amount = amount.times(seconds_per_unit);
        let whole = amount.whole.saturating_mul(i128::from(NANOSECONDS_PER_SECOND));
        let fraction = (amount.fraction * NANOSECONDS_PER_SECOND as f64).round() as i128;
        self.nanoseconds = self.nanoseconds.saturating_add(whole).saturating_add(fraction);
    }

    /// Adds whole nanoseconds; a fraction of one is dropped.
    pub(super) fn add_nanoseconds(&mut self, amount: Amount) {
        self.nanoseconds = self.nanoseconds.saturating_add(amount.whole);
    }

    pub(super) fn negate(&mut self) {
        self.months = self.months.saturating_neg();
        self.days = self.days.saturating_neg();
        self.broken = self.broken.saturating_neg();
        self.nanoseconds = self.nanoseconds.saturating_neg();
    }

    pub(super) fn finish(self) -> Result<Duration, Status> {
        let days = self.days.saturating_add(self.broken / NANOSECONDS_PER_DAY);
        let nanoseconds = self.nanoseconds.saturating_add(self.broken % NANOSECONDS_PER_DAY);
        let second = i128::from(NANOSECONDS_PER_SECOND);
        let built = || {
            Some(Duration {
                months: i64::try_from(self.months).ok()?,
                days: i64::try_from(days).ok()?,
                seconds: i64::try_from(nanoseconds.div_euclid(second)).ok()?,
                nanoseconds: i32::try_from(nanoseconds.rem_euclid(second)).ok()?,
            })
        };
        built().ok_or_else(|| integer_overflow("a duration"))
    }
}

/// `duration({…})`.
pub(crate) fn from_map(map: &Map) -> Result<Value, Status> {
    if map.is_empty() {
        return Err(argument_error("at least one unit must be given to make a duration"));
    }
    let mut parts = Parts::default();
    for (unit, value) in map.iter() {
        if value.is_null() {
            return Ok(Value::Null);
        }
        let amount = Amount::of(unit, value)?;
        match unit.as_ref() {
            "years" => parts.add_months(amount, 12),
            "quarters" => parts.add_months(amount, 3),
            "months" => parts.add_months(amount, 1),
            "weeks" => parts.add_days(amount, 7),
            "days" => parts.add_days(amount, 1),
            "hours" => parts.add_seconds(amount, 3600),
            "minutes" => parts.add_seconds(amount, 60),
            "seconds" => parts.add_seconds(amount, 1),
            "milliseconds" => parts.add_nanoseconds(amount.times(1_000_000)),
            "microseconds" => parts.add_nanoseconds(amount.times(1_000)),
            "nanoseconds" => parts.add_nanoseconds(amount),
            _ => return Err(argument_error(format!("a duration has no unit `{unit}`"))),
        }
    }
    parts.finish().map(|duration| Value::Duration(Arc::new(duration)))
}

/// A duration times a factor, or divided by it.
pub(super) fn scaled(duration: &Duration, factor: &Value, divide: bool) -> Result<Duration, Status> {
    let scale = |amount: i64| match factor {
        Value::Integer(factor) if !divide => Ok(Amount {
            whole: i128::from(amount).saturating_mul(i128::from(*factor)),
            fraction: 0.0,
        }),
        Value::Integer(0) => Err(crate::evaluate::division_by_zero()),
        Value::Integer(divisor) => Ok(Amount {
            whole: i128::from(amount) / i128::from(*divisor),
            fraction: (i128::from(amount) % i128::from(*divisor)) as f64 / *divisor as f64,
        }),
        Value::Float(factor) => {
            let scaled = if divide {
                amount as f64 / factor
            } else {
                amount as f64 * factor
            };
            if scaled.is_finite() {
                Ok(Amount::float(scaled))
            } else {
                Err(argument_error("a duration cannot be infinite"))
            }
        }
        other => Err(type_error("scaling a duration", "a number", other)),
    };
    let mut parts = Parts::default();
    parts.add_months(scale(duration.months)?, 1);
    parts.add_days(scale(duration.days)?, 1);
    parts.add_seconds(scale(duration.seconds)?, 1);
    parts.add_nanoseconds(scale(i64::from(duration.nanoseconds))?);
    parts.finish()
}
