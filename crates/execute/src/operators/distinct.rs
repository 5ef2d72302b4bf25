//! Each combination of values once.

use std::collections::HashSet;

use bastide_model::Value;
use bastide_model::order::Equivalent;
use bastide_plan::expression::Slot;
use bastide_status::Status;
use rustc_hash::FxSeededState;

use super::entity::value_of;
use super::{Operate, Run, Shared, Stream};
use crate::batch::Batch;
use crate::evaluate::{Compiled, RowView};
use crate::limits::{MemoryMeter, Reserved};

/// Bytes that an entry of a hash table takes beside its values, by estimate.
pub(super) const ENTRY_BYTES: usize = 48;

/// Hashing that differs from statement to statement, as keys come from users.
pub(super) fn hash_state() -> FxSeededState {
    FxSeededState::with_seed(rand::random::<u32>() as usize)
}

/// Combinations of values that were met. INVARIANT: a combination met before is found without allocating.
pub(super) struct RowSet {
    seen: HashSet<Box<[Equivalent]>, FxSeededState>,
    candidate: Vec<Equivalent>,
    memory: Reserved,
}

impl RowSet {
    pub(super) fn new() -> Self {
        Self {
            seen: HashSet::with_hasher(hash_state()),
            candidate: Vec::new(),
            memory: Reserved::default(),
        }
    }

    pub(super) fn clear(&mut self, meter: &MemoryMeter) {
        self.seen.clear();
        self.memory.release_all(meter);
    }

    /// Whether the combination is new.
    pub(super) fn insert(&mut self, run: &Run<'_>, values: &[Value]) -> Result<bool, Status> {
        self.candidate.clear();
        self.candidate.extend(values.iter().cloned().map(Equivalent));
        if self.seen.contains(self.candidate.as_slice()) {
            return Ok(false);
        }
        let bytes: usize = values.iter().map(Value::memory_size).sum();
        self.memory.take(&run.shared.memory, bytes + ENTRY_BYTES)?;
        self.seen.insert(self.candidate.as_slice().into());
        Ok(true)
    }
}

/// Each combination of its keys once.
pub(super) struct Distinct {
    input: Stream,
    keys: Vec<(Slot, Compiled)>,
    met: RowSet,
    batch: Batch,
    values: Vec<Value>,
}

impl Distinct {
    pub(super) fn new(input: Stream, keys: Vec<(Slot, Compiled)>) -> Self {
        Self {
            input,
            keys,
            met: RowSet::new(),
            batch: Batch::new(),
            values: Vec::new(),
        }
    }
}

impl Operate for Distinct {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
        self.met.clear(&shared.memory);
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        while out.is_empty() {
            self.batch.clear();
            self.input.next(run, wanted, &mut self.batch)?;
            if self.batch.is_empty() {
                return Ok(());
            }
            run.check()?;
            for place in 0..self.batch.rows() {
                let row = self.batch.row(place);
                self.values.clear();
                for (_, key) in &self.keys {
                    self.values.push(value_of(key, &row, run)?);
                }
                if self.met.insert(run, &self.values)? {
                    for ((slot, _), value) in self.keys.iter().zip(self.values.drain(..)) {
                        out.push(*slot, value);
                    }
                    out.add_rows(1);
                }
            }
        }
        Ok(())
    }
}
