//! The frame of every operator that answers any number of rows for each row of its input.
//!
//! INVARIANT: slots of the input are copied once for a run of rows (`selection`), never row by row.

use bastide_plan::expression::Slot;
use bastide_status::Status;

use super::{Operate, Run, Shared, Stream};
use crate::batch::{BATCH_ROWS, Batch, BatchRow};
use crate::evaluate::RowView;

/// What an operator does with one row of its input.
pub(super) trait RowSource: Send {
    /// Forgets everything that belongs to an earlier run.
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView);
    /// Begins with a row.
    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status>;
    /// Appends up to `limit` rows of its own slots to `out`, without counting them as rows; 0 once the row is done.
    fn fill(&mut self, run: &mut Run<'_>, row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status>;
    /// Whether rows must be answered as soon as they are made, because something outside them goes along.
    fn answers_at_once(&self) -> bool {
        false
    }
}

/// Rows of an input, one after the other.
pub(super) struct InputRows {
    pub(super) input: Stream,
    batch: Batch,
    row: usize,
    asked: usize,
}

impl InputRows {
    pub(super) fn new(input: Stream) -> Self {
        Self {
            input,
            batch: Batch::new(),
            row: 0,
            asked: 0,
        }
    }

    pub(super) fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
        self.batch.clear();
        self.row = 0;
        self.asked = 0;
    }

    /// Makes a row current, pulling if need be. Each further pull within a run asks for twice as many rows.
    pub(super) fn advance_to_row(&mut self, run: &mut Run<'_>, wanted: usize) -> Result<bool, Status> {
        if self.row < self.batch.rows() {
            return Ok(true);
        }
        run.check()?;
        self.asked = self.asked.saturating_mul(2).max(wanted).clamp(1, BATCH_ROWS);
        self.batch.clear();
        self.row = 0;
        self.input.next(run, self.asked, &mut self.batch)?;
        Ok(!self.batch.is_empty())
    }

    pub(super) fn batch(&self) -> &Batch {
        &self.batch
    }

    pub(super) fn row(&self) -> BatchRow<'_> {
        self.batch.row(self.row)
    }

    pub(super) fn place(&self) -> usize {
        self.row
    }

    pub(super) fn leave_row(&mut self) {
        self.row += 1;
    }

    pub(super) fn is_batch_done(&self) -> bool {
        self.row >= self.batch.rows()
    }

    /// Begins a run of pulls anew.
    pub(super) fn begin_call(&mut self) {
        self.asked = 0;
    }
}

/// An operator made of a [`RowSource`].
pub(super) struct FlatMap<S> {
    input: InputRows,
    source: S,
    /// Slots that come from the input.
    carried: Vec<Slot>,
    active: bool,
    selection: Vec<u32>,
}

impl<S: RowSource> FlatMap<S> {
    /// `carried` are the live slots that the source does not write.
    pub(super) fn new(input: Stream, source: S, carried: Vec<Slot>) -> Self {
        Self {
            input: InputRows::new(input),
            source,
            carried,
            active: false,
            selection: Vec::new(),
        }
    }

    fn flush(&mut self, out: &mut Batch) {
        if !self.selection.is_empty() {
            out.gather(self.input.batch(), &self.carried, &self.selection);
            out.add_rows(self.selection.len());
            self.selection.clear();
        }
    }
}

impl<S: RowSource> Operate for FlatMap<S> {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
        self.source.reset(shared, argument);
        self.active = false;
        self.selection.clear();
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        self.input.begin_call();
        loop {
            let filled = out.rows() + self.selection.len();
            if filled >= wanted {
                break;
            }
            if !self.active {
                if self.input.is_batch_done() {
                    self.flush(out);
                }
                if !self.input.advance_to_row(run, wanted)? {
                    break;
                }
                self.source.start(run, self.input.row())?;
                self.active = true;
            }
            let count = self.source.fill(run, self.input.row(), wanted - filled, out)?;
            if count == 0 {
                self.active = false;
                self.input.leave_row();
            } else {
                let place = u32::try_from(self.input.place()).unwrap_or(u32::MAX);
                self.selection.extend(std::iter::repeat_n(place, count));
                if self.source.answers_at_once() {
                    break;
                }
            }
        }
        self.flush(out);
        Ok(())
    }
}
