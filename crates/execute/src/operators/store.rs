//! Rows kept in memory, within the limit, and the operator that does nothing else.

use bastide_plan::expression::Slot;
use bastide_status::Status;

use super::{Operate, Run, Shared, Stream};
use crate::batch::{BATCH_ROWS, Batch};
use crate::evaluate::RowView;
use crate::limits::{MemoryMeter, Reserved};

/// Rows that are kept.
#[derive(Default)]
pub(super) struct RowStore {
    rows: Batch,
    memory: Reserved,
}

impl RowStore {
    pub(super) fn clear(&mut self, meter: &MemoryMeter) {
        self.rows.clear();
        self.memory.release_all(meter);
    }

    pub(super) fn rows(&self) -> &Batch {
        &self.rows
    }

    /// Keeps the given slots of every row of `batch`.
    pub(super) fn add(&mut self, run: &Run<'_>, batch: &Batch, slots: &[Slot]) -> Result<(), Status> {
        self.memory.take(&run.shared.memory, batch.memory_size())?;
        self.rows.append(batch, slots, 0..batch.rows());
        self.rows.add_rows(batch.rows());
        Ok(())
    }

    /// Keeps every row of `input`.
    pub(super) fn fill(&mut self, run: &mut Run<'_>, input: &mut Stream, slots: &[Slot]) -> Result<(), Status> {
        let mut batch = Batch::new();
        loop {
            batch.clear();
            input.next(run, BATCH_ROWS, &mut batch)?;
            if batch.is_empty() {
                return Ok(());
            }
            run.check()?;
            self.add(run, &batch, slots)?;
        }
    }
}

/// Takes in every row before it answers the first.
pub(super) struct Eager {
    input: Stream,
    live: Vec<Slot>,
    store: RowStore,
    place: usize,
    filled: bool,
}

impl Eager {
    pub(super) fn new(input: Stream, live: Vec<Slot>) -> Self {
        Self {
            input,
            live,
            store: RowStore::default(),
            place: 0,
            filled: false,
        }
    }
}

impl Operate for Eager {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
        self.store.clear(&shared.memory);
        self.place = 0;
        self.filled = false;
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        if !self.filled {
            self.filled = true;
            self.store.fill(run, &mut self.input, &self.live)?;
        }
        let rows = self.store.rows();
        let end = self.place.saturating_add(wanted).min(rows.rows());
        out.append(rows, &self.live, self.place..end);
        out.add_rows(end - self.place);
        self.place = end;
        Ok(())
    }
}
