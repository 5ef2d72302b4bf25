//! Taking passwords out of statement texts before they are logged.
//!
//! Owns which strings may be passwords. INVARIANT: works on any text, also one that does not parse, and hides too much rather than
//! too little.

use bastide_secret::REDACTED;

use crate::lexer::{comment_length, continues_name, quoted_length, starts_name};

/// The text with every string that may be a password replaced by `'********'`; other text is kept as it is.
///
/// In a text with the word `PASSWORD` (or one near it, or `USER` after `CREATE` or `ALTER`) outside strings and comments, every
/// string is replaced, an unclosed one up to the end.
pub fn redact(text: &str) -> String {
    let parts = parts(text);
    if !parts
        .iter()
        .any(|part| part.kind == PartKind::Word && is_password_word(part.text))
        && !names_user(&parts)
    {
        return text.to_owned();
    }
    let mut result = String::with_capacity(text.len());
    for part in parts {
        if part.kind == PartKind::String {
            result.push('\'');
            result.push_str(REDACTED);
            result.push('\'');
        } else {
            result.push_str(part.text);
        }
    }
    result
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PartKind {
    Word,
    String,
    Other,
}

struct Part<'text> {
    kind: PartKind,
    text: &'text str,
}

/// The whole text in order, without gaps.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = if let Some(comment) = comment_length(rest) {
            (PartKind::Other, comment.unwrap_or(rest.len()))
        } else if matches!(first, '\'' | '"') {
            (PartKind::String, quoted_length(rest).unwrap_or(rest.len()))
        } else if first == '`' {
            (PartKind::Other, quoted_length(rest).unwrap_or(1))
        } else if starts_name(first) {
            (
                PartKind::Word,
                rest.find(|character| !continues_name(character)).unwrap_or(rest.len()),
            )
        } else {
            (PartKind::Other, first.len_utf8())
        };
        let (part, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        parts.push(Part { kind, text: part });
        rest = after;
    }
    parts
}

fn is_password_word(word: &str) -> bool {
    word.eq_ignore_ascii_case("PASSWORD") || crate::error::nearest(word, ["PASSWORD"]).is_some()
}

/// Whether `USER` follows `CREATE`, `ALTER`, `REPLACE` or `CURRENT`.
fn names_user(parts: &[Part<'_>]) -> bool {
    let words: Vec<&str> = parts
        .iter()
        .filter(|part| part.kind == PartKind::Word)
        .map(|part| part.text)
        .collect();
    words.windows(2).any(|pair| match pair {
        [first, second] => {
            second.eq_ignore_ascii_case("USER")
                && ["CREATE", "ALTER", "REPLACE", "CURRENT"]
                    .iter()
                    .any(|word| first.eq_ignore_ascii_case(word))
        }
        _ => false,
    })
}
