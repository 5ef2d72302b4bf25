//! Figures of the rest of the server, asked for when somebody wants to know.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// A figure that is read when it is asked for.
#[derive(Clone)]
pub struct Gauge {
    /// Its name, without the prefix; counters without `_total`, which is added.
    pub name: &'static str,
    /// What it is, in a sentence without a full stop.
    pub help: &'static str,
    /// Whether it only grows.
    pub is_counter: bool,
    /// Reads it.
    pub value: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// A list of [`Gauge`]s.
#[derive(Debug)]
pub struct Figures(pub Vec<Gauge>);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for Gauge {
            name,
            help,
            is_counter,
            value,
        } in &self.0
        {
            if *is_counter {
                let counter = ConstCounter::new(value());
                counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
            } else {
                let gauge = ConstGauge::new(i64::try_from(value()).unwrap_or(i64::MAX));
                gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Gauge")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
