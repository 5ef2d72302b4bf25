//! Values as nodes and relationships, and errors of the graph as statuses.

use bastide_model::{GraphError, NodeId, Value};
use bastide_plan::expression::Offset;
use bastide_status::{Code, Status};

use super::Run;
use crate::evaluate::{Compiled, RowView, Scope, evaluate, evaluate_predicate, graph_status};

/// What the client is told of an error of the graph.
pub(super) fn failed(error: GraphError) -> Status {
    graph_status(&error)
}

/// The node a value is; `None` for null.
pub(super) fn as_node(value: &Value) -> Result<Option<NodeId>, Status> {
    match value {
        Value::Node(node) => Ok(Some(*node)),
        Value::Null => Ok(None),
        other => Err(Status::new(
            Code::TypeError,
            format!("expected a node, got {}", other.kind().name()),
        )),
    }
}

/// The value of an expression over a row.
pub(super) fn value_of(expression: &Compiled, row: &dyn RowView, run: &Run<'_>) -> Result<Value, Status> {
    evaluate(expression, &mut Scope::new(row), &run.context())
}

/// Whether a predicate is true for a row in which `slot` holds `value`.
pub(super) fn holds_with(
    predicate: &Compiled,
    slot: bastide_plan::expression::Slot,
    value: Value,
    row: &dyn RowView,
    run: &Run<'_>,
) -> Result<bool, Status> {
    let mut scope = Scope::new(row);
    scope.bind(slot, value);
    Ok(evaluate_predicate(predicate, &mut scope, &run.context())? == Some(true))
}

/// Adds the place in the query to an error that has none.
pub(super) fn at<T>(result: Result<T, Status>, offset: Offset, run: &Run<'_>) -> Result<T, Status> {
    result.map_err(|status| run.context().at(status, offset))
}

/// A row count of SKIP, LIMIT or rows per transaction.
pub(super) fn row_count(value: &Value, what: &str) -> Result<usize, Status> {
    match value {
        Value::Integer(count) if *count >= 0 => Ok(usize::try_from(*count).unwrap_or(usize::MAX)),
        Value::Integer(count) => Err(Status::new(
            Code::ArgumentError,
            format!("{what}: invalid input. '{count}' is not a valid value. Must be a non-negative integer"),
        )),
        other => Err(Status::new(
            Code::ArgumentError,
            format!(
                "{what}: invalid input. A value of type {} is not valid. Must be a non-negative integer",
                other.kind().name()
            ),
        )),
    }
}
