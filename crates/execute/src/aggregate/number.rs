//! `sum`, `avg`, `stdev`, `stdevp`.

use bastide_model::{Duration, Value};
use bastide_plan::expression::Arithmetic;
use bastide_status::Status;

use crate::evaluate::{arithmetic, type_error};

/// `sum(x)`: integers stay integers until a float comes; durations add up among themselves. 0 without values.
#[derive(Debug)]
pub(super) struct Sum(Value);

impl Default for Sum {
    fn default() -> Self {
        Self(Value::Null)
    }
}

impl Sum {
    pub(super) fn add(&mut self, value: &Value) -> Result<(), Status> {
        if !matches!(value, Value::Integer(_) | Value::Float(_) | Value::Duration(_)) {
            return Err(type_error("`sum()`", "numbers or durations", value));
        }
        let sum = std::mem::take(&mut self.0);
        self.0 = match (sum, value) {
            (Value::Null, value) => value.clone(),
            (Value::Duration(_), other @ (Value::Integer(_) | Value::Float(_)))
            | (Value::Integer(_) | Value::Float(_), other @ Value::Duration(_)) => {
                return Err(type_error("`sum()`", "either numbers or durations", other));
            }
            (sum, value) => arithmetic(Arithmetic::Add, sum, value.clone())?,
        };
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Value, Status> {
        Ok(match self.0 {
            Value::Null => Value::Integer(0),
            sum => sum,
        })
    }
}

/// `avg(x)`: a float, or a duration; null without values.
#[derive(Debug, Default)]
pub(super) struct Average {
    count: i64,
    /// Sum of the integers, which no number of rows makes overflow.
    integers: i128,
    /// Sum of the floats, and what rounding has lost of it (Neumaier).
    floats: f64,
    lost: f64,
    durations: Option<Duration>,
}

impl Average {
    pub(super) fn add(&mut self, value: &Value) -> Result<(), Status> {
        match (value, &self.durations) {
            (Value::Integer(integer), None) => self.integers += i128::from(*integer),
            (Value::Float(float), None) => {
                let sum = self.floats + float;
                self.lost += if self.floats.abs() >= float.abs() {
                    (self.floats - sum) + float
                } else {
                    (float - sum) + self.floats
                };
                self.floats = sum;
            }
            (Value::Duration(duration), None) if self.count == 0 => self.durations = Some(**duration),
            (Value::Duration(duration), Some(sum)) => {
                let sum = crate::temporal::arithmetic::sum(sum, duration)?;
                if let Value::Duration(sum) = sum {
                    self.durations = Some(*sum);
                }
            }
            (other, _) => return Err(type_error("`avg()`", "either numbers or durations", other)),
        }
        self.count += 1;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Value, Status> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        if let Some(sum) = self.durations {
            return arithmetic(
                Arithmetic::Divide,
                Value::Duration(std::sync::Arc::new(sum)),
                Value::Integer(self.count),
            );
        }
        // Infinities make the correction meaningless.
        let lost = if self.floats.is_finite() { self.lost } else { 0.0 };
        Ok(Value::Float(
            (self.integers as f64 + self.floats + lost) / self.count as f64,
        ))
    }
}

/// `stdev(x)` and `stdevp(x)`, by Welford's method.
#[derive(Debug)]
pub(super) struct Deviation {
    of_sample: bool,
    count: f64,
    mean: f64,
    squares: f64,
}

impl Deviation {
    pub(super) fn of_sample() -> Self {
        Self {
            of_sample: true,
            count: 0.0,
            mean: 0.0,
            squares: 0.0,
        }
    }

    pub(super) fn of_population() -> Self {
        Self {
            of_sample: false,
            ..Self::of_sample()
        }
    }

    pub(super) fn add(&mut self, value: &Value) -> Result<(), Status> {
        let value = match value {
            Value::Integer(integer) => *integer as f64,
            Value::Float(float) => *float,
            other => return Err(type_error("a standard deviation", "numbers", other)),
        };
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
        Ok(())
    }

    pub(super) fn finish(&self) -> Value {
        let divisor = if self.of_sample { self.count - 1.0 } else { self.count };
        Value::Float(if divisor > 0.0 {
            (self.squares / divisor).sqrt()
        } else {
            0.0
        })
    }
}
