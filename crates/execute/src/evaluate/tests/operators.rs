//! Operators, predicates, lists, maps and entities: a table each.

use bastide_model::Value;
use bastide_plan::expression::Slot;

use super::{Clock, KeyTable, Scope, check, compile, context, evaluate, value_of};
use crate::text::scalar_text;

#[test]
fn logic_has_three_values() {
    check(&[
        ("true AND null", "null"),
        ("false AND null", "false"),
        ("null AND false", "false"),
        ("true OR null", "true"),
        ("null OR false", "null"),
        ("NOT null", "null"),
        ("true XOR null", "null"),
        ("true XOR false", "true"),
        ("1 AND true", "TypeError"),
        ("false AND 1", "false"),
    ]);
}

#[test]
fn comparisons_know_types_null_and_nan() {
    check(&[
        ("1 = 1.0", "true"),
        ("1 = '1'", "false"),
        ("null = null", "null"),
        ("null <> 1", "null"),
        ("1 < 2.5", "true"),
        ("1 < 'a'", "null"),
        ("'a' < 'b'", "true"),
        ("0.0 / 0.0 = 0.0 / 0.0", "false"),
        ("0.0 / 0.0 > 1", "false"),
        ("0.0 / 0.0 <> 0.0 / 0.0", "true"),
        ("[1, 2] < [1, 3]", "true"),
        ("[1, null] = [1, 2]", "null"),
        ("[1, null] = [2, null]", "false"),
        ("{a: 1} = {a: 1}", "true"),
        ("1 < 2 < 3", "true"),
        ("1 < 3 < 2", "false"),
    ]);
}

#[test]
fn arithmetic_overflows_as_an_error() {
    check(&[
        ("1 + 2", "3"),
        ("7 / 2", "3"),
        ("-7 / 2", "-3"),
        ("7 / 2.0", "3.5"),
        ("-7 % 3", "-1"),
        ("5.5 % 2", "1.5"),
        ("2 ^ 3", "8.0"),
        ("9223372036854775807 + 1", "ArithmeticError"),
        ("-9223372036854775808 - 1", "ArithmeticError"),
        ("9223372036854775807 * 2", "ArithmeticError"),
        ("1 / 0", "ArithmeticError"),
        ("1 % 0", "ArithmeticError"),
        ("1.0 / 0", "Infinity"),
        ("1 + null", "null"),
        ("null * 'a'", "null"),
        ("true + 1", "TypeError"),
        ("{} - 1", "TypeError"),
        ("-'a'", "TypeError"),
    ]);
}

#[test]
fn plus_joins_texts_and_lists() {
    check(&[
        ("'a' + 'b'", "'ab'"),
        ("'a' + 1", "'a1'"),
        ("1.5 + 'a'", "'1.5a'"),
        ("'a' + null", "null"),
        ("[1] + [2]", "[1, 2]"),
        ("[1] + 2", "[1, 2]"),
        ("1 + [2]", "[1, 2]"),
        ("'a' + [1]", "['a', 1]"),
        ("'a' || 'b'", "'ab'"),
        ("[1] || [2]", "[1, 2]"),
        ("'a' || 1", "TypeError"),
    ]);
}

#[test]
fn texts_are_matched() {
    check(&[
        ("'abc' STARTS WITH 'ab'", "true"),
        ("'abc' ENDS WITH 'ab'", "false"),
        ("'abc' CONTAINS 'b'", "true"),
        ("'abc' CONTAINS null", "null"),
        ("1 CONTAINS 'b'", "null"),
        ("'abc' =~ 'a.c'", "true"),
        ("'abc' =~ 'b'", "false"),
        ("'abc' =~ 'a' + '.*'", "true"),
        ("'ABC' =~ '(?i)abc'", "true"),
        ("'a|b' =~ 'a|b'", "false"),
        ("null =~ 'a'", "null"),
        ("'abc' =~ '('", "ArgumentError"),
        ("'abc' =~ ('a' + '(')", "ArgumentError"),
        ("'a' =~ 'a{1000}{1000}{1000}'", "ArgumentError"),
    ]);
}

#[test]
fn lists_are_indexed_and_sliced() {
    check(&[
        ("[1, 2, 3][0]", "1"),
        ("[1, 2, 3][-1]", "3"),
        ("[1, 2, 3][3]", "null"),
        ("[1, 2, 3][-4]", "null"),
        ("[1][null]", "null"),
        ("null[0]", "null"),
        ("[1]['a']", "TypeError"),
        ("1[0]", "TypeError"),
        ("[1, 2, 3][1..]", "[2, 3]"),
        ("[1, 2, 3][..-1]", "[1, 2]"),
        ("[1, 2, 3][-2..5]", "[2, 3]"),
        ("[1, 2, 3][2..1]", "[]"),
        ("[1, 2, 3][null..]", "null"),
        ("{a: 1}['a']", "1"),
        ("{a: 1}['b']", "null"),
        ("{a: 1}[null]", "null"),
        ("{a: 1}[1]", "TypeError"),
    ]);
}

#[test]
fn in_follows_the_rules_of_null() {
    check(&[
        ("1 IN [1, null]", "true"),
        ("2 IN [1, null]", "null"),
        ("null IN []", "false"),
        ("null IN [1]", "null"),
        ("1 IN null", "null"),
        ("[1] IN [[1]]", "true"),
        ("1 IN 1", "TypeError"),
    ]);
}

#[test]
fn lists_are_walked() {
    check(&[
        ("[x IN [1, 2, 3] WHERE x > 1 | x * 10]", "[20, 30]"),
        ("[x IN [1, null] WHERE x > 0]", "[1]"),
        ("[x IN null | x]", "null"),
        ("[x IN [1, 2] | [y IN [x, 5] | x + y]]", "[[2, 6], [4, 7]]"),
        ("all(x IN [1, null] WHERE x > 0)", "null"),
        ("all(x IN [0, null] WHERE x > 0)", "false"),
        ("any(x IN [1, null] WHERE x > 0)", "true"),
        ("any(x IN [0, null] WHERE x > 0)", "null"),
        ("none(x IN [] WHERE x > 0)", "true"),
        ("none(x IN [0, null] WHERE x > 0)", "null"),
        ("single(x IN [1, 0] WHERE x > 0)", "true"),
        ("single(x IN [1, 1, null] WHERE x > 0)", "false"),
        ("single(x IN [1, null] WHERE x > 0)", "null"),
        ("all(x IN null WHERE x > 0)", "null"),
        ("reduce(a = 0, x IN [1, 2, 3] | a + x)", "6"),
        ("reduce(a = 0, x IN [] | a + x)", "0"),
        ("reduce(a = 0, x IN null | a + x)", "null"),
        ("reduce(a = 0, x IN [1, null] | a + x)", "null"),
    ]);
}

#[test]
fn what_is_bound_over_the_row_hides_the_row() {
    let row = vec![Value::Integer(1)];
    let mut scope = Scope::new(&row);
    assert_eq!(format!("{:?}", scope.value(Slot(0))), "Integer(1)");
    scope.bind(Slot(0), Value::Integer(2));
    let expression = compile(&bastide_plan::Expression::Slot(Slot(0)), "").unwrap();
    let keys = KeyTable::default();
    let clock = Clock::starting_now();
    let value = evaluate(&expression, &mut scope, &context("", &keys, &clock)).unwrap();
    assert_eq!(format!("{value:?}"), "Integer(2)");
    scope.unbind();
    assert_eq!(format!("{:?}", scope.value(Slot(0))), "Integer(1)");
}

#[test]
fn case_takes_the_first_arm_that_holds() {
    check(&[
        ("CASE 1 WHEN 2 THEN 'a' WHEN 1 THEN 'b' ELSE 'c' END", "'b'"),
        ("CASE null WHEN null THEN 'a' ELSE 'b' END", "'b'"),
        ("CASE WHEN null THEN 1 WHEN true THEN 2 END", "2"),
        ("CASE WHEN false THEN 1 END", "null"),
        ("CASE 1 WHEN 1 THEN 1 ELSE 1 / 0 END", "1"),
    ]);
}

#[test]
fn entities_have_properties_and_labels() {
    check(&[
        ("n.name", "'Ann'"),
        ("n.since", "null"),
        ("n.unheardOf", "null"),
        ("r.since", "2000"),
        ("n['age']", "30"),
        ("m['age']", "null"),
        ("gone.name", "EntityNotFound"),
        ("null.name", "null"),
        ("{a: 1}.a", "1"),
        ("{a: 1}.b", "null"),
        ("(1).a", "TypeError"),
        ("n:Person", "true"),
        ("n:Admin", "false"),
        ("m:Person:Admin", "true"),
        ("n:Person|Admin", "true"),
        ("n:!Admin", "true"),
        ("n:%", "true"),
        ("n:Unheard", "false"),
        ("r:KNOWS", "true"),
        ("nothing:Person", "null"),
        ("n{.name, .*, x: 1}", "{age: 30, name: 'Ann', x: 1}"),
        ("n{.name}", "{name: 'Ann'}"),
        ("n", "(:Person {age: 30, name: 'Ann'})"),
        (
            "p",
            "<(:Person {age: 30, name: 'Ann'})-[:KNOWS {since: 2000}]->(:Person:Admin)>",
        ),
    ]);
}

#[test]
fn an_error_says_where() {
    let error = value_of("1 +\n 9223372036854775807 + 1").unwrap_err();
    assert!(error.position().is_some(), "{error}");
    assert!(error.message().contains("integer overflow"), "{error}");
}

#[test]
fn texts_are_quoted_and_scalars_are_not() {
    check(&[("'it\\'s\\n'", r"'it\'s\n'"), ("{`a b`: 1}", "{`a b`: 1}")]);
    assert_eq!(
        scalar_text(&value_of("point({x: 1, y: 2})").unwrap()).unwrap(),
        "point({x: 1.0, y: 2.0, crs: 'cartesian'})"
    );
}

#[test]
fn a_value_that_holds_itself_over_and_over_is_refused() {
    check(&[
        ("size(reduce(a = [1], i IN range(1, 10) | [a, a]))", "2"),
        ("size(reduce(a = [1], i IN range(1, 60) | [a, a]))", "ArgumentError"),
        ("size(reduce(a = [1], i IN range(1, 60) | a + [a]))", "ArgumentError"),
        (
            "size(keys(reduce(a = {}, i IN range(1, 60) | {x: a, y: a})))",
            "ArgumentError",
        ),
    ]);
}

#[test]
fn the_deepest_expression_fits_a_small_stack() {
    let deep = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    for text in [
        deep("abs(", "1", ")", 150),
        deep("[", "1", "][0]", 90),
        deep("(1 + ", "1", ")", 90),
        deep("CASE WHEN true THEN ", "1", " END", 150),
        deep("head([x IN [1] | ", "1", "])", 60),
    ] {
        assert!(value_of(&text).is_ok(), "{text}");
    }
}
