//! Cypher lexer, parser and abstract syntax tree with spans.
//!
//! Owns the way from text to [`ast::Statement`], and nothing after it: knows no names in scope, no types, no storage.

pub mod ast;
mod error;
mod lexer;
mod literal;
mod parser;
mod redact;
mod split;

pub use error::{ParseError, ParseErrorKind};
pub use parser::{ParseLimits, TEXT_BYTES_MAX_DEFAULT, parse};
pub use redact::redact;
pub use split::{SplitStatements, split_statements};

/// How deep expressions, subqueries and other forms may nest, and how high the tree may be.
///
/// Deeper text is refused, so that parsing, planning and dropping a tree fit a 2 MiB thread stack.
pub const NESTING_DEPTH_MAX: u32 = 200;
