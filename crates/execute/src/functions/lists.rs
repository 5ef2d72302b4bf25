//! Functions of lists.

use bastide_model::Value;
use bastide_status::Status;

use super::{Function, argument};
use crate::evaluate::{EvaluationContext, LIST_LENGTH_MAX, argument_error, too_large, type_error};

pub(super) fn find(name: &str) -> Option<Function> {
    match name {
        "head" => Function::strict(head),
        "last" => Function::strict(last),
        "tail" => Function::strict(tail),
        "reverse" => Function::strict(reverse),
        "range" => Function::strict(range),
        _ => None,
    }
}

fn list<'a>(function: &str, arguments: &'a [Value]) -> Result<&'a [Value], Status> {
    match argument(arguments, 0) {
        Value::List(items) => Ok(items),
        other => Err(type_error(function, "a list", other)),
    }
}

fn head(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    Ok(list("`head()`", arguments)?.first().cloned().unwrap_or_default())
}

fn last(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    Ok(list("`last()`", arguments)?.last().cloned().unwrap_or_default())
}

fn tail(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    Ok(Value::list(list("`tail()`", arguments)?.get(1..).unwrap_or_default()))
}

fn reverse(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match argument(arguments, 0) {
        Value::List(items) => Ok(Value::from(items.iter().rev().cloned().collect::<Vec<_>>())),
        Value::String(text) => Ok(Value::from(text.chars().rev().collect::<String>())),
        other => Err(type_error("`reverse()`", "a list or string", other)),
    }
}

/// `range(start, end[, step])`, both ends inside.
fn range(arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let bound = |place: usize| match argument(arguments, place) {
        Value::Integer(integer) => Ok(*integer),
        other => Err(type_error("`range()`", "integers", other)),
    };
    let (start, end) = (bound(0)?, bound(1)?);
    let step = if arguments.len() > 2 { bound(2)? } else { 1 };
    if step == 0 {
        return Err(argument_error("the step of `range()` must not be 0"));
    }
    let distance = i128::from(end) - i128::from(start);
    if distance != 0 && (distance < 0) != (step < 0) {
        return Ok(Value::list([]));
    }
    let length = usize::try_from(distance / i128::from(step)).unwrap_or(usize::MAX);
    if length >= LIST_LENGTH_MAX {
        return Err(too_large("the list of `range()`", LIST_LENGTH_MAX, "items"));
    }
    context.cancellation.check()?;
    let mut items = Vec::with_capacity(length + 1);
    let mut next = Some(start);
    while items.len() <= length
        && let Some(item) = next
    {
        items.push(Value::Integer(item));
        next = item.checked_add(step);
    }
    Ok(Value::from(items))
}
