//! `round()`: to the nearest whole number or decimal, in seven ways.

use bastide_model::Value;
use bastide_status::Status;

use super::argument;
use super::mathematics::float;
use crate::evaluate::{EvaluationContext, argument_error, type_error};

/// More decimals than any float has.
const PRECISION_MAX: i64 = 400;

/// `round(value[, precision[, mode]])`.
pub(super) fn round(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let value = float("`round()`", argument(arguments, 0))?;
    let precision = match argument(arguments, 1) {
        _ if arguments.len() < 2 => 0,
        Value::Integer(precision) if (0..=PRECISION_MAX).contains(precision) => *precision,
        Value::Integer(precision) => {
            return Err(argument_error(format!(
                "the precision of `round()` must lie between 0 and {PRECISION_MAX}, but is {precision}"
            )));
        }
        other => return Err(type_error("the precision of `round()`", "an integer", other)),
    };
    if !value.is_finite() {
        return Ok(Value::Float(value));
    }
    let mode = match argument(arguments, 2) {
        // Without a mode and decimals, ties go up, as they always have.
        _ if arguments.len() < 3 && precision == 0 => return Ok(Value::Float((value + 0.5).floor())),
        _ if arguments.len() < 3 => Mode::HalfUp,
        Value::String(name) => {
            Mode::parse(name).ok_or_else(|| argument_error(format!("`round()` has no mode `{name}`")))?
        }
        other => return Err(type_error("the mode of `round()`", "a string", other)),
    };
    Ok(Value::Float(mode.apply(value, usize::try_from(precision).unwrap_or(0))))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
}

impl Mode {
    fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "UP" => Self::Up,
            "DOWN" => Self::Down,
            "CEILING" => Self::Ceiling,
            "FLOOR" => Self::Floor,
            "HALF_UP" => Self::HalfUp,
            "HALF_DOWN" => Self::HalfDown,
            "HALF_EVEN" => Self::HalfEven,
            _ => return None,
        })
    }

    /// Works on the decimal digits that the float is shown with, so that 1.005 is the tie it looks like.
    fn apply(self, value: f64, precision: usize) -> f64 {
        // `Display` of floats never uses an exponent, and leaves out the point of whole numbers.
        let text = value.abs().to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let Some(rest) = fraction.get(precision..).filter(|rest| !rest.is_empty()) else {
            return value;
        };
        let kept = format!("{whole}{}", fraction.get(..precision).unwrap_or_default());
        let tie = rest.trim_end_matches('0') == "5";
        let zero = rest.bytes().all(|digit| digit == b'0');
        let above_half = rest > "5" && !tie;
        let odd = kept.bytes().last().is_some_and(|digit| digit % 2 == 1);
        let negative = value.is_sign_negative();
        let away = !zero
            && match self {
                Self::Up => true,
                Self::Down => false,
                Self::Ceiling => !negative,
                Self::Floor => negative,
                Self::HalfUp => above_half || tie,
                Self::HalfDown => above_half,
                Self::HalfEven => above_half || tie && odd,
            };
        let kept = if away { increment(&kept) } else { kept };
        let point = kept.len().saturating_sub(precision);
        let (whole, fraction) = kept.split_at_checked(point).unwrap_or((&kept, ""));
        let rounded: f64 = format!("{whole}.{fraction}0").parse().unwrap_or(value);
        if negative { -rounded } else { rounded }
    }
}

/// A decimal number plus one in its last place.
fn increment(digits: &str) -> String {
    let mut carried = true;
    let mut reversed: Vec<char> = Vec::with_capacity(digits.len() + 1);
    for digit in digits.chars().rev() {
        let next = match (carried, digit) {
            (false, digit) => digit,
            (true, '9') => '0',
            (true, digit) => {
                carried = false;
                char::from_digit(digit.to_digit(10).unwrap_or(0) + 1, 10).unwrap_or(digit)
            }
        };
        reversed.push(next);
    }
    if carried {
        reversed.push('1');
    }
    reversed.into_iter().rev().collect()
}
