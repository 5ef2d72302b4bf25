//! Conversions: `toInteger`, `toFloat`, `toBoolean`, `toString`, each also as `…OrNull` and `…List`.

use bastide_model::Value;
use bastide_status::Status;

use super::{Function, argument};
use crate::evaluate::{EvaluationContext, type_error};
use crate::text;

pub(super) fn find(name: &str) -> Option<Function> {
    match name {
        "tointeger" => Function::strict(|arguments, _| {
            convert(
                argument(arguments, 0),
                integer,
                "`toInteger()`",
                "a number, boolean or string",
            )
        }),
        "tointegerornull" => Function::strict(|arguments, _| or_null(argument(arguments, 0), integer)),
        "tointegerlist" => Function::strict(|arguments, _| list(argument(arguments, 0), integer, "`toIntegerList()`")),
        "tofloat" => {
            Function::strict(|arguments, _| convert(argument(arguments, 0), float, "`toFloat()`", "a number or string"))
        }
        "tofloatornull" => Function::strict(|arguments, _| or_null(argument(arguments, 0), float)),
        "tofloatlist" => Function::strict(|arguments, _| list(argument(arguments, 0), float, "`toFloatList()`")),
        "toboolean" => Function::strict(|arguments, _| {
            convert(
                argument(arguments, 0),
                boolean,
                "`toBoolean()`",
                "a boolean, integer or string",
            )
        }),
        "tobooleanornull" => Function::strict(|arguments, _| or_null(argument(arguments, 0), boolean)),
        "tobooleanlist" => Function::strict(|arguments, _| list(argument(arguments, 0), boolean, "`toBooleanList()`")),
        "tostring" => Function::strict(to_string),
        "tostringornull" => Function::strict(|arguments, _| or_null(argument(arguments, 0), string)),
        "tostringlist" => Function::strict(|arguments, _| list(argument(arguments, 0), string, "`toStringList()`")),
        _ => None,
    }
}

/// Answers the converted value, null if the content cannot be converted, and `None` if the type cannot.
type Conversion = fn(&Value) -> Option<Value>;

fn convert(value: &Value, conversion: Conversion, function: &str, expected: &str) -> Result<Value, Status> {
    conversion(value).ok_or_else(|| type_error(function, expected, value))
}

fn or_null(value: &Value, conversion: Conversion) -> Result<Value, Status> {
    Ok(conversion(value).unwrap_or_default())
}

fn list(value: &Value, conversion: Conversion, function: &str) -> Result<Value, Status> {
    match value {
        Value::List(items) => Ok(Value::from(
            items
                .iter()
                .map(|item| conversion(item).unwrap_or_default())
                .collect::<Vec<_>>(),
        )),
        other => Err(type_error(function, "a list", other)),
    }
}

fn to_string(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    convert(
        argument(arguments, 0),
        string,
        "`toString()`",
        "a string, number, boolean, point or temporal value",
    )
}

fn integer(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Integer(_) => value.clone(),
        Value::Float(float) => integer_of_float(*float),
        Value::Boolean(boolean) => Value::Integer(i64::from(*boolean)),
        Value::String(text) => {
            let text = text.trim();
            match text.parse::<i64>() {
                Ok(integer) => Value::Integer(integer),
                Err(_) => decimal(text).map_or(Value::Null, integer_of_float),
            }
        }
        _ => return None,
    })
}

fn integer_of_float(float: f64) -> Value {
    if float.is_finite() && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float) {
        Value::Integer(float.trunc() as i64)
    } else {
        Value::Null
    }
}

fn float(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Float(_) => value.clone(),
        Value::Integer(integer) => Value::Float(*integer as f64),
        Value::String(text) => decimal(text.trim()).map_or(Value::Null, Value::Float),
        _ => return None,
    })
}

/// Reads a decimal number, or `NaN` and `Infinity` spelled so. Rust's other spellings of these are no numbers here.
fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let valid = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        || matches!(digits, "NaN" | "Infinity");
    if !valid {
        return None;
    }
    text.parse().ok()
}

fn boolean(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Boolean(_) => value.clone(),
        Value::Integer(integer) => Value::Boolean(*integer != 0),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            _ => Value::Null,
        },
        _ => return None,
    })
}

fn string(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) => Some(value.clone()),
        Value::Null => Some(Value::Null),
        other => text::scalar_text(other).map(Value::from),
    }
}
