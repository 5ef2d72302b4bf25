//! `+ - * / % ^ ||` and the sign.

use std::sync::Arc;

use bastide_model::Value;
use bastide_plan::expression::Arithmetic;
use bastide_status::Status;

use super::error::{division_by_zero, integer_overflow, operand_error, too_large, type_error};
use super::limits::{LIST_LENGTH_MAX, TEXT_LENGTH_MAX, check_items};
use crate::temporal::arithmetic as temporal;
use crate::text;

/// The value of `left operator right`; null if either side is.
pub(crate) fn apply(operator: Arithmetic, left: Value, right: Value) -> Result<Value, Status> {
    match (operator, &left, &right) {
        (_, Value::Null, _) | (_, _, Value::Null) => Ok(Value::Null),
        (_, Value::Integer(left), Value::Integer(right)) => integers(operator, *left, *right),
        (_, Value::Float(left), Value::Float(right)) => floats(operator, *left, *right),
        (_, Value::Integer(left), Value::Float(right)) => floats(operator, *left as f64, *right),
        (_, Value::Float(left), Value::Integer(right)) => floats(operator, *left, *right as f64),
        (Arithmetic::Add, ..) => add(&left, &right),
        (Arithmetic::Concatenate, Value::String(left), Value::String(right)) => concatenate(left, right),
        (Arithmetic::Concatenate, Value::List(left), Value::List(right)) => chain(left, right),
        (Arithmetic::Subtract, ..) => {
            temporal::subtract(&left, &right).ok_or_else(|| operand_error("-", &left, &right))?
        }
        (Arithmetic::Multiply, ..) => {
            temporal::multiply(&left, &right).ok_or_else(|| operand_error("*", &left, &right))?
        }
        (Arithmetic::Divide, ..) => temporal::divide(&left, &right).ok_or_else(|| operand_error("/", &left, &right))?,
        _ => Err(operand_error(symbol(operator), &left, &right)),
    }
}

fn symbol(operator: Arithmetic) -> &'static str {
    match operator {
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::Multiply => "*",
        Arithmetic::Divide => "/",
        Arithmetic::Modulo => "%",
        Arithmetic::Power => "^",
        Arithmetic::Concatenate => "||",
    }
}

fn integers(operator: Arithmetic, left: i64, right: i64) -> Result<Value, Status> {
    let answer = match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide | Arithmetic::Modulo if right == 0 => return Err(division_by_zero()),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Modulo => Some(left.wrapping_rem(right)),
        Arithmetic::Power => return Ok(Value::Float((left as f64).powf(right as f64))),
        Arithmetic::Concatenate => {
            return Err(operand_error("||", &Value::Integer(left), &Value::Integer(right)));
        }
    };
    answer
        .map(Value::Integer)
        .ok_or_else(|| integer_overflow(&format!("{left} {} {right}", symbol(operator))))
}

fn floats(operator: Arithmetic, left: f64, right: f64) -> Result<Value, Status> {
    Ok(Value::Float(match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Modulo => left % right,
        Arithmetic::Power => left.powf(right),
        Arithmetic::Concatenate => return Err(operand_error("||", &Value::Float(left), &Value::Float(right))),
    }))
}

fn add(left: &Value, right: &Value) -> Result<Value, Status> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => concatenate(left, right),
        (Value::List(left), Value::List(right)) => chain(left, right),
        (Value::List(left), right) => chain(left, std::slice::from_ref(right)),
        (left, Value::List(right)) => chain(std::slice::from_ref(left), right),
        (Value::String(left), right) => match text::scalar_text(right) {
            Some(right_text) => concatenate(left, &right_text),
            None => Err(operand_error("+", &Value::String(Arc::clone(left)), right)),
        },
        (left, Value::String(right)) => match text::scalar_text(left) {
            Some(left_text) => concatenate(&left_text, right),
            None => Err(operand_error("+", left, &Value::String(Arc::clone(right)))),
        },
        _ => temporal::add(left, right).ok_or_else(|| operand_error("+", left, right))?,
    }
}

fn concatenate(left: &str, right: &str) -> Result<Value, Status> {
    let length = left.len().saturating_add(right.len());
    if length > TEXT_LENGTH_MAX {
        return Err(too_large("the text", TEXT_LENGTH_MAX, "bytes"));
    }
    let mut text = String::with_capacity(length);
    text.push_str(left);
    text.push_str(right);
    Ok(Value::from(text))
}

fn chain(left: &[Value], right: &[Value]) -> Result<Value, Status> {
    if left.len().saturating_add(right.len()) > LIST_LENGTH_MAX {
        return Err(too_large("the list", LIST_LENGTH_MAX, "items"));
    }
    check_items(left.iter().chain(right))?;
    let items: Vec<Value> = left.iter().chain(right).cloned().collect();
    Ok(Value::from(items))
}

/// `-value`.
pub(super) fn negate(value: &Value) -> Result<Value, Status> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Integer(integer) => integer
            .checked_neg()
            .map(Value::Integer)
            .ok_or_else(|| integer_overflow(&format!("-({integer})"))),
        Value::Float(float) => Ok(Value::Float(-float)),
        Value::Duration(duration) => temporal::negated(duration),
        other => Err(type_error("`-`", "a number or duration", other)),
    }
}
