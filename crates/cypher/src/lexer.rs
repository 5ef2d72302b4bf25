//! From text to tokens.
//!
//! Owns where words, numbers, strings, signs and comments begin and end; not what they mean: numbers and strings are resolved when
//! the parser takes them. INVARIANT: tokens come in order, do not overlap, and end with one [`TokenKind::End`].

use crate::ast::Span;
use crate::error::{Fault, ParseError, ParseErrorKind};

/// The sorts of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A keyword or a plain name.
    Word,
    /// A name in back quotes.
    QuotedName,
    /// A whole number in any base, unchecked.
    Integer,
    /// A number with a fraction or an exponent, unchecked.
    Float,
    /// A string with its quotes, escapes unchecked.
    String,
    /// A sign.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

/// Signs, longer ones before their beginnings. Arrows are put together by the parser, since `<-` is also a comparison.
const SYMBOLS: [&str; 36] = [
    "<=", ">=", "<>", "=~", "..", "::", "||", "+=", "!=", "(", ")", "[", "]", "{", "}", ",", ".", ":", ";", "|", "&",
    "!", "%", "+", "-", "*", "/", "^", "=", "<", ">", "$", "?", "#", "@", "~",
];

/// Cuts a text of at most `u32::MAX` bytes into tokens.
pub(crate) fn tokenize(text: &str) -> Result<Vec<Token>, Fault> {
    let mut lexer = Lexer {
        text,
        position: 0,
        tokens: Vec::with_capacity(text.len() / 4 + 1),
    };
    while lexer.token()? {}
    Ok(lexer.tokens)
}

/// Whether a character may begin a plain name.
pub(crate) fn starts_name(character: char) -> bool {
    character == '_' || unicode_ident::is_xid_start(character)
}

/// Whether a character may go on a plain name.
pub(crate) fn continues_name(character: char) -> bool {
    unicode_ident::is_xid_continue(character)
}

/// Whether a character only separates.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}' | '\u{180e}' | '\u{feff}')
}

/// Where a comment that begins `rest` ends, none when no comment begins there, an error when it is never closed.
pub(crate) fn comment_length(rest: &str) -> Option<Result<usize, ()>> {
    if rest.starts_with("//") {
        return Some(Ok(rest.find(['\n', '\r']).unwrap_or(rest.len())));
    }
    let inside = rest.strip_prefix("/*")?;
    Some(inside.find("*/").map(|position| position + 4).ok_or(()))
}

/// Length of a quoted stretch that begins `rest`, quotes included; none when it is never closed. A back quote is escaped by
/// doubling it, the others by a backslash.
pub(crate) fn quoted_length(rest: &str) -> Option<usize> {
    let mut characters = rest.char_indices();
    let (_, quote) = characters.next()?;
    while let Some((position, character)) = characters.next() {
        if character == '\\' && quote != '`' {
            characters.next();
        } else if character == quote {
            let after = position + character.len_utf8();
            if quote == '`' && rest.get(after..).is_some_and(|rest| rest.starts_with('`')) {
                characters.next();
                continue;
            }
            return Some(after);
        }
    }
    None
}

struct Lexer<'text> {
    text: &'text str,
    position: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// Reads one token; false at the end.
    fn token(&mut self) -> Result<bool, Fault> {
        self.skip_space()?;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            self.push(TokenKind::End, 0);
            return Ok(false);
        };
        if starts_name(first) {
            let length = rest.find(|character| !continues_name(character)).unwrap_or(rest.len());
            self.push(TokenKind::Word, length);
        } else if first.is_ascii_digit() || self.starts_with_fraction() {
            self.number();
        } else if matches!(first, '\'' | '"' | '`') {
            let Some(length) = quoted_length(rest) else {
                let message = if first == '`' {
                    "name in back quotes is never closed"
                } else {
                    "string is never closed"
                };
                return Err(self.error(ParseErrorKind::Unterminated, rest.len(), message.to_owned()));
            };
            self.push(
                if first == '`' {
                    TokenKind::QuotedName
                } else {
                    TokenKind::String
                },
                length,
            );
        } else if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            self.push(TokenKind::Symbol(symbol), symbol.len());
        } else {
            let kind = if first.is_ascii() {
                ParseErrorKind::InvalidInput
            } else {
                ParseErrorKind::InvalidUnicodeCharacter
            };
            let message = format!("invalid input `{}`", first.escape_debug());
            return Err(self.error(kind, first.len_utf8(), message));
        }
        Ok(true)
    }

    fn skip_space(&mut self) -> Result<(), Fault> {
        loop {
            let rest = self.rest();
            let spaces = rest.find(|character| !is_space(character)).unwrap_or(rest.len());
            let after = rest.get(spaces..).unwrap_or_default();
            let comment = match comment_length(after) {
                None => 0,
                Some(Ok(length)) => length,
                Some(Err(())) => {
                    let length = after.len();
                    self.position += spaces;
                    let message = "comment is never closed".to_owned();
                    return Err(self.error(ParseErrorKind::Unterminated, length, message));
                }
            };
            self.position += spaces + comment;
            if comment == 0 {
                return Ok(());
            }
        }
    }

    /// Whether `.5` begins here, and not the property of what stands directly before.
    fn starts_with_fraction(&self) -> bool {
        let mut characters = self.rest().chars();
        let is_fraction = characters.next() == Some('.') && characters.next().is_some_and(|next| next.is_ascii_digit());
        let follows_value = self.tokens.last().is_some_and(|token| {
            token.span.end as usize == self.position
                && !matches!(token.kind, TokenKind::Symbol(symbol) if !matches!(symbol, ")" | "]" | "}" | "."))
        });
        is_fraction && !follows_value
    }

    fn number(&mut self) {
        let bytes = self.rest().as_bytes();
        let digit_at = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
        let mut kind = TokenKind::Integer;
        let mut length = bytes
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'_')
            .count();
        if bytes.get(length) == Some(&b'.') && digit_at(length + 1) {
            kind = TokenKind::Float;
            length += 1;
            while digit_at(length) || bytes.get(length) == Some(&b'_') {
                length += 1;
            }
        }
        if matches!(bytes.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
            if digit_at(length + 1 + sign) {
                kind = TokenKind::Float;
                length += 1 + sign;
                while digit_at(length) {
                    length += 1;
                }
            }
        }
        // Letters that follow belong to it: `0x1F`, and mistakes such as `12ab`, which the parser names.
        let rest = self.rest().get(length..).unwrap_or_default();
        length += rest.find(|character| !continues_name(character)).unwrap_or(rest.len());
        self.push(kind, length);
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the caller refuses texts longer than u32::MAX"
    )]
    fn push(&mut self, kind: TokenKind, length: usize) {
        let end = self.position + length;
        self.tokens.push(Token {
            kind,
            span: Span::new(self.position as u32, end as u32),
        });
        self.position = end;
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the caller refuses texts longer than u32::MAX"
    )]
    fn error(&self, kind: ParseErrorKind, length: usize, message: String) -> Fault {
        ParseError::new(
            kind,
            Span::new(self.position as u32, (self.position + length) as u32),
            message,
        )
    }
}
