//! Expressions: everything that yields a value for a row.
//!
//! Owns operators, literals and the nested forms. INVARIANT: chains of `AND`, `OR`, `XOR` and of comparisons are held flat.

use std::sync::Arc;

use super::{LabelExpression, Name, PathPattern, Query, Span};

/// An expression and its place in the text.
#[derive(Clone, Debug)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Where it stands, without surrounding parentheses.
    pub span: Span,
}

equal_ignoring_span! {
    Expression { kind }
    ValueType { kind, not_null }
    MapEntry { key, value }
    FunctionCall { namespace, name, distinct, arguments }
}

impl Expression {
    /// An expression at a place.
    pub fn new(kind: ExpressionKind, span: Span) -> Self {
        Self { kind, span }
    }
}

/// The forms of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// A constant. A minus before a number is part of it.
    Literal(Literal),
    /// `$name`, without the `$`.
    Parameter(Name),
    /// A variable.
    Variable(Name),
    /// `base.key`.
    Property {
        /// Node, relationship, map or temporal value.
        base: Box<Expression>,
        /// Property key.
        key: Name,
    },
    /// `base[index]`.
    Index {
        /// List, map, node or relationship.
        base: Box<Expression>,
        /// Position or key.
        index: Box<Expression>,
    },
    /// `base[from..to]`.
    Slice {
        /// The list.
        base: Box<Expression>,
        /// First position, the start when absent.
        from: Option<Box<Expression>>,
        /// Position after the last, the end when absent.
        to: Option<Box<Expression>>,
    },
    /// `[a, b]`.
    List(Vec<Expression>),
    /// `{a: 1}`.
    Map(Vec<MapEntry>),
    /// `n {.a, .*, b: 1, v}`.
    MapProjection {
        /// What is projected.
        variable: Name,
        /// What is taken from it.
        items: Vec<MapProjectionItem>,
    },
    /// `[x IN list WHERE p | e]`.
    ListComprehension(Box<ListComprehension>),
    /// `[(a)-->(b) WHERE p | e]`.
    PatternComprehension(Box<PatternComprehension>),
    /// `all(x IN list WHERE p)` and its sisters.
    Quantifier(Box<Quantifier>),
    /// `reduce(sum = 0, x IN list | sum + x)`.
    Reduce(Box<Reduce>),
    /// `CASE … END`.
    Case(Box<Case>),
    /// `name(arguments)`; aggregates too, and `exists(n.p)`, `exists((a)-->())`.
    Function(Box<FunctionCall>),
    /// `count(*)`.
    CountStar,
    /// A prefix operator.
    Unary {
        /// Which.
        operator: UnaryOperator,
        /// On what.
        operand: Box<Expression>,
    },
    /// An operator with two sides that is not held flat; all associate to the left.
    Binary {
        /// Which.
        operator: BinaryOperator,
        /// Left side.
        left: Box<Expression>,
        /// Right side.
        right: Box<Expression>,
    },
    /// `a AND b AND c`, two or more.
    And(Vec<Expression>),
    /// `a OR b OR c`, two or more.
    Or(Vec<Expression>),
    /// `a XOR b XOR c`, two or more.
    Xor(Vec<Expression>),
    /// `a < b <= c`: each operand is compared with the one before, and all must hold. `rest` has one or more.
    Comparison {
        /// Leftmost operand.
        first: Box<Expression>,
        /// Operator and operand, from left to right.
        rest: Vec<(ComparisonOperator, Expression)>,
    },
    /// `e IS [NOT] NULL`.
    IsNull {
        /// What is tested.
        operand: Box<Expression>,
        /// `IS NOT NULL`.
        negated: bool,
    },
    /// `e IS [NOT] :: TYPE` and `e IS [NOT] TYPED TYPE`.
    IsTyped {
        /// What is tested.
        operand: Box<Expression>,
        /// The type.
        value_type: Box<ValueType>,
        /// `IS NOT ::`.
        negated: bool,
    },
    /// `e:A|B` and `e IS A`: labels of a node or type of a relationship.
    HasLabels {
        /// Node or relationship.
        operand: Box<Expression>,
        /// What it must have.
        labels: Box<LabelExpression>,
    },
    /// `EXISTS { … }`, `COUNT { … }`, `COLLECT { … }`.
    Subquery {
        /// What is made of the rows.
        kind: SubqueryKind,
        /// Where the rows come from.
        body: Box<SubqueryBody>,
    },
    /// A path pattern as a value: a predicate such as `(a)-->(b)`, or `shortestPath(…)`.
    Pattern(Box<PathPattern>),
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `null`.
    Null,
    /// `true`, `false`.
    Boolean(bool),
    /// A signed 64-bit number.
    Integer(i64),
    /// A 64-bit float; `Infinity` and `NaN` too.
    Float(f64),
    /// A text, escapes resolved.
    String(Arc<str>),
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOperator {
    /// `NOT`.
    Not,
    /// `+`.
    Plus,
    /// `-`.
    Minus,
}

/// Operators with two sides that are not held flat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`.
    Modulo,
    /// `^`.
    Power,
    /// `||`.
    Concatenate,
    /// `=~`.
    RegularExpression,
    /// `STARTS WITH`.
    StartsWith,
    /// `ENDS WITH`.
    EndsWith,
    /// `CONTAINS`.
    Contains,
    /// `IN`.
    In,
}

/// Comparisons, which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ComparisonOperator {
    /// `=`.
    Equal,
    /// `<>`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

/// One `key: value` of a map.
#[derive(Clone, Debug)]
pub struct MapEntry {
    /// Key.
    pub key: Name,
    /// Value.
    pub value: Expression,
    /// Both.
    pub span: Span,
}

/// One part of a map projection.
#[derive(Clone, Debug, PartialEq)]
pub enum MapProjectionItem {
    /// `.key`.
    Property(Name),
    /// `.*`.
    AllProperties,
    /// `key: expression`.
    Entry(MapEntry),
    /// A variable under its own name.
    Variable(Name),
}

/// `[variable IN list WHERE predicate | result]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ListComprehension {
    /// Bound to each element.
    pub variable: Name,
    /// The elements.
    pub list: Expression,
    /// Which to keep; all when absent.
    pub predicate: Option<Expression>,
    /// What to return for each; the element when absent.
    pub result: Option<Expression>,
}

/// `[variable = pattern WHERE predicate | result]`; the variable, if any, is that of the pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternComprehension {
    /// The pattern, with its path variable.
    pub pattern: PathPattern,
    /// Which to keep; all when absent.
    pub predicate: Option<Expression>,
    /// What to return for each match.
    pub result: Expression,
}

/// Which elements must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuantifierKind {
    /// Every one.
    All,
    /// At least one.
    Any,
    /// Not one.
    None,
    /// Exactly one.
    Single,
}

/// `all(variable IN list WHERE predicate)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantifier {
    /// Which elements must hold.
    pub kind: QuantifierKind,
    /// Bound to each element.
    pub variable: Name,
    /// The elements.
    pub list: Expression,
    /// What must hold; the element itself when absent.
    pub predicate: Option<Expression>,
}

/// `reduce(accumulator = initial, variable IN list | step)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduce {
    /// Bound to what was gathered so far.
    pub accumulator: Name,
    /// Its first value.
    pub initial: Expression,
    /// Bound to each element.
    pub variable: Name,
    /// The elements.
    pub list: Expression,
    /// The accumulator's next value.
    pub step: Expression,
}

/// `CASE [subject] WHEN … THEN … [ELSE …] END`.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What the branches' values are compared with; without it the branches hold conditions.
    pub subject: Option<Expression>,
    /// One or more, tried in order.
    pub branches: Vec<CaseBranch>,
    /// `ELSE`; null when absent.
    pub otherwise: Option<Expression>,
}

/// `WHEN a, b THEN c`.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseBranch {
    /// Conditions, or values equal to the subject; one or more (more than one only with a subject), any of which suffices.
    pub when: Vec<Expression>,
    /// The value then.
    pub then: Expression,
}

/// A call by name.
#[derive(Clone, Debug)]
pub struct FunctionCall {
    /// The parts before the last, such as `duration` in `duration.between`.
    pub namespace: Vec<Name>,
    /// The last part. Built-in functions are found whatever the letter case.
    pub name: Name,
    /// `count(DISTINCT x)`.
    pub distinct: bool,
    /// In order.
    pub arguments: Vec<Expression>,
    /// The whole call.
    pub span: Span,
}

impl FunctionCall {
    /// The full name with dots, as written.
    pub fn full_name(&self) -> String {
        let mut name = String::new();
        for part in &self.namespace {
            name.push_str(&part.text);
            name.push('.');
        }
        name.push_str(&self.name.text);
        name
    }
}

/// What a subquery in an expression yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubqueryKind {
    /// Whether there is a row.
    Exists,
    /// How many rows there are.
    Count,
    /// The rows' only column as a list.
    Collect,
}

/// Where the rows of a subquery in an expression come from.
#[derive(Clone, Debug, PartialEq)]
pub enum SubqueryBody {
    /// A whole query; for `EXISTS` and `COUNT` it need not end in `RETURN`.
    Query(Query),
    /// Patterns as after `MATCH`.
    Pattern {
        /// One or more.
        patterns: Vec<PathPattern>,
        /// `WHERE`.
        predicate: Option<Expression>,
    },
}

/// A type after `IS ::`.
#[derive(Clone, Debug)]
pub struct ValueType {
    /// Which.
    pub kind: ValueTypeKind,
    /// `NOT NULL` follows: null is not of the type.
    pub not_null: bool,
    /// Where it stands.
    pub span: Span,
}

/// The types a value can be tested for.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are Cypher's own type names")]
pub enum ValueTypeKind {
    Nothing,
    Null,
    Any,
    Boolean,
    String,
    Integer,
    Float,
    Date,
    LocalTime,
    ZonedTime,
    LocalDateTime,
    ZonedDateTime,
    Duration,
    Point,
    Node,
    Relationship,
    Map,
    Path,
    PropertyValue,
    List(Box<ValueType>),
    /// `A | B`, two or more.
    Union(Vec<ValueType>),
}
