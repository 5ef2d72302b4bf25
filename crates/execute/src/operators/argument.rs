//! The leaf that hands in a row, and the operator that answers none.

use bastide_model::Value;
use bastide_plan::expression::Slot;
use bastide_status::Status;

use super::{Operate, Run, Shared, Stream, drain};
use crate::batch::Batch;
use crate::evaluate::RowView;

/// One row: nothing at the top of a plan, the row handed in inside a subquery.
pub(super) struct Argument {
    live: Vec<Slot>,
    row: Vec<Value>,
    done: bool,
}

impl Argument {
    pub(super) fn new(live: Vec<Slot>) -> Self {
        Self {
            live,
            row: Vec::new(),
            done: false,
        }
    }
}

impl Operate for Argument {
    fn reset(&mut self, _shared: &Shared, argument: &dyn RowView) {
        self.row.clear();
        self.row.extend(self.live.iter().map(|slot| argument.value(*slot)));
        self.done = false;
    }

    fn next(&mut self, _run: &mut Run<'_>, _wanted: usize, out: &mut Batch) -> Result<(), Status> {
        if self.done {
            return Ok(());
        }
        self.done = true;
        for (slot, value) in self.live.iter().zip(self.row.drain(..)) {
            // An absent slot is null already.
            if !value.is_null() {
                out.push(*slot, value);
            }
        }
        out.add_rows(1);
        Ok(())
    }
}

/// No row, the input run to its end.
pub(super) struct EmptyResult {
    input: Stream,
    scratch: Batch,
    done: bool,
}

impl EmptyResult {
    pub(super) fn new(input: Stream) -> Self {
        Self {
            input,
            scratch: Batch::new(),
            done: false,
        }
    }
}

impl Operate for EmptyResult {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
        self.done = false;
    }

    fn next(&mut self, run: &mut Run<'_>, _wanted: usize, _out: &mut Batch) -> Result<(), Status> {
        if !self.done {
            self.done = true;
            drain(&mut self.input, run, &mut self.scratch)?;
        }
        Ok(())
    }
}
