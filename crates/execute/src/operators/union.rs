//! The rows of several inputs one after the other.

use bastide_model::Value;
use bastide_plan::expression::Slot;
use bastide_status::Status;

use super::distinct::RowSet;
use super::{Operate, Run, Shared, Stream};
use crate::batch::Batch;
use crate::evaluate::RowView;

/// One input, and which of its slots goes to which of the union.
pub(super) struct UnionInput {
    pub(super) input: Stream,
    pub(super) mapping: Vec<Slot>,
}

/// The inputs one after the other.
pub(super) struct Union {
    inputs: Vec<UnionInput>,
    slots: Vec<Slot>,
    met: Option<RowSet>,
    current: usize,
    batch: Batch,
    values: Vec<Value>,
}

impl Union {
    pub(super) fn new(inputs: Vec<UnionInput>, slots: Vec<Slot>, distinct: bool) -> Self {
        Self {
            inputs,
            slots,
            met: distinct.then(RowSet::new),
            current: 0,
            batch: Batch::new(),
            values: Vec::new(),
        }
    }
}

impl Operate for Union {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        for input in &mut self.inputs {
            input.input.reset(shared, argument);
        }
        if let Some(met) = &mut self.met {
            met.clear(&shared.memory);
        }
        self.current = 0;
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        while out.is_empty() {
            let Some(input) = self.inputs.get_mut(self.current) else {
                return Ok(());
            };
            self.batch.clear();
            input.input.next(run, wanted, &mut self.batch)?;
            if self.batch.is_empty() {
                self.current += 1;
                continue;
            }
            run.check()?;
            for place in 0..self.batch.rows() {
                self.values.clear();
                self.values
                    .extend(input.mapping.iter().map(|slot| self.batch.value(*slot, place)));
                let is_new = match &mut self.met {
                    Some(met) => met.insert(run, &self.values)?,
                    None => true,
                };
                if is_new {
                    for (slot, value) in self.slots.iter().zip(self.values.drain(..)) {
                        out.push(*slot, value);
                    }
                    out.add_rows(1);
                }
            }
        }
        Ok(())
    }
}
