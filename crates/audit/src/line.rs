//! One record as one line of JSON.
//!
//! INVARIANT: a line has no raw control character, so it cannot be split or forged from inside a field; and it has one
//! spelling only, so that the hash can be taken over its bytes.

use std::fmt::Write as _;

use crate::chain::{ChainHash, HASH_DIGITS, Position};
use crate::event::Event;

/// Longest line, in bytes, a reader must be ready for.
pub const LINE_BYTES_MAX: usize = 256 * 1024;
const HASH_FIELD: &str = ",\"hash\":\"";

/// Writes `event` as the record after `before`; returns the line with its line feed and where the chain then stands.
pub(crate) fn write_line(event: &Event, before: Position) -> (String, Position) {
    let sequence = before.sequence + 1;
    let mut line = format!("{{\"sequence\":{sequence},\"previous\":\"{}\"", before.hash);
    text_field(&mut line, "time", &format!("{:.6}", event.time));
    text_field(&mut line, "category", event.action.category());
    text_field(&mut line, "action", event.action.name());
    text_field(&mut line, "outcome", event.outcome.name());
    if let Some(user) = &event.user {
        text_field(&mut line, "user", user);
    }
    if let Some(address) = event.address {
        text_field(&mut line, "address", &address.to_string());
    }
    if let Some(database) = &event.database {
        text_field(&mut line, "database", database);
    }
    if !event.details.is_empty() {
        line.push_str(",\"details\":{");
        for (position, (name, value)) in event.details.iter().enumerate() {
            if position > 0 {
                line.push(',');
            }
            quoted(&mut line, name);
            line.push(':');
            quoted(&mut line, value);
        }
        line.push('}');
    }
    let hash = before.hash.next(line.as_bytes());
    line.push_str(HASH_FIELD);
    // Writing to a string cannot fail.
    let _ = writeln!(line, "{hash}\"}}");
    (line, Position { sequence, hash })
}

/// What a line says about its place in the chain.
pub(crate) struct ParsedLine<'a> {
    pub(crate) sequence: u64,
    pub(crate) previous: ChainHash,
    /// The hash it carries.
    pub(crate) hash: ChainHash,
    /// The bytes that were hashed.
    pub(crate) hashed: &'a [u8],
}

impl<'a> ParsedLine<'a> {
    /// Reads a line without its line feed.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let body = line.strip_suffix(b"\"}")?;
        let (rest, hash) = body.split_at_checked(body.len().checked_sub(HASH_DIGITS)?)?;
        let hashed = rest.strip_suffix(HASH_FIELD.as_bytes())?;
        let after = hashed.strip_prefix(b"{\"sequence\":")?;
        let digits = after.iter().position(|byte| !byte.is_ascii_digit())?;
        let (sequence, after) = after.split_at_checked(digits)?;
        let previous = after.strip_prefix(b",\"previous\":\"")?.get(..HASH_DIGITS)?;
        Some(Self {
            sequence: std::str::from_utf8(sequence).ok()?.parse().ok()?,
            previous: ChainHash::from_digits(previous)?,
            hash: ChainHash::from_digits(hash)?,
            hashed,
        })
    }

    /// Whether the hash it carries belongs to its bytes and the hash before that it names.
    pub(crate) fn is_sound(&self) -> bool {
        self.previous.next(self.hashed) == self.hash
    }

    /// Where the chain stands after it.
    pub(crate) fn position(&self) -> Position {
        Position {
            sequence: self.sequence,
            hash: self.hash,
        }
    }
}

fn text_field(line: &mut String, name: &str, value: &str) {
    line.push(',');
    quoted(line, name);
    line.push(':');
    quoted(line, value);
}

/// Appends `text` as a JSON string in which everything that could confuse a reader or terminal is escaped.
fn quoted(line: &mut String, text: &str) {
    line.push('"');
    for character in text.chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            _ if character.is_control() || is_invisible(character) => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
            _ => line.push(character),
        }
    }
    line.push('"');
}

/// Line separators, marks that reorder or hide text, and the byte order mark.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Action, Outcome};

    #[test]
    fn is_one_line_of_valid_json_whatever_the_fields_hold() {
        let nasty = "a\"b\\c\nd\r\te\u{0}\u{1b}[31m\u{85}\u{202e}\u{2028}\u{e0041}é😀";
        let event = Event::new(Action::Login, Outcome::Failure)
            .with_user(nasty)
            .with_address("[::1]:80".parse().unwrap())
            .with_database(nasty)
            .with_detail("reason", nasty);
        let (line, position) = write_line(&event, Position::START);
        assert_eq!(line.matches('\n').count(), 1);
        assert!(
            line.trim_end_matches('\n')
                .chars()
                .all(|c| !c.is_control() && !is_invisible(c)),
            "{line}"
        );
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["user"], nasty);
        assert_eq!(parsed["details"]["reason"], nasty);
        assert_eq!(parsed["address"], "[::1]:80");
        assert_eq!(parsed["sequence"], 1);
        assert_eq!(parsed["hash"], position.hash.to_string());
    }

    #[test]
    fn reads_back_its_own_lines() {
        let before = Position {
            sequence: 41,
            hash: ChainHash::START.next(b"x"),
        };
        let (line, position) = write_line(&Event::new(Action::ServerStarted, Outcome::Success), before);
        let parsed = ParsedLine::parse(line.trim_end().as_bytes()).unwrap();
        assert!(parsed.is_sound());
        assert_eq!((parsed.sequence, parsed.previous), (42, before.hash));
        assert_eq!(parsed.position(), position);
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let event = Event::new(Action::Login, Outcome::Success).with_user("ada");
        let (line, _) = write_line(&event, Position::START);
        let bytes = line.trim_end().as_bytes();
        for index in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[index] ^= 1;
            assert!(
                !ParsedLine::parse(&changed).is_some_and(|parsed| parsed.is_sound()),
                "byte {index}"
            );
        }
    }

    #[test]
    fn the_longest_possible_line_is_within_the_limit() {
        let worst = "\u{e0041}".repeat(crate::DETAIL_CHARACTERS_MAX);
        let mut event = Event::new(Action::Configuration, Outcome::Success)
            .with_user(&worst)
            .with_database(&worst);
        for _ in 0..=crate::DETAILS_MAX {
            event = event.with_detail("a_name_of_reasonable_length", &worst);
        }
        let (line, _) = write_line(
            &event,
            Position {
                sequence: u64::MAX - 1,
                hash: ChainHash::START,
            },
        );
        assert!(line.len() <= LINE_BYTES_MAX, "{}", line.len());
    }
}
