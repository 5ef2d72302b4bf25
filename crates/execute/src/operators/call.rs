//! CALL of procedures.

use std::sync::Arc;

use bastide_model::Value;
use bastide_plan::expression::{Offset, Slot};
use bastide_plan::procedure::ProcedureSignature;
use bastide_status::{Code, Status};

use super::entity::{at, value_of};
use super::flat_map::RowSource;
use super::{Run, Shared};
use crate::batch::{Batch, BatchRow};
use crate::evaluate::{Compiled, RowView};
use crate::procedures::{Procedure, ProcedureContext, ProcedureRow};

/// A procedure for each row.
pub(super) struct ProcedureCall {
    procedure: Arc<dyn Procedure>,
    arguments: Vec<Compiled>,
    /// Columns of the procedure by place, and the slots they go to.
    yields: Vec<(usize, Slot)>,
    is_void: bool,
    optional: bool,
    offset: Offset,
    rows: std::vec::IntoIter<ProcedureRow>,
    /// A row without columns that is still to be answered.
    passes: bool,
}

/// A call as it is planned.
pub(super) struct CallParts {
    pub(super) procedure: Arc<dyn Procedure>,
    pub(super) arguments: Vec<Compiled>,
    pub(super) yields: Vec<(Arc<str>, Slot)>,
    pub(super) is_void: bool,
    pub(super) optional: bool,
    pub(super) offset: Offset,
}

impl ProcedureCall {
    /// Fails if the procedure has no such column.
    pub(super) fn new(parts: CallParts) -> Result<Self, Status> {
        let signature = Arc::clone(parts.procedure.signature());
        let place = |name: &str| signature.results.iter().position(|column| column.name.as_ref() == name);
        let yields = parts
            .yields
            .iter()
            .map(|(name, slot)| {
                let unknown = || {
                    Status::new(
                        Code::SyntaxError,
                        format!("procedure `{}` has no column `{name}`", signature.name),
                    )
                };
                Ok((place(name).ok_or_else(unknown)?, *slot))
            })
            .collect::<Result<_, Status>>()?;
        Ok(Self {
            procedure: parts.procedure,
            arguments: parts.arguments,
            yields,
            is_void: parts.is_void,
            optional: parts.optional,
            offset: parts.offset,
            rows: Vec::new().into_iter(),
            passes: false,
        })
    }

    fn call(&self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<Vec<ProcedureRow>, Status> {
        let mut arguments = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            arguments.push(value_of(argument, &row, run)?);
        }
        complete(self.procedure.signature(), &mut arguments)?;
        let shared = run.shared;
        let mut context = ProcedureContext {
            access: &mut *run.access,
            server: shared.server.as_ref(),
            registry: &shared.procedures,
            database: &shared.database,
            element_id_prefix: &shared.element_id_prefix,
            cancellation: &shared.interrupt,
        };
        self.procedure.call(&arguments, &mut context)
    }
}

/// Fills arguments that were left out with their defaults.
fn complete(signature: &ProcedureSignature, arguments: &mut Vec<Value>) -> Result<(), Status> {
    let wrong_number = || {
        Status::new(
            Code::SyntaxError,
            format!(
                "procedure `{}` takes {} arguments",
                signature.name,
                signature.arguments.len()
            ),
        )
    };
    if arguments.len() > signature.arguments.len() {
        return Err(wrong_number());
    }
    for argument in signature.arguments.iter().skip(arguments.len()) {
        arguments.push(argument.default.clone().ok_or_else(wrong_number)?);
    }
    Ok(())
}

impl RowSource for ProcedureCall {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {
        self.rows = Vec::new().into_iter();
        self.passes = false;
    }

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        run.check()?;
        let result = self.call(run, row);
        let rows = at(result, self.offset, run)?;
        self.passes = self.is_void || (self.optional && rows.is_empty());
        self.rows = if self.is_void {
            Vec::new().into_iter()
        } else {
            rows.into_iter()
        };
        Ok(())
    }

    fn fill(&mut self, _run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        if std::mem::take(&mut self.passes) {
            for (_, slot) in &self.yields {
                out.push(*slot, Value::Null);
            }
            return Ok(1);
        }
        let mut count = 0;
        while count < limit {
            let Some(row) = self.rows.next() else { break };
            for (place, slot) in &self.yields {
                out.push(*slot, row.get(*place).cloned().unwrap_or_default());
            }
            count += 1;
        }
        Ok(count)
    }
}
