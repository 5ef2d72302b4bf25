//! Names, types and plans: from syntax to physical operators; no storage.
//!
//! Takes a parsed statement and a view of schema and statistics, and answers a [`Plan`]: a tree of operators over numbered
//! slots, with every name resolved, that `execute` runs. Must not know how the graph is stored nor how operators work.

pub mod expression;
pub mod operator;

pub use expression::Expression;
pub use operator::{Operator, OperatorKind, Plan};
