//! A server's failure for people: what, where (with a caret under the place), which code, and why.

use bastide_bolt::{Failure, WireValue};
use unicode_width::UnicodeWidthChar;

use crate::paint::{Paint, Stream};
use crate::value_text::{harmless, write_visible};

/// Longer lines are cut around the place.
const EXCERPT_CHARACTERS_MAX: usize = 160;

/// A place in a statement, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// All that is known of the failure of `statement`.
pub fn failure_text(failure: &Failure, statement: &str, paint: Paint) -> String {
    let mut text = paint.red(Stream::Error, "error:");
    text.push(' ');
    text.push_str(&harmless(&failure.message));
    if let Some(excerpt) = place_of(failure).and_then(|place| excerpt(statement, place, paint)) {
        text.push('\n');
        text.push_str(&excerpt);
    }
    let mut cause = failure.cause.as_deref();
    while let Some(inner) = cause {
        text.push_str("\n  because ");
        text.push_str(&harmless(&inner.message));
        cause = inner.cause.as_deref();
    }
    let codes: Vec<&str> = [failure.neo4j_code.as_str(), failure.gql_status.as_str()]
        .into_iter()
        .filter(|code| !code.is_empty())
        .collect();
    if !codes.is_empty() {
        text.push('\n');
        text.push_str(&paint.dim(Stream::Error, &format!("  {}", harmless(&codes.join(", ")))));
    }
    text
}

/// Where the failure is, from its record, from a cause's, or from the message of servers that send no record.
pub fn place_of(failure: &Failure) -> Option<Place> {
    let position = failure.diagnostics.iter().find(|(key, _)| key == "_position");
    let number = |key: &str| match position?.1.field(key) {
        Some(WireValue::Integer(value)) => usize::try_from(*value).ok().filter(|value| *value > 0),
        _ => None,
    };
    if let (Some(line), Some(column)) = (number("line"), number("column")) {
        return Some(Place { line, column });
    }
    place_in_message(&failure.message).or_else(|| place_of(failure.cause.as_deref()?))
}

/// Reads `(line 1, column 11 (offset: 10))`.
fn place_in_message(message: &str) -> Option<Place> {
    let (_, rest) = message.rsplit_once("(line ")?;
    let (line, rest) = rest.split_once(", column ")?;
    let digits = rest
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(rest.len());
    let column = rest.get(..digits)?.parse().ok()?;
    let line = line.parse().ok()?;
    (line > 0 && column > 0).then_some(Place { line, column })
}

/// The line of the statement, and a caret under the column.
fn excerpt(statement: &str, place: Place, paint: Paint) -> Option<String> {
    let line = statement.lines().nth(place.line - 1)?;
    let length = line.chars().count();
    // One past the end is where something is missing.
    if place.column > length + 1 {
        return None;
    }
    let skipped = place
        .column
        .saturating_sub(EXCERPT_CHARACTERS_MAX / 2)
        .saturating_sub(1);
    let skipped = if length <= EXCERPT_CHARACTERS_MAX { 0 } else { skipped };
    let shown = |from: usize, count: usize| {
        let mut text = String::new();
        for character in line.chars().skip(from).take(count) {
            if character == '\t' {
                text.push(' ')
            } else {
                write_visible(character, &mut text)
            }
        }
        text
    };
    let before = shown(skipped, place.column - 1 - skipped);
    let width: usize = before.chars().map(|character| character.width().unwrap_or(0)).sum();
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len());
    let dim = |text: &str| paint.dim(Stream::Error, text);
    Some(format!(
        "{}{}\n{}{}{}",
        dim(&format!(" {number} | ")),
        shown(skipped, EXCERPT_CHARACTERS_MAX),
        dim(&format!(" {gutter} | ")),
        " ".repeat(width),
        paint.red(Stream::Error, "^")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(message: &str) -> Failure {
        Failure {
            neo4j_code: "Neo.ClientError.Statement.SyntaxError".to_owned(),
            message: message.to_owned(),
            ..Failure::default()
        }
    }

    #[test]
    fn points_at_the_place_that_the_message_names() {
        let failure = failure("invalid input `RETRUN` (line 2, column 5 (offset: 14))");
        assert_eq!(
            failure_text(&failure, "MATCH (n)\nÅ漢\tRETRUN n", Paint::default()),
            "error: invalid input `RETRUN` (line 2, column 5 (offset: 14))\n 2 | Å漢 RETRUN n\n   |      ^\n  \
             Neo.ClientError.Statement.SyntaxError"
        );
    }

    #[test]
    fn prefers_the_place_in_the_record() {
        let mut failure = failure("bad (line 9, column 9)");
        let position = WireValue::Map(vec![
            ("line".to_owned(), 1.into()),
            ("column".to_owned(), 3.into()),
            ("offset".to_owned(), 2.into()),
        ]);
        failure.diagnostics.push(("_position".to_owned(), position));
        assert_eq!(place_of(&failure), Some(Place { line: 1, column: 3 }));
    }

    #[test]
    fn a_place_outside_the_statement_is_not_shown() {
        for message in [
            "x (line 0, column 1)",
            "x (line 3, column 1)",
            "x (line 1, column 99)",
            "x (line , column )",
            "x",
        ] {
            assert!(
                !failure_text(&failure(message), "RETURN 1", Paint::default()).contains('^'),
                "{message}"
            );
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let statement = format!("{}!{}", "a".repeat(5_000), "b".repeat(5_000));
        let text = failure_text(&failure("x (line 1, column 5001)"), &statement, Paint::default());
        assert!(text.len() < 500, "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1].find('!'), lines[2].find('^'));
    }
}
