//! The rules that statements are held to, by the names of the openCypher conformance suite.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test")]

mod support;

use bastide_cypher::{ParseLimits, parse};
use bastide_status::Status;
use support::{detail, operators, planned, try_plan};

#[test]
fn every_broken_rule_has_its_name() {
    for (text, name) in [
        ("RETURN x", "UndefinedVariable"),
        ("MATCH (a) WITH a.name AS n RETURN a", "UndefinedVariable"),
        ("MATCH (a) CREATE (a)", "VariableAlreadyBound"),
        ("UNWIND [1] AS x UNWIND [2] AS x RETURN x", "VariableAlreadyBound"),
        ("MATCH (a)-[a]->() RETURN a", "VariableTypeConflict"),
        ("WITH 1 AS n MATCH (n) RETURN n", "VariableTypeConflict"),
        ("MATCH (n) WHERE count(n) > 1 RETURN n", "InvalidAggregation"),
        ("RETURN [x IN [1] | count(*)]", "InvalidAggregation"),
        ("MATCH (n) RETURN n.a + count(*)", "AmbiguousAggregationExpression"),
        ("RETURN count(count(*))", "NestedAggregation"),
        ("RETURN 1 AS a, 2 AS a", "ColumnNameConflict"),
        ("MATCH (n $p) RETURN n", "InvalidParameterUse"),
        ("RETURN 1 AS a UNION RETURN 2 AS b", "DifferentColumnsInUnion"),
        ("CREATE ()-->()", "NoSingleRelationshipType"),
        ("CREATE ()-[:A]-()", "RequiresDirectedRelationship"),
        ("CREATE ()-[:A*2]->()", "CreatingVarLength"),
        ("RETURN 1 AND true", "InvalidArgumentType"),
        ("MATCH p = (a) RETURN labels(p)", "InvalidArgumentType"),
        ("WITH 1 AS x RETURN x.y", "InvalidArgumentType"),
        ("MATCH (n) RETURN n LIMIT n.a", "NonConstantExpression"),
        ("RETURN count(rand())", "NonConstantExpression"),
        ("MATCH (n) DELETE n:A", "InvalidDelete"),
        ("RETURN 1 SKIP -1", "NegativeIntegerArgument"),
        ("MATCH ()-[r]->()-[r]->() RETURN r", "RelationshipUniquenessViolation"),
        ("RETURN foo(1)", "UnknownFunction"),
        ("RETURN size()", "InvalidNumberOfArguments"),
        ("MATCH () RETURN *", "NoVariablesInScope"),
        ("MATCH (n) RETURN (n)-->()", "UnexpectedSyntax"),
        ("CALL no.such()", "ProcedureNotFound"),
        ("CALL test.sum(1) YIELD sum RETURN sum", "InvalidNumberOfArguments"),
        ("CALL test.sum YIELD sum RETURN sum", "InvalidArgumentPassingMode"),
        ("CALL test.sum(1, 'x')", "InvalidArgumentType"),
    ] {
        // The parser refuses some of these already, which is as good.
        if parse(text, ParseLimits::default()).is_ok() {
            assert_eq!(detail(text), name, "{text}");
        }
    }
}

#[test]
fn an_error_says_where_and_suggests_a_near_name() {
    let status: Status = try_plan("MATCH (person)\nRETURN persn.name").unwrap_err().into();
    assert_eq!(
        status.client_message(),
        "variable `persn` not defined (line 2, column 8 (offset: 22)); did you mean `person`?"
    );
    let status: Status = try_plan("RETURN toUper('a')").unwrap_err().into();
    assert!(status.client_message().ends_with("did you mean `toUpper`?"));
}

#[test]
fn places_count_characters_and_not_bytes() {
    let status: Status = try_plan("WITH 'äöü' AS a RETURN b").unwrap_err().into();
    assert_eq!(status.position().unwrap().offset, 23);
}

#[test]
fn grouping_keys_can_stand_beside_aggregates() {
    for text in [
        "MATCH (n) RETURN n.a, n.a + count(*)",
        "MATCH (n) RETURN n, n.a + count(*) AS c",
        "MATCH (n) WITH n.a AS a, count(*) AS c ORDER BY a, count(*) RETURN a, c",
        "MATCH (n) RETURN $p + count(n)",
        "MATCH (n) RETURN n.a AS a, collect(n.b) AS b ORDER BY n.a",
    ] {
        planned(text);
    }
}

#[test]
fn order_by_sees_both_sides_of_a_projection_unless_rows_were_merged() {
    planned("MATCH (n) RETURN n.a AS a ORDER BY n.b, a");
    planned("MATCH (n) RETURN DISTINCT n.a AS a ORDER BY n.a");
    assert_eq!(
        detail("MATCH (n) RETURN DISTINCT n.a AS a ORDER BY n.b"),
        "UndefinedVariable"
    );
}

#[test]
fn subqueries_see_what_they_import() {
    planned("MATCH (n) CALL { WITH n RETURN n.a AS a } RETURN a");
    planned("MATCH (n) CALL (n) { RETURN n.a AS a } RETURN a");
    planned("MATCH (n) CALL (*) { WITH 1 AS x RETURN n.a + x AS a } RETURN a");
    planned("MATCH (n) CALL (n) { MATCH (n)-->(m) RETURN count(m) + n.a AS c } RETURN c");
    planned("MATCH (n) CALL (n) { MATCH (n)-->(m) WITH DISTINCT m RETURN m.a + n.a AS c } RETURN c");
    planned("MATCH (n) RETURN COUNT { MATCH (n)-->(m) WITH m, count(*) AS c WHERE c > n.a RETURN m } AS c");
    planned("MATCH (n) RETURN COLLECT { WITH n AS x RETURN x.a UNION ALL RETURN n.b AS `x.a` } AS c");
    assert_eq!(
        detail("MATCH (n) CALL { RETURN n.a AS a } RETURN a"),
        "UndefinedVariable"
    );
    assert_eq!(
        detail("MATCH (n) CALL (n) { RETURN 1 AS n } RETURN n"),
        "VariableAlreadyBound"
    );
    assert_eq!(
        detail("RETURN COLLECT { RETURN 1 AS a, 2 AS b } AS c"),
        "InvalidClauseComposition"
    );
}

#[test]
fn show_commands_are_calls_with_default_columns() {
    let names = |text: &str| -> Vec<String> {
        planned(text)
            .columns
            .iter()
            .map(|column| column.name.to_string())
            .collect()
    };
    assert_eq!(names("SHOW INDEXES"), ["name", "type"]);
    assert_eq!(names("SHOW INDEXES YIELD *"), ["name", "type", "options"]);
    assert_eq!(names("SHOW INDEXES YIELD options AS o, name"), ["o", "name"]);
    assert_eq!(names("SHOW INDEXES YIELD name RETURN name AS n"), ["n"]);
    assert_eq!(operators("SHOW INDEXES WHERE type = 'RANGE'"), "ProcedureCall Filter");
}

#[test]
fn a_call_alone_answers_all_columns_and_passes_parameters() {
    let plan = planned("CALL test.sum");
    assert_eq!(plan.columns.len(), 1);
    let names: Vec<&str> = plan.parameters.iter().map(AsRef::as_ref).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn foreach_and_merge_bind_what_they_should() {
    planned("MATCH (a:City) FOREACH (x IN [1, 2] | CREATE (a)-[:IN]->(b:City {id: x}) SET b.name = 'x')");
    planned(
        "MERGE p = (a:City {id: 1})-[r:IN]->(:Country) ON CREATE SET r.id = 1 ON MATCH SET a.id = 2 RETURN p, a, r",
    );
    assert_eq!(detail("FOREACH (x IN [1] | CREATE (b)) RETURN b"), "UndefinedVariable");
}

#[test]
fn another_database_is_refused_and_not_passed_over() {
    assert_eq!(detail("USE other MATCH (n) RETURN n"), "NotSupported");
}
