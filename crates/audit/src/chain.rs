//! The hash chain: which hash belongs to which record.
//!
//! A record's hash is SHA-256 over the hash of the record before and the record's own text without its hash. The first
//! record follows [`ChainHash::START`].

use std::fmt;

use aws_lc_rs::digest;

/// Hexadecimal digits of a hash.
pub(crate) const HASH_DIGITS: usize = 64;

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChainHash([u8; 32]);

impl ChainHash {
    /// What the first record follows.
    pub(crate) const START: Self = Self([0; 32]);

    /// The hash of the record `text` that follows this one.
    pub(crate) fn next(self, text: &[u8]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.0);
        context.update(text);
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Self(hash)
    }

    /// Reads 64 lowercase hexadecimal digits.
    pub(crate) fn from_digits(digits: &[u8]) -> Option<Self> {
        let mut hash = [0; 32];
        // Upper-case digits would be a second spelling of the same record.
        if digits.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        hex::decode_to_slice(digits, &mut hash).ok()?;
        Some(Self(hash))
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A place in the chain: how many records there are and the hash of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) sequence: u64,
    pub(crate) hash: ChainHash,
}

impl Position {
    /// Before the first record.
    pub(crate) const START: Self = Self {
        sequence: 0,
        hash: ChainHash::START,
    };

    /// The fixed-width text of `audit.head`, so that it can be overwritten in place.
    pub(crate) fn to_head(self) -> String {
        format!("{:020} {}\n", self.sequence, self.hash)
    }

    /// Reads what [`to_head`](Self::to_head) wrote.
    pub(crate) fn from_head(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
        let (sequence, hash) = text.split_once(' ')?;
        if sequence.len() != 20 || hash.len() != HASH_DIGITS {
            return None;
        }
        Some(Self {
            sequence: sequence.parse().ok()?,
            hash: ChainHash::from_digits(hash.as_bytes())?,
        })
    }
}
