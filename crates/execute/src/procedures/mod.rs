//! Procedures: what `CALL` and `SHOW` run.
//!
//! Owns the registry and what a procedure may ask ([`ProcedureContext`], [`ServerInformation`]). Every procedure declares its mode
//! and the privilege it needs; who has which is decided above.

mod configuration;
mod database;
mod dbms;
mod registry;
mod schema;
mod server;
mod show;
mod signature;
mod transaction;

use std::sync::Arc;

use bastide_model::{GraphRead, Value};
use bastide_plan::procedure::ProcedureSignature;
use bastide_security::Action;
use bastide_status::Status;

use crate::access::GraphAccess;

pub use registry::ProcedureRegistry;
pub use server::{NoServer, ServerInformation};

/// A row that a procedure answers: a value for each of its columns, in the order of the signature.
pub type ProcedureRow = Vec<Value>;

/// One procedure.
pub trait Procedure: Send + Sync {
    /// Name, arguments, columns and mode.
    fn signature(&self) -> &Arc<ProcedureSignature>;
    /// One sentence for `SHOW PROCEDURES`.
    fn description(&self) -> &str;
    /// What the caller must be allowed to do.
    fn privilege(&self) -> Action;
    /// Runs it. There is an argument for each of the signature's.
    fn call(&self, arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<ProcedureRow>, Status>;
}

/// What a procedure may ask while it runs.
pub struct ProcedureContext<'a> {
    /// The transaction.
    pub access: &'a mut dyn GraphAccess,
    /// The server.
    pub server: &'a dyn ServerInformation,
    /// The registry itself, for those that list it.
    pub registry: &'a ProcedureRegistry,
    /// The name of the database.
    pub database: &'a str,
    /// What element ids begin with.
    pub element_id_prefix: &'a str,
    /// Says whether to stop. Asked in long loops.
    pub cancellation: &'a dyn crate::evaluate::Cancellation,
}

impl ProcedureContext<'_> {
    /// The graph as the transaction sees it.
    pub fn graph(&self) -> &dyn GraphRead {
        self.access.read()
    }
}
