//! MERGE: what is there, or else what is made.
//!
//! INVARIANT: a row is done with before the next begins, so that later rows find what earlier ones made; and the rows that match are
//! all found before the first is changed.

use bastide_plan::expression::Slot;
use bastide_status::Status;

use super::create::Creator;
use super::flat_map::RowSource;
use super::update::PreparedUpdate;
use super::{Run, Shared, Stream};
use crate::batch::{BATCH_ROWS, Batch, BatchRow};
use crate::evaluate::RowView;

/// For each row, the rows that match, or the one that is made.
pub(super) struct Merge {
    matching: Stream,
    creator: Creator,
    on_create: Vec<PreparedUpdate>,
    on_match: Vec<PreparedUpdate>,
    /// Slots that `matching` or the creation writes.
    slots: Vec<Slot>,
    /// Live slots that are written.
    produced: Vec<Slot>,
    found: Batch,
    place: usize,
}

/// The parts of a MERGE.
pub(super) struct MergeParts {
    pub(super) matching: Stream,
    pub(super) creator: Creator,
    pub(super) on_create: Vec<PreparedUpdate>,
    pub(super) on_match: Vec<PreparedUpdate>,
}

impl Merge {
    pub(super) fn new(parts: MergeParts, slots: Vec<Slot>, produced: Vec<Slot>) -> Self {
        Self {
            matching: parts.matching,
            creator: parts.creator,
            on_create: parts.on_create,
            on_match: parts.on_match,
            slots,
            produced,
            found: Batch::new(),
            place: 0,
        }
    }

    fn find(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        self.matching.reset(run.shared, &row);
        let mut batch = Batch::new();
        loop {
            batch.clear();
            self.matching.next(run, BATCH_ROWS, &mut batch)?;
            if batch.is_empty() {
                return Ok(());
            }
            run.check()?;
            run.shared.memory.take(batch.memory_size())?;
            self.found.append(&batch, &self.slots, 0..batch.rows());
            self.found.add_rows(batch.rows());
        }
    }
}

/// A row of what was found, over the row it was found for.
struct FoundRow<'a> {
    found: BatchRow<'a>,
    written: &'a [Slot],
    row: BatchRow<'a>,
}

impl RowView for FoundRow<'_> {
    fn value(&self, slot: Slot) -> bastide_model::Value {
        if self.written.contains(&slot) {
            self.found.value(slot)
        } else {
            self.row.value(slot)
        }
    }
}

impl RowSource for Merge {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {
        self.found.clear();
        self.place = 0;
    }

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        self.found.clear();
        self.place = 0;
        self.find(run, row)?;
        run.shared.memory.release(self.found.memory_size());
        let is_new = self.found.is_empty();
        if is_new {
            // The new row holds what it starts from, as properties may read it.
            let mut made = Batch::new();
            for slot in row.slots() {
                made.push(slot, row.value(slot));
            }
            made.add_rows(1);
            self.creator.begin(&mut made);
            self.creator.create(run, &mut made, 0)?;
            self.found.append(&made, &self.slots, 0..1);
            self.found.add_rows(1);
        }
        let updates = if is_new { &self.on_create } else { &self.on_match };
        for place in 0..self.found.rows() {
            let found = FoundRow {
                found: self.found.row(place),
                written: &self.slots,
                row,
            };
            for update in updates {
                update.apply(run, &found)?;
            }
        }
        Ok(())
    }

    fn fill(&mut self, _run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let end = self.place.saturating_add(limit).min(self.found.rows());
        let count = end - self.place;
        out.append(&self.found, &self.produced, self.place..end);
        self.place = end;
        Ok(count)
    }
}
