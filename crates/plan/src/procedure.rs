//! What a procedure takes and answers, as far as planning needs it.

use std::sync::Arc;

use bastide_model::Value;

use crate::types::Type;

/// The signature of a procedure.
#[derive(Clone, Debug)]
pub struct ProcedureSignature {
    /// The full name, with dots.
    pub name: Arc<str>,
    /// What it takes, in order.
    pub arguments: Vec<ProcedureArgument>,
    /// What it yields, in order; empty for a procedure that yields nothing.
    pub results: Vec<ProcedureResult>,
    /// What it may do.
    pub mode: ProcedureMode,
}

/// One argument.
#[derive(Clone, Debug)]
pub struct ProcedureArgument {
    /// Its name.
    pub name: Arc<str>,
    /// Its type; null is always taken.
    pub value_type: Type,
    /// What is passed when it is left out; without one it may not be left out.
    pub default: Option<Value>,
}

/// One column.
#[derive(Clone, Debug)]
pub struct ProcedureResult {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub value_type: Type,
    /// Whether it is shown without a `YIELD`; always set except for the wider columns of `SHOW` commands.
    pub is_default: bool,
}

/// What a procedure may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcedureMode {
    /// Reads the graph.
    Read,
    /// Changes the graph.
    Write,
    /// Changes indexes or constraints.
    Schema,
    /// Concerns the server and not the graph.
    Dbms,
}

/// Whether a value of type `given` may be passed for `wanted`: whatever is not known is let through, and integers are floats.
pub fn accepts(wanted: &Type, given: &Type) -> bool {
    match (wanted, given) {
        (Type::Any, _) | (_, Type::Any | Type::Null) => true,
        (Type::Number | Type::Float, Type::Integer | Type::Float | Type::Number) => true,
        (Type::Integer, Type::Number) => true,
        (Type::List(wanted), Type::List(given)) => accepts(wanted, given),
        (Type::Map, Type::Node | Type::Relationship) => true,
        (wanted, given) => wanted == given,
    }
}
