//! The user record and the rules of a user name.
//!
//! Owns what a user is; how records are encoded and kept is the database's business.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::password_hash::PasswordHash;

/// Longest user name, in characters; keeps names out of the way in logs and tables.
pub const USER_NAME_CHARACTERS_MAX: usize = 128;

/// A valid user name: printable ASCII from `!` to `~` without comma and colon, case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserName(Arc<str>);

impl UserName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for UserName {
    type Err = InvalidUserName;

    fn from_str(text: &str) -> Result<Self, InvalidUserName> {
        if text.is_empty() {
            return Err(InvalidUserName::Empty);
        }
        if let Some(character) = text.chars().find(|c| !c.is_ascii_graphic() || matches!(c, ',' | ':')) {
            return Err(InvalidUserName::IllegalCharacter { character });
        }
        // Only ASCII is left, so bytes are characters.
        if text.len() > USER_NAME_CHARACTERS_MAX {
            return Err(InvalidUserName::TooLong { characters: text.len() });
        }
        Ok(Self(Arc::from(text)))
    }
}

/// Why a text cannot be a user name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUserName {
    /// The name has no characters.
    #[error("a user name cannot be empty")]
    Empty,
    /// The name has a character outside the allowed set.
    #[error("a user name cannot contain {character:?}: use ASCII letters, digits and symbols other than `,` and `:`")]
    IllegalCharacter {
        /// The first offending character.
        character: char,
    },
    /// The name exceeds [`USER_NAME_CHARACTERS_MAX`].
    #[error("a user name of {characters} characters is too long: the limit is {USER_NAME_CHARACTERS_MAX}")]
    TooLong {
        /// How long it is.
        characters: usize,
    },
}

/// A user as the system database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name, unique among users.
    pub name: UserName,
    /// The stored form of the password.
    pub credential: PasswordHash,
    /// Whether the user must change the password before doing anything else.
    pub password_change_required: bool,
    /// Whether the user is barred from logging in.
    pub suspended: bool,
    /// Whether the user has the role `admin`, without which nobody manages users, settings, policies and other people's work.
    pub administrator: bool,
    /// The database used when a session names none; the server's default if absent.
    pub home_database: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_letters_digits_and_symbols() {
        for name in ["neo4j", "Ada.Lovelace@example.com", "a", "x_y-z!~"] {
            assert_eq!(name.parse::<UserName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn refuses_empty_overlong_and_foreign_characters() {
        assert_eq!("".parse::<UserName>(), Err(InvalidUserName::Empty));
        assert_eq!(
            "a b".parse::<UserName>(),
            Err(InvalidUserName::IllegalCharacter { character: ' ' })
        );
        assert_eq!(
            "a,b".parse::<UserName>(),
            Err(InvalidUserName::IllegalCharacter { character: ',' })
        );
        assert_eq!(
            "a:b".parse::<UserName>(),
            Err(InvalidUserName::IllegalCharacter { character: ':' })
        );
        assert_eq!(
            "a\nb".parse::<UserName>(),
            Err(InvalidUserName::IllegalCharacter { character: '\n' })
        );
        assert_eq!(
            "ä".parse::<UserName>(),
            Err(InvalidUserName::IllegalCharacter { character: 'ä' })
        );
        assert_eq!(
            "a".repeat(129).parse::<UserName>(),
            Err(InvalidUserName::TooLong { characters: 129 })
        );
    }
}
