//! Nesting and size: what is too deep or too long is an error, on a small stack and in time that grows with the text.
#![allow(clippy::unwrap_used, reason = "test")]

use bastide_cypher::{NESTING_DEPTH_MAX, ParseErrorKind, ParseLimits, parse};

/// Parses, clones and drops on a thread with the stack of a worker.
fn outcome(text: String) -> Result<(), ParseErrorKind> {
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || match parse(&text, ParseLimits::default()) {
            Ok(statement) => {
                drop(format!("{:?}", statement.clone()));
                Ok(())
            }
            Err(error) => Err(error.kind),
        })
        .unwrap()
        .join()
        .unwrap()
}

fn nested(open: &str, inside: &str, close: &str, times: u32) -> String {
    let times = times as usize;
    format!("RETURN {}{inside}{} AS x", open.repeat(times), close.repeat(times))
}

const FORMS: [(&str, &str, &str); 18] = [
    ("(", "1", ")"),
    ("[", "1", "]"),
    ("{a: ", "1", "}"),
    ("NOT ", "true", ""),
    ("- ", "a", ""),
    ("+", "a", ""),
    ("f(", "1", ")"),
    ("CASE WHEN ", "true", " THEN 1 END"),
    ("[x IN ", "y", " | x]"),
    ("all(x IN ", "y", " WHERE x)"),
    ("reduce(a = 0, x IN ", "y", " | a)"),
    ("EXISTS { MATCH (a) WHERE ", "true", "}"),
    ("COUNT { (a) WHERE ", "true", "}"),
    ("a[", "1", "]"),
    ("[(a)-->(b {p: ", "1", "}) | 1]"),
    ("1 OR 1 AND 1 = 1 IN 1 + 1 * 1 ^ (", "1", ")"),
    ("(a {p: ", "1", "})-->(b)"),
    ("n:(", "A", ")"),
];

#[test]
fn refuses_every_form_nested_fifty_thousand_times() {
    for (open, inside, close) in FORMS {
        let result = outcome(nested(open, inside, close, 50_000));
        assert_eq!(result, Err(ParseErrorKind::NestingTooDeep), "{open}");
        // Never closed either.
        assert!(outcome(format!("RETURN {}", open.repeat(50_000))).is_err(), "{open}");
    }
}

#[test]
fn accepts_a_hundred_levels_of_plain_nesting() {
    for (open, inside, close) in [FORMS[0], FORMS[1], FORMS[2], FORMS[3], FORMS[6], FORMS[7]] {
        assert_eq!(outcome(nested(open, inside, close, 100)), Ok(()), "{open}");
    }
}

#[test]
fn the_deepest_accepted_text_of_each_form_fits_a_worker_stack() {
    for (open, inside, close) in FORMS {
        for depth in (1..=NESTING_DEPTH_MAX).rev() {
            match outcome(nested(open, inside, close, depth)) {
                Err(ParseErrorKind::NestingTooDeep) => {}
                _ => break,
            }
        }
    }
}

#[test]
fn refuses_long_chains_that_would_build_a_high_tree() {
    for chain in ["1+", "1-", "1*", "1^", "a||", "1 IN "] {
        assert_eq!(
            outcome(format!("RETURN {}1", chain.repeat(50_000))),
            Err(ParseErrorKind::NestingTooDeep),
            "{chain}"
        );
    }
    for suffix in [".a", "[0]", "[0..1]", ":A.b", " IS NULL"] {
        let text = format!("RETURN a{}", suffix.repeat(50_000));
        assert_eq!(outcome(text), Err(ParseErrorKind::NestingTooDeep), "{suffix}");
    }
}

#[test]
fn refuses_chains_stacked_on_chains() {
    let mut expression = "1".to_owned();
    for _ in 0..100 {
        expression = format!("({expression}{})", "+1".repeat(100));
    }
    assert_eq!(
        outcome(format!("RETURN {expression} AS x")),
        Err(ParseErrorKind::NestingTooDeep)
    );
}

#[test]
fn holds_long_flat_chains() {
    for chain in ["a AND ", "a OR ", "a XOR ", "a < "] {
        assert_eq!(
            outcome(format!("RETURN {}1 AS x", chain.repeat(50_000))),
            Ok(()),
            "{chain}"
        );
    }
    assert_eq!(outcome(format!("RETURN [{}1] AS x", "1,".repeat(50_000))), Ok(()));
    assert_eq!(outcome(format!("MATCH (a){} RETURN a", "-->()".repeat(50_000))), Ok(()));
    assert_eq!(outcome(format!("MATCH (a{}) RETURN a", ":A".repeat(50_000))), Ok(()));
    assert_eq!(outcome(format!("{}RETURN 1", "MATCH (a) ".repeat(50_000))), Ok(()));
    assert_eq!(
        outcome(format!("{}RETURN 1 AS a", "RETURN 1 AS a UNION ".repeat(50_000))),
        Ok(())
    );
}

#[test]
fn refuses_nested_clauses_beyond_the_limit() {
    assert!(outcome("FOREACH (x IN [1] | ".repeat(50_000)).is_err());
    let foreach = format!("{}CREATE (){}", "FOREACH (x IN [1] | ".repeat(1000), ")".repeat(1000));
    assert_eq!(outcome(foreach), Err(ParseErrorKind::NestingTooDeep));
    let call = format!("{}RETURN 1 AS x{}", "CALL { ".repeat(1000), " } RETURN x".repeat(1000));
    assert_eq!(outcome(call), Err(ParseErrorKind::NestingTooDeep));
    assert!(outcome(format!("MATCH (a:{}A) RETURN a", "!".repeat(50_000))).is_err());
    assert!(outcome(format!("RETURN 1 IS :: {}INT", "LIST<".repeat(50_000))).is_err());
}

/// Each level could be a pattern or arithmetic; trying both at each would take longer than the world has lasted.
#[test]
fn going_back_does_not_multiply() {
    let depth = 40;
    for (open, inside, close) in [
        ("(a {p: ", "1", "})-[0]"),
        ("[(a {p: ", "1", "})-[b]->(c)]"),
        ("(a {p: [(x)-->(y {q: ", "1", "}) | 1]})-[0]"),
        ("({p: ", "1", "})-[x]"),
        ("[p = (", "a", ")-[0]]"),
    ] {
        let _outcome = outcome(nested(open, inside, close, depth));
    }
    let _outcome = outcome(format!("RETURN {}", "(((((".repeat(40)));
    let _outcome = outcome(format!("RETURN {}", "(a)-[".repeat(40)));
}

#[test]
fn refuses_text_beyond_the_size_limit() {
    let limits = ParseLimits {
        text_bytes_max: 10,
        ..ParseLimits::default()
    };
    assert_eq!(parse("RETURN 100", limits).map(drop), Ok(()));
    assert_eq!(
        parse("RETURN 1000", limits).unwrap_err().kind,
        ParseErrorKind::TextTooLong
    );
}
