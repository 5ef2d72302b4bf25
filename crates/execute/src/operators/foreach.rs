//! FOREACH: a body for each item of a list, for its effects.

use bastide_model::Value;
use bastide_plan::expression::Slot;
use bastide_status::{Code, Status};

use super::entity::value_of;
use super::{Operate, Run, Shared, Stream, drain};
use crate::batch::Batch;
use crate::evaluate::{Compiled, RowView, Scope};

/// A body for each item; rows go on unchanged.
pub(super) struct Foreach {
    input: Stream,
    list: Compiled,
    slot: Slot,
    body: Stream,
    scratch: Batch,
}

impl Foreach {
    pub(super) fn new(input: Stream, list: Compiled, slot: Slot, body: Stream) -> Self {
        Self {
            input,
            list,
            slot,
            body,
            scratch: Batch::new(),
        }
    }
}

impl Operate for Foreach {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        self.input.next(run, wanted, out)?;
        for place in 0..out.rows() {
            let row = out.row(place);
            let items = match value_of(&self.list, &row, run)? {
                Value::List(items) => items,
                Value::Null => continue,
                other => {
                    return Err(Status::new(
                        Code::TypeError,
                        format!("FOREACH walks a list, not a value of type {}", other.kind().name()),
                    ));
                }
            };
            for item in items.iter() {
                run.check()?;
                let mut scope = Scope::new(&row);
                scope.bind(self.slot, item.clone());
                self.body.reset(run.shared, &scope);
                drain(&mut self.body, run, &mut self.scratch)?;
            }
        }
        Ok(())
    }
}
