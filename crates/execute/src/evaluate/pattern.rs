//! `=~`: regular expressions, read once where they are constant and kept while they stay the same.

use std::sync::{Arc, Mutex};

use bastide_model::Value;
use bastide_status::Status;
use regex::{Regex, RegexBuilder};

use super::error::argument_error;
use super::step::Step;

/// The most memory one compiled regular expression may take, in bytes.
const REGEX_SIZE_MAX: usize = 4 << 20;
/// The longest pattern, in bytes.
const PATTERN_LENGTH_MAX: usize = 64 << 10;

/// The right side of `=~`.
#[derive(Debug)]
pub(super) enum Pattern {
    /// Known before the first row.
    Constant(Regex),
    /// Evaluated each row; the last one is kept.
    Dynamic {
        pattern: Box<Step>,
        last: Mutex<Option<(Arc<str>, Regex)>>,
    },
}

impl Pattern {
    pub(super) fn new(pattern: Step) -> Result<Self, Status> {
        match pattern {
            Step::Literal(Value::String(text)) => read(&text).map(Self::Constant),
            pattern => Ok(Self::Dynamic {
                pattern: Box::new(pattern),
                last: Mutex::new(None),
            }),
        }
    }
}

/// Whether `text` as a whole matches `pattern`, which is read again only if it changed.
pub(super) fn matches(last: &Mutex<Option<(Arc<str>, Regex)>>, pattern: &Arc<str>, text: &str) -> Result<bool, Status> {
    let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((kept, regex)) = last.as_ref()
        && kept == pattern
    {
        return Ok(regex.is_match(text));
    }
    let regex = read(pattern)?;
    let found = regex.is_match(text);
    *last = Some((Arc::clone(pattern), regex));
    Ok(found)
}

/// Reads a pattern such that it must match the whole text.
fn read(pattern: &str) -> Result<Regex, Status> {
    if pattern.len() > PATTERN_LENGTH_MAX {
        return Err(argument_error(format!(
            "a regular expression may be {PATTERN_LENGTH_MAX} bytes long, but this one has {}",
            pattern.len()
        )));
    }
    RegexBuilder::new(&format!(r"\A(?:{pattern})\z"))
        .size_limit(REGEX_SIZE_MAX)
        .dfa_size_limit(REGEX_SIZE_MAX)
        .build()
        .map_err(|error| {
            let reason = match error {
                regex::Error::CompiledTooBig(limit) => format!("it takes more than {limit} bytes once compiled"),
                other => other.to_string().lines().last().unwrap_or_default().trim().to_owned(),
            };
            argument_error(format!("invalid regular expression `{pattern}`: {reason}"))
        })
}
