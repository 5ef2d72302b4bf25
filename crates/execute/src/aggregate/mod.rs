//! Aggregating functions over the rows of a group.
//!
//! Nulls do not count, except for `count(*)`. Must not know how rows are grouped.

mod number;
mod percentile;

use bastide_model::order::{Equivalent, total_order};
use bastide_model::{Value, ValueKind};
use bastide_status::Status;
use rustc_hash::FxHashSet;

use crate::evaluate::{LIST_LENGTH_MAX, too_large};
use number::{Average, Deviation, Sum};
use percentile::Percentile;

/// The most that one `collect()` may hold, in bytes, shared parts counted each time: it is what sending it would cost.
const COLLECTED_BYTES_MAX: usize = 4 << 30;

/// An aggregating function, by name once and then by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateFunction {
    /// `count(*)`
    CountAll,
    /// `count(x)`
    Count,
    /// `sum(x)`
    Sum,
    /// `avg(x)`
    Average,
    /// `min(x)`
    Minimum,
    /// `max(x)`
    Maximum,
    /// `collect(x)`
    Collect,
    /// `stdev(x)`, of a sample.
    StandardDeviation,
    /// `stdevp(x)`, of a whole population.
    PopulationStandardDeviation,
    /// `percentileCont(x, p)`
    PercentileContinuous,
    /// `percentileDisc(x, p)`
    PercentileDiscrete,
}

impl AggregateFunction {
    /// The function with this canonical, lower-case name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "count(*)" => Self::CountAll,
            "count" => Self::Count,
            "sum" => Self::Sum,
            "avg" => Self::Average,
            "min" => Self::Minimum,
            "max" => Self::Maximum,
            "collect" => Self::Collect,
            "stdev" => Self::StandardDeviation,
            "stdevp" => Self::PopulationStandardDeviation,
            "percentilecont" => Self::PercentileContinuous,
            "percentiledisc" => Self::PercentileDiscrete,
            _ => return None,
        })
    }
}

/// One aggregate of one group.
#[derive(Debug)]
pub struct Aggregator {
    state: State,
    /// Values met so far, if each counts once.
    met: Option<Box<FxHashSet<Equivalent>>>,
    /// Bytes held by values kept.
    held: usize,
}

#[derive(Debug)]
enum State {
    CountAll(i64),
    Count(i64),
    Sum(Sum),
    Average(Average),
    Minimum(Value),
    Maximum(Value),
    Collect(Vec<Value>),
    Deviation(Box<Deviation>),
    Percentile(Box<Percentile>),
}

impl Aggregator {
    /// The aggregate of no rows yet.
    pub fn new(function: AggregateFunction, distinct: bool) -> Self {
        let state = match function {
            AggregateFunction::CountAll => State::CountAll(0),
            AggregateFunction::Count => State::Count(0),
            AggregateFunction::Sum => State::Sum(Sum::default()),
            AggregateFunction::Average => State::Average(Average::default()),
            AggregateFunction::Minimum => State::Minimum(Value::Null),
            AggregateFunction::Maximum => State::Maximum(Value::Null),
            AggregateFunction::Collect => State::Collect(Vec::new()),
            AggregateFunction::StandardDeviation => State::Deviation(Box::new(Deviation::of_sample())),
            AggregateFunction::PopulationStandardDeviation => State::Deviation(Box::new(Deviation::of_population())),
            AggregateFunction::PercentileContinuous => State::Percentile(Box::new(Percentile::continuous())),
            AggregateFunction::PercentileDiscrete => State::Percentile(Box::new(Percentile::discrete())),
        };
        Self {
            state,
            met: distinct.then(Box::default),
            held: 0,
        }
    }

    /// Takes in the arguments of one row (none for `count(*)`).
    pub fn update(&mut self, arguments: &[Value]) -> Result<(), Status> {
        if let State::CountAll(count) = &mut self.state {
            *count += 1;
            return Ok(());
        }
        let Some(value) = arguments.first() else { return Ok(()) };
        if let State::Percentile(percentile) = &mut self.state {
            percentile.set_share(arguments.get(1))?;
        }
        if value.is_null() {
            return Ok(());
        }
        if let Some(met) = &mut self.met {
            if !met.insert(Equivalent(value.clone())) {
                return Ok(());
            }
            self.held += value.memory_size();
        }
        match &mut self.state {
            State::CountAll(_) => {}
            State::Count(count) => *count += 1,
            State::Sum(sum) => sum.add(value)?,
            State::Average(average) => average.add(value)?,
            State::Minimum(least) => {
                if least.kind() == ValueKind::Null || total_order(value, least).is_lt() {
                    *least = value.clone();
                }
            }
            State::Maximum(greatest) => {
                if greatest.kind() == ValueKind::Null || total_order(value, greatest).is_gt() {
                    *greatest = value.clone();
                }
            }
            State::Collect(items) => {
                if items.len() >= LIST_LENGTH_MAX {
                    return Err(too_large("the list of `collect()`", LIST_LENGTH_MAX, "items"));
                }
                self.held = self.held.saturating_add(value.memory_size());
                if self.held > COLLECTED_BYTES_MAX {
                    return Err(too_large("the list of `collect()`", COLLECTED_BYTES_MAX, "bytes"));
                }
                items.push(value.clone());
            }
            State::Deviation(deviation) => deviation.add(value)?,
            State::Percentile(percentile) => {
                percentile.add(value)?;
                self.held += size_of::<Value>();
            }
        }
        Ok(())
    }

    /// The aggregate of the rows so far.
    pub fn finish(self) -> Result<Value, Status> {
        match self.state {
            State::CountAll(count) | State::Count(count) => Ok(Value::Integer(count)),
            State::Sum(sum) => sum.finish(),
            State::Average(average) => average.finish(),
            State::Minimum(value) | State::Maximum(value) => Ok(value),
            State::Collect(items) => Ok(Value::from(items)),
            State::Deviation(deviation) => Ok(deviation.finish()),
            State::Percentile(percentile) => Ok(percentile.finish()),
        }
    }

    /// An estimate of the memory held, in bytes, in constant time.
    pub fn memory_size(&self) -> usize {
        size_of::<Self>() + self.held
    }
}

#[cfg(test)]
mod tests;
