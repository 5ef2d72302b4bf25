//! Aggregating functions over the rows of a group.

use bastide_model::Value;
use bastide_status::Status;

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
pub struct Aggregator;

impl Aggregator {
    /// The aggregate of no rows yet.
    pub fn new(function: AggregateFunction, distinct: bool) -> Self {
        let _ = (function, distinct);
        Self
    }

    /// Takes in the arguments of one row (none for `count(*)`).
    pub fn update(&mut self, arguments: &[Value]) -> Result<(), Status> {
        let _ = arguments;
        Ok(())
    }

    /// The aggregate of the rows so far.
    pub fn finish(self) -> Result<Value, Status> {
        Ok(Value::Null)
    }

    /// An estimate of the memory held, in bytes, in constant time.
    pub fn memory_size(&self) -> usize {
        0
    }
}
