//! Names, types and plans: from syntax to physical operators; no storage.
//!
//! Takes a parsed statement and a view of schema and statistics, and answers a [`Plan`]: a tree of operators over numbered
//! slots, with every name resolved, that `execute` runs. Must not know how the graph is stored nor how operators work.

pub mod explain;
pub mod expression;
pub mod function;
pub mod operator;
pub mod procedure;
pub mod verify;

mod aggregation;
mod calls;
mod commands;
mod context;
mod eager;
mod fault;
mod liveness;
mod notification;
mod patterns;
mod planner;
mod projection;
mod query;
mod scope;
mod statement;
mod translate;
mod types;
mod updates;
mod walk;

pub use context::{GraphContext, NodeIndex, PlanContext, PlanLimits, ProcedureLookup};
pub use expression::Expression;
pub use fault::{PlanError, SemanticFault};
pub use operator::{Operator, OperatorKind, Plan};
pub use procedure::{ProcedureArgument, ProcedureMode, ProcedureResult, ProcedureSignature};
pub use statement::plan;
pub use types::Type;
