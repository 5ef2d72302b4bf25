//! The recursive-descent parser: from tokens to a statement.
//!
//! Owns the position in the tokens, the depth and height limits and what was expected where; each part of the grammar has a module
//! below. INVARIANT: every recursion goes through [`Parser::enter`], so neither parsing nor dropping a tree overflows the stack.

use std::collections::HashMap;

use crate::ast::{Name, NameOrParameter, Span, Statement};
use crate::error::{Fault, ParseError, ParseErrorKind, nearest};
use crate::lexer::{Token, TokenKind, tokenize};
use crate::literal;

mod admin;
mod atom;
mod clause;
mod expression;
mod pattern;
mod projection;
mod schema;
mod show;
mod statement;
mod subquery;
mod update;
mod value_type;

/// The result of every part of the grammar.
type Parsed<T> = Result<T, Fault>;

/// Limits on one statement's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseLimits {
    /// Longest text, in bytes.
    pub text_bytes_max: usize,
    /// Deepest nesting and highest tree; never more than [`crate::NESTING_DEPTH_MAX`].
    pub nesting_depth_max: u32,
}

/// The longest text unless set otherwise: 16 MiB.
pub const TEXT_BYTES_MAX_DEFAULT: usize = 16 << 20;

impl Default for ParseLimits {
    fn default() -> Self {
        Self {
            text_bytes_max: TEXT_BYTES_MAX_DEFAULT,
            nesting_depth_max: crate::NESTING_DEPTH_MAX,
        }
    }
}

/// Parses one statement, which may end in a semicolon.
pub fn parse(text: &str, limits: ParseLimits) -> Result<Statement, ParseError> {
    parse_statement(text, limits).map_err(|fault| *fault)
}

fn parse_statement(text: &str, limits: ParseLimits) -> Parsed<Statement> {
    if text.len() > limits.text_bytes_max.min(u32::MAX as usize) {
        let message = format!(
            "statement of {} bytes is longer than the limit of {}",
            text.len(),
            limits.text_bytes_max
        );
        return Err(ParseError::new(ParseErrorKind::TextTooLong, Span::default(), message));
    }
    let mut parser = Parser::new(
        text,
        tokenize(text)?,
        limits.nesting_depth_max.min(crate::NESTING_DEPTH_MAX),
    );
    parser.statement()
}

/// What is expected where a property key stands.
const PROPERTY_NAME: &str = "a property name";

/// Most expectations remembered for one place; more would not be read.
const EXPECTATIONS_MAX: usize = 48;

/// Most expectations named in one message.
const EXPECTATIONS_SHOWN_MAX: usize = 12;

pub(crate) struct Parser<'text> {
    text: &'text str,
    tokens: Vec<Token>,
    position: usize,
    depth: u32,
    /// Height of the tallest tree finished since the innermost [`Parser::enter`].
    height: u32,
    depth_max: u32,
    /// Inside a comprehension: `|` ends an expression and is no choice of labels.
    bar_ends: bool,
    /// What was looked for in vain at `expected_at`, the furthest position.
    expected: Vec<&'static str>,
    expected_at: usize,
    /// For each opening parenthesis, the token after its closing one.
    after_closing: HashMap<usize, usize>,
    /// Whether a pattern begins at a token, once tried: keeps going back from costing more at each level.
    patterns_tried: HashMap<(usize, bool), bool>,
}

/// What [`Parser::leave`] puts back.
struct Outer {
    height: u32,
    bar_ends: bool,
}

/// Where to go back to.
struct Mark {
    position: usize,
    depth: u32,
    height: u32,
    bar_ends: bool,
}

impl<'text> Parser<'text> {
    fn new(text: &'text str, tokens: Vec<Token>, depth_max: u32) -> Self {
        let mut after_closing = HashMap::new();
        let mut open = Vec::new();
        for (position, token) in tokens.iter().enumerate() {
            match token.kind {
                TokenKind::Symbol("(") => open.push(position),
                TokenKind::Symbol(")") => {
                    if let Some(opening) = open.pop() {
                        after_closing.insert(opening, position + 1);
                    }
                }
                _ => {}
            }
        }
        Self {
            text,
            tokens,
            position: 0,
            depth: 0,
            height: 0,
            depth_max,
            bar_ends: false,
            expected: Vec::new(),
            expected_at: 0,
            after_closing,
            patterns_tried: HashMap::new(),
        }
    }

    /// Begins a nested form.
    fn enter(&mut self) -> Parsed<Outer> {
        self.depth += 1;
        if self.depth > self.depth_max {
            return Err(self.too_deep());
        }
        let outer = Outer {
            height: self.height,
            bar_ends: self.bar_ends,
        };
        self.height = 0;
        self.bar_ends = false;
        Ok(outer)
    }

    /// Ends a nested form; not called after an error, which ends everything or goes back to a mark.
    fn leave(&mut self, outer: Outer) -> Parsed<()> {
        self.depth = self.depth.saturating_sub(1);
        let height = self.taller(self.height)?;
        self.height = outer.height.max(height);
        self.bar_ends = outer.bar_ends;
        Ok(())
    }

    /// The height of a tree put on top of one of height `height`.
    fn taller(&self, height: u32) -> Parsed<u32> {
        if height >= self.depth_max {
            Err(self.too_deep())
        } else {
            Ok(height + 1)
        }
    }

    fn too_deep(&self) -> Fault {
        let message = format!("statement is nested deeper than the limit of {}", self.depth_max);
        let mut error = ParseError::new(ParseErrorKind::NestingTooDeep, self.span(), message);
        error.advice = Some("split it, or pass lists and maps as parameters".to_owned());
        error
    }

    fn mark(&self) -> Mark {
        Mark {
            position: self.position,
            depth: self.depth,
            height: self.height,
            bar_ends: self.bar_ends,
        }
    }

    fn reset(&mut self, mark: &Mark) {
        self.position = mark.position;
        self.depth = mark.depth;
        self.height = mark.height;
        self.bar_ends = mark.bar_ends;
    }

    fn token_at(&self, position: usize) -> Token {
        let end = Span::new(self.text.len() as u32, self.text.len() as u32);
        self.tokens
            .get(position)
            .or(self.tokens.last())
            .copied()
            .unwrap_or(Token {
                kind: TokenKind::End,
                span: end,
            })
    }

    /// The token `ahead` places after the next one.
    fn ahead(&self, ahead: usize) -> TokenKind {
        self.token_at(self.position + ahead).kind
    }

    fn peek(&self) -> TokenKind {
        self.ahead(0)
    }

    fn span(&self) -> Span {
        self.token_at(self.position).span
    }

    fn advance(&mut self) -> Span {
        let span = self.span();
        if self.position + 1 < self.tokens.len() {
            self.position += 1;
        }
        span
    }

    fn advance_by(&mut self, tokens: usize) {
        for _ in 0..tokens {
            self.advance();
        }
    }

    /// Offset where the next token begins.
    fn start(&self) -> u32 {
        self.span().start
    }

    /// From `start` to the end of the last token taken.
    fn span_from(&self, start: u32) -> Span {
        let end = self
            .position
            .checked_sub(1)
            .map_or(start, |position| self.token_at(position).span.end);
        Span::new(start, end.max(start))
    }

    fn symbol_ahead(&self, ahead: usize, symbol: &str) -> bool {
        matches!(self.ahead(ahead), TokenKind::Symbol(found) if found == symbol)
    }

    fn at(&self, symbol: &str) -> bool {
        self.symbol_ahead(0, symbol)
    }

    fn word_ahead(&self, ahead: usize, word: &str) -> bool {
        let token = self.token_at(self.position + ahead);
        token.kind == TokenKind::Word && token.span.text(self.text).eq_ignore_ascii_case(word)
    }

    fn at_word(&self, word: &str) -> bool {
        self.word_ahead(0, word)
    }

    fn at_any_word(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.at_word(word))
    }

    /// Whether a plain or quoted name stands `ahead` places after the next token.
    fn name_ahead(&self, ahead: usize) -> bool {
        matches!(self.ahead(ahead), TokenKind::Word | TokenKind::QuotedName)
    }

    /// Remembers what could have stood here.
    fn note(&mut self, expectation: &'static str) {
        if self.position != self.expected_at {
            if self.position < self.expected_at {
                return;
            }
            self.expected.clear();
            self.expected_at = self.position;
        }
        if self.expected.len() < EXPECTATIONS_MAX {
            self.expected.push(expectation);
        }
    }

    fn eat(&mut self, symbol: &'static str) -> bool {
        if self.at(symbol) {
            self.advance();
            return true;
        }
        self.note(symbol);
        false
    }

    fn expect(&mut self, symbol: &'static str) -> Parsed<Span> {
        if self.at(symbol) {
            return Ok(self.advance());
        }
        self.note(symbol);
        Err(self.unexpected())
    }

    fn eat_word(&mut self, word: &'static str) -> bool {
        if self.at_word(word) {
            self.advance();
            return true;
        }
        self.note(word);
        false
    }

    fn expect_word(&mut self, word: &'static str) -> Parsed<Span> {
        if self.at_word(word) {
            return Ok(self.advance());
        }
        self.note(word);
        Err(self.unexpected())
    }

    /// Takes all of the words or none.
    fn eat_words(&mut self, words: &[&'static str]) -> bool {
        let all = words
            .iter()
            .enumerate()
            .all(|(ahead, word)| self.word_ahead(ahead, word));
        if all {
            self.advance_by(words.len());
        } else if let Some(first) = words.first() {
            self.note(first);
        }
        all
    }

    fn expect_words(&mut self, words: &[&'static str]) -> Parsed<()> {
        words.iter().try_for_each(|word| self.expect_word(word).map(drop))
    }

    /// A name; any word will do, keywords too.
    fn name(&mut self, expectation: &'static str) -> Parsed<Name> {
        let token = self.token_at(self.position);
        let text = token.span.text(self.text);
        let name = match token.kind {
            TokenKind::Word => Name::new(text, token.span),
            TokenKind::QuotedName => {
                let unquoted = literal::quoted_name(text);
                // A map's key may be empty.
                if unquoted.is_empty() && expectation != PROPERTY_NAME {
                    return Err(ParseError::new(
                        ParseErrorKind::InvalidInput,
                        token.span,
                        "name is empty",
                    ));
                }
                Name::new(unquoted, token.span)
            }
            _ => {
                self.note(expectation);
                return Err(self.unexpected());
            }
        };
        self.advance();
        Ok(name)
    }

    /// Names joined by dots.
    fn dotted_name(&mut self, expectation: &'static str) -> Parsed<Vec<Name>> {
        let mut parts = vec![self.name(expectation)?];
        while self.eat(".") {
            parts.push(self.name(expectation)?);
        }
        Ok(parts)
    }

    /// A parameter's name, when a `$` stands here.
    fn parameter(&mut self) -> Parsed<Option<Name>> {
        if !self.eat("$") {
            return Ok(None);
        }
        if self.peek() == TokenKind::Integer {
            let span = self.advance();
            return Ok(Some(Name::new(span.text(self.text), span)));
        }
        self.name("a parameter name").map(Some)
    }

    /// A name, possibly of dotted parts, or a parameter.
    fn name_or_parameter(&mut self, expectation: &'static str) -> Parsed<NameOrParameter> {
        if let Some(parameter) = self.parameter()? {
            return Ok(NameOrParameter::Parameter(parameter));
        }
        Ok(NameOrParameter::Name(self.joined_name(expectation)?))
    }

    /// Dotted parts as one name, as in the names of databases.
    fn joined_name(&mut self, expectation: &'static str) -> Parsed<Name> {
        let parts = self.dotted_name(expectation)?;
        let span = parts.iter().map(|part| part.span).reduce(Span::to).unwrap_or_default();
        let joined = parts.iter().map(Name::as_str).collect::<Vec<_>>().join(".");
        Ok(Name::new(joined, span))
    }

    /// The content of a string literal.
    fn string(&mut self, expectation: &'static str) -> Parsed<String> {
        if self.peek() != TokenKind::String {
            self.note(expectation);
            return Err(self.unexpected());
        }
        let span = self.advance();
        literal::string(span.text(self.text), span)
    }

    /// Something known that cannot be run yet.
    fn unsupported(&self, what: &str) -> Fault {
        ParseError::new(
            ParseErrorKind::Unsupported,
            self.span(),
            format!("{what} not supported yet"),
        )
    }

    /// The next token cannot stand where it stands.
    fn unexpected(&self) -> Fault {
        let token = self.token_at(self.position);
        let text = token.span.text(self.text);
        let found = match token.kind {
            TokenKind::End => "unexpected end of input".to_owned(),
            // Never repeated: it may be a password.
            TokenKind::String => "invalid input: a string literal".to_owned(),
            _ => format!(
                "invalid input `{}`",
                text.chars().take(TOKEN_SHOWN_CHARACTERS_MAX).collect::<String>()
            ),
        };
        let mut choices = if self.expected_at == self.position {
            self.expected.clone()
        } else {
            Vec::new()
        };
        let mut seen = std::collections::HashSet::new();
        choices.retain(|choice| seen.insert(*choice));
        let advice = (token.kind == TokenKind::Word)
            .then(|| {
                nearest(
                    text,
                    choices
                        .iter()
                        .copied()
                        .filter(|choice| choice.chars().all(char::is_alphabetic)),
                )
            })
            .flatten()
            .map(|near| format!("did you mean `{near}`?"));
        let message = format!("{found}{}", expectation_list(&choices));
        Box::new(ParseError {
            message,
            span: token.span,
            kind: ParseErrorKind::InvalidInput,
            advice,
        })
    }
}

/// Longest part of a token repeated in a message.
const TOKEN_SHOWN_CHARACTERS_MAX: usize = 60;

/// `, expected A, B or C`.
fn expectation_list(choices: &[&str]) -> String {
    let shown: Vec<String> = choices
        .iter()
        .take(EXPECTATIONS_SHOWN_MAX)
        // Descriptions such as `an expression` stand as they are, keywords and signs in back quotes.
        .map(|choice| {
            if choice.contains(' ') {
                (*choice).to_owned()
            } else {
                format!("`{choice}`")
            }
        })
        .collect();
    match shown.as_slice() {
        [] => String::new(),
        [only] => format!(", expected {only}"),
        _ if choices.len() > EXPECTATIONS_SHOWN_MAX => format!(", expected {} or another", shown.join(", ")),
        [init @ .., last] => format!(", expected {} or {last}", init.join(", ")),
    }
}
