//! Operators, functions and procedures over the model traits.
//!
//! An [`Execution`] runs a plan: opened once, pulled batch by batch, with the transaction handed in at each pull
//! ([`GraphAccess`]). Must not know how the graph is stored, nor who the user is.

mod access;
mod batch;
mod execution;
mod limits;
mod load_csv;
mod operators;
mod procedures;
mod statistics;

pub mod aggregate;
pub mod evaluate;
mod functions;
mod temporal;
pub mod text;

pub use access::{GraphAccess, ReadOnly, ReadWrite, TransactionControl, read_only_refused};
pub use execution::{Execution, ExecutionOptions, ResultBatch};
pub use limits::CancellationFlag;
pub use load_csv::{CsvSource, CsvStream, ImportSettings, ImportSource, NoCsv};
pub use procedures::{NoServer, Procedure, ProcedureContext, ProcedureRegistry, ProcedureRow, ServerInformation};
pub use statistics::{OperatorProfile, Statistics};
