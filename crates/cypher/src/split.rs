//! Cutting a script into statements.
//!
//! Owns where a statement ends: at a `;` outside strings, quoted names and comments. Knows no grammar.

use crate::ast::Span;
use crate::lexer::{comment_length, quoted_length};

/// A script cut at its semicolons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitStatements<'text> {
    /// The finished statements in order, without semicolon and surrounding white space; empty ones are left out.
    pub complete: Vec<(Span, &'text str)>,
    /// What follows the last semicolon, white space trimmed; empty when nothing does. A string or comment left open is in here.
    pub rest: (Span, &'text str),
}

/// Cuts `text` at each `;` outside strings, quoted names and comments. A stretch of nothing but comments is no statement.
pub fn split_statements(text: &str) -> SplitStatements<'_> {
    let mut complete = Vec::new();
    let mut start = 0;
    let mut position = 0;
    let mut has_content = false;
    while let Some(next) = text.get(position..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(position..).unwrap_or_default();
        if next == ';' {
            if has_content {
                complete.push(trimmed(text, start, position));
            }
            position += 1;
            start = position;
            has_content = false;
        } else if let Some(comment) = comment_length(rest) {
            position += comment.unwrap_or(rest.len());
        } else if matches!(next, '\'' | '"' | '`') {
            position += quoted_length(rest).unwrap_or(rest.len());
            has_content = true;
        } else {
            position += next.len_utf8();
            has_content |= !next.is_whitespace();
        }
    }
    SplitStatements {
        complete,
        rest: trimmed(text, start, text.len()),
    }
}

fn trimmed(text: &str, start: usize, end: usize) -> (Span, &str) {
    let part = text.get(start..end).unwrap_or_default();
    let leading = part.len() - part.trim_start().len();
    let part = part.trim();
    let offset = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
    (
        Span::new(offset(start + leading), offset(start + leading + part.len())),
        part,
    )
}
