//! Writing: from the text of a query to what is in the graph.
#![allow(clippy::unwrap_used, reason = "test")]

mod support;

use bastide_execute::{Execution, ReadOnly, Statistics};
use bastide_model::{Map, Value};
use bastide_status::Code;
use support::{Database, Files, Renewing};

#[test]
fn creates_and_counts_what_it_created() {
    let database = Database::new();
    assert_eq!(
        database.statistics("CREATE (a:A:B {x: 1, y: null})-[:R {z: 2}]->(b) RETURN a"),
        Statistics {
            nodes_created: 2,
            relationships_created: 1,
            labels_added: 2,
            properties_set: 2,
            ..Statistics::default()
        }
    );
    assert_eq!(
        database.run("MATCH (a:A)-[r:R]->(b) RETURN a.x, r.z, keys(a)"),
        ["1 | 2 | ['x']"]
    );
}

#[test]
fn a_query_without_rows_to_answer_runs_to_its_end_in_one_pull() {
    let database = Database::new();
    assert_eq!(
        database.run("UNWIND range(1, 5000) AS x CREATE (:N {x: x})"),
        [] as [&str; 0]
    );
    assert_eq!(database.run("MATCH (n:N) RETURN count(n)"), ["5000"]);
}

#[test]
fn a_limit_above_an_update_still_updates_every_row() {
    let database = Database::new();
    assert_eq!(
        database.run("UNWIND range(1, 3000) AS x CREATE (n:N {x: x}) RETURN n.x LIMIT 1"),
        ["1"]
    );
    assert_eq!(database.run("MATCH (n:N) RETURN count(n)"), ["3000"]);
}

#[test]
fn sets_and_removes() {
    let database = Database::with("CREATE (:A {x: 1, y: 2}), (:B {m: 1, n: 2})");
    assert_eq!(
        database.run("MATCH (a:A) SET a.x = a.x + 1, a.z = a.x RETURN a.x, a.z"),
        ["2 | 2"]
    );
    assert_eq!(
        database.run("MATCH (a:A) SET a += {x: null, w: 'w'} UNWIND keys(a) AS k RETURN collect(k)"),
        ["['w', 'y', 'z']"]
    );
    assert_eq!(
        database.run("MATCH (a:A), (b:B) SET a = b RETURN a.m, a.n, a.w"),
        ["1 | 2 | null"]
    );
    assert_eq!(
        database.run("MATCH (a:A) SET a = {q: 1} RETURN properties(a)"),
        ["{q: 1}"]
    );
    assert_eq!(
        database.run("MATCH (a:A) SET a:X:Y REMOVE a:A RETURN labels(a)"),
        ["['X', 'Y']"]
    );
    assert_eq!(database.run("MATCH (a:X) REMOVE a.q RETURN a.q"), ["null"]);
    assert_eq!(
        database.run("OPTIONAL MATCH (a:Nothing) SET a.x = 1 RETURN a"),
        ["null"]
    );
    assert_eq!(
        database.run("MATCH (a:X) SET a.l = [1, 2.5] RETURN a.l"),
        ["[1.0, 2.5]"]
    );
    assert_eq!(database.error("MATCH (a:X) SET a.m = {a: 1}").code(), Code::TypeError);
    assert_eq!(database.error("MATCH (a:X) SET a.m = [1, 'x']").code(), Code::TypeError);
}

#[test]
fn deletes_nodes_relationships_and_paths() {
    let database = Database::with("CREATE (a:A)-[:R]->(b:B)-[:R]->(c:C)");
    assert_eq!(
        database.error("MATCH (b:B) DELETE b").code(),
        Code::ConstraintValidationFailed
    );
    assert_eq!(database.run("MATCH (n) RETURN count(n)"), ["3"]);
    let statistics = database.statistics("MATCH (b:B) DETACH DELETE b");
    assert_eq!((statistics.nodes_deleted, statistics.relationships_deleted), (1, 2));
    database.run("MATCH (a:A), (c:C) CREATE (a)-[:R]->(c)");
    database.run("MATCH p = (:A)-->(:C) DELETE p");
    assert_eq!(database.run("MATCH (n) RETURN count(n)"), ["0"]);
    assert_eq!(database.run("OPTIONAL MATCH (n:Nothing) DELETE n"), [] as [&str; 0]);
    let parameters: Map = [("l", Value::list([Value::Integer(1)]))].into_iter().collect();
    assert_eq!(
        database
            .try_run("UNWIND $l AS x DELETE x", &parameters)
            .unwrap_err()
            .code(),
        Code::TypeError
    );
}

#[test]
fn setting_a_deleted_entity_is_entity_not_found() {
    let database = Database::with("CREATE (:A)");
    assert_eq!(
        database.error("MATCH (a:A) DELETE a SET a.x = 1").code(),
        Code::EntityNotFound
    );
}

#[test]
fn merge_finds_or_makes_and_later_rows_find_what_earlier_ones_made() {
    let database = Database::new();
    assert_eq!(
        database.run(
            "UNWIND [1, 2, 1, 2, 1] AS x MERGE (n:N {x: x}) ON CREATE SET n.made = x ON MATCH SET n.met = coalesce(n.met, 0) + 1
             RETURN x, n.met"
        ).len(),
        5
    );
    assert_eq!(
        database.run("MATCH (n:N) RETURN n.x, n.made, n.met ORDER BY n.x"),
        ["1 | 1 | 2", "2 | 2 | 1"]
    );
    let again = database.statistics("MERGE (n:N {x: 1})");
    assert_eq!(again, Statistics::default());
    database.run("MATCH (a:N {x: 1}), (b:N {x: 2}) MERGE (a)-[r:R {w: 1}]->(b) MERGE (a)-[s:R {w: 1}]-(b)");
    assert_eq!(database.run("MATCH ()-[r:R]->() RETURN count(r)"), ["1"]);
    assert_eq!(database.error("MERGE (n:N {x: null})").code(), Code::SemanticError);
}

#[test]
fn merge_carries_the_row_it_starts_from() {
    let database = Database::new();
    assert_eq!(
        database.run("UNWIND [1, 2] AS x MERGE (n:N {x: 7}) RETURN x, n.x ORDER BY x"),
        ["1 | 7", "2 | 7"]
    );
    assert_eq!(database.run("MATCH (n:N) RETURN count(n)"), ["1"]);
}

#[test]
fn foreach_runs_its_body_for_each_item() {
    let database = Database::new();
    database.run("CREATE (a:A) FOREACH (x IN [1, 2, 3] | CREATE (a)-[:R]->(:B {x: x}) SET a.last = x)");
    assert_eq!(
        database.run("MATCH (a:A)-[:R]->(b:B) RETURN a.last, sum(b.x)"),
        ["3 | 6"]
    );
}

#[test]
fn call_for_effect_keeps_the_rows() {
    let database = Database::new();
    assert_eq!(
        database.run("UNWIND [1, 2] AS x CALL { WITH x UNWIND range(1, x) AS y CREATE (:N {y: y}) } RETURN x"),
        ["1", "2"]
    );
    assert_eq!(database.run("MATCH (n:N) RETURN count(n)"), ["3"]);
}

#[test]
fn what_is_created_is_not_met_by_the_same_match() {
    let database = Database::with("CREATE (:N), (:N)");
    database.run("MATCH (n:N) CREATE (:N)");
    assert_eq!(database.run("MATCH (n:N) RETURN count(n)"), ["4"]);
}

#[test]
fn unique_constraints_hold() {
    let database = Database::new();
    assert_eq!(
        database
            .statistics("CREATE CONSTRAINT c FOR (n:N) REQUIRE n.x IS UNIQUE")
            .constraints_added,
        1
    );
    assert_eq!(
        database.statistics("CREATE CONSTRAINT c IF NOT EXISTS FOR (n:N) REQUIRE n.x IS UNIQUE"),
        Statistics::default()
    );
    database.run("CREATE (:N {x: 1})");
    assert_eq!(
        database.error("CREATE (:N {x: 1})").code(),
        Code::ConstraintValidationFailed
    );
    assert_eq!(database.run("MERGE (n:N {x: 1}) RETURN n.x"), ["1"]);
    assert_eq!(
        database.run("SHOW CONSTRAINTS YIELD name, type, ownedIndex RETURN name, type, ownedIndex IS NOT NULL"),
        ["'c' | 'UNIQUENESS' | true"]
    );
    assert_eq!(database.statistics("DROP CONSTRAINT c").constraints_removed, 1);
    assert_eq!(database.error("DROP INDEX nothing").code(), Code::IndexNotFound);
    assert_eq!(
        database.statistics("DROP INDEX nothing IF EXISTS"),
        Statistics::default()
    );
    database.run("CREATE (:N {x: 1})");
    assert_eq!(
        database
            .error("CREATE CONSTRAINT c FOR (n:N) REQUIRE n.x IS UNIQUE")
            .code(),
        Code::ConstraintCreationFailed
    );
}

#[test]
fn loads_csv_with_and_without_headers() {
    let mut database = Database::new();
    database.options.csv_source = std::sync::Arc::new(Files(vec![
        ("file:///p.csv", "id,name\n1,Ada\n2,\"Bo\"\"b\"\n3,\n".to_owned()),
        ("file:///q.csv", "1;2\n3;4\n".to_owned()),
    ]));
    assert_eq!(
        database.run("LOAD CSV WITH HEADERS FROM 'file:///p.csv' AS row RETURN toInteger(row.id), row.name"),
        ["1 | 'Ada'", "2 | 'Bo\"b'", "3 | null"]
    );
    assert_eq!(
        database
            .run("LOAD CSV FROM 'file:///q.csv' AS row FIELDTERMINATOR ';' RETURN row[0] + '-' + row[1], linenumber()"),
        ["'1-2' | 1", "'3-4' | 2"]
    );
    database.run(
        "LOAD CSV WITH HEADERS FROM 'file:///p.csv' AS row MERGE (p:P {id: toInteger(row.id)}) SET p.name = row.name",
    );
    assert_eq!(database.run("MATCH (p:P) RETURN count(p), count(p.name)"), ["3 | 2"]);
}

#[test]
fn writing_through_a_read_transaction_is_an_access_mode_error() {
    let database = Database::new();
    let transaction = database.begin();
    for text in ["CREATE (n)", "CREATE INDEX FOR (n:N) ON (n.x)", "MERGE (n:N)"] {
        let mut execution = database.open(&transaction, text, &Map::new()).unwrap();
        let status = execution.next_batch(&mut ReadOnly(&transaction), 1).unwrap_err();
        assert_eq!(status.code(), Code::AccessMode, "{text}");
    }
}

fn run_renewing(database: &Database, text: &str) -> (Result<Vec<String>, Code>, usize, Statistics) {
    let mut access = Renewing {
        graph: &database.graph,
        transaction: Some(database.begin()),
        commits: 0,
    };
    let mut execution: Execution = database
        .open(access.transaction.as_ref().unwrap(), text, &Map::new())
        .unwrap();
    let mut rows = Vec::new();
    let result = loop {
        match execution.next_batch(&mut access, usize::MAX) {
            Ok(Some(batch)) => rows.extend(batch.rows().map(|row| {
                let shown: Vec<String> = row
                    .iter()
                    .map(|value| support::shown(value, access.transaction.as_ref().unwrap()))
                    .collect();
                shown.join(" | ")
            })),
            Ok(None) => break Ok(rows),
            Err(status) => break Err(status.code()),
        }
    };
    (result, access.commits, execution.statistics())
}

#[test]
fn call_in_transactions_commits_group_by_group() {
    let database = Database::new();
    let text = "UNWIND range(1, 10) AS x CALL { WITH x CREATE (:N {x: x}) } IN TRANSACTIONS OF 4 ROWS";
    let (result, commits, statistics) = run_renewing(&database, text);
    assert_eq!((result, commits), (Ok(Vec::new()), 3));
    assert_eq!((statistics.nodes_created, statistics.transactions_committed), (10, 3));
    assert_eq!(database.run("MATCH (n:N) RETURN count(n)"), ["10"]);
}

#[test]
fn a_failing_group_leaves_the_earlier_ones_and_says_what_happened() {
    let database = Database::new();
    let body =
        "UNWIND [1, 2, 0, 4] AS x CALL { WITH x CREATE (n:N {x: 4 / x}) RETURN n.x AS y } IN TRANSACTIONS OF 1 ROWS";
    let (result, commits, _) = run_renewing(&database, &format!("{body} RETURN x, y"));
    assert_eq!((result, commits), (Err(Code::ArithmeticError), 2));
    assert_eq!(database.run("MATCH (n:N) RETURN count(n)"), ["2"]);
    let (result, _, _) = run_renewing(
        &database,
        &format!("{body} ON ERROR CONTINUE REPORT STATUS AS s RETURN x, y, s.committed"),
    );
    assert_eq!(
        result.unwrap(),
        ["1 | 4 | true", "2 | 2 | true", "0 | null | false", "4 | 1 | true"]
    );
    let (result, _, _) = run_renewing(
        &database,
        &format!("{body} ON ERROR BREAK REPORT STATUS AS s RETURN x, y, s.started"),
    );
    assert_eq!(
        result.unwrap(),
        ["1 | 4 | true", "2 | 2 | true", "0 | null | true", "4 | null | false"]
    );
}

#[test]
fn call_in_transactions_is_refused_in_an_explicit_transaction() {
    let status = Database::new().error("UNWIND [1] AS x CALL { WITH x CREATE (:N) } IN TRANSACTIONS");
    assert_eq!(status.code(), Code::SemanticError);
}

#[test]
fn a_thousand_clauses_run_within_the_stack_of_a_connection() {
    let text = "CREATE (:N)\n".repeat(800);
    let worker = std::thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(move || {
            let database = Database::new();
            database.run(&text);
            database.run("MATCH (n:N) RETURN count(n)")
        })
        .unwrap();
    assert_eq!(worker.join().unwrap(), ["800"]);
}

#[test]
fn nothing_is_run_when_a_plan_is_only_explained() {
    let database = Database::new();
    let parameters: Map = [("x", Value::Integer(1))].into_iter().collect();
    assert_eq!(
        database.try_run("EXPLAIN CREATE (n {x: $x})", &parameters).unwrap().0,
        [] as [&str; 0]
    );
    assert_eq!(database.run("MATCH (n) RETURN count(n)"), ["0"]);
}
