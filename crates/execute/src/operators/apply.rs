//! Subqueries in the place of operators: for each row, the rows of an inner plan that starts from it.

use bastide_model::Value;
use bastide_plan::expression::Slot;
use bastide_status::Status;

use super::flat_map::RowSource;
use super::{Operate, Run, Shared, Stream, drain};
use crate::batch::{Batch, BatchRow};
use crate::evaluate::RowView;

/// The rows of an inner plan; with `nullable`, one row of nulls if it has none.
pub(super) struct Apply {
    inner: Stream,
    /// Live slots that the inner plan writes.
    produced: Vec<Slot>,
    nullable: Option<Vec<Slot>>,
    batch: Batch,
    /// Whether the row has been answered at least once.
    answered: bool,
}

impl Apply {
    pub(super) fn new(inner: Stream, produced: Vec<Slot>, nullable: Option<Vec<Slot>>) -> Self {
        Self {
            inner,
            produced,
            nullable,
            batch: Batch::new(),
            answered: false,
        }
    }
}

impl RowSource for Apply {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {}

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        self.answered = false;
        self.inner.reset(run.shared, &row);
        Ok(())
    }

    fn fill(&mut self, run: &mut Run<'_>, row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        if self.answered && self.nullable.is_some() && self.batch.is_empty() {
            return Ok(0);
        }
        self.batch.clear();
        self.inner.next(run, limit, &mut self.batch)?;
        if !self.batch.is_empty() {
            self.answered = true;
            out.append(&self.batch, &self.produced, 0..self.batch.rows());
            return Ok(self.batch.rows());
        }
        let Some(nullable) = self.nullable.as_ref().filter(|_| !self.answered) else {
            return Ok(0);
        };
        self.answered = true;
        for slot in &self.produced {
            let value = if nullable.contains(slot) {
                Value::Null
            } else {
                row.value(*slot)
            };
            out.push(*slot, value);
        }
        Ok(1)
    }
}

/// An inner plan for its effects; rows go on unchanged.
pub(super) struct CallForEffect {
    input: Stream,
    inner: Stream,
    scratch: Batch,
}

impl CallForEffect {
    pub(super) fn new(input: Stream, inner: Stream) -> Self {
        Self {
            input,
            inner,
            scratch: Batch::new(),
        }
    }
}

impl Operate for CallForEffect {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        self.input.next(run, wanted, out)?;
        for place in 0..out.rows() {
            self.inner.reset(run.shared, &out.row(place));
            drain(&mut self.inner, run, &mut self.scratch)?;
        }
        Ok(())
    }
}
