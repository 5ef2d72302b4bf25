//! Operators, functions and procedures over the model traits.

pub mod aggregate;
pub mod evaluate;
mod functions;
mod temporal;
pub mod text;
