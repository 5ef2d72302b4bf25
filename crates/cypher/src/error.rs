//! What can be wrong with a statement's text.
//!
//! Owns the error and its wording. INVARIANT: no message repeats the content of a string literal, which may be a password.

use std::fmt;

use crate::ast::{Span, line_column};

/// Why a text is no statement. Lines and columns come from [`ParseError::line_column`], given the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong, without its place; lowercase, no full stop.
    pub message: String,
    /// Where it is wrong.
    pub span: Span,
    /// What sort of fault it is.
    pub kind: ParseErrorKind,
    /// What to write instead, when it is known.
    pub advice: Option<String>,
}

/// An error on its way out of the parser: small, since every stack frame of the recursion has room for several.
pub(crate) type Fault = Box<ParseError>;

/// The sorts of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParseErrorKind {
    /// A word or sign that cannot stand there, or the text ends too early.
    InvalidInput,
    /// A number that is badly written.
    InvalidNumberLiteral,
    /// An integer beyond 64 bits.
    IntegerOverflow,
    /// A float beyond what 64 bits hold.
    FloatingPointOverflow,
    /// A `\u` escape without its digits, or that is no character.
    InvalidUnicodeLiteral,
    /// A character that means nothing in Cypher.
    InvalidUnicodeCharacter,
    /// A badly written relationship pattern.
    InvalidRelationshipPattern,
    /// A string, quoted name or comment that is never closed.
    Unterminated,
    /// Clauses in an impossible order.
    InvalidClauseComposition,
    /// A column of `WITH` that needs a name.
    NoExpressionAlias,
    /// Nested beyond the limit.
    NestingTooDeep,
    /// Longer than the limit.
    TextTooLong,
    /// Known Cypher that this version does not have yet.
    Unsupported,
}

impl ParseError {
    /// An error without advice.
    pub(crate) fn new(kind: ParseErrorKind, span: Span, message: impl Into<String>) -> Fault {
        Box::new(Self {
            message: message.into(),
            span,
            kind,
            advice: None,
        })
    }

    /// The line and column, both from 1, where the fault begins.
    pub fn line_column(&self, text: &str) -> (u32, u32) {
        line_column(text, self.span.start)
    }

    /// The message with its place, and below it the line in question with a caret. The line is left out when the text may hold
    /// a password.
    pub fn describe(&self, text: &str) -> String {
        let (line, column) = self.line_column(text);
        let place = format!("{self} (line {line}, column {column} (offset: {}))", self.span.start);
        let source = text
            .split('\n')
            .nth(line.saturating_sub(1) as usize)
            .unwrap_or_default()
            .trim_end();
        if text.to_ascii_uppercase().contains("PASSWORD") || source.len() > LINE_SHOWN_BYTES_MAX {
            return place;
        }
        let padding: String = source
            .chars()
            .take(column.saturating_sub(1) as usize)
            .map(|character| if character == '\t' { '\t' } else { ' ' })
            .collect();
        format!("{place}\n\"{source}\"\n {padding}^")
    }
}

/// A longer line is not repeated beside an error.
const LINE_SHOWN_BYTES_MAX: usize = 500;

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match &self.advice {
            Some(advice) => write!(formatter, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ParseError {}

/// The candidate nearest to `word`, when it is near enough to be a slip of the finger.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word
        .chars()
        .take(WORD_COMPARED_MAX)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let allowed = match word.len() {
        0..=2 => return None,
        3..=4 => 1,
        _ => 2,
    };
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(&word, candidate), candidate))
        .filter(|(distance, _)| (1..=allowed).contains(distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// No keyword is longer.
const WORD_COMPARED_MAX: usize = 24;

/// How many letters to add, drop, change or swap with a neighbour.
fn edit_distance(word: &[char], candidate: &str) -> usize {
    let candidate: Vec<char> = candidate.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=candidate.len()).collect();
    let mut letter_before = None;
    for (line, letter) in word.iter().enumerate() {
        let mut next = vec![line + 1];
        for (column, other) in candidate.iter().enumerate() {
            let at = |cells: &Vec<usize>, index: usize| cells.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&row, column) + usize::from(letter != other))
                .min(at(&row, column + 1) + 1)
                .min(at(&next, column) + 1);
            let other_before = column.checked_sub(1).and_then(|index| candidate.get(index));
            if letter_before == Some(other) && other_before == Some(letter) {
                best = best.min(at(&before, column.saturating_sub(1)) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        letter_before = Some(letter);
    }
    row.last().copied().unwrap_or(usize::MAX)
}
