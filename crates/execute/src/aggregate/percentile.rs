//! `percentileCont` and `percentileDisc`.

use bastide_model::Value;
use bastide_model::order::total_order;
use bastide_status::Status;

use crate::evaluate::{LIST_LENGTH_MAX, argument_error, too_large, type_error};

/// The numbers of a group, and which share of them is to lie below the answer.
#[derive(Debug)]
pub(super) struct Percentile {
    continuous: bool,
    share: Option<f64>,
    numbers: Vec<Value>,
}

impl Percentile {
    pub(super) fn continuous() -> Self {
        Self {
            continuous: true,
            share: None,
            numbers: Vec::new(),
        }
    }

    pub(super) fn discrete() -> Self {
        Self {
            continuous: false,
            ..Self::continuous()
        }
    }

    /// The share of the first row counts.
    pub(super) fn set_share(&mut self, share: Option<&Value>) -> Result<(), Status> {
        if self.share.is_some() {
            return Ok(());
        }
        let share = match share {
            Some(Value::Float(share)) => *share,
            Some(Value::Integer(share)) => *share as f64,
            Some(other) => return Err(type_error("a percentile", "a number between 0.0 and 1.0", other)),
            None => return Ok(()),
        };
        if !(0.0..=1.0).contains(&share) {
            return Err(argument_error(format!(
                "a percentile must lie between 0.0 and 1.0, but is {share}"
            )));
        }
        self.share = Some(share);
        Ok(())
    }

    pub(super) fn add(&mut self, value: &Value) -> Result<(), Status> {
        if !matches!(value, Value::Integer(_) | Value::Float(_)) {
            return Err(type_error("a percentile", "numbers", value));
        }
        if self.numbers.len() >= LIST_LENGTH_MAX {
            return Err(too_large("the group of a percentile", LIST_LENGTH_MAX, "values"));
        }
        self.numbers.push(value.clone());
        Ok(())
    }

    pub(super) fn finish(mut self) -> Value {
        self.numbers.sort_by(total_order);
        let (Some(share), Some(last)) = (self.share, self.numbers.len().checked_sub(1)) else {
            return Value::Null;
        };
        let number = |place: usize| self.numbers.get(place.min(last)).cloned().unwrap_or_default();
        if !self.continuous {
            let rank = (share * self.numbers.len() as f64).ceil() as usize;
            return number(rank.saturating_sub(1));
        }
        let place = share * last as f64;
        let below = float(&number(place.floor() as usize));
        let above = float(&number(place.ceil() as usize));
        let part = place.fract();
        Value::Float(if part == 0.0 {
            below
        } else {
            below + (above - below) * part
        })
    }
}

fn float(value: &Value) -> f64 {
    match value {
        Value::Integer(integer) => *integer as f64,
        Value::Float(float) => *float,
        _ => f64::NAN,
    }
}
