//! Runs the openCypher TCK against the engine and holds the ratchet.
//!
//! Reads the feature files, runs each case on an empty graph in memory through the same parse, plan and execute as the
//! server, and compares results, errors and side effects. A case that passed once must keep passing: the list of passing
//! cases is a file in this crate.

mod engine;
mod expected;
mod feature;
mod gherkin;
mod procedure;
mod ratchet;
mod run;
mod side_effects;
mod tree;

pub use feature::{Case, Step, read_cases};
pub use ratchet::{Ratchet, Verdict};
pub use run::{CaseOutcome, Failure, run_case};
