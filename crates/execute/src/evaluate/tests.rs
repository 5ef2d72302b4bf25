//! Tests of expressions, and what tests of functions and temporal values need to evaluate text.

mod graph;
mod operators;
mod suite;
mod translate;

use bastide_cypher::ast::{ClauseKind, Projection, QueryBody, StatementBody};
use bastide_model::{NodeId, Path, PathStep, RelationshipId, Value, order};
use bastide_status::{Code, Status};
use std::sync::Arc;

use super::*;
use graph::TwoPeople;
use translate::Translator;

/// Why a query could not be answered.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The tests' translator does not know the form.
    Unsupported(String),
    /// The query failed.
    Status(Status),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self::Unsupported(what)
    }
}

/// Names of columns, and rows.
pub(crate) type Table = (Vec<String>, Vec<Vec<Value>>);

fn path() -> Value {
    let mut path = Path::single(NodeId(0));
    path.steps.push(PathStep {
        relationship: RelationshipId(0),
        forward: true,
        node: NodeId(1),
    });
    Value::Path(Arc::new(path))
}

/// The value of an expression. `n`, `m`, `r` and `p` are the people, what joins them, and the path; `gone` is deleted,
/// `nothing` is null.
pub(crate) fn value_of(text: &str) -> Result<Value, Status> {
    let prelude = [
        ("n", Value::Node(NodeId(0))),
        ("m", Value::Node(NodeId(1))),
        ("r", Value::Relationship(RelationshipId(0))),
        ("p", path()),
        ("gone", Value::Node(NodeId(9))),
        ("nothing", Value::Null),
    ];
    match run(&format!("RETURN {text} AS x"), &prelude) {
        Ok((_, rows)) => Ok(rows[0][0].clone()),
        Err(Failure::Status(status)) => Err(status),
        Err(Failure::Unsupported(what)) => panic!("{text}: {what}"),
    }
}

/// The value as Cypher writes it, or the code of the error.
pub(crate) fn shown(text: &str) -> String {
    match value_of(text) {
        Ok(value) => crate::text::format_value(&value, &TwoPeople),
        Err(status) => format!("{:?}", status.code()),
    }
}

/// Checks pairs of expression and what is shown for it.
pub(crate) fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(text, expected)| {
            let shown = shown(text);
            (shown != *expected).then(|| format!("{text} is {shown}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs a chain of `UNWIND`, `WITH` and `RETURN`.
pub(crate) fn run(text: &str, prelude: &[(&str, Value)]) -> Result<Table, Failure> {
    let statement = bastide_cypher::parse(text, bastide_cypher::ParseLimits::default())
        .map_err(|error| Status::new(Code::SyntaxError, format!("{error:?}")))?;
    let StatementBody::Query(query) = &statement.body else {
        return Err(Failure::Unsupported("no query".into()));
    };
    let QueryBody::Single(single) = &query.body else {
        return Err(Failure::Unsupported("UNION".into()));
    };
    let mut translator = Translator::default();
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for (name, value) in prelude {
        translator.bind(name);
        rows[0].push(value.clone());
    }
    let mut columns = Vec::new();
    for clause in &single.clauses {
        match &clause.kind {
            ClauseKind::With(projection) | ClauseKind::Return(projection) => {
                (columns, rows) = project(projection, &mut translator, rows, text)?;
            }
            ClauseKind::Unwind(unwind) => {
                let list = translator.expression(&unwind.list)?;
                let lists = each(&list, &translator, &rows, text)?;
                let slot = translator.bind(unwind.variable.as_str());
                let width = slot.0 as usize + 1;
                let mut next = Vec::new();
                for (row, list) in rows.iter().zip(lists) {
                    let items = match list {
                        Value::Null => Arc::from([]),
                        Value::List(items) => items,
                        other => Arc::from([other]),
                    };
                    for item in items.iter() {
                        let mut row = row.clone();
                        row.resize(width, Value::Null);
                        row[width - 1] = item.clone();
                        next.push(row);
                    }
                }
                rows = next;
            }
            other => return Err(Failure::Unsupported(format!("{other:?}").chars().take(20).collect())),
        }
    }
    Ok((columns, rows))
}

fn project(
    projection: &Projection,
    translator: &mut Translator,
    rows: Vec<Vec<Value>>,
    text: &str,
) -> Result<Table, Failure> {
    if projection.distinct || projection.star || !projection.order_by.is_empty() || projection.limit.is_some() {
        return Err(Failure::Unsupported("projection".into()));
    }
    let mut columns = Vec::new();
    let mut values = Vec::new();
    for item in &projection.items {
        let expression = translator.expression(&item.expression)?;
        values.push(each(&expression, translator, &rows, text)?);
        columns.push(
            item.alias
                .as_ref()
                .map_or(item.text.clone(), |name| name.as_str().to_owned()),
        );
    }
    translator.variables.clear();
    translator.slots = 0;
    for column in &columns {
        translator.bind(column);
    }
    let mut projected: Vec<Vec<Value>> = (0..rows.len())
        .map(|row| values.iter().map(|column| column[row].clone()).collect())
        .collect();
    if let Some(predicate) = &projection.predicate {
        let predicate = translator.expression(predicate)?;
        let truths = each(&predicate, translator, &projected, text)?;
        let mut truths = truths.iter();
        projected.retain(|_| matches!(truths.next(), Some(Value::Boolean(true))));
    }
    Ok((columns, projected))
}

fn each(
    expression: &bastide_plan::Expression,
    translator: &Translator,
    rows: &[Vec<Value>],
    text: &str,
) -> Result<Vec<Value>, Failure> {
    let compiled = compile(expression, text)?;
    let keys = KeyTable::new(&translator.keys);
    let clock = Clock::starting_now();
    let context = context(text, &keys, &clock);
    rows.iter()
        .map(|row| evaluate(&compiled, &mut Scope::new(row), &context).map_err(Failure::from))
        .collect()
}

fn context<'a>(text: &'a str, keys: &'a KeyTable, clock: &'a Clock) -> EvaluationContext<'a> {
    EvaluationContext {
        graph: &TwoPeople,
        parameters: &[],
        keys,
        text,
        clock,
        subqueries: &NoSubqueries,
        cancellation: &NeverCancelled,
        element_id_prefix: "4:bastide:",
        csv: None,
    }
}

/// Whether two values are the same to a reader: equivalent and of one kind.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| same(left, right))
        }
        _ => left.kind() == right.kind() && order::total_order(left, right).is_eq(),
    }
}
