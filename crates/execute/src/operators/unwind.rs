//! A row for each item of a list.

use std::sync::Arc;

use bastide_model::Value;
use bastide_plan::expression::Slot;
use bastide_status::Status;

use super::entity::value_of;
use super::flat_map::RowSource;
use super::{Run, Shared};
use crate::batch::{Batch, BatchRow};
use crate::evaluate::{Compiled, RowView};

/// A row for each item.
pub(super) struct Unwind {
    list: Compiled,
    slot: Slot,
    items: Arc<[Value]>,
    place: usize,
}

impl Unwind {
    pub(super) fn new(list: Compiled, slot: Slot) -> Self {
        Self {
            list,
            slot,
            items: Arc::from([]),
            place: 0,
        }
    }
}

/// The items a value stands for: those of a list, none for null, else the value itself.
pub(super) fn items_of(value: Value) -> Arc<[Value]> {
    match value {
        Value::List(items) => items,
        Value::Null => Arc::from([]),
        other => Arc::from([other]),
    }
}

impl RowSource for Unwind {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {}

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        self.place = 0;
        self.items = items_of(value_of(&self.list, &row, run)?);
        Ok(())
    }

    fn fill(&mut self, _run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let items = self.items.get(self.place..).unwrap_or_default();
        let count = items.len().min(limit);
        for item in items.iter().take(count) {
            out.push(self.slot, item.clone());
        }
        self.place += count;
        Ok(count)
    }
}
