//! Temporal functions; what they do is in [`crate::temporal`].

use bastide_model::{Map, Value};
use bastide_status::Status;

use super::{Function, Run, argument};
use crate::evaluate::{EvaluationContext, Instant, type_error};
use crate::temporal::{self, Kind};

pub(super) fn find(name: &str) -> Option<Function> {
    if let Some(run) = duration(name) {
        return Function::strict(run);
    }
    let (kind, member) = match name.split_once('.') {
        Some((kind, member)) => (kind, member),
        None => (name, ""),
    };
    macro_rules! of_kind {
        ($kind:expr) => {
            match member {
                "" => Function::strict(|arguments, context| make($kind, arguments, context)),
                "transaction" => {
                    Function::strict(|arguments, context| now($kind, context.clock.transaction, arguments, context))
                }
                "statement" => {
                    Function::strict(|arguments, context| now($kind, context.clock.statement, arguments, context))
                }
                "realtime" => Function::strict(|arguments, context| now($kind, Instant::now(), arguments, context)),
                "truncate" => Function::strict(|arguments, context| truncate($kind, arguments, context)),
                "fromepoch" if $kind == Kind::DateTime => Function::strict(from_epoch),
                "fromepochmillis" if $kind == Kind::DateTime => Function::strict(from_epoch_milliseconds),
                _ => None,
            }
        };
    }
    match kind {
        "date" => of_kind!(Kind::Date),
        "localtime" => of_kind!(Kind::LocalTime),
        "time" => of_kind!(Kind::Time),
        "localdatetime" => of_kind!(Kind::LocalDateTime),
        "datetime" => of_kind!(Kind::DateTime),
        _ => None,
    }
}

fn duration(name: &str) -> Option<Run> {
    Some(match name {
        "duration" => |arguments, _| match argument(arguments, 0) {
            Value::Map(map) => temporal::duration_from_map(map),
            Value::String(text) => temporal::parse_duration(text),
            duration @ Value::Duration(_) => Ok(duration.clone()),
            other => Err(type_error("`duration()`", "a map or string", other)),
        },
        "duration.between" => |arguments, _| temporal::between(argument(arguments, 0), argument(arguments, 1)),
        "duration.inmonths" => |arguments, _| temporal::in_months(argument(arguments, 0), argument(arguments, 1)),
        "duration.indays" => |arguments, _| temporal::in_days(argument(arguments, 0), argument(arguments, 1)),
        "duration.inseconds" => |arguments, _| temporal::in_seconds(argument(arguments, 0), argument(arguments, 1)),
        _ => return None,
    })
}

fn make(kind: Kind, arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match arguments.first() {
        None => temporal::current(kind, context.clock.statement, None, context.clock),
        Some(value) => temporal::from_value(kind, value, context.clock),
    }
}

fn now(kind: Kind, instant: Instant, arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let zone = match arguments.first() {
        None => None,
        Some(Value::String(zone)) => Some(zone.as_ref()),
        Some(Value::Map(map)) => map.get("timezone").and_then(Value::as_str),
        Some(other) => return Err(type_error("the time zone", "a string", other)),
    };
    temporal::current(kind, instant, zone, context.clock)
}

fn truncate(kind: Kind, arguments: &[Value], context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let Value::String(unit) = argument(arguments, 0) else {
        return Err(type_error(
            "the unit to truncate to",
            "a string",
            argument(arguments, 0),
        ));
    };
    let current;
    let value = match arguments.get(1) {
        Some(value) => value,
        None => {
            current = temporal::current(kind, context.clock.statement, None, context.clock)?;
            &current
        }
    };
    let none = Map::new();
    let fields = match arguments.get(2) {
        None => &none,
        Some(Value::Map(fields)) => fields.as_ref(),
        Some(other) => return Err(type_error("the fields after truncating", "a map", other)),
    };
    temporal::truncate(kind, unit, value, fields, context.clock)
}

fn integer(value: &Value) -> Result<i64, Status> {
    value
        .as_integer()
        .ok_or_else(|| type_error("a moment since 1970", "an integer", value))
}

fn from_epoch(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    temporal::from_epoch(integer(argument(arguments, 0))?, integer(argument(arguments, 1))?)
}

fn from_epoch_milliseconds(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let milliseconds = integer(argument(arguments, 0))?;
    temporal::from_epoch(
        milliseconds.div_euclid(1_000),
        milliseconds.rem_euclid(1_000) * 1_000_000,
    )
}
