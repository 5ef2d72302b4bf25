//! Temporal values: parsing, building, arithmetic, text.
