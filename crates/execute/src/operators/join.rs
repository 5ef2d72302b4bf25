//! Joins with rows that are run once and kept: all of them, or those with equal keys.

use std::collections::HashMap;

use bastide_model::Value;
use bastide_model::order::{Equivalent, equals};
use bastide_plan::expression::Slot;
use bastide_status::Status;
use rustc_hash::FxSeededState;

use super::distinct::{ENTRY_BYTES, hash_state};
use super::entity::value_of;
use super::flat_map::RowSource;
use super::store::RowStore;
use super::{Run, Shared, Stream};
use crate::batch::{Batch, BatchRow};
use crate::evaluate::{Compiled, RowView};
use crate::limits::Reserved;

/// The kept side of a join.
struct KeptRows {
    inner: Stream,
    /// Slots of the inner plan that are kept.
    kept: Vec<Slot>,
    store: RowStore,
    filled: bool,
}

impl KeptRows {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.inner.reset(shared, argument);
        self.store.clear(&shared.memory);
        self.filled = false;
    }

    /// Runs the inner plan unless that was done; says whether it was done now.
    fn fill(&mut self, run: &mut Run<'_>) -> Result<bool, Status> {
        if self.filled {
            return Ok(false);
        }
        self.filled = true;
        self.store.fill(run, &mut self.inner, &self.kept)?;
        Ok(true)
    }
}

/// All rows of the kept side for each row.
pub(super) struct CartesianProduct {
    kept: KeptRows,
    place: usize,
}

impl CartesianProduct {
    /// `produced` are the live slots that the inner plan writes.
    pub(super) fn new(inner: Stream, produced: Vec<Slot>) -> Self {
        Self {
            kept: KeptRows {
                inner,
                kept: produced,
                store: RowStore::default(),
                filled: false,
            },
            place: 0,
        }
    }
}

impl RowSource for CartesianProduct {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.kept.reset(shared, argument);
        self.place = 0;
    }

    fn start(&mut self, run: &mut Run<'_>, _row: BatchRow<'_>) -> Result<(), Status> {
        self.place = 0;
        self.kept.fill(run)?;
        Ok(())
    }

    fn fill(&mut self, _run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let rows = self.kept.store.rows();
        let end = self.place.saturating_add(limit).min(rows.rows());
        let count = end - self.place;
        out.append(rows, &self.kept.kept, self.place..end);
        self.place = end;
        Ok(count)
    }
}

/// Rows of the kept side with equal keys for each row.
pub(super) struct HashJoin {
    kept: KeptRows,
    produced: Vec<Slot>,
    /// Keys of the input and of the kept side.
    keys: Vec<(Compiled, Compiled)>,
    places: HashMap<Box<[Equivalent]>, Vec<usize>, FxSeededState>,
    memory: Reserved,
    candidate: Vec<Equivalent>,
    matches: Vec<usize>,
    place: usize,
}

impl HashJoin {
    /// `kept` are the slots that the inner plan writes, `produced` those of them that are live.
    pub(super) fn new(inner: Stream, kept: Vec<Slot>, produced: Vec<Slot>, keys: Vec<(Compiled, Compiled)>) -> Self {
        Self {
            kept: KeptRows {
                inner,
                kept,
                store: RowStore::default(),
                filled: false,
            },
            produced,
            keys,
            places: HashMap::with_hasher(hash_state()),
            memory: Reserved::default(),
            candidate: Vec::new(),
            matches: Vec::new(),
            place: 0,
        }
    }

    fn index(&mut self, run: &Run<'_>) -> Result<(), Status> {
        for place in 0..self.kept.store.rows().rows() {
            let row = self.kept.store.rows().row(place);
            let keys = self.keys.iter().map(|(_, inner)| inner);
            if !key_of(keys, &row, run, &mut self.candidate)? {
                continue;
            }
            let bytes: usize = self.candidate.iter().map(|key| key.0.memory_size()).sum();
            self.memory.take(&run.shared.memory, bytes + ENTRY_BYTES)?;
            match self.places.get_mut(self.candidate.as_slice()) {
                Some(places) => places.push(place),
                None => {
                    self.places.insert(self.candidate.as_slice().into(), vec![place]);
                }
            }
        }
        Ok(())
    }
}

/// Evaluates a key; false if it equals nothing, not even itself.
fn key_of<'a>(
    expressions: impl Iterator<Item = &'a Compiled>,
    row: &dyn RowView,
    run: &Run<'_>,
    key: &mut Vec<Equivalent>,
) -> Result<bool, Status> {
    key.clear();
    for expression in expressions {
        let value: Value = value_of(expression, row, run)?;
        if equals(&value, &value) != Some(true) {
            return Ok(false);
        }
        key.push(Equivalent(value));
    }
    Ok(true)
}

impl RowSource for HashJoin {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.kept.reset(shared, argument);
        self.places.clear();
        self.memory.release_all(&shared.memory);
    }

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        if self.kept.fill(run)? {
            self.index(run)?;
        }
        self.place = 0;
        self.matches.clear();
        let keys = self.keys.iter().map(|(outer, _)| outer);
        if key_of(keys, &row, run, &mut self.candidate)?
            && let Some(places) = self.places.get(self.candidate.as_slice())
        {
            self.matches.extend_from_slice(places);
        }
        Ok(())
    }

    fn fill(&mut self, _run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let matches = self.matches.get(self.place..).unwrap_or_default();
        let count = matches.len().min(limit);
        for place in matches.iter().take(count) {
            out.append(self.kept.store.rows(), &self.produced, *place..*place + 1);
        }
        self.place += count;
        Ok(count)
    }
}
