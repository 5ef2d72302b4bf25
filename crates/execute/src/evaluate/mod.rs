//! Expressions: prepared once a statement, evaluated once a row.
//!
//! [`compile`] resolves function names to function pointers and reads constant patterns; [`evaluate`] walks the result with
//! one `match` a step and allocates nothing for scalars. Must not know operators, batches nor storage.

mod context;
mod scope;

pub use context::{
    Cancellation, Clock, CsvPosition, EvaluationContext, Instant, KeyTable, NeverCancelled, NoSubqueries,
    SubqueryRunner, graph_status, position,
};
pub use scope::{EmptyRow, RowView, Scope};

use bastide_model::Value;
use bastide_plan::Expression;
use bastide_status::{Code, Status};

/// An expression that is ready to be evaluated.
#[derive(Debug)]
pub struct Compiled;

/// Prepares an expression. `text` is the query text, for the places of errors.
pub fn compile(expression: &Expression, text: &str) -> Result<Compiled, Status> {
    let _ = (expression, text);
    Ok(Compiled)
}

/// The value of an expression for one row.
pub fn evaluate(
    expression: &Compiled,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    let _ = (expression, scope, context);
    Err(Status::new(Code::UnknownError, "expressions are not evaluated yet"))
}

/// The truth of a predicate for one row; `None` stands for null. Any other value than a boolean is an error.
pub fn evaluate_predicate(
    expression: &Compiled,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Option<bool>, Status> {
    match evaluate(expression, scope, context)? {
        Value::Boolean(truth) => Ok(Some(truth)),
        Value::Null => Ok(None),
        other => Err(Status::new(
            Code::TypeError,
            format!("expected a boolean, got {}", other.kind().name()),
        )),
    }
}
