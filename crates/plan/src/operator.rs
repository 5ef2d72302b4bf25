//! Physical operators: what `execute` runs, one arm of [`OperatorKind`] each.
//!
//! Rows have numbered slots. An operator keeps the slots of its input and adds those it names, except where said
//! ([`OperatorKind::Aggregate`], [`OperatorKind::Distinct`] and [`OperatorKind::Union`] answer only what they list).

#![allow(missing_docs, reason = "the comment of each variant says what its fields are")]

use std::sync::Arc;

use bastide_model::Direction;

use crate::expression::{Expression, LabelName, Offset, Slot, TypeName};

/// A statement ready to run. Cached by text and schema version; holds no ids of tokens, as these may come to be later.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The last operator.
    pub root: Operator,
    /// What the client sees: names, and the slots they come from. Empty for a query without `RETURN`.
    pub columns: Vec<ResultColumn>,
    /// How many slots rows have, subqueries and comprehension variables included.
    pub slot_count: u32,
    /// Whether it reads, writes or both.
    pub access: Access,
    /// Whether it is explained or profiled.
    pub mode: Mode,
    /// Label names, by [`LabelName`].
    pub labels: Vec<Arc<str>>,
    /// Relationship type names, by [`TypeName`].
    pub relationship_types: Vec<Arc<str>>,
    /// Property keys, by [`crate::expression::KeyName`].
    pub property_keys: Vec<Arc<str>>,
    /// Parameter names, by [`crate::expression::ParameterName`].
    pub parameters: Vec<Arc<str>>,
    /// What slots are called in the query, for those that have a name, ascending.
    pub variables: Vec<(Slot, Arc<str>)>,
    /// How many operators there are, subqueries included; [`Operator::id`] is below it.
    pub operator_count: u32,
    /// The schema version it was planned against.
    pub schema_version: u64,
    /// Warnings for the client: unknown labels, cartesian products and the like.
    pub notifications: Vec<Notification>,
}

/// A column of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    /// The name, as written or aliased.
    pub name: Arc<str>,
    /// Where the value is.
    pub slot: Slot,
}

/// What a plan does to the graph, as drivers report it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `r`
    Read,
    /// `rw`
    ReadWrite,
    /// `w`
    Write,
    /// `s`
    Schema,
}

/// Whether a plan is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is run.
    Normal,
    /// It is shown and not run.
    Explain,
    /// It is run and shown with what each operator did.
    Profile,
}

/// A warning or hint that goes to the client with the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Neo4j's code, such as `Neo.ClientNotification.Statement.UnknownLabelWarning`.
    pub code: &'static str,
    /// The GQLSTATUS, such as `01N50`.
    pub gql_status: &'static str,
    /// `WARNING` or `INFORMATION`.
    pub severity: &'static str,
    /// The category, such as `UNRECOGNIZED`.
    pub category: &'static str,
    /// A short title.
    pub title: String,
    /// The whole sentence.
    pub description: String,
    /// Where in the query text.
    pub offset: Option<Offset>,
}

/// One operator of a plan.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Unique within the plan, for profiles.
    pub id: u32,
    /// What it does.
    pub kind: OperatorKind,
    /// How many rows the planner expects.
    pub estimated_rows: f64,
    /// The slots that anything above still reads. An operator need not carry others on.
    pub live: Vec<Slot>,
}

/// Relationship types of an expansion; empty stands for every type.
pub type Types = Vec<TypeName>;

/// What an operator does. `input` is run first; operators without one are leaves.
#[derive(Clone, Debug)]
pub enum OperatorKind {
    /// One row without content at the top of a plan; the row handed in, inside a subquery.
    Argument,
    /// No row at all, the input run to its end for its effects (a query that ends in an update).
    EmptyResult { input: Box<Operator> },

    /// Every node.
    AllNodesScan { input: Box<Operator>, node: Slot },
    /// Every node with a label.
    NodeByLabelScan {
        input: Box<Operator>,
        node: Slot,
        label: LabelName,
    },
    /// Nodes by `id(n)` or `elementId(n)`: one value or a list.
    NodeByIdSeek {
        input: Box<Operator>,
        node: Slot,
        ids: Expression,
        element_ids: bool,
    },
    /// Nodes by an ordered index; expressions may read the row, so `UNWIND $rows` seeks a row.
    NodeIndexSeek {
        input: Box<Operator>,
        node: Slot,
        index: Arc<str>,
        seek: IndexSeek,
    },
    /// Every relationship of one of the types, with its ends; `Both` yields each twice, once a way.
    RelationshipScan {
        input: Box<Operator>,
        relationship: Slot,
        start: Slot,
        end: Slot,
        direction: Direction,
        types: Types,
    },
    /// Relationships by `id(r)` or `elementId(r)`.
    RelationshipByIdSeek {
        input: Box<Operator>,
        relationship: Slot,
        start: Slot,
        end: Slot,
        ids: Expression,
        element_ids: bool,
    },
    /// How many nodes there are, or have the label; one row.
    NodeCount {
        input: Box<Operator>,
        label: Option<LabelName>,
        count: Slot,
    },
    /// How many relationships there are of the types; one row.
    RelationshipCount {
        input: Box<Operator>,
        types: Types,
        count: Slot,
    },

    /// Relationships of a bound node. With `into` the other node is bound too and must be the one met.
    Expand {
        input: Box<Operator>,
        from: Slot,
        relationship: Slot,
        to: Slot,
        direction: Direction,
        types: Types,
        into: bool,
    },
    /// Paths of `min` to `max` relationships, none of them twice in a path. The relationships come as a list, in walking order
    /// from `from`, turned round if `reversed`.
    VariableExpand {
        input: Box<Operator>,
        from: Slot,
        relationships: Slot,
        to: Slot,
        direction: Direction,
        types: Types,
        min: u64,
        max: Option<u64>,
        into: bool,
        /// The pattern was written the other way round, so lists are answered from `to` to `from`.
        reversed: bool,
        /// Must hold for every relationship of a path; reads it from the slot.
        relationship_filter: Option<(Slot, Expression)>,
    },
    /// One shortest path, or all of them, between two bound nodes. Null-safe: no row without a path.
    ShortestPath {
        input: Box<Operator>,
        from: Slot,
        relationships: Slot,
        to: Slot,
        direction: Direction,
        types: Types,
        min: u64,
        max: Option<u64>,
        all: bool,
        /// The path variable, if any.
        path: Option<Slot>,
        /// Must hold for every relationship of the path; reads it from the slot.
        relationship_filter: Option<(Slot, Expression)>,
        /// Must hold for every node of the path; reads it from the slot.
        node_filter: Option<(Slot, Expression)>,
        /// Must hold for the path as a whole; if it cannot be met along the way, longer paths are tried.
        path_filter: Option<Expression>,
    },

    /// Rows for which the predicate is true.
    Filter {
        input: Box<Operator>,
        predicate: Expression,
    },
    /// New slots.
    Project {
        input: Box<Operator>,
        items: Vec<(Slot, Expression)>,
    },
    /// Each combination of values once; answers only the slots of `keys`.
    Distinct {
        input: Box<Operator>,
        keys: Vec<(Slot, Expression)>,
    },
    /// Groups; answers only the slots of `keys` and `aggregates`. Without keys there is always one row.
    Aggregate {
        input: Box<Operator>,
        keys: Vec<(Slot, Expression)>,
        aggregates: Vec<(Slot, Aggregation)>,
    },
    /// Order. With `limit` only that many rows are kept.
    Sort {
        input: Box<Operator>,
        keys: Vec<SortKey>,
        limit: Option<Expression>,
    },
    /// Leaves out the first rows.
    Skip {
        input: Box<Operator>,
        count: Expression,
        offset: Offset,
    },
    /// Stops after so many rows; updates below still run to their end if `exhaust`.
    Limit {
        input: Box<Operator>,
        count: Expression,
        offset: Offset,
        exhaust: bool,
    },
    /// A row for each item of a list; null is no row, a value that is no list is one.
    Unwind {
        input: Box<Operator>,
        list: Expression,
        slot: Slot,
    },
    /// The rows of each input one after the other; `mappings` says for each input which of its slots becomes which slot of `slots`.
    /// With `distinct` each row once.
    Union {
        inputs: Vec<Operator>,
        mappings: Vec<Vec<Slot>>,
        slots: Vec<Slot>,
        distinct: bool,
    },

    /// For each row of `input`, the rows of `inner`, which starts from it.
    Apply { input: Box<Operator>, inner: Box<Operator> },
    /// As Apply; a row without inner rows comes once, with `nullable` slots null.
    OptionalApply {
        input: Box<Operator>,
        inner: Box<Operator>,
        nullable: Vec<Slot>,
    },
    /// For each row of `input`, all rows of `inner`, which does not depend on it and is run once and kept.
    CartesianProduct { input: Box<Operator>, inner: Box<Operator> },
    /// Rows of both sides with equal keys (null equals nothing); `inner` does not depend on `input` and is kept in memory.
    HashJoin {
        input: Box<Operator>,
        inner: Box<Operator>,
        keys: Vec<(Expression, Expression)>,
    },
    /// Takes in every row before it answers the first, so that updates above do not touch what is read below.
    Eager { input: Box<Operator> },

    /// New nodes, then new relationships.
    Create {
        input: Box<Operator>,
        nodes: Vec<CreateNode>,
        relationships: Vec<CreateRelationship>,
    },
    /// For each row: if `matching` has rows those, after `on_match`; else one row after `create` (its plan starts from the row) and
    /// `on_create`. Unique constraints make it safe against others doing the same.
    Merge {
        input: Box<Operator>,
        matching: Box<Operator>,
        nodes: Vec<CreateNode>,
        relationships: Vec<CreateRelationship>,
        on_create: Vec<Update>,
        on_match: Vec<Update>,
    },
    /// SET and REMOVE, in order, each over the row.
    Update { input: Box<Operator>, updates: Vec<Update> },
    /// Nodes, relationships and paths; null is passed over. `detach` takes the relationships of nodes along.
    Delete {
        input: Box<Operator>,
        subjects: Vec<(Expression, Offset)>,
        detach: bool,
    },
    /// For each row and item, the body for its effects; the row itself goes on unchanged.
    Foreach {
        input: Box<Operator>,
        list: Expression,
        slot: Slot,
        body: Box<Operator>,
    },

    /// For each row, the rows of a CSV file: a list of texts, or a map with headers.
    LoadCsv {
        input: Box<Operator>,
        url: Expression,
        slot: Slot,
        headers: bool,
        delimiter: Option<Expression>,
        offset: Offset,
    },
    /// A procedure; `arguments` are checked against its signature. `SHOW` commands are procedures named `show.*`.
    ProcedureCall {
        input: Box<Operator>,
        name: Arc<str>,
        arguments: Vec<Expression>,
        /// Column of the procedure, and the slot it goes to.
        yields: Vec<(Arc<str>, Slot)>,
        /// A procedure that yields nothing passes its input rows on.
        is_void: bool,
        /// `OPTIONAL CALL`.
        optional: bool,
        offset: Offset,
    },
    /// `CALL { … }` without RETURN: the body for its effects, the row goes on. With RETURN it is an Apply.
    CallForEffect { input: Box<Operator>, inner: Box<Operator> },
    /// `CALL { … } IN TRANSACTIONS`: batches of rows, each in a transaction of its own.
    CallInTransactions {
        input: Box<Operator>,
        inner: Box<Operator>,
        rows_per_transaction: Option<Expression>,
        on_error: OnError,
        /// Holds the status map of the batch, if asked for.
        report: Option<Slot>,
        /// Whether the body has a RETURN.
        returns: bool,
    },
    /// An index or constraint command; the only operator of its plan.
    Schema(SchemaOperation),
}

/// What happens when a batch of `CALL … IN TRANSACTIONS` fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The query fails.
    Fail,
    /// The next batch goes on.
    Continue,
    /// No further batch is run, and the query succeeds.
    Break,
}

/// What is looked for in an index. Values that can equal nothing find nothing.
#[derive(Clone, Debug)]
pub enum IndexSeek {
    /// Every entry.
    All,
    /// The leading properties equal these.
    Equal(Vec<Expression>),
    /// The first property equals any item of this list; each once.
    AnyOf(Expression),
    /// The first property lies in a range of one type; the flag says whether the bound is inside.
    Range {
        from: Option<(Expression, bool)>,
        to: Option<(Expression, bool)>,
    },
    /// The first property is a text that starts so.
    Prefix(Expression),
}

/// One key of a sort.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// What is compared.
    pub expression: Expression,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// An aggregating function over the rows of a group.
#[derive(Clone, Debug)]
pub struct Aggregation {
    /// Canonical lower-case name: `count(*)`, `count`, `sum`, `avg`, `min`, `max`, `collect`, `stdev`, `stdevp`, `percentilecont`,
    /// `percentiledisc`.
    pub function: Arc<str>,
    /// Arguments; none for `count(*)`.
    pub arguments: Vec<Expression>,
    /// Each value once.
    pub distinct: bool,
    /// Where, for errors.
    pub offset: Offset,
}

/// A node to create.
#[derive(Clone, Debug)]
pub struct CreateNode {
    /// Where it goes.
    pub slot: Slot,
    /// Its labels.
    pub labels: Vec<LabelName>,
    /// A map of properties; null values are left out (an error in MERGE).
    pub properties: Option<Expression>,
}

/// A relationship to create; its nodes are in slots.
#[derive(Clone, Debug)]
pub struct CreateRelationship {
    /// Where it goes.
    pub slot: Slot,
    /// Its type.
    pub relationship_type: TypeName,
    /// Where it starts.
    pub start: Slot,
    /// Where it ends.
    pub end: Slot,
    /// A map of properties.
    pub properties: Option<Expression>,
    /// Where, for errors (a null node).
    pub offset: Offset,
}

/// One item of SET or REMOVE. A null subject is passed over.
#[derive(Clone, Debug)]
pub enum Update {
    /// `SET subject.key = value`; `REMOVE subject.key` sets null.
    SetProperty {
        subject: Expression,
        key: Arc<str>,
        value: Expression,
        offset: Offset,
    },
    /// `SET subject[key] = value`.
    SetDynamicProperty {
        subject: Expression,
        key: Expression,
        value: Expression,
        offset: Offset,
    },
    /// `SET subject = map` (a map, node or relationship).
    ReplaceProperties {
        subject: Expression,
        value: Expression,
        offset: Offset,
    },
    /// `SET subject += map`.
    MergeProperties {
        subject: Expression,
        value: Expression,
        offset: Offset,
    },
    /// `SET subject:A:B`.
    AddLabels {
        subject: Expression,
        labels: Vec<LabelName>,
        offset: Offset,
    },
    /// `REMOVE subject:A:B`.
    RemoveLabels {
        subject: Expression,
        labels: Vec<LabelName>,
        offset: Offset,
    },
}

/// An index or constraint command. Names are text, as tokens may have to be made.
#[derive(Clone, Debug)]
pub enum SchemaOperation {
    /// CREATE INDEX (range; text and point are served by range and say so in a notification).
    CreateIndex {
        name: Option<Arc<str>>,
        target: SchemaTargetName,
        properties: Vec<Arc<str>>,
        if_not_exists: bool,
    },
    /// CREATE LOOKUP INDEX: always there already.
    CreateLookupIndex {
        name: Option<Arc<str>>,
        relationships: bool,
        if_not_exists: bool,
    },
    /// DROP INDEX.
    DropIndex { name: Arc<str>, if_exists: bool },
    /// CREATE CONSTRAINT.
    CreateConstraint {
        name: Option<Arc<str>>,
        kind: bastide_model::ConstraintKind,
        target: SchemaTargetName,
        properties: Vec<Arc<str>>,
        if_not_exists: bool,
    },
    /// DROP CONSTRAINT.
    DropConstraint { name: Arc<str>, if_exists: bool },
}

/// A label or type by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaTargetName {
    /// A label.
    Label(Arc<str>),
    /// A relationship type.
    RelationshipType(Arc<str>),
}
