//! Requests: what is read, and what is refused by name.

use super::*;
use bastide_model::Value;

fn limits() -> QueryLimits {
    QueryLimits {
        statement_bytes_max: 100,
        json_depth_max: 10,
        values_max: 50,
        ..QueryLimits::default()
    }
}

fn plain(json: &str) -> Result<QueryRequest, String> {
    read(json.as_bytes(), false, &limits()).map_err(|failure| failure.message)
}

#[test]
fn all_fields_are_read() {
    let request = plain(
        r#"{"statement": "RETURN 1", "parameters": {"b": [1, 1.5, "x", null, {"c": true}], "a": 1}, "bookmarks": ["x"],
            "impersonatedUser": "ada", "accessMode": "READ", "includeCounters": true, "txType": "implicit",
            "txMetadata": {"app": "t"}, "maxExecutionTime": 5, "notificationsFilter": {"minimumSeverity": "OFF"}}"#,
    )
    .unwrap();
    assert_eq!(request.statement.as_deref(), Some("RETURN 1"));
    assert_eq!(request.parameters.get("a").and_then(Value::as_integer), Some(1));
    assert!(matches!(request.parameters.get("b"), Some(Value::List(items)) if items.len() == 5));
    assert_eq!(request.bookmarks, ["x"]);
    assert_eq!(request.access_mode, Some(AccessMode::Read));
    assert!(request.include_counters);
    assert_eq!(request.transaction_type, Some(TransactionType::Implicit));
    assert_eq!(request.execution_time_max, Some(Duration::from_secs(5)));
}

#[test]
fn nothing_and_null_ask_for_nothing() {
    assert!(read(b"", false, &limits()).unwrap().statement.is_none());
    let nulls = NAMES
        .iter()
        .map(|name| format!("\"{name}\": null"))
        .collect::<Vec<_>>()
        .join(",");
    let request = plain(&format!("{{{nulls}}}")).unwrap();
    assert!(request.statement.is_none() && request.parameters.is_empty() && request.bookmarks.is_empty());
    assert!(plain(r#"{"statement": "  \n"}"#).unwrap().statement.is_none());
}

#[test]
fn what_is_wrong_is_named() {
    let deep = format!(r#"{{"parameters": {{"a": {}{}}}}}"#, "[".repeat(20), "]".repeat(20));
    let deeper = format!(r#"{{"parameters": {{"a": {}"#, "[".repeat(100_000));
    let many = format!(
        r#"{{"parameters": {{"a": [{}0]}}, "txMetadata": {{"b": [{}0]}}}}"#,
        "0,".repeat(25),
        "0,".repeat(25)
    );
    let long = format!(r#"{{"statement": "{}"}}"#, "x".repeat(101));
    for (json, part) in [
        ("null", "expected an object"),
        ("[]", "expected an object"),
        ("{", "EOF"),
        ("{} {}", "trailing"),
        (r#"{"statment": "x"}"#, "`statment`"),
        (r#"{"statement": "x", "statement": "y"}"#, "duplicate field `statement`"),
        (r#"{"statement": 1}"#, "expected a string"),
        (r#"{"parameters": [1]}"#, "expected an object"),
        (r#"{"parameters": {"a": 9223372036854775808}}"#, "9223372036854775808"),
        (r#"{"parameters": {"a": 1e999}}"#, "number out of range"),
        (r#"{"parameters": {"a": NaN}}"#, "expected value"),
        (r#"{"bookmarks": "x"}"#, "expected a sequence"),
        (r#"{"accessMode": "Both"}"#, "`accessMode`"),
        (r#"{"txType": "Both"}"#, "`txType`"),
        (r#"{"includeCounters": "yes"}"#, "expected a boolean"),
        (r#"{"maxExecutionTime": 0}"#, "`maxExecutionTime`"),
        (r#"{"maxExecutionTime": -1}"#, "expected u64"),
        (r#"{"maxExecutionTime": 99999999999}"#, "`maxExecutionTime`"),
        (
            r#"{"notificationsFilter": {"colour": "red"}}"#,
            "`notificationsFilter.colour`",
        ),
        (
            r#"{"notificationsFilter": {"minimumSeverity": "LOUD"}}"#,
            "minimumSeverity",
        ),
        (
            r#"{"notificationsFilter": {"disabledCategories": ["HINTS"]}}"#,
            "disabledCategories",
        ),
        (r#"{"notificationsFilter": []}"#, "`notificationsFilter`"),
        (&many, "too many values"),
        (&deep, "too deep"),
        (&deeper, "too deep"),
        (&long, "longer than 100 bytes"),
    ] {
        let message = plain(json).unwrap_err();
        assert!(message.contains(part), "{json}: {message}");
    }
    assert!(read(b"{\"statement\": \"\xff\"}", false, &limits()).is_err());
    assert!(read(b"{\"statement\": \"\\ud800\"}", false, &limits()).is_err());
}

#[test]
fn of_a_parameter_that_stands_twice_the_last_counts() {
    let request = plain(r#"{"parameters": {"a": 1, "b": 0, "a": 2}}"#).unwrap();
    assert_eq!(request.parameters.get("a").and_then(Value::as_integer), Some(2));
}

#[test]
fn a_transaction_that_is_open_takes_no_options() {
    assert!(
        plain(r#"{"statement": "x", "bookmarks": []}"#)
            .unwrap()
            .check_within_transaction()
            .is_ok()
    );
    for json in [
        r#"{"bookmarks": ["x"]}"#,
        r#"{"txMetadata": {"a": 1}}"#,
        r#"{"maxExecutionTime": 1}"#,
        r#"{"txType": "Implicit"}"#,
    ] {
        assert!(plain(json).unwrap().check_within_transaction().is_err(), "{json}");
    }
}
