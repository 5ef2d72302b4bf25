//! The number of a commit.
//!
//! Owns the one type that counts commits. INVARIANT: a database's commits are numbered 1, 2, 3, … without a gap;
//! zero stands for "before the first commit". Knows nothing of what a commit holds.

use std::fmt;

/// The number of a commit in one database; the first commit is 1, and [`CommitId::ZERO`] is the empty database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(u64);

impl CommitId {
    /// The state before the first commit.
    pub const ZERO: Self = Self(0);

    /// The commit with this number.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The commit after this one. At the end of the range (after 2^64 commits) it stays where it is.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
