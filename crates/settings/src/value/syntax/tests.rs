//! Cases of each kind of value.

use super::*;
use crate::value::{TlsLevel, TlsVersion};

fn shown(kind: Kind, text: &str) -> Result<String, String> {
    parse(kind, text)
        .map(|value| value.to_string())
        .map_err(|invalid| format!("{}; {}", invalid.problem, invalid.advice))
}

fn all_refused(kind: Kind, texts: &[&str]) {
    for text in texts {
        assert!(parse(kind, text).is_err(), "{text:?} as {kind:?}");
    }
}

#[test]
fn booleans() {
    assert_eq!(shown(Kind::Boolean, "TRUE").unwrap(), "true");
    all_refused(Kind::Boolean, &["", "yes", "1", "truee"]);
}

#[test]
fn integers_within_their_limits() {
    assert_eq!(shown(Kind::Integer(1, 10), "10").unwrap(), "10");
    all_refused(
        Kind::Integer(1, 10),
        &["0", "11", "", "1.0", "0x1", "99999999999999999999", "ten"],
    );
    assert!(shown(Kind::Integer(1, 10), "11").unwrap_err().contains("from 1 to 10"));
}

#[test]
fn numbers_within_their_limits() {
    assert_eq!(shown(Kind::Float(0.0, 1.0), "0.5").unwrap(), "0.5");
    all_refused(Kind::Float(0.0, 1.0), &["1.1", "NaN", "inf", ""]);
}

#[test]
fn durations_with_and_without_units_and_combined() {
    let milliseconds = |text: &str| parse_duration(text);
    for (text, expected) in [
        ("0", 0),
        ("5", 5000),
        ("0s", 0),
        ("250ms", 250),
        ("30s", 30_000),
        ("2m", 120_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        ("1d2h3m4s5ms", 93_784_005),
        ("1.5s", 1500),
        ("0.25h", 900_000),
        ("2000000ns", 2),
    ] {
        assert_eq!(milliseconds(text), Some(expected), "{text}");
    }
    for text in [
        "",
        "s",
        "5x",
        "-5s",
        "5 s",
        "1..5s",
        "1.s",
        "s5",
        "99999999999999999999s",
        "1h30",
        "∞",
    ] {
        assert_eq!(milliseconds(text), None, "{text}");
    }
    all_refused(Kind::Duration(1000, 60_000), &["999ms", "61s"]);
    assert_eq!(shown(Kind::Duration(0, 1 << 40), "90m").unwrap(), "1h30m");
}

#[test]
fn byte_sizes_in_every_unit() {
    for (text, expected) in [
        ("0", 0),
        ("0B", 0),
        ("17", 17),
        ("8KiB", 8192),
        ("8kb", 8000),
        ("8k", 8192),
        ("1m", 1 << 20),
        ("2G", 2 << 30),
        ("1.5g", 3 << 29),
        ("250.00MiB", 250 << 20),
        ("1 GiB", 1 << 30),
        ("12 bytes", 12),
    ] {
        assert_eq!(parse_bytes(text), Some(expected), "{text}");
    }
    for text in ["", "k", "-1", "1x", "1..5g", "99999999999g", "1e5"] {
        assert_eq!(parse_bytes(text), None, "{text}");
    }
    assert_eq!(shown(Kind::Bytes(0, 1 << 60), "8192").unwrap(), "8KiB");
    all_refused(Kind::Bytes(1024, 4096), &["1023", "5KiB"]);
}

#[test]
fn socket_addresses_in_every_form() {
    for (text, host, port) in [
        (":7687", None, Some(7687)),
        ("localhost:0", Some("localhost"), Some(0)),
        ("example.com", Some("example.com"), None),
        ("[::1]:7687", Some("::1"), Some(7687)),
        ("[::]", Some("::"), None),
        ("0.0.0.0:1", Some("0.0.0.0"), Some(1)),
    ] {
        let Ok(Value::Address(address)) = parse(Kind::SocketAddress, text) else {
            panic!("{text}")
        };
        assert_eq!((address.host.as_deref(), address.port), (host, port), "{text}");
        assert_eq!(address.to_string(), text);
    }
    all_refused(
        Kind::SocketAddress,
        &[
            "",
            ":",
            "host:",
            "host:65536",
            "host:-1",
            "host:+1",
            "::1:7687",
            "[::1",
            "[::1]7687",
            "[host]:1",
            "a b:1",
            "http://x",
        ],
    );
}

#[test]
fn host_names_have_no_port() {
    assert_eq!(shown(Kind::HostName, "[::1]").unwrap(), "::1");
    assert_eq!(shown(Kind::HostName, "db.example.com").unwrap(), "db.example.com");
    assert!(
        shown(Kind::HostName, "localhost:7687")
            .unwrap_err()
            .contains("leave the port out")
    );
    all_refused(Kind::HostName, &["", "a b"]);
}

#[test]
fn words_are_matched_without_case_and_suggested() {
    let kind = Kind::Choice(TlsLevel::WORDS);
    assert_eq!(shown(kind, "required").unwrap(), "REQUIRED");
    assert!(shown(kind, "REQUIRE").unwrap_err().contains("did you mean `REQUIRED`?"));
    let kind = Kind::ChoiceList(TlsVersion::WORDS);
    assert_eq!(shown(kind, "TLSv1.3, tlsv1.2").unwrap(), "TLSv1.3,TLSv1.2");
    all_refused(kind, &["", "TLSv1.1", "TLSv1.2,TLSv1"]);
}

#[test]
fn lists_are_split_at_commas() {
    assert_eq!(shown(Kind::List, " a , b,,c ").unwrap(), "a,b,c");
    assert_eq!(shown(Kind::List, "").unwrap(), "");
    assert!(parse(Kind::List, &"a,".repeat(1001)).is_err());
}

#[test]
fn database_names_follow_neo4js_rule() {
    assert_eq!(shown(Kind::DatabaseName, "Neo4j.test-1").unwrap(), "neo4j.test-1");
    all_refused(
        Kind::DatabaseName,
        &["", "ab", "system", "1abc", "a_b", "a b", &"a".repeat(64)],
    );
}

#[test]
fn secrets_are_never_shown() {
    assert_eq!(shown(Kind::Secret, "hunter2").unwrap(), "********");
}
