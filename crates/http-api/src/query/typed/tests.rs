//! Typed parameters: every type, what answers write, and what is refused.

use std::cell::Cell;

use bastide_model::{GraphRead, Zone};
use bastide_security::ReadPermit;

use super::super::read_json::{MapSeed, ValueSeed};
use super::super::write_value::{self, ElementIds, Entities};
use super::*;
use serde::de::DeserializeSeed as _;

fn plain(json: &str) -> Map {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let values_left = Cell::new(1_000);
    let seed = ValueSeed {
        depth_left: 50,
        values_left: &values_left,
    };
    MapSeed(seed).deserialize(&mut deserializer).unwrap()
}

fn read(type_name: &str, value: &str) -> Result<Value> {
    let json = format!(r#"{{"x": {{"$type": "{type_name}", "_value": {value}}}}}"#);
    let typed = parameters(plain(&json))?;
    Ok(typed.get("x").cloned().unwrap_or_default())
}

fn written(value: &Value) -> String {
    let graph = bastide_graph::Graph::in_memory().begin_read(&ReadPermit::for_system_startup(""));
    let graph: &dyn GraphRead = &graph;
    let ids = ElementIds::new("4:x:");
    let mut out = Vec::new();
    write_value::value::<true>(&mut out, value, &Entities { graph, ids: &ids }).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn what_an_answer_writes_a_parameter_reads() {
    for (type_name, value) in [
        ("Null", "null"),
        ("Boolean", "true"),
        ("Integer", r#""-9223372036854775808""#),
        ("Float", r#""1.0E7""#),
        ("Float", r#""9999999.0""#),
        ("Float", r#""0.001""#),
        ("Float", r#""9.99E-4""#),
        ("Float", r#""-0.0""#),
        ("Float", r#""NaN""#),
        ("Float", r#""-Infinity""#),
        ("String", r#""a \"b\"\n\u0001 ü""#),
        ("Base64", r#""A2+/""#),
        ("Base64", r#""""#),
        ("Date", r#""2015-03-26""#),
        ("Date", r#""-0044-03-15""#),
        ("Date", r#""+999999999-12-31""#),
        ("Time", r#""12:50:35.556+01:00""#),
        ("Time", r#""00:00Z""#),
        ("LocalTime", r#""23:59:59.999999999""#),
        ("LocalDateTime", r#""2015-07-04T19:32:24""#),
        ("LocalDateTime", r#""1969-12-31T23:59:59.000001""#),
        ("OffsetDateTime", r#""2015-11-21T21:40:32.142-18:00""#),
        ("OffsetDateTime", r#""-0001-01-01T00:00Z""#),
        ("ZonedDateTime", r#""2015-11-21T21:40:32.142+01:00[Europe/Berlin]""#),
        // Both of the hours that a clock shows twice.
        ("ZonedDateTime", r#""2020-10-25T02:30+02:00[Europe/Berlin]""#),
        ("ZonedDateTime", r#""2020-10-25T02:30+01:00[Europe/Berlin]""#),
        ("ZonedDateTime", r#""1890-01-01T00:00+00:53:28[Europe/Berlin]""#),
        ("Duration", r#""P14DT16H12M""#),
        ("Duration", r#""P1Y2M3DT4H5M6.7S""#),
        ("Duration", r#""PT-1.5S""#),
        ("Duration", r#""PT0S""#),
        ("Point", r#""SRID=7203;POINT (1.2 -3.4)""#),
        ("Point", r#""SRID=4979;POINT Z (1.0E10 2.0 3.0)""#),
    ] {
        let read = read(type_name, value).unwrap_or_else(|fault| panic!("{value}: {fault}"));
        assert_eq!(written(&read), format!(r#"{{"$type":"{type_name}","_value":{value}}}"#));
    }
}

#[test]
fn lists_and_maps_hold_typed_values() {
    let one = r#"{"$type": "Integer", "_value": "1"}"#;
    let list = read("List", &format!("[{one}, {one}]")).unwrap();
    assert!(matches!(&list, Value::List(items) if items.len() == 2));
    let map = read("Map", &format!(r#"{{"b": {one}, "$type": {one}}}"#)).unwrap();
    assert!(matches!(&map, Value::Map(map) if map.get("$type").and_then(Value::as_integer) == Some(1)));
}

#[test]
fn other_spellings_are_read_too() {
    assert!(read("Point", r#""SRID=7203;POINT(1 2)""#).is_ok());
    assert!(read("Duration", r#""-P1W""#).is_ok());
    let Value::DateTime(instant) = read("ZonedDateTime", r#""2020-06-01T12:00[Europe/Berlin]""#).unwrap() else {
        panic!("not a date time")
    };
    assert!(matches!(
        instant.zone,
        Zone::Named {
            offset_seconds: 7_200,
            ..
        }
    ));
}

#[test]
fn what_does_not_fit_its_type_is_refused() {
    for (type_name, value) in [
        ("Null", "1"),
        ("Boolean", r#""true""#),
        ("Integer", "1"),
        ("Integer", r#""9223372036854775808""#),
        ("Integer", r#""1.0""#),
        ("Float", "1.5"),
        ("Float", r#""inf""#),
        ("Float", r#""1e999""#),
        ("String", "null"),
        ("Base64", r#""A2+""#),
        ("List", "{}"),
        ("List", "[1]"),
        ("Map", "[]"),
        ("Map", r#"{"a": 1}"#),
        ("Date", r#""2015-02-29""#),
        ("Date", r#""2015-2-3""#),
        ("Date", r#""99999-01-01""#),
        ("Date", r#""+1000000000-01-01""#),
        ("Time", r#""12:50""#),
        ("Time", r#""12:50+19:00""#),
        ("LocalTime", r#""24:00""#),
        ("LocalTime", r#""12:00:00.""#),
        ("LocalDateTime", r#""2015-07-04 19:32""#),
        ("OffsetDateTime", r#""2015-07-04T19:32""#),
        ("ZonedDateTime", r#""2015-11-21T21:40+05:00[Europe/Berlin]""#),
        ("ZonedDateTime", r#""2015-11-21T21:40[Nowhere/Land]""#),
        ("Duration", r#""P""#),
        ("Duration", r#""PT""#),
        ("Duration", r#""P1.5D""#),
        ("Duration", r#""PT1S1H""#),
        ("Duration", r#""P99999999999999999999D""#),
        ("Point", r#""SRID=7203;POINT (1 2 3)""#),
        ("Point", r#""SRID=1;POINT (1 2)""#),
        ("Node", "{}"),
        ("Vector", "{}"),
        ("Nonsense", r#""x""#),
        ("Date", r#""é""#),
        ("Time", r#""é+01:00""#),
        ("Point", r#""SRID=7203;POINT é""#),
    ] {
        assert!(read(type_name, value).is_err(), "{type_name} {value}");
    }
}

#[test]
fn values_without_a_type_are_refused_and_the_parameter_is_named() {
    for json in [
        r#"{"name": 1}"#,
        r#"{"name": {"$type": "String"}}"#,
        r#"{"name": {"$type": "String", "_value": "x", "more": 1}}"#,
        r#"{"name": {"$type": 1, "_value": "x"}}"#,
    ] {
        let fault = parameters(plain(json)).unwrap_err();
        assert!(fault.message().starts_with("parameter `name`: "), "{fault}");
    }
}
