//! Any text at all gives a statement or an error, never a panic.

use bastide_cypher::{ParseLimits, parse, redact, split_statements};
use proptest::prelude::*;

const PIECES: [&str; 84] = [
    "MATCH",
    "OPTIONAL",
    "RETURN",
    "WITH",
    "WHERE",
    "UNWIND",
    "AS",
    "CREATE",
    "MERGE",
    "ON",
    "SET",
    "REMOVE",
    "DELETE",
    "DETACH",
    "FOREACH",
    "CALL",
    "YIELD",
    "UNION",
    "ALL",
    "ORDER",
    "BY",
    "SKIP",
    "LIMIT",
    "AND",
    "OR",
    "NOT",
    "XOR",
    "IN",
    "IS",
    "NULL",
    "STARTS",
    "CONTAINS",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "EXISTS",
    "COUNT",
    "shortestPath",
    "any",
    "reduce",
    "SHOW",
    "INDEX",
    "CONSTRAINT",
    "USER",
    "PASSWORD",
    "FOR",
    "REQUIRE",
    "LOAD",
    "CSV",
    "USE",
    "n",
    "m",
    "`x`",
    "1",
    "-",
    "0x",
    "1.5",
    "1e",
    "'s'",
    "'\\u'",
    "\"",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "=",
    "+",
    "*",
    "..",
    ".",
    ":",
    "|",
    "$",
    ",",
    ";",
    "//",
    "/*",
    "é—",
];

fn check(text: &str) {
    let limits = ParseLimits {
        nesting_depth_max: 60,
        ..ParseLimits::default()
    };
    match parse(text, limits) {
        Ok(statement) => drop(format!("{statement:?}")),
        Err(error) => drop(error.describe(text)),
    }
    drop(redact(text));
    let _split = split_statements(text);
}

proptest! {
    #[test]
    fn token_soup_never_panics(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        check(&pieces.join(" "));
        check(&pieces.concat());
        check(&format!("MATCH (n) WHERE {} RETURN n", pieces.join(" ")));
    }

    #[test]
    fn any_characters_never_panic(text in any::<String>()) {
        check(&text);
        check(&format!("RETURN {text}"));
        check(&format!("RETURN '{text}'"));
    }
}
