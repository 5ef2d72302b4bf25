//! Cases of the sink.
