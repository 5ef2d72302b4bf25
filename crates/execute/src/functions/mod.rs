//! Scalar functions, one file a family, found by canonical name once a statement.
//!
//! The table of names and numbers of arguments is [`bastide_plan`]'s; what is called here has the right number of them.

mod conversion;
mod entity;
mod lists;
mod mathematics;
mod round;
mod scalar;
pub(crate) mod spatial;
mod strings;
mod temporal;

#[cfg(test)]
mod tests;

use bastide_model::Value;
use bastide_status::Status;

use crate::evaluate::EvaluationContext;

/// A scalar function, ready to be called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    /// Called with the values of the arguments.
    pub(crate) run: Run,
    /// Whether it wants to see null; others answer null if any argument is.
    pub(crate) takes_null: bool,
}

pub(crate) type Run = fn(&[Value], &EvaluationContext<'_>) -> Result<Value, Status>;

impl Function {
    /// A function that answers null if any argument is.
    const fn strict(run: Run) -> Option<Self> {
        Some(Self { run, takes_null: false })
    }

    /// A function that is called with nulls too.
    const fn lenient(run: Run) -> Option<Self> {
        Some(Self { run, takes_null: true })
    }
}

/// The function with this canonical, lower-case name. `coalesce` is none, as it does not evaluate all its arguments.
pub(crate) fn find(name: &str) -> Option<Function> {
    entity::find(name)
        .or_else(|| scalar::find(name))
        .or_else(|| lists::find(name))
        .or_else(|| conversion::find(name))
        .or_else(|| mathematics::find(name))
        .or_else(|| strings::find(name))
        .or_else(|| temporal::find(name))
        .or_else(|| spatial::find(name))
}

/// The argument at a place; null if it was left out.
fn argument(arguments: &[Value], place: usize) -> &Value {
    const NULL: &Value = &Value::Null;
    arguments.get(place).unwrap_or(NULL)
}
