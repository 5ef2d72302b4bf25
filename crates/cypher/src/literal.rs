//! The values of numbers, strings and quoted names as written.
//!
//! Owns escapes, bases and overflow. Knows nothing of tokens around them.

use std::iter::Peekable;
use std::str::CharIndices;

use crate::ast::Span;
use crate::error::{Fault, ParseError, ParseErrorKind};

/// The magnitude of a whole number: decimal, `0x…` or `0o…`, with `_` between digits.
pub(crate) fn integer(text: &str, span: Span) -> Result<u64, Fault> {
    let invalid = || {
        ParseError::new(
            ParseErrorKind::InvalidNumberLiteral,
            span,
            format!("invalid number `{text}`"),
        )
    };
    let lower = text.to_ascii_lowercase();
    let (base, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else {
        (10, lower.as_str())
    };
    if !well_grouped(digits) || !digits.chars().all(|digit| digit == '_' || digit.is_digit(base)) {
        return Err(invalid());
    }
    u64::from_str_radix(&digits.replace('_', ""), base).map_err(|_| overflow(text, span))
}

/// The error for an integer beyond 64 bits.
pub(crate) fn overflow(text: &str, span: Span) -> Fault {
    ParseError::new(
        ParseErrorKind::IntegerOverflow,
        span,
        format!("integer `{text}` is too large"),
    )
}

/// The value of a number with a fraction or an exponent.
pub(crate) fn float(text: &str, span: Span) -> Result<f64, Fault> {
    let invalid = || {
        ParseError::new(
            ParseErrorKind::InvalidNumberLiteral,
            span,
            format!("invalid number `{text}`"),
        )
    };
    if !text
        .split(['.', 'e', 'E', '+', '-'])
        .all(|part| part.is_empty() || well_grouped(part))
    {
        return Err(invalid());
    }
    let value: f64 = text.replace('_', "").parse().map_err(|_| invalid())?;
    if value.is_infinite() {
        let message = format!("floating point number `{text}` is too large");
        return Err(ParseError::new(ParseErrorKind::FloatingPointOverflow, span, message));
    }
    Ok(value)
}

/// Whether there are digits and every `_` stands between two of them.
fn well_grouped(digits: &str) -> bool {
    !digits.is_empty() && !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__")
}

/// A quoted name without its back quotes.
pub(crate) fn quoted_name(text: &str) -> String {
    let inside = text
        .strip_prefix('`')
        .and_then(|text| text.strip_suffix('`'))
        .unwrap_or(text);
    inside.replace("``", "`")
}

/// The content of a string literal; `text` has its quotes.
pub(crate) fn string(text: &str, span: Span) -> Result<String, Fault> {
    let inside = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    if !inside.contains('\\') {
        return Ok(inside.to_owned());
    }
    let mut result = String::with_capacity(inside.len());
    let mut characters = inside.char_indices().peekable();
    while let Some((position, character)) = characters.next() {
        if character == '\\' {
            let offset = span.start + 1 + u32::try_from(position).unwrap_or(u32::MAX - span.start - 1);
            result.push(escape(&mut characters, Span::new(offset, offset + 2))?);
        } else {
            result.push(character);
        }
    }
    Ok(result)
}

/// What an escape stands for; the backslash is already taken.
fn escape(characters: &mut Peekable<CharIndices<'_>>, span: Span) -> Result<char, Fault> {
    let character = characters.next().map(|(_, character)| character);
    Ok(match character {
        Some(same @ ('\\' | '\'' | '"' | '`')) => same,
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => return utf16_escape(characters, span),
        Some('U') => {
            let code = hexadecimal(characters, 8, span)?;
            return char::from_u32(code).ok_or_else(|| invalid_unicode(span));
        }
        _ => {
            let mut error = ParseError::new(ParseErrorKind::InvalidInput, span, "invalid escape in string");
            error.advice = Some("a backslash is written as `\\\\`".to_owned());
            return Err(error);
        }
    })
}

/// Four digits, or two times four for a character beyond 16 bits.
fn utf16_escape(characters: &mut Peekable<CharIndices<'_>>, span: Span) -> Result<char, Fault> {
    let first = hexadecimal(characters, 4, span)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first).ok_or_else(|| invalid_unicode(span));
    }
    let has_second = characters.next_if(|(_, character)| *character == '\\').is_some()
        && characters.next_if(|(_, character)| *character == 'u').is_some();
    if !has_second {
        return Err(invalid_unicode(span));
    }
    let second = hexadecimal(characters, 4, span)?;
    if !(0xdc00..0xe000).contains(&second) {
        return Err(invalid_unicode(span));
    }
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or_else(|| invalid_unicode(span))
}

fn hexadecimal(characters: &mut Peekable<CharIndices<'_>>, digits: u32, span: Span) -> Result<u32, Fault> {
    let mut code: u32 = 0;
    for _ in 0..digits {
        let digit = characters.next_if(|(_, character)| character.is_ascii_hexdigit());
        let digit = digit
            .and_then(|(_, character)| character.to_digit(16))
            .ok_or_else(|| invalid_unicode(span))?;
        code = (code << 4) | digit;
    }
    Ok(code)
}

fn invalid_unicode(span: Span) -> Fault {
    let mut error = ParseError::new(
        ParseErrorKind::InvalidUnicodeLiteral,
        span,
        "invalid unicode escape in string",
    );
    error.advice = Some("write `\\uXXXX` with four hexadecimal digits or `\\UXXXXXXXX` with eight".to_owned());
    error
}
