//! Expressions: prepared once a statement, evaluated once a row.
//!
//! [`compile`] resolves function names to function pointers and reads constant patterns; [`evaluate`] walks the result with
//! one `match` a step and allocates nothing for scalars. Must not know operators, batches nor storage.

mod arithmetic;
mod compile;
mod context;
mod error;
mod labels;
mod limits;
mod membership;
mod path;
mod pattern;
mod property;
mod run;
mod scope;
mod step;
mod value_type;
mod walk;

#[cfg(test)]
pub(crate) mod tests;

pub use compile::compile;
pub use context::{
    Cancellation, Clock, CsvPosition, EvaluationContext, Instant, KeyTable, NeverCancelled, NoSubqueries,
    SubqueryRunner, graph_status, position,
};
pub use run::{evaluate, evaluate_predicate};
pub use scope::{EmptyRow, RowView, Scope};
pub use step::Compiled;

pub(crate) use arithmetic::apply as arithmetic;
pub(crate) use error::{argument_error, division_by_zero, entity_deleted, integer_overflow, too_large, type_error};
pub(crate) use limits::{LIST_LENGTH_MAX, TEXT_LENGTH_MAX};
pub(crate) use property::{exists, properties};
pub(crate) use value_type::name_of_type;
