//! Values as text.

use super::*;

fn float(value: f64) -> String {
    value_text(&WireValue::Float(value))
}

fn person(name: &str) -> WireNode {
    WireNode {
        labels: vec!["Person".to_owned()],
        properties: vec![("name".to_owned(), name.into())],
        ..WireNode::default()
    }
}

#[test]
fn floats_look_as_in_java() {
    for (value, expected) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (-2.5, "-2.5"),
        (0.001, "0.001"),
        (0.000_999, "9.99E-4"),
        (9_999_999.0, "9999999.0"),
        (10_000_000.0, "1.0E7"),
        (1.234_5e-20, "1.2345E-20"),
        (f64::MAX, "1.7976931348623157E308"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        assert_eq!(float(value), expected);
    }
}

#[test]
fn scalars_look_as_in_cypher() {
    for (value, expected) in [
        (WireValue::Null, "NULL"),
        (true.into(), "TRUE"),
        ((-5).into(), "-5"),
        (r#"say "hi" \ there"#.into(), r#""say \"hi\" \\ there""#),
        (WireValue::Bytes(vec![1, 0xFE]), "0x01FE"),
        (vec![1.into(), WireValue::Null].into(), "[1, NULL]"),
        (
            WireValue::Map(vec![("a".to_owned(), 1.into()), ("b c".to_owned(), "x".into())]),
            "{a: 1, `b c`: \"x\"}",
        ),
    ] {
        let value: WireValue = value;
        assert_eq!(value_text(&value), expected);
    }
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let text = value_text(&"a\u{1b}[2Jb\nc\u{202E}d".into());
    assert_eq!(text, "\"a\\u001B[2Jb\\nc\\u202Ed\"");
    let node = WireNode {
        labels: vec!["\u{7}".to_owned()],
        ..WireNode::default()
    };
    assert_eq!(value_text(&WireStructure::Node(node).into()), "(:`\\u0007`)");
}

#[test]
fn entities_look_as_in_patterns() {
    assert_eq!(value_text(&WireStructure::Node(WireNode::default()).into()), "()");
    assert_eq!(
        value_text(&WireStructure::Node(person("Ada")).into()),
        "(:Person {name: \"Ada\"})"
    );
    let relationship = bastide_bolt::WireRelationship {
        relationship_type: "KNOWS".to_owned(),
        properties: vec![("since".to_owned(), 1999.into())],
        ..bastide_bolt::WireRelationship::default()
    };
    assert_eq!(
        value_text(&WireStructure::Relationship(relationship).into()),
        "[:KNOWS {since: 1999}]"
    );
}

#[test]
fn paths_show_the_direction_of_each_step() {
    let path = WirePath {
        nodes: vec![person("A"), person("B")],
        relationships: vec![WireUnboundRelationship {
            relationship_type: "KNOWS".to_owned(),
            ..WireUnboundRelationship::default()
        }],
        indices: vec![1, 1, -1, 0],
    };
    assert_eq!(
        value_text(&WireStructure::Path(path).into()),
        "(:Person {name: \"A\"})-[:KNOWS]->(:Person {name: \"B\"})<-[:KNOWS]-(:Person {name: \"A\"})"
    );
}

#[test]
fn a_path_with_senseless_indices_ends_early() {
    let path = WirePath {
        nodes: vec![person("A")],
        relationships: vec![],
        indices: vec![7, -3, 0, 0, i64::MIN, i64::MIN],
    };
    assert_eq!(value_text(&WireStructure::Path(path).into()), "(:Person {name: \"A\"})");
}

#[test]
fn points_name_their_coordinates() {
    let point = WireStructure::Point3D {
        srid: 9157,
        x: 1.0,
        y: -2.5,
        z: 0.0,
    };
    assert_eq!(value_text(&point.into()), "point({srid:9157, x:1.0, y:-2.5, z:0.0})");
}
