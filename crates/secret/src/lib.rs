//! Secrets that redact themselves, wipe on drop and compare in constant time.
//!
//! Owns the one wrapper through which passwords, keys and tokens travel. INVARIANT: neither `Debug` nor `Display` of a
//! [`Secret`] ever shows its content, and its memory is overwritten when it is dropped. Knows nothing of what the secret is for.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// What is printed in place of a secret, the same text that Neo4j uses in its logs.
pub const REDACTED: &str = "********";

/// A value that must not be printed and is wiped when dropped.
///
/// Reading it takes a visible call to [`Secret::expose`], so that a review can find every place that does.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

/// A secret text: a password, a token.
pub type SecretString = Secret<String>;

/// Secret bytes: a key, a passphrase that need not be text.
pub type SecretBytes = Secret<Vec<u8>>;

impl<T: Zeroize> Secret<T> {
    /// Takes ownership of `value`; the caller should not keep a copy.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The content, for the one use that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + AsRef<[u8]>> Secret<T> {
    /// Whether the content equals `other`, in time that depends on the lengths alone.
    pub fn matches(&self, other: &[u8]) -> bool {
        equal_in_constant_time(self.0.as_ref(), other)
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(REDACTED)
    }
}

impl<T: Zeroize> fmt::Display for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(REDACTED)
    }
}

/// Compares two byte strings in time that depends on their lengths alone.
pub fn equal_in_constant_time(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_prints_its_content() {
        let secret = SecretString::new("correct horse".to_owned());
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "******** ******** Some(********)"
        );
    }

    #[test]
    fn matches_only_the_same_bytes() {
        let secret = SecretString::new("abc".to_owned());
        assert!(secret.matches(b"abc"));
        assert!(!secret.matches(b"abd"));
        assert!(!secret.matches(b"ab"));
        assert!(!secret.matches(b""));
    }
}
