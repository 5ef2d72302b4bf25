//! Temporal values: parsing, building, arithmetic, text.
//!
//! Days and months are counted with [`bastide_model::calendar`], which knows all of Cypher's years; only the rules of named
//! zones come from the IANA database.

pub(crate) mod arithmetic;
mod between;
mod build;
pub(crate) mod components;
mod duration;
mod fields;
mod format;
mod parse;
mod parse_duration;
mod truncate;
mod zone;

#[cfg(test)]
mod tests;

pub(crate) use between::{between, in_days, in_months, in_seconds};
pub(crate) use build::{Kind, current, from_epoch, from_value};
pub(crate) use duration::from_map as duration_from_map;
pub(crate) use format::temporal_text;
pub(crate) use parse_duration::parse as parse_duration;
pub(crate) use truncate::truncate;

pub(crate) const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;
pub(crate) const SECONDS_PER_DAY: i64 = 86_400;
pub(crate) const NANOSECONDS_PER_DAY: i64 = SECONDS_PER_DAY * NANOSECONDS_PER_SECOND;
