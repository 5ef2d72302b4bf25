//! Index and constraint commands.
//!
//! Owns their written form; whether a kind of index is supported is for others to say.

use super::{Expression, Name, NameOrParameter, ValueType};

/// A command on indexes or constraints.
#[derive(Clone, Debug, PartialEq)]
pub enum SchemaCommand {
    /// `CREATE [kind] INDEX [name] [IF NOT EXISTS] FOR … ON … [OPTIONS …]`.
    CreateIndex {
        /// Kind; range unless written.
        kind: IndexKind,
        /// Name, made up when absent.
        name: Option<NameOrParameter>,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
        /// Nodes or relationships.
        entity: EntityKind,
        /// The labels or types: one, more for a full-text index, none for a lookup index.
        labels: Vec<Name>,
        /// Property keys; none for a lookup index.
        properties: Vec<Name>,
        /// A map or a parameter.
        options: Option<Expression>,
    },
    /// `DROP INDEX name [IF EXISTS]`.
    DropIndex {
        /// Name.
        name: NameOrParameter,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `CREATE CONSTRAINT [name] [IF NOT EXISTS] FOR … REQUIRE … [OPTIONS …]`.
    CreateConstraint {
        /// Name, made up when absent.
        name: Option<NameOrParameter>,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
        /// Nodes or relationships.
        entity: EntityKind,
        /// Label or type.
        label: Name,
        /// Property keys; one or more.
        properties: Vec<Name>,
        /// What must hold.
        kind: ConstraintKind,
        /// A map or a parameter.
        options: Option<Expression>,
    },
    /// `DROP CONSTRAINT name [IF EXISTS]`.
    DropConstraint {
        /// Name.
        name: NameOrParameter,
        /// `IF EXISTS`.
        if_exists: bool,
    },
}

/// Kinds of index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexKind {
    /// `RANGE`, the default.
    Range,
    /// `TEXT`.
    Text,
    /// `POINT`.
    Point,
    /// `LOOKUP`: which nodes have a label.
    Lookup,
    /// `FULLTEXT`.
    Fulltext,
    /// `VECTOR`.
    Vector,
}

/// Nodes or relationships.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntityKind {
    /// Nodes.
    Node,
    /// Relationships.
    Relationship,
}

/// Kinds of constraint.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintKind {
    /// `IS [NODE|RELATIONSHIP] UNIQUE`.
    Unique,
    /// `IS [NODE|RELATIONSHIP] KEY`.
    Key,
    /// `IS NOT NULL`.
    Exists,
    /// `IS :: TYPE`.
    Type(ValueType),
}
