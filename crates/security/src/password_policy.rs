//! Which passwords are good enough: minimum length and minimum entropy.
//!
//! The entropy rule is `length' * log2(base)`: `base` adds up the character classes present, `length'` is the length
//! once runs of one character and stretches of digits, keyboard rows and the alphabet are cut to two.

use bastide_secret::SecretString;

use crate::password_hash::PASSWORD_BYTES_MAX;

/// Sequences that add nothing after their second character, read forwards or backwards.
const SEQUENCES: [&str; 5] = [
    "0123456789",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
];
/// What is left of a run or a sequence.
const STRETCH_KEPT: usize = 2;

/// The rules a new password must meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PasswordPolicy {
    /// Fewest characters, `dbms.security.auth_minimum_password_length`.
    pub characters_min: usize,
    /// Fewest bits of entropy, `dbms.security.auth_minimum_password_entropy_bits`; 0 switches the rule off.
    pub entropy_bits_min: f64,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            characters_min: 8,
            entropy_bits_min: 60.0,
        }
    }
}

/// Why a new password is refused, with what to do about it. Never holds the password.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PasswordPolicyViolation {
    /// No characters at all.
    #[error("a password cannot be empty")]
    Empty,
    /// Fewer characters than the policy wants.
    #[error("a password must be at least {minimum} characters, and this one has {characters}: use a longer password")]
    TooShort {
        /// Its length.
        characters: usize,
        /// The policy's minimum.
        minimum: usize,
    },
    /// Longer than can be hashed.
    #[error("a password may have at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// Too easy to guess.
    #[error("this password is too easy to guess ({bits:.1} bits of entropy, at least {minimum} are needed): {advice}")]
    TooPredictable {
        /// The entropy found.
        bits: f64,
        /// The policy's minimum.
        minimum: f64,
        /// What would make it strong enough.
        advice: String,
    },
    /// The same as the password in force.
    #[error("the new password must differ from the old one")]
    SameAsPrevious,
}

impl PasswordPolicy {
    /// Whether `password` may be set.
    pub fn check(&self, password: &SecretString) -> Result<(), PasswordPolicyViolation> {
        let text = password.expose();
        let characters = text.chars().count();
        if characters == 0 {
            return Err(PasswordPolicyViolation::Empty);
        }
        if text.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordPolicyViolation::TooLong);
        }
        if characters < self.characters_min {
            return Err(PasswordPolicyViolation::TooShort {
                characters,
                minimum: self.characters_min,
            });
        }
        let bits = password_entropy_bits(text);
        if bits < self.entropy_bits_min {
            let minimum = self.entropy_bits_min;
            return Err(PasswordPolicyViolation::TooPredictable {
                bits,
                minimum,
                advice: advice(text),
            });
        }
        Ok(())
    }

    /// Whether a user may replace the password `previous` by `new`.
    pub fn check_change(&self, previous: &SecretString, new: &SecretString) -> Result<(), PasswordPolicyViolation> {
        if new.matches(previous.expose().as_bytes()) {
            return Err(PasswordPolicyViolation::SameAsPrevious);
        }
        self.check(new)
    }
}

/// Estimated bits of entropy, as the module describes.
#[expect(clippy::cast_precision_loss, reason = "lengths and class sizes are far below 2^52")]
pub fn password_entropy_bits(password: &str) -> f64 {
    let base = Classes::of(password).base(password);
    if base == 0 {
        return 0.0;
    }
    effective_length(password) as f64 * (base as f64).log2()
}

/// Which character classes a password uses.
struct Classes {
    lower: bool,
    upper: bool,
    digit: bool,
    replacement: bool,
    separator: bool,
    special: bool,
}

impl Classes {
    fn of(password: &str) -> Self {
        let any = |belongs: fn(char) -> bool| password.chars().any(belongs);
        Self {
            lower: any(|c| c.is_ascii_lowercase()),
            upper: any(|c| c.is_ascii_uppercase()),
            digit: any(|c| c.is_ascii_digit()),
            replacement: any(is_replacement),
            separator: any(is_separator),
            special: any(is_other_special),
        }
    }

    /// Sum of the sizes of the classes present, plus one for each distinct character outside all of them.
    fn base(&self, password: &str) -> usize {
        let classes = [
            (self.lower, 26),
            (self.upper, 26),
            (self.digit, 10),
            (self.replacement, 5),
            (self.separator, 5),
            (self.special, 22),
        ];
        let known: usize = classes
            .iter()
            .filter(|(present, _)| *present)
            .map(|(_, size)| size)
            .sum();
        let others: std::collections::HashSet<char> = password.chars().filter(|c| !is_known(*c)).collect();
        known + others.len()
    }
}

fn is_replacement(character: char) -> bool {
    "!@$&*".contains(character)
}

fn is_separator(character: char) -> bool {
    "_-., ".contains(character)
}

fn is_other_special(character: char) -> bool {
    "\"#%'()+/:;<=>?[\\]^{|}~".contains(character)
}

fn is_known(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || is_replacement(character)
        || is_separator(character)
        || is_other_special(character)
}

/// The length that counts: runs and sequences are worth two characters each.
fn effective_length(password: &str) -> usize {
    let mut characters: Vec<char> = password.chars().collect();
    characters = cut_stretches(&characters, |previous, next| previous == next);
    for sequence in SEQUENCES {
        let forwards: Vec<char> = sequence.chars().collect();
        let backwards: Vec<char> = sequence.chars().rev().collect();
        for order in [forwards, backwards] {
            characters = cut_stretches(&characters, |previous, next| follows(&order, previous, next));
        }
    }
    characters.len()
}

fn follows(order: &[char], previous: char, next: char) -> bool {
    order.windows(2).any(|pair| pair == [previous, next])
}

/// Keeps the first two characters of every stretch in which each character `continues` the one before.
fn cut_stretches(characters: &[char], continues: impl Fn(char, char) -> bool) -> Vec<char> {
    let mut kept = Vec::with_capacity(characters.len());
    let mut previous: Option<char> = None;
    let mut stretch = 0;
    for character in characters.iter().copied() {
        stretch = if previous.is_some_and(|before| continues(before, character)) {
            stretch + 1
        } else {
            1
        };
        if stretch <= STRETCH_KEPT {
            kept.push(character);
        }
        previous = Some(character);
    }
    kept
}

/// What would raise the entropy of `password`, without repeating any of it.
fn advice(password: &str) -> String {
    let classes = Classes::of(password);
    let mut steps = Vec::new();
    if !(classes.replacement || classes.separator || classes.special) {
        steps.push("including special characters");
    }
    if !classes.lower {
        steps.push("using lowercase letters");
    }
    if !classes.upper {
        steps.push("using uppercase letters");
    }
    if !classes.digit {
        steps.push("using digits");
    }
    if effective_length(password) < password.chars().count() {
        steps.push("avoiding repeated characters and sequences such as `1234` or `qwerty`");
    }
    steps.push("using a longer password");
    match steps.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("try {} or {last}", rest.join(", ")),
        _ => "try using a longer password".to_owned(),
    }
}

#[cfg(test)]
mod tests;
