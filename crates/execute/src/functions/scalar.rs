//! Functions of any value, and of the statement itself.

use bastide_model::{Value, order};
use bastide_status::Status;
use rand::RngCore;

use super::{Function, argument};
use crate::evaluate::{EvaluationContext, name_of_type, type_error};

pub(super) fn find(name: &str) -> Option<Function> {
    match name {
        "size" => Function::strict(size),
        "char_length" => Function::strict(character_length),
        "isempty" => Function::strict(is_empty),
        "exists" => Function::lenient(exists),
        "nullif" => Function::lenient(null_if),
        "valuetype" => Function::lenient(value_type),
        "randomuuid" => Function::strict(random_uuid),
        "timestamp" => Function::strict(timestamp),
        "file" => Function::strict(file),
        "linenumber" => Function::strict(line_number),
        _ => None,
    }
}

fn integer(length: usize) -> Value {
    Value::Integer(i64::try_from(length).unwrap_or(i64::MAX))
}

fn size(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match argument(arguments, 0) {
        Value::List(items) => Ok(integer(items.len())),
        Value::String(text) => Ok(integer(text.chars().count())),
        other => Err(type_error("`size()`", "a list or string", other)),
    }
}

fn character_length(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match argument(arguments, 0) {
        Value::String(text) => Ok(integer(text.chars().count())),
        other => Err(type_error("`char_length()`", "a string", other)),
    }
}

fn is_empty(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match argument(arguments, 0) {
        Value::List(items) => Ok(Value::Boolean(items.is_empty())),
        Value::Map(map) => Ok(Value::Boolean(map.is_empty())),
        Value::String(text) => Ok(Value::Boolean(text.is_empty())),
        other => Err(type_error("`isEmpty()`", "a list, map or string", other)),
    }
}

fn exists(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    Ok(Value::Boolean(!argument(arguments, 0).is_null()))
}

fn null_if(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let (value, other) = (argument(arguments, 0), argument(arguments, 1));
    if order::equals(value, other) == Some(true) {
        return Ok(Value::Null);
    }
    Ok(value.clone())
}

fn value_type(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    Ok(Value::from(name_of_type(argument(arguments, 0))))
}

/// A random UUID, version 4.
fn random_uuid(_arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let mut random = rand::rng();
    let high = random.next_u64() & 0xffff_ffff_ffff_0fff | 0x4000;
    let low = random.next_u64() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
    Ok(Value::from(format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )))
}

/// Milliseconds since 1970 at the beginning of the statement.
fn timestamp(_arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let instant = context.clock.statement;
    Ok(Value::Integer(
        instant
            .epoch_seconds
            .saturating_mul(1000)
            .saturating_add(i64::from(instant.nanoseconds / 1_000_000)),
    ))
}

fn file(_arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    Ok(context.csv.map_or(Value::Null, |position| Value::from(position.file)))
}

fn line_number(_arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    Ok(context
        .csv
        .map_or(Value::Null, |position| Value::Integer(position.line)))
}
