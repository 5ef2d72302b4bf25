//! Functions of texts. Places and lengths count characters, never bytes.

use std::sync::Arc;

use bastide_model::Value;
use bastide_status::Status;
use unicode_normalization::UnicodeNormalization;

use super::{Function, argument};
use crate::evaluate::{EvaluationContext, LIST_LENGTH_MAX, TEXT_LENGTH_MAX, argument_error, too_large, type_error};

pub(super) fn find(name: &str) -> Option<Function> {
    match name {
        "left" => Function::strict(left),
        "right" => Function::strict(right),
        "trim" | "btrim" => Function::strict(|arguments, _| trim(arguments, true, true)),
        "ltrim" => Function::strict(|arguments, _| trim(arguments, true, false)),
        "rtrim" => Function::strict(|arguments, _| trim(arguments, false, true)),
        "tolower" => {
            Function::strict(|arguments, _| Ok(Value::from(text("`toLower()`", arguments, 0)?.to_lowercase())))
        }
        "toupper" => {
            Function::strict(|arguments, _| Ok(Value::from(text("`toUpper()`", arguments, 0)?.to_uppercase())))
        }
        "replace" => Function::strict(replace),
        "split" => Function::strict(split),
        "substring" => Function::strict(substring),
        "normalize" => Function::strict(normalize),
        _ => None,
    }
}

fn text<'a>(function: &str, arguments: &'a [Value], place: usize) -> Result<&'a Arc<str>, Status> {
    match argument(arguments, place) {
        Value::String(text) => Ok(text),
        other => Err(type_error(function, "a string", other)),
    }
}

/// A number of characters.
fn count(function: &str, arguments: &[Value], place: usize) -> Result<usize, Status> {
    match argument(arguments, place) {
        Value::Integer(count) => usize::try_from(*count).map_err(|_| {
            argument_error(format!(
                "{function} needs a length or place of at least 0, but got {count}"
            ))
        }),
        other => Err(type_error(function, "an integer", other)),
    }
}

/// The byte at which the character at `place` begins, or the end of the text.
fn byte_place(text: &str, place: usize) -> usize {
    text.char_indices().nth(place).map_or(text.len(), |(byte, _)| byte)
}

fn left(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let text = text("`left()`", arguments, 0)?;
    let end = byte_place(text, count("`left()`", arguments, 1)?);
    Ok(Value::from(text.get(..end).unwrap_or_default()))
}

fn right(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let text = text("`right()`", arguments, 0)?;
    let wanted = count("`right()`", arguments, 1)?;
    let start = byte_place(text, text.chars().count().saturating_sub(wanted));
    Ok(Value::from(text.get(start..).unwrap_or_default()))
}

fn substring(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let text = text("`substring()`", arguments, 0)?;
    let start = byte_place(text, count("`substring()`", arguments, 1)?);
    let rest = text.get(start..).unwrap_or_default();
    if arguments.len() < 3 {
        return Ok(Value::from(rest));
    }
    let end = byte_place(rest, count("`substring()`", arguments, 2)?);
    Ok(Value::from(rest.get(..end).unwrap_or_default()))
}

fn trim(arguments: &[Value], at_start: bool, at_end: bool) -> Result<Value, Status> {
    let subject = text("trimming", arguments, 0)?;
    let characters = if arguments.len() > 1 {
        Some(text("trimming", arguments, 1)?)
    } else {
        None
    };
    let unwanted = |character: char| match characters {
        Some(characters) => characters.contains(character),
        None => character.is_whitespace(),
    };
    let mut trimmed = subject.as_ref();
    if at_start {
        trimmed = trimmed.trim_start_matches(unwanted);
    }
    if at_end {
        trimmed = trimmed.trim_end_matches(unwanted);
    }
    Ok(if trimmed.len() == subject.len() {
        Value::String(Arc::clone(subject))
    } else {
        Value::from(trimmed)
    })
}

/// `replace(original, search, replacement[, limit])`.
fn replace(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let name = "`replace()`";
    let original = text(name, arguments, 0)?;
    let search = text(name, arguments, 1)?;
    let replacement = text(name, arguments, 2)?;
    let limit = if arguments.len() > 3 {
        count(name, arguments, 3)?
    } else {
        usize::MAX
    };
    let found = original.matches(search.as_ref()).take(limit).count();
    let grown = original.len().saturating_add(found.saturating_mul(replacement.len()));
    if grown > TEXT_LENGTH_MAX {
        return Err(too_large("the text of `replace()`", TEXT_LENGTH_MAX, "bytes"));
    }
    Ok(Value::from(original.replacen(search.as_ref(), replacement, found)))
}

/// `split(text, delimiter)`, the delimiter a text or a list of texts.
fn split(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let name = "`split()`";
    let subject = text(name, arguments, 0)?;
    let delimiters: Vec<&str> = match argument(arguments, 1) {
        Value::String(delimiter) => vec![delimiter.as_ref()],
        Value::List(delimiters) => delimiters
            .iter()
            .map(|delimiter| {
                delimiter
                    .as_str()
                    .ok_or_else(|| type_error(name, "a list of strings", delimiter))
            })
            .collect::<Result<_, _>>()?,
        other => return Err(type_error(name, "a string or a list of strings", other)),
    };
    let mut pieces = vec![subject.as_ref()];
    for delimiter in delimiters {
        pieces = pieces
            .into_iter()
            .flat_map(|piece| split_once_each(piece, delimiter))
            .take(LIST_LENGTH_MAX + 1)
            .collect();
        if pieces.len() > LIST_LENGTH_MAX {
            return Err(too_large("the list of `split()`", LIST_LENGTH_MAX, "items"));
        }
    }
    Ok(Value::from(pieces.into_iter().map(Value::from).collect::<Vec<_>>()))
}

fn split_once_each<'a>(piece: &'a str, delimiter: &'a str) -> Vec<&'a str> {
    if delimiter.is_empty() && !piece.is_empty() {
        return piece.split("").filter(|part| !part.is_empty()).collect();
    }
    piece.split(delimiter).collect()
}

/// `normalize(text[, form])`; the form is NFC unless said.
fn normalize(arguments: &[Value], _context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let name = "`normalize()`";
    let subject = text(name, arguments, 0)?;
    let form = match arguments.get(1) {
        None => "NFC",
        Some(_) => text(name, arguments, 1)?.as_ref(),
    };
    let normal: String = match form.to_ascii_uppercase().as_str() {
        "NFC" => subject.nfc().collect(),
        "NFD" => subject.nfd().collect(),
        "NFKC" => subject.nfkc().collect(),
        "NFKD" => subject.nfkd().collect(),
        _ => return Err(argument_error(format!("{name} has no form `{form}`"))),
    };
    if normal.len() > TEXT_LENGTH_MAX {
        return Err(too_large("the text of `normalize()`", TEXT_LENGTH_MAX, "bytes"));
    }
    Ok(Value::from(normal))
}
