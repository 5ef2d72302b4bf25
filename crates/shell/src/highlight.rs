//! Colours of what is being typed: keywords, strings, comments, parameters.

use nu_ansi_term::{Color, Style};
use reedline::{Highlighter, StyledText};

/// Words that stand out; others are names.
const KEYWORDS: &[&str] = &[
    "ALL",
    "ALTER",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "BY",
    "CALL",
    "CASE",
    "COMMIT",
    "CONSTRAINT",
    "CONTAINS",
    "CREATE",
    "CSV",
    "CURRENT",
    "DATABASE",
    "DATABASES",
    "DELETE",
    "DESC",
    "DETACH",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "ENDS",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FINISH",
    "FOR",
    "FOREACH",
    "FROM",
    "GRANT",
    "HEADERS",
    "IF",
    "IN",
    "INDEX",
    "INDEXES",
    "IS",
    "LIMIT",
    "LOAD",
    "MATCH",
    "MERGE",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OPTIONAL",
    "OR",
    "ORDER",
    "PASSWORD",
    "PROFILE",
    "REMOVE",
    "REQUIRE",
    "RETURN",
    "REVOKE",
    "ROLE",
    "ROWS",
    "SET",
    "SHOW",
    "SKIP",
    "STARTS",
    "THEN",
    "TO",
    "TRANSACTIONS",
    "TRUE",
    "UNION",
    "UNIQUE",
    "UNWIND",
    "USE",
    "USER",
    "USERS",
    "WHEN",
    "WHERE",
    "WITH",
    "XOR",
    "YIELD",
];

/// Paints Cypher.
pub struct CypherHighlighter;

impl Highlighter for CypherHighlighter {
    fn highlight(&self, line: &str, _cursor: usize) -> StyledText {
        let mut styled = StyledText::new();
        for (kind, text) in pieces(line) {
            let style = match kind {
                Piece::Keyword => Style::new().fg(Color::Blue).bold(),
                Piece::Text => Style::new().fg(Color::Green),
                Piece::Comment => Style::new().dimmed(),
                Piece::Parameter => Style::new().fg(Color::Purple),
                Piece::Other => Style::new(),
            };
            styled.push((style, text.to_owned()));
        }
        styled
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Keyword,
    Text,
    Comment,
    Parameter,
    Other,
}

/// Cuts a text into pieces that are painted alike; together they are the text.
fn pieces(text: &str) -> Vec<(Piece, &str)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |text: &str| {
            text.find(|character: char| !(character.is_alphanumeric() || character == '_'))
                .unwrap_or(text.len())
        };
        let (kind, length) = match first {
            '\'' | '"' | '`' => {
                let kind = if first == '`' { Piece::Other } else { Piece::Text };
                (kind, quoted(rest, first))
            }
            '/' if rest.starts_with("//") => (Piece::Comment, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (Piece::Comment, rest.find("*/").map_or(rest.len(), |end| end + 2)),
            '$' => (Piece::Parameter, 1 + word(rest.get(1..).unwrap_or_default())),
            _ if first.is_alphanumeric() || first == '_' => {
                let length = word(rest);
                let upper = rest.get(..length).unwrap_or_default().to_ascii_uppercase();
                let is_keyword = KEYWORDS.binary_search(&upper.as_str()).is_ok();
                (if is_keyword { Piece::Keyword } else { Piece::Other }, length)
            }
            _ => (Piece::Other, first.len_utf8()),
        };
        let Some((piece, left)) = rest.split_at_checked(length.max(first.len_utf8())) else {
            pieces.push((Piece::Other, rest));
            break;
        };
        pieces.push((kind, piece));
        rest = left;
    }
    pieces
}

/// Bytes up to and with the closing quote, or to the end.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (position, character) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if character == '\\' && quote != '`' {
            escaped = true;
        } else if character == quote {
            return position + character.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_keywords_are_sorted() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn tells_keywords_strings_comments_and_parameters_apart() {
        let kinds: Vec<(Piece, &str)> = pieces("match (n) // x\nRETURN 'a\\'b', $p, \"open")
            .into_iter()
            .filter(|(kind, _)| *kind != Piece::Other)
            .collect();
        assert_eq!(
            kinds,
            [
                (Piece::Keyword, "match"),
                (Piece::Comment, "// x"),
                (Piece::Keyword, "RETURN"),
                (Piece::Text, "'a\\'b'"),
                (Piece::Parameter, "$p"),
                (Piece::Text, "\"open"),
            ]
        );
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_text(text in "\\PC{0,60}") {
            let joined: String = pieces(&text).into_iter().map(|(_, piece)| piece).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
