//! Values as JSON: each type plain and typed, and nodes, relationships and paths read from a graph.

use std::sync::Arc;

use bastide_graph::{Graph, Isolation, WriteOptions};
use bastide_model::{
    CoordinateSystem, Date, DateTime, Duration, GraphWrite as _, LocalDateTime, LocalTime, PathStep, Time,
};
use bastide_security::{ReadPermit, WritePermit};

use super::*;

fn both(value: &Value, graph: &dyn GraphRead) -> (String, String) {
    let ids = ElementIds::new("4:db:");
    let entities = Entities { graph, ids: &ids };
    let (mut plain, mut typed) = (Vec::new(), Vec::new());
    super::value::<false>(&mut plain, value, &entities).unwrap();
    super::value::<true>(&mut typed, value, &entities).unwrap();
    (String::from_utf8(plain).unwrap(), String::from_utf8(typed).unwrap())
}

fn empty() -> bastide_graph::Snapshot {
    Graph::in_memory().begin_read(&ReadPermit::for_system_startup(""))
}

#[track_caller]
fn check(value: Value, plain: &str, type_name: &str, typed: &str) {
    let (found_plain, found_typed) = both(&value, &empty());
    assert_eq!(found_plain, plain);
    assert_eq!(found_typed, format!(r#"{{"$type":"{type_name}","_value":{typed}}}"#));
    serde_json::from_str::<serde_json::Value>(&found_plain).unwrap();
}

#[test]
fn scalars() {
    check(Value::Null, "null", "Null", "null");
    check(Value::Boolean(false), "false", "Boolean", "false");
    check(
        Value::Integer(i64::MIN),
        "-9223372036854775808",
        "Integer",
        r#""-9223372036854775808""#,
    );
    check(
        Value::from("ü\"\\\n\u{1}\u{2028}"),
        "\"ü\\\"\\\\\\n\\u0001\u{2028}\"",
        "String",
        "\"ü\\\"\\\\\\n\\u0001\u{2028}\"",
    );
    check(
        Value::Bytes(Arc::from([3, 111, 191])),
        r#""A2+/""#,
        "Base64",
        r#""A2+/""#,
    );
}

#[test]
fn floats_are_numbers_where_json_has_them_and_java_text_when_typed() {
    for (value, plain, typed) in [
        (4.56, "4.56", "4.56"),
        (1.0, "1.0", "1.0"),
        (-0.0, "-0.0", "-0.0"),
        (0.001, "0.001", "0.001"),
        (0.000_999, "0.000999", "9.99E-4"),
        (9_999_999.0, "9999999.0", "9999999.0"),
        (1e7, "10000000.0", "1.0E7"),
        (-1.5e300, "-1.5e+300", "-1.5E300"),
        (f64::NAN, r#""NaN""#, "NaN"),
        (f64::INFINITY, r#""Infinity""#, "Infinity"),
        (f64::NEG_INFINITY, r#""-Infinity""#, "-Infinity"),
    ] {
        check(Value::Float(value), plain, "Float", &format!("\"{typed}\""));
    }
}

#[test]
fn temporal_values_and_points() {
    let same = |value: Value, type_name: &str, text: &str| {
        let quoted = format!("\"{text}\"");
        check(value, &quoted, type_name, &quoted);
    };
    same(Value::Date(Date { epoch_days: 16_520 }), "Date", "2015-03-26");
    let nanoseconds = 45_035_556_000_000;
    let time = Time {
        nanoseconds,
        offset_seconds: 3_600,
    };
    same(Value::Time(time), "Time", "12:30:35.556+01:00");
    same(Value::LocalTime(LocalTime { nanoseconds }), "LocalTime", "12:30:35.556");
    let local = LocalDateTime {
        epoch_seconds: 0,
        nanoseconds: 1,
    };
    same(
        Value::LocalDateTime(local),
        "LocalDateTime",
        "1970-01-01T00:00:00.000000001",
    );
    let at = |zone| {
        Value::DateTime(Arc::new(DateTime {
            epoch_seconds: 0,
            nanoseconds: 0,
            zone,
        }))
    };
    same(at(Zone::Offset(-5_400)), "OffsetDateTime", "1969-12-31T22:30-01:30");
    let berlin = Zone::Named {
        name: "Europe/Berlin".into(),
        offset_seconds: 3_600,
    };
    same(at(berlin), "ZonedDateTime", "1970-01-01T01:00+01:00[Europe/Berlin]");
    let duration = Duration {
        months: 14,
        days: 3,
        seconds: -1,
        nanoseconds: 500_000_000,
    };
    same(Value::Duration(Arc::new(duration)), "Duration", "P1Y2M3DT-0.5S");
    let point = |system, x, z| Value::Point(Arc::new(Point { system, x, y: 3.4, z }));
    same(
        point(CoordinateSystem::Cartesian, 1.2, 0.0),
        "Point",
        "SRID=7203;POINT (1.2 3.4)",
    );
    same(
        point(CoordinateSystem::Wgs84ThreeD, 1e7, 2.0),
        "Point",
        "SRID=4979;POINT Z (1.0E7 3.4 2.0)",
    );
}

#[test]
fn lists_and_maps_nest_up_to_a_limit() {
    let map: Map = [("b\"", Value::list([Value::Integer(1), Value::Null]))]
        .into_iter()
        .collect();
    check(
        Value::map(map),
        r#"{"b\"":[1,null]}"#,
        "Map",
        r#"{"b\"":{"$type":"List","_value":[{"$type":"Integer","_value":"1"},{"$type":"Null","_value":null}]}}"#,
    );
    let deep = (0..=DEPTH_MAX).fold(Value::Null, |inner, _| Value::list([inner]));
    let (graph, ids) = (empty(), ElementIds::new(""));
    let entities = Entities {
        graph: &graph,
        ids: &ids,
    };
    assert!(super::value::<false>(&mut Vec::new(), &deep, &entities).is_err());
}

#[test]
fn nodes_relationships_and_paths_are_read_from_the_graph() {
    let graph = Graph::in_memory();
    let mut writing = graph.begin_write(
        &WritePermit::for_system_startup(""),
        WriteOptions {
            isolation: Isolation::Serializable,
            memory_limit: usize::MAX,
            termination: Arc::default(),
            hold_writer_slot: false,
        },
    );
    let label = writing.label_id_or_create("Person").unwrap();
    let likes = writing.relationship_type_id_or_create("LIKES").unwrap();
    let key = writing.property_key_id_or_create("name").unwrap();
    let alice = writing.create_node(&[label]).unwrap();
    writing.set_node_property(alice, key, Value::from("Alice")).unwrap();
    let bob = writing.create_node(&[]).unwrap();
    let relationship = writing.create_relationship(likes, alice, bob).unwrap();
    let path = Path {
        start: bob,
        steps: vec![PathStep {
            relationship,
            forward: false,
            node: alice,
        }],
    };
    let (plain, typed) = both(&Value::Path(Arc::new(path)), &writing);
    let (a, b, r) = (alice.0, bob.0, relationship.0);
    assert_eq!(
        plain,
        format!(
            r#"[{{"elementId":"4:db:{b}","labels":[],"properties":{{}}}},{{"elementId":"5:db:{r}","startNodeElementId":"4:db:{a}","endNodeElementId":"4:db:{b}","type":"LIKES","properties":{{}}}},{{"elementId":"4:db:{a}","labels":["Person"],"properties":{{"name":"Alice"}}}}]"#
        )
    );
    assert_eq!(
        typed,
        format!(
            r#"{{"$type":"Path","_value":[{{"$type":"Node","_value":{{"_element_id":"4:db:{b}","_labels":[],"_properties":{{}}}}}},{{"$type":"Relationship","_value":{{"_element_id":"5:db:{r}","_start_node_element_id":"4:db:{a}","_end_node_element_id":"4:db:{b}","_type":"LIKES","_properties":{{}}}}}},{{"$type":"Node","_value":{{"_element_id":"4:db:{a}","_labels":["Person"],"_properties":{{"name":{{"$type":"String","_value":"Alice"}}}}}}}}]}}"#
        )
    );
    let (gone, _) = both(&Value::Relationship(RelationshipId(99)), &writing);
    serde_json::from_str::<serde_json::Value>(&gone).unwrap();
}
