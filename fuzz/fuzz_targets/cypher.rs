#![no_main]
//! Random texts as statements: never a panic, and an error's place lies within the text.

use bastide_cypher::{ParseLimits, parse, redact, split_statements};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(error) = parse(text, ParseLimits::default()) {
        assert!(error.span.start as usize <= text.len());
        let _place = error.line_column(text);
    }
    let _shown = redact(text);
    let _split = split_statements(text);
});
