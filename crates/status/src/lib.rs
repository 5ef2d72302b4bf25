//! Error codes, their texts and the one error type that reaches a client.
//!
//! Owns [`Code`] (Neo4j's public status codes and their GQLSTATUS) and [`Status`]. INVARIANT: whatever is put into a
//! `Status` is safe to show to the client that caused it; internal context stays in the error types of the other crates
//! and in the log. Knows nothing of Bolt, HTTP or Cypher.

mod code;

use std::fmt;

pub use code::{Classification, Code};

/// Shorthand for results whose error may be shown to a client.
pub type Result<T> = std::result::Result<T, Status>;

/// A place in a query text. Lines and columns count characters from 1, the offset counts characters from 0, as Neo4j does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Characters before the place.
    pub offset: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// An error in four parts: code, what failed, cause, advice. Safe to show to the client.
///
/// One pointer wide, so that results stay small on hot paths.
#[derive(Clone, PartialEq, Eq)]
pub struct Status(Box<Parts>);

#[derive(Clone, PartialEq, Eq)]
struct Parts {
    code: Code,
    message: String,
    position: Option<Position>,
    advice: Option<String>,
    cause: Option<Status>,
}

impl Status {
    /// An error with a code and a sentence that says what failed.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            message: message.into(),
            position: None,
            advice: None,
            cause: None,
        }))
    }

    /// Adds what the reader can do about it.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// Adds the place in the query text.
    #[must_use]
    pub fn with_position(mut self, position: Position) -> Self {
        self.0.position = Some(position);
        self
    }

    /// Adds the place in the query text, unless one nearer to the fault is known already.
    #[must_use]
    pub fn or_position(mut self, position: Position) -> Self {
        self.0.position.get_or_insert(position);
        self
    }

    /// Adds the error that led to this one.
    #[must_use]
    pub fn with_cause(mut self, cause: Status) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What failed, without advice and cause.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the query text, if anywhere.
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// What to do about it.
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }

    /// What led to it.
    pub fn cause(&self) -> Option<&Status> {
        self.0.cause.as_ref()
    }

    /// The text that a driver shows: what failed, where, and what to do.
    pub fn client_message(&self) -> String {
        let mut text = self.0.message.clone();
        if let Some(position) = self.0.position {
            text.push_str(&format!(
                " (line {}, column {} (offset: {}))",
                position.line, position.column, position.offset
            ));
        }
        if let Some(advice) = &self.0.advice {
            text.push_str("; ");
            text.push_str(advice);
        }
        text
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.0.code.neo4j_code(), self.client_message())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.client_message())
    }
}

impl std::error::Error for Status {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_ref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_and_what_to_do() {
        let status = Status::new(Code::SyntaxError, "invalid input `RETRUN`")
            .with_position(Position {
                offset: 10,
                line: 1,
                column: 11,
            })
            .with_advice("did you mean `RETURN`?");
        assert_eq!(
            status.client_message(),
            "invalid input `RETRUN` (line 1, column 11 (offset: 10)); did you mean `RETURN`?"
        );
    }

    #[test]
    fn keeps_the_position_nearest_to_the_fault() {
        let near = Position {
            offset: 4,
            line: 1,
            column: 5,
        };
        let far = Position {
            offset: 0,
            line: 1,
            column: 1,
        };
        let status = Status::new(Code::TypeError, "x").or_position(near).or_position(far);
        assert_eq!(status.position(), Some(near));
    }
}
