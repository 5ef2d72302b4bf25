//! Operators that change rows as they pass: filter, project, skip, limit.

use bastide_model::Value;
use bastide_plan::expression::{Offset, Slot};
use bastide_status::Status;

use super::entity::{at, row_count};
use super::{Operate, Run, Shared, Stream, drain};
use crate::batch::{BATCH_ROWS, Batch, Column};
use crate::evaluate::{Compiled, EmptyRow, RowView, Scope, evaluate, evaluate_predicate};

/// Rows for which a predicate is true.
pub(super) struct Filter {
    input: Stream,
    predicate: Compiled,
    kept: Vec<bool>,
}

impl Filter {
    pub(super) fn new(input: Stream, predicate: Compiled) -> Self {
        Self {
            input,
            predicate,
            kept: Vec::new(),
        }
    }
}

impl Operate for Filter {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        loop {
            // No more than is wanted, as every row may pass.
            self.input.next(run, wanted, out)?;
            if out.is_empty() {
                return Ok(());
            }
            let context = run.context();
            self.kept.clear();
            for place in 0..out.rows() {
                let row = out.row(place);
                let truth = evaluate_predicate(&self.predicate, &mut Scope::new(&row), &context)?;
                self.kept.push(truth == Some(true));
            }
            if !self.kept.iter().all(|kept| *kept) {
                out.retain(&self.kept);
            }
            if !out.is_empty() {
                return Ok(());
            }
            run.check()?;
            out.clear();
        }
    }
}

/// What a new slot is made of.
pub(super) enum Projected {
    /// Another slot, copied as a whole.
    Slot(Slot),
    /// Anything else.
    Expression(Compiled),
}

/// New slots.
pub(super) struct Project {
    input: Stream,
    items: Vec<(Slot, Projected)>,
}

impl Project {
    pub(super) fn new(input: Stream, items: Vec<(Slot, Projected)>) -> Self {
        Self { input, items }
    }
}

impl Operate for Project {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        self.input.next(run, wanted, out)?;
        let context = run.context();
        for (slot, item) in &self.items {
            match item {
                Projected::Slot(from) => out.copy_column(*from, *slot),
                Projected::Expression(expression) => {
                    // Written aside, as the expression may read the slot it replaces.
                    let mut column = Column::default();
                    for place in 0..out.rows() {
                        let row = out.row(place);
                        column.push(evaluate(expression, &mut Scope::new(&row), &context)?);
                    }
                    out.put_column(*slot, column);
                }
            }
        }
        Ok(())
    }
}

/// A row count that is evaluated when the operator begins.
pub(super) struct Count {
    pub(super) expression: Compiled,
    pub(super) offset: Offset,
    pub(super) what: &'static str,
}

impl Count {
    pub(super) fn evaluate(&self, run: &Run<'_>) -> Result<usize, Status> {
        let value: Value = evaluate(&self.expression, &mut Scope::new(&EmptyRow), &run.context())?;
        at(row_count(&value, self.what), self.offset, run)
    }
}

/// Leaves out the first rows.
pub(super) struct Skip {
    input: Stream,
    count: Count,
    left: Option<usize>,
}

impl Skip {
    pub(super) fn new(input: Stream, count: Count) -> Self {
        Self {
            input,
            count,
            left: None,
        }
    }
}

impl Operate for Skip {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
        self.left = None;
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        let mut left = match self.left {
            Some(left) => left,
            None => self.count.evaluate(run)?,
        };
        while left > 0 {
            self.input
                .next(run, left.saturating_add(wanted).min(BATCH_ROWS.max(wanted)), out)?;
            if out.is_empty() {
                break;
            }
            let dropped = left.min(out.rows());
            left -= dropped;
            self.left = Some(left);
            if dropped < out.rows() {
                out.drop_front(dropped);
                // More rows than wanted came only if a large batch was asked for: `wanted` more than were left at most.
                return Ok(());
            }
            out.clear();
            run.check()?;
        }
        self.left = Some(left);
        self.input.next(run, wanted, out)
    }
}

/// Stops after so many rows.
pub(super) struct Limit {
    input: Stream,
    count: Count,
    exhaust: bool,
    left: Option<usize>,
    drained: bool,
}

impl Limit {
    pub(super) fn new(input: Stream, count: Count, exhaust: bool) -> Self {
        Self {
            input,
            count,
            exhaust,
            left: None,
            drained: false,
        }
    }
}

impl Operate for Limit {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
        self.left = None;
        self.drained = false;
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        let left = match self.left {
            Some(left) => left,
            None => self.count.evaluate(run)?,
        };
        if left > 0 {
            self.input.next(run, wanted.min(left), out)?;
        }
        let left = left.saturating_sub(out.rows());
        self.left = Some(left);
        if left == 0 && self.exhaust && !self.drained {
            self.drained = true;
            // Updates below are made for every row, also for those that are not answered.
            drain(&mut self.input, run, &mut Batch::new())?;
        }
        Ok(())
    }
}
