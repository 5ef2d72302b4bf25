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
    /// The arguments, if the list is a call of `range()`: its items are then counted, not kept.
    range: Option<Vec<Compiled>>,
    slot: Slot,
    items: Items,
}

/// What is left to give of one row's list.
enum Items {
    List {
        items: Arc<[Value]>,
        place: usize,
    },
    /// Integers from `next` on, by `step`, up to `last` and with it.
    Range {
        next: i128,
        last: i128,
        step: i128,
    },
}

impl Unwind {
    pub(super) fn new(list: Compiled, range: Option<Vec<Compiled>>, slot: Slot) -> Self {
        Self {
            list,
            range,
            slot,
            items: Items::from_list(Arc::from([])),
        }
    }

    /// The bounds of a `range()` whose arguments are right; anything else is left to the function itself.
    fn range_items(&self, run: &mut Run<'_>, row: &BatchRow<'_>) -> Result<Option<Items>, Status> {
        let Some(arguments) = &self.range else { return Ok(None) };
        let mut bounds = [0, 0, 1];
        for (bound, argument) in bounds.iter_mut().zip(arguments) {
            match value_of(argument, row, run)? {
                Value::Integer(integer) => *bound = i128::from(integer),
                _ => return Ok(None),
            }
        }
        let [next, last, step] = bounds;
        Ok((step != 0).then_some(Items::Range { next, last, step }))
    }
}

impl Items {
    fn from_list(items: Arc<[Value]>) -> Self {
        Self::List { items, place: 0 }
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
        self.items = match self.range_items(run, &row)? {
            Some(range) => range,
            None => Items::from_list(items_of(value_of(&self.list, &row, run)?)),
        };
        Ok(())
    }

    fn fill(&mut self, _run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        match &mut self.items {
            Items::List { items, place } => {
                let items = items.get(*place..).unwrap_or_default();
                let count = items.len().min(limit);
                for item in items.iter().take(count) {
                    out.push(self.slot, item.clone());
                }
                *place += count;
                Ok(count)
            }
            Items::Range { next, last, step } => {
                let mut count = 0;
                while count < limit && if *step > 0 { *next <= *last } else { *next >= *last } {
                    // Between two 64-bit bounds, so it is one itself.
                    out.push(self.slot, Value::Integer(i64::try_from(*next).unwrap_or_default()));
                    *next += *step;
                    count += 1;
                }
                Ok(count)
            }
        }
    }
}
