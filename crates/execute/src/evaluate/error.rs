//! The errors of expressions, worded in one place.

use bastide_model::Value;
use bastide_status::{Code, Status};

/// A value of a type that an operation cannot take.
pub(crate) fn type_error(operation: &str, expected: &str, found: &Value) -> Status {
    Status::new(
        Code::TypeError,
        format!("{operation} needs {expected}, but got {}", found.kind().name()),
    )
}

/// Two values that an operator cannot take together.
pub(crate) fn operand_error(operator: &str, left: &Value, right: &Value) -> Status {
    Status::new(
        Code::TypeError,
        format!(
            "`{operator}` cannot be applied to {} and {}",
            left.kind().name(),
            right.kind().name()
        ),
    )
}

/// A value of the right type that an operation cannot take.
pub(crate) fn argument_error(message: impl Into<String>) -> Status {
    Status::new(Code::ArgumentError, message)
}

/// A result above or below 64 bits.
pub(crate) fn integer_overflow(operation: &str) -> Status {
    Status::new(
        Code::ArithmeticError,
        format!("integer overflow: the result of {operation} does not fit into 64 bits"),
    )
}

/// An integer divided by zero.
pub(crate) fn division_by_zero() -> Status {
    Status::new(Code::ArithmeticError, "/ by zero")
}

/// A node or relationship that was deleted in this transaction.
pub(crate) fn entity_deleted(entity: &Value) -> Status {
    let (kind, id) = match entity {
        Value::Node(id) => ("node", id.0),
        Value::Relationship(id) => ("relationship", id.0),
        _ => ("entity", 0),
    };
    Status::new(
        Code::EntityNotFound,
        format!("{kind} with id {id} has been deleted in this transaction"),
    )
}

/// A result larger than it may be.
pub(crate) fn too_large(what: &str, limit: usize, unit: &str) -> Status {
    argument_error(format!("{what} would be larger than {limit} {unit}"))
}
