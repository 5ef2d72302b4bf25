//! The typed syntax tree of a Cypher statement.
//!
//! Owns the shapes the parser builds and the planner reads. Equality of everything below [`Query`] ignores positions: two
//! expressions are equal when they were written alike up to white space, comments and letter case of keywords. INVARIANT: a tree
//! made by the parser is no higher than [`crate::NESTING_DEPTH_MAX`] per kind of nesting, so recursion over it is safe.
//! Knows nothing of names in scope, types, or storage.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Implements equality that leaves the field `span` out, and fails to compile when a field is forgotten.
macro_rules! equal_ignoring_span {
    ($($type:ident { $($field:ident),* $(,)? })*) => {$(
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                let Self { $($field,)* span: _ } = self;
                true $(&& *$field == other.$field)*
            }
        }
    )*};
}

mod admin;
mod clause;
mod expression;
mod pattern;
mod schema;
mod show;

pub use admin::{AdminCommand, Password, UserChanges, UserStatus};
pub use clause::{
    CallProcedure, CallSubquery, Clause, ClauseKind, Create, Delete, Foreach, ImportedVariables, InTransactions,
    LoadCsv, Match, MatchHint, Merge, MergeAction, OnErrorBehaviour, Projection, ProjectionItem, Query, QueryBody,
    RemoveItem, SetItem, SingleQuery, SortDirection, SortItem, Unwind, UseGraph, YieldColumns, YieldItem,
};
pub use expression::{
    BinaryOperator, Case, CaseBranch, ComparisonOperator, Expression, ExpressionKind, FunctionCall, ListComprehension,
    Literal, MapEntry, MapProjectionItem, PatternComprehension, Quantifier, QuantifierKind, Reduce, SubqueryBody,
    SubqueryKind, UnaryOperator, ValueType, ValueTypeKind,
};
pub use pattern::{
    Direction, LabelExpression, LabelExpressionKind, NodePattern, PathKind, PathPattern, PathStep, PatternLength,
    RelationshipPattern,
};
pub use schema::{ConstraintKind, EntityKind, IndexKind, SchemaCommand};
pub use show::{ExecutableBy, PrivilegesOf, ShowCommand, ShowKind, ShowYield};

/// A stretch of the statement's text, in bytes; `end` is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The stretch from `start` up to and without `end`.
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The smallest stretch that holds both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The text this span covers, or an empty text when the span is not of this text.
    pub fn text(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Line and column of a byte offset, both from 1, the column in characters. An offset after the end counts as the end.
pub fn line_column(text: &str, offset: u32) -> (u32, u32) {
    let (mut line, mut column) = (1, 1);
    for (_, character) in text
        .char_indices()
        .take_while(|(position, _)| *position < offset as usize)
    {
        if character == '\n' {
            line += 1;
            column = 1;
        } else {
            column += 1;
        }
    }
    (line, column)
}

/// A name as the user means it: back quotes removed, letter case kept. Equality and hash look at the text alone.
#[derive(Clone)]
pub struct Name {
    /// The name itself.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

impl Name {
    /// A name at a place.
    pub fn new(text: impl Into<Arc<str>>, span: Span) -> Self {
        Self {
            text: text.into(),
            span,
        }
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A place where a command takes a name or a parameter holding one (`$name`).
#[derive(Clone, Debug, PartialEq)]
pub enum NameOrParameter {
    /// A written name.
    Name(Name),
    /// The name of a parameter, without the `$`.
    Parameter(Name),
}

/// One whole statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Run it, show its plan, or both.
    pub mode: StatementMode,
    /// Options of the form `CYPHER runtime=slotted`, in the order written; a version (`CYPHER 5`) has the key `version`.
    pub options: Vec<(Name, Name)>,
    /// What is asked for.
    pub body: StatementBody,
    /// The whole text without leading and trailing white space or semicolon.
    pub span: Span,
}

/// Whether a statement runs, is only planned, or is run and measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementMode {
    /// Run it.
    Normal,
    /// `EXPLAIN`: plan it only.
    Explain,
    /// `PROFILE`: run it and return the plan with figures.
    Profile,
}

/// The kinds of statement.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one per statement, and never a list of them"
)]
pub enum StatementBody {
    /// Reads and writes of the graph.
    Query(Query),
    /// Index and constraint commands.
    Schema(SchemaCommand),
    /// `SHOW …`.
    Show(ShowCommand),
    /// Users and transactions.
    Admin(AdminCommand),
}
