//! Groups and their aggregates, by hashing. Groups are answered in the order in which they were met.

use std::collections::HashMap;

use bastide_model::Value;
use bastide_model::order::Equivalent;
use bastide_plan::expression::{Offset, Slot};
use bastide_status::Status;
use rustc_hash::FxSeededState;

use super::distinct::{ENTRY_BYTES, hash_state};
use super::entity::{at, value_of};
use super::{Operate, Run, Shared, Stream};
use crate::aggregate::{AggregateFunction, Aggregator};
use crate::batch::{BATCH_ROWS, Batch, BatchRow};
use crate::evaluate::{Compiled, RowView};
use crate::limits::Reserved;

/// One aggregate, prepared.
pub(super) struct PreparedAggregate {
    pub(super) slot: Slot,
    pub(super) function: AggregateFunction,
    pub(super) arguments: Vec<Compiled>,
    pub(super) distinct: bool,
    pub(super) offset: Offset,
}

struct Group {
    keys: Box<[Equivalent]>,
    aggregators: Vec<Aggregator>,
}

/// Groups of an input.
pub(super) struct Aggregate {
    input: Stream,
    keys: Vec<(Slot, Compiled)>,
    aggregates: Vec<PreparedAggregate>,
    places: HashMap<Box<[Equivalent]>, usize, FxSeededState>,
    groups: std::collections::VecDeque<Group>,
    memory: Reserved,
    filled: bool,
}

impl Aggregate {
    pub(super) fn new(input: Stream, keys: Vec<(Slot, Compiled)>, aggregates: Vec<PreparedAggregate>) -> Self {
        Self {
            input,
            keys,
            aggregates,
            places: HashMap::with_hasher(hash_state()),
            groups: std::collections::VecDeque::new(),
            memory: Reserved::default(),
            filled: false,
        }
    }

    fn fill(&mut self, run: &mut Run<'_>) -> Result<(), Status> {
        let mut batch = Batch::new();
        let mut candidate = Vec::new();
        let mut arguments = Vec::new();
        if self.keys.is_empty() {
            self.add_group(run, &[])?;
        }
        loop {
            batch.clear();
            self.input.next(run, BATCH_ROWS, &mut batch)?;
            if batch.is_empty() {
                break;
            }
            run.check()?;
            for place in 0..batch.rows() {
                let row = batch.row(place);
                candidate.clear();
                for (_, key) in &self.keys {
                    candidate.push(Equivalent(value_of(key, &row, run)?));
                }
                let group = self.group(run, &candidate)?;
                self.update(run, group, row, &mut arguments)?;
            }
        }
        self.places.clear();
        Ok(())
    }

    fn group(&mut self, run: &Run<'_>, keys: &[Equivalent]) -> Result<usize, Status> {
        if keys.is_empty() {
            return Ok(0);
        }
        match self.places.get(keys) {
            Some(place) => Ok(*place),
            None => self.add_group(run, keys),
        }
    }

    fn add_group(&mut self, run: &Run<'_>, keys: &[Equivalent]) -> Result<usize, Status> {
        let bytes: usize = keys.iter().map(|key| key.0.memory_size()).sum();
        let aggregators = self.aggregates.len() * size_of::<Aggregator>();
        self.memory
            .take(&run.shared.memory, bytes + aggregators + 2 * ENTRY_BYTES)?;
        let place = self.groups.len();
        if !keys.is_empty() {
            self.places.insert(keys.into(), place);
        }
        self.groups.push_back(Group {
            keys: keys.into(),
            aggregators: self
                .aggregates
                .iter()
                .map(|aggregate| Aggregator::new(aggregate.function, aggregate.distinct))
                .collect(),
        });
        Ok(place)
    }

    fn update(
        &mut self,
        run: &Run<'_>,
        group: usize,
        row: BatchRow<'_>,
        arguments: &mut Vec<Value>,
    ) -> Result<(), Status> {
        let Some(group) = self.groups.get_mut(group) else {
            return Ok(());
        };
        for (aggregate, aggregator) in self.aggregates.iter().zip(&mut group.aggregators) {
            arguments.clear();
            for argument in &aggregate.arguments {
                arguments.push(value_of(argument, &row, run)?);
            }
            let before = aggregator.memory_size();
            at(aggregator.update(arguments), aggregate.offset, run)?;
            let grown = aggregator.memory_size().saturating_sub(before);
            if grown > 0 {
                self.memory.take(&run.shared.memory, grown)?;
            }
        }
        Ok(())
    }
}

impl Operate for Aggregate {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
        self.places.clear();
        self.groups.clear();
        self.memory.release_all(&shared.memory);
        self.filled = false;
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        if !self.filled {
            self.filled = true;
            self.fill(run)?;
        }
        while out.rows() < wanted {
            let Some(group) = self.groups.pop_front() else { break };
            for ((slot, _), key) in self.keys.iter().zip(group.keys) {
                out.push(*slot, key.0);
            }
            for (aggregate, aggregator) in self.aggregates.iter().zip(group.aggregators) {
                out.push(aggregate.slot, at(aggregator.finish(), aggregate.offset, run)?);
            }
            out.add_rows(1);
        }
        Ok(())
    }
}
