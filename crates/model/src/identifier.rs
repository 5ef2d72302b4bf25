//! Distinct types for every identifier, so that one cannot be passed for another.

use std::fmt;

macro_rules! identifier {
    ($(#[doc = $doc:literal])+ $name:ident($inner:ty)) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }
    };
}

identifier! {
    /// A node. Dense from 0; an id is not given to another node while a snapshot can still see the first.
    NodeId(u64)
}
identifier! {
    /// A relationship. Dense from 0, in a number space of its own.
    RelationshipId(u64)
}
identifier! {
    /// A label name, interned per database.
    LabelId(u32)
}
identifier! {
    /// A relationship type name, interned per database.
    RelationshipTypeId(u32)
}
identifier! {
    /// A property key name, interned per database.
    PropertyKeyId(u32)
}
identifier! {
    /// An index. A uniqueness constraint owns one.
    IndexId(u32)
}
identifier! {
    /// A constraint.
    ConstraintId(u32)
}
identifier! {
    /// A commit of one database: 1 for the first, then one more each, without gaps. 0 stands for the empty graph.
    CommitId(u64)
}

/// Which way relationships are followed from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From start to end: `(a)-->(b)` seen from `a`.
    Outgoing,
    /// From end to start: `(a)<--(b)` seen from `a`.
    Incoming,
    /// Either way; a loop is met once.
    Both,
}

impl Direction {
    /// The direction seen from the other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Outgoing => Self::Incoming,
            Self::Incoming => Self::Outgoing,
            Self::Both => Self::Both,
        }
    }
}
