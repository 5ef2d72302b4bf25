//! Queries and their clauses.
//!
//! Owns the order in which a query's clauses were written, not the rules on which may follow which: the parser checks those that
//! need no names (a query ends in `RETURN`, an update or a call), the planner the rest.

use super::{Expression, Name, PathPattern, Span};

/// A query, perhaps of several parts joined by `UNION`.
#[derive(Clone, Debug)]
pub struct Query {
    /// The parts.
    pub body: QueryBody,
    /// Where it stands.
    pub span: Span,
}

/// One part, or parts joined by `UNION`.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryBody {
    /// No `UNION`.
    Single(SingleQuery),
    /// Two or more parts joined from left to right, all by `UNION` or all by `UNION ALL`.
    Union {
        /// `UNION ALL`: keep duplicates.
        all: bool,
        /// Two or more.
        parts: Vec<SingleQuery>,
    },
}

/// A chain of clauses.
#[derive(Clone, Debug)]
pub struct SingleQuery {
    /// Leading `USE graph`.
    pub use_graph: Option<UseGraph>,
    /// In order; one or more.
    pub clauses: Vec<Clause>,
    /// Where it stands.
    pub span: Span,
}

/// `USE name` or `USE graph.byName(expression)`.
#[derive(Clone, Debug, PartialEq)]
pub enum UseGraph {
    /// A name, its parts joined by dots.
    Name(Name),
    /// A function call naming the graph.
    Expression(Expression),
}

/// A clause and its place.
#[derive(Clone, Debug)]
pub struct Clause {
    /// Which.
    pub kind: ClauseKind,
    /// From its first keyword to its end.
    pub span: Span,
}

equal_ignoring_span! {
    Query { body }
    SingleQuery { use_graph, clauses }
    Clause { kind }
    ProjectionItem { expression, alias, text }
    SortItem { expression, direction }
    YieldItem { column, alias }
    MatchHint { variable, labels, properties, kind }
}

/// The clauses.
#[derive(Clone, Debug, PartialEq)]
pub enum ClauseKind {
    /// `[OPTIONAL] MATCH`.
    Match(Match),
    /// `UNWIND`.
    Unwind(Unwind),
    /// `WITH`.
    With(Projection),
    /// `RETURN`.
    Return(Projection),
    /// `CREATE`.
    Create(Create),
    /// `MERGE`.
    Merge(Merge),
    /// `SET`; one or more items.
    Set(Vec<SetItem>),
    /// `REMOVE`; one or more items.
    Remove(Vec<RemoveItem>),
    /// `[DETACH] DELETE`.
    Delete(Delete),
    /// `FOREACH`.
    Foreach(Foreach),
    /// `CALL procedure`.
    CallProcedure(CallProcedure),
    /// `CALL { … }`.
    CallSubquery(CallSubquery),
    /// `LOAD CSV`.
    LoadCsv(LoadCsv),
    /// `FINISH`.
    Finish,
}

/// `[OPTIONAL] MATCH patterns hints WHERE predicate`.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// `OPTIONAL`.
    pub optional: bool,
    /// One or more.
    pub patterns: Vec<PathPattern>,
    /// `USING …`.
    pub hints: Vec<MatchHint>,
    /// `WHERE`.
    pub predicate: Option<Expression>,
}

/// `USING [RANGE|TEXT|POINT] INDEX [SEEK] n:L(p)`, `USING SCAN n:L`, `USING JOIN ON n, m`.
#[derive(Clone, Debug)]
pub struct MatchHint {
    /// `INDEX`, `INDEX SEEK`, `SCAN` or `JOIN ON`, in capitals.
    pub kind: &'static str,
    /// The variables; one unless it is a join.
    pub variable: Vec<Name>,
    /// Label or type; empty for a join.
    pub labels: Vec<Name>,
    /// Property keys, for an index.
    pub properties: Vec<Name>,
    /// Where it stands.
    pub span: Span,
}

/// `UNWIND list AS variable`.
#[derive(Clone, Debug, PartialEq)]
pub struct Unwind {
    /// The list.
    pub list: Expression,
    /// Bound to each element.
    pub variable: Name,
}

/// What `WITH` and `RETURN` share.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// `DISTINCT`.
    pub distinct: bool,
    /// A leading `*`.
    pub star: bool,
    /// The written columns; may be empty only with `star`.
    pub items: Vec<ProjectionItem>,
    /// `ORDER BY`.
    pub order_by: Vec<SortItem>,
    /// `SKIP` or `OFFSET`.
    pub skip: Option<Expression>,
    /// `LIMIT`.
    pub limit: Option<Expression>,
    /// `WHERE`; only after `WITH`.
    pub predicate: Option<Expression>,
}

/// `expression AS alias`.
#[derive(Clone, Debug)]
pub struct ProjectionItem {
    /// The value.
    pub expression: Expression,
    /// `AS`.
    pub alias: Option<Name>,
    /// The expression as written, which names the column when there is no alias.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// `expression DESC`.
#[derive(Clone, Debug)]
pub struct SortItem {
    /// What to sort by.
    pub expression: Expression,
    /// Which way.
    pub direction: SortDirection,
    /// Where it stands.
    pub span: Span,
}

/// Which way to sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortDirection {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// `CREATE patterns`.
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    /// One or more.
    pub patterns: Vec<PathPattern>,
}

/// `MERGE pattern ON MATCH SET … ON CREATE SET …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// The pattern.
    pub pattern: PathPattern,
    /// In the order written.
    pub actions: Vec<MergeAction>,
}

/// `ON MATCH SET …` or `ON CREATE SET …`.
#[derive(Clone, Debug, PartialEq)]
pub enum MergeAction {
    /// When the pattern was found.
    OnMatch(Vec<SetItem>),
    /// When the pattern was made.
    OnCreate(Vec<SetItem>),
}

/// One assignment.
#[derive(Clone, Debug, PartialEq)]
pub enum SetItem {
    /// `target.key = value`.
    Property {
        /// Node or relationship.
        target: Expression,
        /// Key.
        key: Name,
        /// Value.
        value: Expression,
    },
    /// `target[key] = value`.
    DynamicProperty {
        /// Node or relationship.
        target: Expression,
        /// Key, known when run.
        key: Expression,
        /// Value.
        value: Expression,
    },
    /// `variable = map`: all properties are replaced.
    ReplaceProperties {
        /// Node or relationship.
        variable: Name,
        /// Map, node or relationship.
        value: Expression,
    },
    /// `variable += map`.
    MergeProperties {
        /// Node or relationship.
        variable: Name,
        /// Map, node or relationship.
        value: Expression,
    },
    /// `variable:A:B`.
    Labels {
        /// Node.
        variable: Name,
        /// One or more.
        labels: Vec<Name>,
    },
}

/// One removal.
#[derive(Clone, Debug, PartialEq)]
pub enum RemoveItem {
    /// `target.key`.
    Property {
        /// Node or relationship.
        target: Expression,
        /// Key.
        key: Name,
    },
    /// `target[key]`.
    DynamicProperty {
        /// Node or relationship.
        target: Expression,
        /// Key, known when run.
        key: Expression,
    },
    /// `variable:A:B`.
    Labels {
        /// Node.
        variable: Name,
        /// One or more.
        labels: Vec<Name>,
    },
}

/// `[DETACH] DELETE expressions`.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    /// `DETACH`.
    pub detach: bool,
    /// One or more.
    pub expressions: Vec<Expression>,
}

/// `FOREACH (variable IN list | clauses)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreach {
    /// Bound to each element.
    pub variable: Name,
    /// The elements.
    pub list: Expression,
    /// Updating clauses; one or more.
    pub clauses: Vec<Clause>,
}

/// `[OPTIONAL] CALL name(arguments) YIELD … WHERE …`.
#[derive(Clone, Debug, PartialEq)]
pub struct CallProcedure {
    /// `OPTIONAL`.
    pub optional: bool,
    /// The parts before the last.
    pub namespace: Vec<Name>,
    /// The last part.
    pub name: Name,
    /// None when there are no parentheses: arguments come from parameters of the same names.
    pub arguments: Option<Vec<Expression>>,
    /// None when there is no `YIELD`.
    pub yields: Option<YieldColumns>,
    /// `WHERE` after `YIELD`.
    pub predicate: Option<Expression>,
}

impl CallProcedure {
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

/// What stands after `YIELD`.
#[derive(Clone, Debug, PartialEq)]
pub enum YieldColumns {
    /// `*`.
    All,
    /// One or more columns; none for `YIELD -`.
    Columns(Vec<YieldItem>),
}

/// `column AS alias`.
#[derive(Clone, Debug)]
pub struct YieldItem {
    /// The column's name.
    pub column: Name,
    /// `AS`.
    pub alias: Option<Name>,
    /// Where it stands.
    pub span: Span,
}

/// `[OPTIONAL] CALL (imports) { query } IN TRANSACTIONS …`.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSubquery {
    /// `OPTIONAL`.
    pub optional: bool,
    /// The scope clause.
    pub imports: ImportedVariables,
    /// What runs for each row. Without a scope clause it may begin with an importing `WITH`.
    pub query: Query,
    /// `IN TRANSACTIONS`.
    pub in_transactions: Option<InTransactions>,
}

/// The scope clause of a subquery.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportedVariables {
    /// `CALL { … }`: no scope clause; the query may import with a leading `WITH`.
    Unstated,
    /// `CALL (*) { … }`.
    All,
    /// `CALL (x, y) { … }`; `CALL () { … }` is empty.
    Variables(Vec<Name>),
}

/// `IN [n CONCURRENT] TRANSACTIONS OF n ROWS ON ERROR … REPORT STATUS AS s`.
#[derive(Clone, Debug, PartialEq)]
pub struct InTransactions {
    /// `OF n ROWS`.
    pub rows: Option<Expression>,
    /// `CONCURRENT`, with how many at once when stated.
    pub concurrent: Option<Option<Expression>>,
    /// `ON ERROR`.
    pub on_error: Option<OnErrorBehaviour>,
    /// `REPORT STATUS AS`.
    pub report_status: Option<Name>,
}

/// What becomes of the other batches when one fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnErrorBehaviour {
    /// Go on, succeed.
    Continue,
    /// Stop, succeed.
    Break,
    /// Stop, fail.
    Fail,
}

/// `LOAD CSV [WITH HEADERS] FROM url AS variable [FIELDTERMINATOR 't']`.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadCsv {
    /// Rows are maps instead of lists.
    pub with_headers: bool,
    /// Where the file is.
    pub url: Expression,
    /// Bound to each row.
    pub variable: Name,
    /// One character, checked by the planner.
    pub field_terminator: Option<String>,
}
