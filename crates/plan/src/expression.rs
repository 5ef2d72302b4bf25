//! Expressions with every name resolved: variables are slots, tokens and parameters are indexes into tables of the plan.

use std::sync::Arc;

use bastide_model::{Direction, Value};

use crate::operator::Operator;

/// A column of the rows that flow between operators. Numbered per plan, shared with its subqueries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// An index into [`crate::Plan::labels`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelName(pub u32);

/// An index into [`crate::Plan::relationship_types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeName(pub u32);

/// An index into [`crate::Plan::property_keys`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(pub u32);

/// An index into [`crate::Plan::parameters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterName(pub u32);

/// A place in the query text, as a byte offset, for errors at run time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset(pub u32);

/// An expression, evaluated once a row. Null propagates as openCypher says.
#[derive(Clone, Debug)]
pub enum Expression {
    /// A constant.
    Literal(Value),
    /// A parameter of the request.
    Parameter(ParameterName),
    /// A variable. Variables of comprehensions, quantifiers and `reduce` are slots too, written while the list is walked.
    Slot(Slot),
    /// `subject.key`, of a node, relationship, map, point or temporal value.
    Property {
        /// What is asked.
        subject: Box<Expression>,
        /// The key.
        key: KeyName,
        /// Where, for the error if the subject has no properties.
        offset: Offset,
    },
    /// `container[index]`, of a list, map, node or relationship.
    Index {
        /// The list, map or entity.
        container: Box<Expression>,
        /// Integer or text.
        index: Box<Expression>,
        /// Where, for errors.
        offset: Offset,
    },
    /// `list[from..to]`.
    Slice {
        /// The list.
        list: Box<Expression>,
        /// First place, default 0.
        from: Option<Box<Expression>>,
        /// Place after the last, default the end.
        to: Option<Box<Expression>>,
    },
    /// `[a, b, …]`.
    List(Vec<Expression>),
    /// `{key: value, …}`.
    Map(Vec<(Arc<str>, Expression)>),
    /// `subject{.key, .*, key: value}`; null if the subject is.
    MapProjection {
        /// A node, relationship or map.
        subject: Box<Expression>,
        /// Whether `.*` is among the items.
        all_properties: bool,
        /// Items in order; later ones win.
        items: Vec<(Arc<str>, Expression)>,
    },
    /// `NOT x`.
    Not(Box<Expression>),
    /// All of them, under three-valued logic; evaluated left to right, and stops at false.
    And(Vec<Expression>),
    /// Any of them, under three-valued logic; evaluated left to right, and stops at true.
    Or(Vec<Expression>),
    /// `a XOR b`.
    Xor(Box<Expression>, Box<Expression>),
    /// A comparison.
    Compare {
        /// Which.
        operator: Comparison,
        /// Left side.
        left: Box<Expression>,
        /// Right side.
        right: Box<Expression>,
    },
    /// Arithmetic, and concatenation with `+` and `||`.
    Arithmetic {
        /// Which.
        operator: Arithmetic,
        /// Left side.
        left: Box<Expression>,
        /// Right side.
        right: Box<Expression>,
        /// Where, for overflow and type errors.
        offset: Offset,
    },
    /// `-x`.
    Negate(Box<Expression>, Offset),
    /// `STARTS WITH` and its kin; null unless both sides are texts.
    MatchText {
        /// Which.
        operator: TextMatch,
        /// The text.
        text: Box<Expression>,
        /// What is looked for.
        pattern: Box<Expression>,
    },
    /// `item IN list`.
    In {
        /// The item.
        item: Box<Expression>,
        /// The list.
        list: Box<Expression>,
    },
    /// `x IS NULL`.
    IsNull(Box<Expression>),
    /// `x IS NOT NULL`.
    IsNotNull(Box<Expression>),
    /// `x IS :: TYPE`; the type is held in its normalised text form, such as `INTEGER NOT NULL` or `LIST<STRING>`.
    IsTyped {
        /// The value.
        subject: Box<Expression>,
        /// The type.
        value_type: Arc<str>,
        /// Whether it must not be of the type.
        negated: bool,
    },
    /// `n:A|B&!C`; null if the subject is. For relationships the names are types.
    HasLabels {
        /// A node or relationship.
        subject: Box<Expression>,
        /// The labels asked for.
        labels: Labels,
    },
    /// `CASE`; the simple form compares the subject with each `when`.
    Case {
        /// The subject of the simple form.
        subject: Option<Box<Expression>>,
        /// Pairs of when and then.
        arms: Vec<(Expression, Expression)>,
        /// What is answered if no arm is taken; null without it.
        otherwise: Option<Box<Expression>>,
    },
    /// A scalar function, by its canonical name in the registry (see [`crate::function`]).
    Function {
        /// The canonical, lower-case name, such as `tolower` or `date.truncate`.
        name: Arc<str>,
        /// Arguments, their number checked against the signature.
        arguments: Vec<Expression>,
        /// Where, for errors.
        offset: Offset,
    },
    /// `[x IN list WHERE filter | map]`.
    ListComprehension {
        /// Holds the current item.
        slot: Slot,
        /// The list.
        list: Box<Expression>,
        /// Which items count.
        filter: Option<Box<Expression>>,
        /// What is made of each; the item itself without it.
        map: Option<Box<Expression>>,
    },
    /// `all(x IN list WHERE …)` and its kin.
    Quantifier {
        /// Which.
        kind: Quantifier,
        /// Holds the current item.
        slot: Slot,
        /// The list.
        list: Box<Expression>,
        /// The condition.
        predicate: Box<Expression>,
    },
    /// `reduce(a = initial, x IN list | body)`.
    Reduce {
        /// Holds the accumulator.
        accumulator: Slot,
        /// Its first value.
        initial: Box<Expression>,
        /// Holds the current item.
        slot: Slot,
        /// The list.
        list: Box<Expression>,
        /// The accumulator's next value.
        body: Box<Expression>,
    },
    /// A path value from bound slots, null if any part is.
    Path {
        /// The first node.
        start: Slot,
        /// The steps in order.
        steps: Vec<PathPart>,
    },
    /// `EXISTS { }`, `COUNT { }`, `COLLECT { }`, pattern predicates and pattern comprehensions: the plan is run for the row;
    /// its leaves are [`crate::OperatorKind::Argument`], which hand in the slots of the row.
    Subquery {
        /// What is made of the rows.
        kind: Subquery,
        /// The plan.
        plan: Box<Operator>,
    },
    /// True if no relationship occurs twice among the slots (each a relationship or a list of relationships). The rule of
    /// one `MATCH`.
    DistinctRelationships(Vec<Slot>),
}

/// A step of [`Expression::Path`].
#[derive(Clone, Debug)]
pub enum PathPart {
    /// One relationship and the node after it.
    Single {
        /// Holds the relationship.
        relationship: Slot,
        /// Holds the node after it.
        node: Slot,
    },
    /// A list of relationships, walked one after the other from the last node; nodes between are found from them.
    Multiple {
        /// Holds the list, in the order of the walk.
        relationships: Slot,
        /// Holds the node at the end.
        node: Slot,
        /// The direction of the pattern.
        direction: Direction,
    },
}

/// A boolean expression over labels or types.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// Has this one.
    Name(Arc<str>),
    /// Has any at all.
    Any,
    /// All parts hold.
    And(Vec<Labels>),
    /// Some part holds.
    Or(Vec<Labels>),
    /// The part does not hold.
    Not(Box<Labels>),
}

/// `=` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// `+` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`: numbers, texts, lists, temporals and durations.
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `^`, always a float.
    Power,
    /// `||`: texts and lists only.
    Concatenate,
}

/// `STARTS WITH` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMatch {
    /// `STARTS WITH`
    StartsWith,
    /// `ENDS WITH`
    EndsWith,
    /// `CONTAINS`
    Contains,
    /// `=~`, the whole text must match.
    Regex,
}

/// Quantifiers over lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// Every item.
    All,
    /// At least one.
    Any,
    /// Not one.
    None,
    /// Exactly one.
    Single,
}

/// What a subquery expression answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subquery {
    /// Whether there is a row.
    Exists,
    /// How many rows.
    Count,
    /// The list of values in this slot.
    Collect(Slot),
}
