//! The audit event and its hash-chained sink.
