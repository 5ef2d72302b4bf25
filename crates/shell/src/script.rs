//! Cuts what is typed, piped or read from a file into statements and commands, line by line.
//!
//! INVARIANT: at any time only the statement that is not finished yet is kept.

use bastide_cypher::split_statements;

use crate::error::ShellError;

/// A longer statement is refused, before more of it is read.
const STATEMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One thing to do, and the line (from 1) where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it starts.
    pub line: usize,
    /// What it is.
    pub kind: ItemKind,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A command, from its colon on.
    Command(String),
    /// A statement without its semicolon.
    Statement(String),
}

/// Collects lines into items.
#[derive(Debug, Default)]
pub struct Script {
    unfinished: String,
    unfinished_line: usize,
    lines: usize,
}

impl Script {
    /// The items that this line, given without its end, finishes.
    ///
    /// # Errors
    /// A statement that is too long.
    pub fn line(&mut self, line: &str) -> Result<Vec<Item>, ShellError> {
        self.lines += 1;
        if line.trim_start().starts_with(':') && self.is_between_statements() {
            self.unfinished.clear();
            return Ok(vec![Item {
                line: self.lines,
                kind: ItemKind::Command(line.trim().to_owned()),
            }]);
        }
        if self.unfinished.is_empty() {
            self.unfinished_line = self.lines;
        } else {
            self.unfinished.push('\n');
        }
        self.unfinished.push_str(line);
        if self.unfinished.len() > STATEMENT_BYTES_MAX {
            return Err(ShellError::usage(format!(
                "the statement that starts at line {} is longer than {STATEMENT_BYTES_MAX} bytes",
                self.unfinished_line
            )));
        }
        // Only a semicolon can finish a statement.
        Ok(if line.contains(';') {
            self.take_complete()
        } else {
            Vec::new()
        })
    }

    /// The statement that the end of the input finishes, if one is open.
    pub fn end(&mut self) -> Option<Item> {
        if self.is_between_statements() {
            self.unfinished.clear();
            return None;
        }
        let text = std::mem::take(&mut self.unfinished);
        let leading = text.len() - text.trim_start().len();
        Some(Item {
            line: self.unfinished_line + newlines(&text, leading),
            kind: ItemKind::Statement(text.trim().to_owned()),
        })
    }

    fn take_complete(&mut self) -> Vec<Item> {
        let split = split_statements(&self.unfinished);
        let start = |position: u32| usize::try_from(position).unwrap_or(usize::MAX);
        let items: Vec<Item> = split
            .complete
            .iter()
            .map(|(span, text)| Item {
                line: self.unfinished_line + newlines(&self.unfinished, start(span.start)),
                kind: ItemKind::Statement((*text).to_owned()),
            })
            .collect();
        let (span, rest) = split.rest;
        let line = self.unfinished_line + newlines(&self.unfinished, start(span.start));
        self.unfinished = rest.to_owned();
        self.unfinished_line = line;
        items
    }

    /// Whether nothing but white space and finished comments is waiting.
    fn is_between_statements(&self) -> bool {
        has_only_comments(&self.unfinished)
    }
}

/// Whether `text` holds nothing but white space and finished comments.
pub fn has_only_comments(text: &str) -> bool {
    if text.trim().is_empty() {
        return true;
    }
    // A line comment reaches to the line's end, so the semicolon stands on a line of its own; an open comment swallows it.
    let closed = format!("{text}\n;");
    let split = split_statements(&closed);
    split.complete.is_empty() && split.rest.1.is_empty()
}

/// Whether pressing Enter after `text` finishes it: a command, or everything up to a last semicolon.
pub fn is_complete(text: &str) -> bool {
    let trimmed = text.trim();
    trimmed.is_empty()
        || trimmed.starts_with(':')
        || is_bare_word(trimmed)
        || (trimmed.contains(';') && has_only_comments(split_statements(text).rest.1))
}

/// Words that people type to get out or get help, without the colon.
pub fn is_bare_word(text: &str) -> bool {
    ["exit", "quit", "help"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

fn newlines(text: &str, end: usize) -> usize {
    text.bytes().take(end).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<(usize, String)> {
        let mut script = Script::default();
        let mut items = Vec::new();
        for line in text.lines() {
            items.extend(script.line(line).unwrap());
        }
        items.extend(script.end());
        items
            .into_iter()
            .map(|item| match item.kind {
                ItemKind::Command(text) | ItemKind::Statement(text) => (item.line, text),
            })
            .collect()
    }

    fn owned(items: &[(usize, &str)]) -> Vec<(usize, String)> {
        items.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
    }

    #[test]
    fn statements_end_at_semicolons_and_commands_at_the_end_of_the_line() {
        assert_eq!(
            items(":param x => 1\nRETURN 1; RETURN\n  2;\n\n:begin\nRETURN 3"),
            owned(&[
                (1, ":param x => 1"),
                (2, "RETURN 1"),
                (2, "RETURN\n  2"),
                (5, ":begin"),
                (6, "RETURN 3")
            ])
        );
    }

    #[test]
    fn semicolons_and_colons_inside_strings_and_comments_mean_nothing() {
        assert_eq!(
            items("RETURN 'a;\n:b';\n/* ;\n:exit */\n// x;\n:commit\nRETURN `;` // y ;\n;"),
            owned(&[(1, "RETURN 'a;\n:b'"), (6, ":commit"), (7, "RETURN `;` // y ;")])
        );
    }

    #[test]
    fn a_colon_inside_a_statement_is_no_command() {
        assert_eq!(
            items("MATCH (n\n:Person)\nRETURN n;"),
            owned(&[(1, "MATCH (n\n:Person)\nRETURN n")])
        );
    }

    #[test]
    fn comments_alone_are_nothing_to_do() {
        assert_eq!(items("// only\n/* comments */\n;;\n"), owned(&[]));
    }

    #[test]
    fn enter_finishes_commands_and_terminated_statements() {
        for text in [
            "",
            ":help",
            "RETURN 1;",
            "RETURN 1; // done",
            "exit",
            "RETURN 1;\nRETURN 2;",
        ] {
            assert!(is_complete(text), "{text}");
        }
        for text in ["RETURN 1", "RETURN ';", "RETURN 1; RETURN 2", "RETURN 1 // ;", "/* ;"] {
            assert!(!is_complete(text), "{text}");
        }
    }

    #[test]
    fn a_statement_without_end_is_refused() {
        let mut script = Script::default();
        let line = "x".repeat(1024 * 1024);
        assert!((0..20).any(|_| script.line(&line).is_err()));
    }
}
