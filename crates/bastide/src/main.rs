//! The one binary: its verbs and nothing else.
fn main() {}
