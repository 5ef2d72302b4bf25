//! Patterns of nodes and relationships.
//!
//! Owns what stands after `MATCH`, `CREATE` and `MERGE` and in pattern expressions.

use super::{Expression, Name, Span};

/// One path of a pattern: `p = shortestPath((a)-[:X*]->(b))`.
#[derive(Clone, Debug)]
pub struct PathPattern {
    /// The path's variable.
    pub variable: Option<Name>,
    /// Plain or a search for shortest paths.
    pub kind: PathKind,
    /// First node.
    pub start: NodePattern,
    /// Relationships and the nodes they lead to, in order; empty for a lone node.
    pub steps: Vec<PathStep>,
    /// Where it stands.
    pub span: Span,
}

equal_ignoring_span! {
    PathPattern { variable, kind, start, steps }
    NodePattern { variable, labels, properties, predicate }
    RelationshipPattern { variable, direction, types, length, properties, predicate }
    LabelExpression { kind }
}

/// How a path is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathKind {
    /// Every match.
    Plain,
    /// `shortestPath(…)`.
    ShortestPath,
    /// `allShortestPaths(…)`.
    AllShortestPaths,
}

/// A relationship and the node at its far end (to the right in the text).
#[derive(Clone, Debug, PartialEq)]
pub struct PathStep {
    /// The relationship.
    pub relationship: RelationshipPattern,
    /// The node after it.
    pub node: NodePattern,
}

/// `(variable:Labels {properties} WHERE predicate)`.
#[derive(Clone, Debug)]
pub struct NodePattern {
    /// Variable.
    pub variable: Option<Name>,
    /// Labels.
    pub labels: Option<LabelExpression>,
    /// A map or a parameter.
    pub properties: Option<Expression>,
    /// `WHERE` inside the parentheses.
    pub predicate: Option<Expression>,
    /// With the parentheses.
    pub span: Span,
}

/// Which way a relationship runs, seen from left to right in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `<--`.
    Left,
    /// `-->`.
    Right,
    /// `--` or `<-->`: either way.
    Both,
}

/// `-[variable:TYPES*1..3 {properties} WHERE predicate]->`.
#[derive(Clone, Debug)]
pub struct RelationshipPattern {
    /// Variable; bound to a list when there is a length.
    pub variable: Option<Name>,
    /// Direction.
    pub direction: Direction,
    /// Types.
    pub types: Option<LabelExpression>,
    /// Present when a `*` stands there.
    pub length: Option<PatternLength>,
    /// A map or a parameter.
    pub properties: Option<Expression>,
    /// `WHERE` inside the brackets.
    pub predicate: Option<Expression>,
    /// With the arrows.
    pub span: Span,
}

/// How many relationships: `*` is neither bound, `*2` is both, `*1..` and `*..3` one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternLength {
    /// Fewest; 1 when absent.
    pub min: Option<u64>,
    /// Most; no limit when absent.
    pub max: Option<u64>,
}

/// A condition on labels or types and its place.
#[derive(Clone, Debug)]
pub struct LabelExpression {
    /// Which.
    pub kind: LabelExpressionKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of a condition on labels or types.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelExpressionKind {
    /// A label or type by name.
    Label(Name),
    /// `%`: any at all.
    Wildcard,
    /// `!A`.
    Not(Box<LabelExpression>),
    /// `A&B`, and `:A:B`; two or more.
    And(Vec<LabelExpression>),
    /// `A|B`; two or more.
    Or(Vec<LabelExpression>),
}

impl LabelExpression {
    /// The names when this is one label or a conjunction of labels, which is all that `CREATE` and `MERGE` take for a node.
    pub fn conjunction(&self) -> Option<Vec<&Name>> {
        match &self.kind {
            LabelExpressionKind::Label(name) => Some(vec![name]),
            LabelExpressionKind::And(parts) => parts.iter().map(Self::single).collect(),
            _ => None,
        }
    }

    /// The names when this is one type or a choice of types, the usual case for relationships.
    pub fn disjunction(&self) -> Option<Vec<&Name>> {
        match &self.kind {
            LabelExpressionKind::Label(name) => Some(vec![name]),
            LabelExpressionKind::Or(parts) => parts.iter().map(Self::single).collect(),
            _ => None,
        }
    }

    /// The name when this is a single label or type.
    pub fn single(&self) -> Option<&Name> {
        match &self.kind {
            LabelExpressionKind::Label(name) => Some(name),
            _ => None,
        }
    }
}
