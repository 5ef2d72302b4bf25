//! Order, and the first rows of an order.

use std::cmp::Ordering;

use bastide_model::Value;
use bastide_model::order::total_order;
use bastide_plan::expression::Slot;
use bastide_status::Status;

use super::entity::value_of;
use super::rows::Count;
use super::{Operate, Run, Shared, Stream};
use crate::batch::{BATCH_ROWS, Batch};
use crate::evaluate::{Compiled, RowView};
use crate::limits::Reserved;

/// One key of an order, prepared.
pub(super) struct PreparedKey {
    pub(super) expression: Compiled,
    pub(super) descending: bool,
}

/// Rows in order; with a limit only the first ones are kept.
pub(super) struct Sort {
    input: Stream,
    keys: Vec<PreparedKey>,
    limit: Option<Count>,
    live: Vec<Slot>,
    rows: Batch,
    /// The keys of each row one after the other, in the order of `rows`.
    values: Vec<Value>,
    order: Vec<u32>,
    place: usize,
    memory: Reserved,
    filled: bool,
}

impl Sort {
    pub(super) fn new(input: Stream, keys: Vec<PreparedKey>, limit: Option<Count>, live: Vec<Slot>) -> Self {
        Self {
            input,
            keys,
            limit,
            live,
            rows: Batch::new(),
            values: Vec::new(),
            order: Vec::new(),
            place: 0,
            memory: Reserved::default(),
            filled: false,
        }
    }

    fn fill(&mut self, run: &mut Run<'_>) -> Result<(), Status> {
        let limit = match &self.limit {
            Some(count) => count.evaluate(run)?,
            None => usize::MAX,
        };
        if limit == 0 {
            return Ok(());
        }
        let mut batch = Batch::new();
        loop {
            batch.clear();
            self.input.next(run, BATCH_ROWS, &mut batch)?;
            if batch.is_empty() {
                break;
            }
            run.check()?;
            self.memory.take(&run.shared.memory, batch.memory_size())?;
            for place in 0..batch.rows() {
                let row = batch.row(place);
                for key in &self.keys {
                    let value = value_of(&key.expression, &row, run)?;
                    self.memory
                        .take(&run.shared.memory, size_of::<Value>() + size_of::<u32>())?;
                    self.values.push(value);
                }
            }
            self.rows.append(&batch, &self.live, 0..batch.rows());
            self.rows.add_rows(batch.rows());
            // Cut only when as many again have come, so that each row is moved a few times at most.
            if self.rows.rows() >= limit.saturating_mul(2).saturating_add(BATCH_ROWS) {
                self.sort();
                self.cut(run, limit)?;
            }
        }
        self.sort();
        self.order.truncate(limit);
        Ok(())
    }

    fn sort(&mut self) {
        let rows = u32::try_from(self.rows.rows()).unwrap_or(u32::MAX);
        self.order.clear();
        self.order.extend(0..rows);
        let width = self.keys.len();
        let (values, keys) = (&self.values, &self.keys);
        let of = |row: u32| {
            let start = row as usize * width;
            values.get(start..start + width).unwrap_or_default()
        };
        // Stable, so that rows with equal keys stay as they came.
        self.order.sort_by(|left, right| compare(keys, of(*left), of(*right)));
    }

    /// Keeps only the first rows of the order.
    fn cut(&mut self, run: &Run<'_>, limit: usize) -> Result<(), Status> {
        self.order.truncate(limit);
        let mut rows = Batch::new();
        rows.gather(&self.rows, &self.live, &self.order);
        rows.add_rows(self.order.len());
        let width = self.keys.len();
        let mut values = Vec::with_capacity(self.order.len() * width);
        for row in &self.order {
            let start = *row as usize * width;
            values.extend_from_slice(self.values.get(start..start + width).unwrap_or_default());
        }
        self.rows = rows;
        self.values = values;
        self.memory.release_all(&run.shared.memory);
        let keys = self.values.len() * (size_of::<Value>() + size_of::<u32>());
        self.memory.take(&run.shared.memory, self.rows.memory_size() + keys)
    }
}

fn compare(keys: &[PreparedKey], left: &[Value], right: &[Value]) -> Ordering {
    for (key, (left, right)) in keys.iter().zip(left.iter().zip(right)) {
        let order = total_order(left, right);
        let order = if key.descending { order.reverse() } else { order };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

impl Operate for Sort {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
        self.rows.clear();
        self.values.clear();
        self.order.clear();
        self.place = 0;
        self.memory.release_all(&shared.memory);
        self.filled = false;
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        if !self.filled {
            self.filled = true;
            self.fill(run)?;
        }
        let left = self.order.get(self.place..).unwrap_or_default();
        let chosen = left.get(..wanted.min(left.len())).unwrap_or_default();
        out.gather(&self.rows, &self.live, chosen);
        out.add_rows(chosen.len());
        self.place += chosen.len();
        Ok(())
    }
}
