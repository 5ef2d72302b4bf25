//! Mathematical functions.

use bastide_model::Value;
use bastide_status::Status;
use rand::Rng;

use super::{Function, argument, round};
use crate::evaluate::{EvaluationContext, integer_overflow, type_error};

macro_rules! float_function {
    ($name:literal, $operation:expr) => {
        Function::strict(|arguments, _| {
            let operation: fn(f64) -> f64 = $operation;
            Ok(Value::Float(operation(float($name, argument(arguments, 0))?)))
        })
    };
}

pub(super) fn find(name: &str) -> Option<Function> {
    match name {
        "abs" => Function::strict(abs),
        "sign" => Function::strict(sign),
        "isnan" => Function::strict(is_nan),
        "ceil" => float_function!("`ceil()`", f64::ceil),
        "floor" => float_function!("`floor()`", f64::floor),
        "round" => Function::strict(round::round),
        "sqrt" => float_function!("`sqrt()`", f64::sqrt),
        "exp" => float_function!("`exp()`", f64::exp),
        "log" => float_function!("`log()`", f64::ln),
        "log10" => float_function!("`log10()`", f64::log10),
        "rand" => Function::strict(|_, _| Ok(Value::Float(rand::rng().random::<f64>()))),
        "e" => Function::strict(|_, _| Ok(Value::Float(std::f64::consts::E))),
        "pi" => Function::strict(|_, _| Ok(Value::Float(std::f64::consts::PI))),
        _ => trigonometric(name),
    }
}

fn trigonometric(name: &str) -> Option<Function> {
    match name {
        "sin" => float_function!("`sin()`", f64::sin),
        "cos" => float_function!("`cos()`", f64::cos),
        "tan" => float_function!("`tan()`", f64::tan),
        "cot" => float_function!("`cot()`", |angle| angle.tan().recip()),
        "asin" => float_function!("`asin()`", f64::asin),
        "acos" => float_function!("`acos()`", f64::acos),
        "atan" => float_function!("`atan()`", f64::atan),
        "sinh" => float_function!("`sinh()`", f64::sinh),
        "cosh" => float_function!("`cosh()`", f64::cosh),
        "tanh" => float_function!("`tanh()`", f64::tanh),
        "coth" => float_function!("`coth()`", |angle| angle.tanh().recip()),
        "atan2" => Function::strict(|arguments, _| {
            let y = float("`atan2()`", argument(arguments, 0))?;
            let x = float("`atan2()`", argument(arguments, 1))?;
            Ok(Value::Float(y.atan2(x)))
        }),
        "degrees" => float_function!("`degrees()`", f64::to_degrees),
        "radians" => float_function!("`radians()`", f64::to_radians),
        "haversin" => float_function!("`haversin()`", |angle| (1.0 - angle.cos()) / 2.0),
        _ => None,
    }
}

/// The argument as a float.
pub(super) fn float(function: &str, value: &Value) -> Result<f64, Status> {
    match value {
        Value::Float(float) => Ok(*float),
        Value::Integer(integer) => Ok(*integer as f64),
        other => Err(type_error(function, "a number", other)),
    }
}

fn abs(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match argument(arguments, 0) {
        Value::Integer(integer) => integer
            .checked_abs()
            .map(Value::Integer)
            .ok_or_else(|| integer_overflow("`abs()`")),
        Value::Float(float) => Ok(Value::Float(float.abs())),
        other => Err(type_error("`abs()`", "a number", other)),
    }
}

fn sign(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match argument(arguments, 0) {
        Value::Integer(integer) => Ok(Value::Integer(integer.signum())),
        Value::Float(float) if *float > 0.0 => Ok(Value::Integer(1)),
        Value::Float(float) if *float < 0.0 => Ok(Value::Integer(-1)),
        Value::Float(_) => Ok(Value::Integer(0)),
        other => Err(type_error("`sign()`", "a number", other)),
    }
}

fn is_nan(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    float("`isNaN()`", argument(arguments, 0)).map(|float| Value::Boolean(float.is_nan()))
}
