//! Functions: a table a family for what they answer, for null, overflow and wrong types.

use crate::evaluate::tests::{check, shown, value_of};

#[test]
fn every_scalar_function_of_the_table_is_known() {
    let known = |name: &str| super::find(name).is_some();
    for name in [
        "id",
        "size",
        "range",
        "tointeger",
        "abs",
        "left",
        "date.truncate",
        "point.withinbbox",
    ] {
        assert!(known(name), "{name}");
    }
    assert!(!known("nosuch"));
    assert!(!known("date.fromepoch"));
}

#[test]
fn functions_of_entities() {
    check(&[
        ("id(n)", "0"),
        ("id(null)", "null"),
        ("id(1)", "TypeError"),
        ("elementId(m)", "'4:bastide:1'"),
        ("elementId(r)", "'5:bastide:0'"),
        ("type(r)", "'KNOWS'"),
        ("type(n)", "TypeError"),
        ("labels(m)", "['Person', 'Admin']"),
        ("labels(gone)", "EntityNotFound"),
        ("labels(null)", "null"),
        ("keys(n)", "['age', 'name']"),
        ("keys({b: 1, a: null})", "['a', 'b']"),
        ("properties(r)", "{since: 2000}"),
        ("properties(1)", "TypeError"),
        ("size(nodes(p))", "2"),
        ("relationships(p)", "[[:KNOWS {since: 2000}]]"),
        ("startNode(r) = n", "true"),
        ("endNode(r) = m", "true"),
        ("length(p)", "1"),
        ("length('a')", "TypeError"),
    ]);
}

#[test]
fn functions_of_any_value() {
    check(&[
        ("coalesce(null, 1, 1 / 0)", "1"),
        ("coalesce(null)", "null"),
        ("size([1, 2])", "2"),
        ("size('ä€😀')", "3"),
        ("size(1)", "TypeError"),
        ("char_length('ä€😀')", "3"),
        ("isEmpty('')", "true"),
        ("isEmpty({a: 1})", "false"),
        ("isEmpty(1)", "TypeError"),
        ("nullIf(1, 1.0)", "null"),
        ("nullIf(1, null)", "1"),
        ("nullIf(null, 1)", "null"),
        ("valueType(1)", "'INTEGER NOT NULL'"),
        ("valueType(null)", "'NULL'"),
        ("size(randomUUID())", "36"),
        (
            "randomUUID() =~ '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'",
            "true",
        ),
        ("timestamp() > 1600000000000", "true"),
        ("file()", "null"),
        ("linenumber()", "null"),
    ]);
}

#[test]
fn functions_of_lists() {
    check(&[
        ("head([1, 2])", "1"),
        ("head([])", "null"),
        ("head(null)", "null"),
        ("last([1, 2])", "2"),
        ("tail([1, 2])", "[2]"),
        ("tail([])", "[]"),
        ("head('a')", "TypeError"),
        ("reverse([1, null])", "[null, 1]"),
        ("reverse('aä')", "'äa'"),
        ("range(1, 3)", "[1, 2, 3]"),
        ("range(3, 1, -1)", "[3, 2, 1]"),
        ("range(0, 10, 4)", "[0, 4, 8]"),
        ("range(3, 1)", "[]"),
        ("range(1, 1, -5)", "[1]"),
        ("range(1, 3, 0)", "ArgumentError"),
        ("range(1, 9223372036854775807)", "ArgumentError"),
        (
            "range(9223372036854775806, 9223372036854775807)",
            "[9223372036854775806, 9223372036854775807]",
        ),
        (
            "range(-9223372036854775808, 9223372036854775807, 9223372036854775807)[2]",
            "9223372036854775806",
        ),
        ("range(1, 2.5)", "TypeError"),
        ("range(null, 1)", "null"),
    ]);
}

#[test]
fn conversions() {
    check(&[
        ("toInteger('42')", "42"),
        ("toInteger(' 2.9 ')", "2"),
        ("toInteger(-2.9)", "-2"),
        ("toInteger('x')", "null"),
        ("toInteger('inf')", "null"),
        ("toInteger(true)", "1"),
        ("toInteger([])", "TypeError"),
        ("toIntegerOrNull([])", "null"),
        ("toIntegerList(['1', 'x', null, 2.5, []])", "[1, null, null, 2, null]"),
        ("toIntegerList(1)", "TypeError"),
        ("toFloat('1e3')", "1000.0"),
        ("toFloat('nan')", "null"),
        ("toFloat(1)", "1.0"),
        ("toFloat(true)", "TypeError"),
        ("toFloatOrNull(true)", "null"),
        ("toFloatList([1, 'a'])", "[1.0, null]"),
        ("toBoolean('TRUE')", "true"),
        ("toBoolean('yes')", "null"),
        ("toBoolean(0)", "false"),
        ("toBoolean(1.0)", "TypeError"),
        ("toBooleanList(['true', 0, 1.0])", "[true, false, null]"),
        ("toString(1.0)", "'1.0'"),
        ("toString(true)", "'true'"),
        ("toString(date('2020-02-29'))", "'2020-02-29'"),
        ("toString([])", "TypeError"),
        ("toStringOrNull([])", "null"),
        ("toStringList([1, 'a', null, {}])", "['1', 'a', null, null]"),
        ("toString(null)", "null"),
    ]);
}

#[test]
fn mathematics() {
    check(&[
        ("abs(-1)", "1"),
        ("abs(-1.5)", "1.5"),
        ("abs(-9223372036854775808)", "ArithmeticError"),
        ("abs('a')", "TypeError"),
        ("abs(null)", "null"),
        ("sign(-3)", "-1"),
        ("sign(0.0)", "0"),
        ("ceil(1.2)", "2.0"),
        ("floor(-1.2)", "-2.0"),
        ("sqrt(4)", "2.0"),
        ("sqrt(-1)", "NaN"),
        ("isNaN(sqrt(-1))", "true"),
        ("log(e())", "1.0"),
        ("log10(100)", "2.0"),
        ("exp(0)", "1.0"),
        ("atan2(0, 1)", "0.0"),
        ("degrees(pi())", "180.0"),
        ("radians(180) = pi()", "true"),
        ("haversin(0)", "0.0"),
        ("cot(0)", "Infinity"),
        ("sin('a')", "TypeError"),
        ("0 <= rand() < 1", "true"),
    ]);
}

#[test]
fn rounding_in_all_modes() {
    check(&[
        ("round(1.5)", "2.0"),
        ("round(-1.5)", "-1.0"),
        ("round(2)", "2.0"),
        ("round(1.249, 1)", "1.2"),
        ("round(1.25, 1)", "1.3"),
        ("round(-1.25, 1)", "-1.3"),
        ("round(1.005, 2)", "1.01"),
        ("round(1.25, 1, 'HALF_EVEN')", "1.2"),
        ("round(1.35, 1, 'HALF_EVEN')", "1.4"),
        ("round(1.25, 1, 'HALF_DOWN')", "1.2"),
        ("round(1.21, 1, 'UP')", "1.3"),
        ("round(-1.29, 1, 'DOWN')", "-1.2"),
        ("round(-1.21, 1, 'CEILING')", "-1.2"),
        ("round(-1.21, 1, 'FLOOR')", "-1.3"),
        ("round(9.99, 1)", "10.0"),
        ("round(1.5, 0, 'HALF_EVEN')", "2.0"),
        ("round(1.5, -1)", "ArgumentError"),
        ("round(1.5, 1, 'SIDEWAYS')", "ArgumentError"),
        ("round('a')", "TypeError"),
    ]);
}

#[test]
fn texts_count_characters() {
    check(&[
        ("left('äöü', 2)", "'äö'"),
        ("left('a', 5)", "'a'"),
        ("left('a', -1)", "ArgumentError"),
        ("left(null, 1)", "null"),
        ("right('äöü', 2)", "'öü'"),
        ("right('äöü', 0)", "''"),
        ("substring('hällo', 1)", "'ällo'"),
        ("substring('hällo', 1, 2)", "'äl'"),
        ("substring('a', 5)", "''"),
        ("substring('a', -1)", "ArgumentError"),
        ("substring(1, 1)", "TypeError"),
        ("trim('  a ')", "'a'"),
        ("ltrim('  a ')", "'a '"),
        ("rtrim('  a ')", "'  a'"),
        ("btrim('xxaxx', 'x')", "'a'"),
        ("toUpper('straße')", "'STRASSE'"),
        ("toLower('ÄB')", "'äb'"),
        ("replace('aaa', 'a', 'b')", "'bbb'"),
        ("replace('aaa', 'a', 'b', 2)", "'bba'"),
        ("replace('a', null, 'b')", "null"),
        ("split('a,b,c', ',')", "['a', 'b', 'c']"),
        ("split('a,b;c', [',', ';'])", "['a', 'b', 'c']"),
        ("split('', ',')", "['']"),
        ("split('ab', '')", "['a', 'b']"),
        ("split(null, ',')", "null"),
        ("size(normalize('a\\u030a'))", "1"),
        ("size(normalize('å', 'NFD'))", "2"),
        ("normalize('a', 'NFX')", "ArgumentError"),
    ]);
}

#[test]
fn a_text_cannot_grow_without_bound() {
    let text = "reduce(a = 'xxxxxxxxxxxxxxxx', i IN range(1, 40) | a + a)";
    assert_eq!(shown(text), "ArgumentError");
    assert!(value_of(text).unwrap_err().message().contains("268435456"));
}

#[test]
fn points_are_made_and_measured() {
    check(&[
        ("point({x: 1, y: 2}).x", "1.0"),
        ("point({x: 1, y: 2}).crs", "'cartesian'"),
        ("point({x: 1, y: 2}).z", "ArgumentError"),
        ("point({longitude: 1, latitude: 2}).srid", "4326"),
        ("point({longitude: 1, latitude: 2, height: 3}).height", "3.0"),
        ("point({longitude: 190, latitude: 0}).longitude", "-170.0"),
        ("point({longitude: 1, latitude: 91})", "ArgumentError"),
        ("point({x: 1})", "ArgumentError"),
        ("point({x: 1, y: null})", "null"),
        ("point({x: 'a', y: 1})", "TypeError"),
        ("point({x: 1, y: 2, crs: 'wgs-84-3d'})", "ArgumentError"),
        ("point({x: 1, y: 2, srid: 7203}).crs", "'cartesian'"),
        ("point.distance(point({x: 0, y: 0}), point({x: 3, y: 4}))", "5.0"),
        (
            "point.distance(point({x: 0, y: 0}), point({longitude: 3, latitude: 4}))",
            "null",
        ),
        ("point.distance(null, point({x: 1, y: 1}))", "null"),
        ("point.distance(1, 2)", "TypeError"),
        (
            "round(point.distance(point({longitude: 12.78, latitude: 56.7}), point({longitude: 12.79, latitude: 56.71})))",
            "1270.0",
        ),
        (
            "point.withinBBox(point({x: 1, y: 1}), point({x: 0, y: 0}), point({x: 2, y: 2}))",
            "true",
        ),
        (
            "point.withinBBox(point({x: 3, y: 1}), point({x: 0, y: 0}), point({x: 2, y: 2}))",
            "false",
        ),
        (
            "point.withinBBox(point({longitude: 179, latitude: 0}), point({longitude: 170, latitude: -1}), point({longitude: -170, latitude: 1}))",
            "true",
        ),
        ("point({x: 1, y: 2}) = point({x: 1.0, y: 2.0})", "true"),
    ]);
}
