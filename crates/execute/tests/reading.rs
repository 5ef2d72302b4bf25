//! Reading: from the text of a query to its rows.
#![allow(clippy::unwrap_used, reason = "test")]

mod support;

use bastide_execute::ReadOnly;
use bastide_model::{Map, Value};
use bastide_status::Code;
use support::Database;

/// Four people in a ring with a chord, and a company.
fn people() -> Database {
    Database::with(
        "CREATE (a:Person {name: 'Ada', age: 36}), (b:Person {name: 'Bob', age: 25}), (c:Person {name: 'Cy', age: 41}),
            (d:Person:Boss {name: 'Di', age: 52}), (x:Company {name: 'Acme'}),
            (a)-[:KNOWS {since: 1}]->(b), (b)-[:KNOWS {since: 2}]->(c), (c)-[:KNOWS {since: 3}]->(d),
            (d)-[:KNOWS {since: 4}]->(a), (a)-[:KNOWS {since: 5}]->(c), (a)-[:WORKS_AT]->(x), (b)-[:WORKS_AT]->(x)",
    )
}

#[test]
fn scans_filters_and_orders() {
    let database = people();
    assert_eq!(
        database.run("MATCH (p:Person) WHERE p.age > 30 RETURN p.name ORDER BY p.age DESC"),
        ["'Di'", "'Cy'", "'Ada'"]
    );
    assert_eq!(database.run("MATCH (n) RETURN count(*)"), ["5"]);
    assert_eq!(database.run("MATCH (p:Nobody) RETURN p"), [] as [&str; 0]);
    assert_eq!(
        database.run("MATCH (p:Person) RETURN p.name ORDER BY p.name SKIP 1 LIMIT 2"),
        ["'Bob'", "'Cy'"]
    );
}

#[test]
fn expands_in_each_direction_and_by_type() {
    let database = people();
    assert_eq!(
        database.sorted("MATCH (:Person {name: 'Ada'})-[:KNOWS]->(p) RETURN p.name"),
        ["'Bob'", "'Cy'"]
    );
    assert_eq!(
        database.sorted("MATCH (:Person {name: 'Ada'})<--(p) RETURN p.name"),
        ["'Di'"]
    );
    assert_eq!(
        database.sorted("MATCH (:Person {name: 'Ada'})-[r]-(p) RETURN type(r), p.name"),
        [
            "'KNOWS' | 'Bob'",
            "'KNOWS' | 'Cy'",
            "'KNOWS' | 'Di'",
            "'WORKS_AT' | 'Acme'"
        ]
    );
}

#[test]
fn a_triangle_is_closed_and_no_relationship_is_used_twice() {
    let database = people();
    assert_eq!(
        database.sorted("MATCH (a)-[:KNOWS]->(b)-[:KNOWS]->(c)<-[:KNOWS]-(a) RETURN a.name, b.name, c.name"),
        ["'Ada' | 'Bob' | 'Cy'"]
    );
    assert_eq!(
        database.run("MATCH (a {name: 'Acme'})--(b)--(c {name: 'Acme'}) RETURN b.name"),
        [] as [&str; 0]
    );
}

#[test]
fn optional_match_answers_null() {
    let database = people();
    assert_eq!(
        database.run("MATCH (p:Person) OPTIONAL MATCH (p)-[:WORKS_AT]->(c) RETURN p.name, c.name ORDER BY p.name"),
        ["'Ada' | 'Acme'", "'Bob' | 'Acme'", "'Cy' | null", "'Di' | null"]
    );
}

#[test]
fn groups_and_aggregates() {
    let database = people();
    assert_eq!(
        database.run(
            "MATCH (p:Person) OPTIONAL MATCH (p)-[:WORKS_AT]->(c)
             RETURN c.name AS company, count(*) AS n, sum(p.age) AS ages, collect(p.name) AS names ORDER BY n, company"
        ),
        ["'Acme' | 2 | 61 | ['Ada', 'Bob']", "null | 2 | 93 | ['Cy', 'Di']"]
    );
    assert_eq!(
        database.run("MATCH (p:Nobody) RETURN count(p), sum(p.x), max(p.x)"),
        ["0 | 0 | null"]
    );
    assert_eq!(
        database.run("MATCH (p:Nobody) RETURN p.name, count(*)"),
        [] as [&str; 0]
    );
}

#[test]
fn variable_length_paths() {
    let database = people();
    assert_eq!(
        database.sorted("MATCH (:Person {name: 'Ada'})-[:KNOWS*1..2]->(p) RETURN p.name"),
        ["'Bob'", "'Cy'", "'Cy'", "'Di'"]
    );
    assert_eq!(
        database.sorted("MATCH (:Person {name: 'Ada'})-[:KNOWS*0..1]->(p) RETURN p.name"),
        ["'Ada'", "'Bob'", "'Cy'"]
    );
    assert_eq!(
        database.sorted("MATCH (:Person {name: 'Ada'})-[r:KNOWS*]->(:Boss) RETURN [x IN r | x.since]"),
        ["[1, 2, 3]", "[1, 2, 3, 4, 5, 3]", "[5, 3]", "[5, 3, 4, 1, 2, 3]"]
            .into_iter()
            // No relationship twice: the ring cannot be walked again over since = 3.
            .filter(|path| path.matches('3').count() == 1)
            .collect::<Vec<_>>()
    );
    assert_eq!(
        database
            .run("MATCH p = (:Person {name: 'Ada'})-[:KNOWS*3]->(b:Boss) RETURN length(p), [n IN nodes(p) | n.name]"),
        ["3 | ['Ada', 'Bob', 'Cy', 'Di']"]
    );
}

#[test]
fn shortest_paths() {
    let database = people();
    assert_eq!(
        database.run(
            "MATCH (a {name: 'Ada'}), (d {name: 'Di'}), p = shortestPath((a)-[:KNOWS*]->(d)) RETURN [n IN nodes(p) | n.name]"
        ),
        ["['Ada', 'Cy', 'Di']"]
    );
    let two = Database::with(
        "CREATE (s:S), (t:T), (a:A), (b:B), (s)-[:X]->(a)-[:X]->(t), (s)-[:X]->(b)-[:X]->(t), (a)-[:X]->(b), (s)-[:Y]->(t)",
    );
    assert_eq!(
        two.sorted("MATCH p = allShortestPaths((s:S)-[:X*]->(t:T)) RETURN [n IN nodes(p) | labels(n)[0]]"),
        ["['S', 'A', 'T']", "['S', 'B', 'T']"]
    );
    assert_eq!(
        two.run("MATCH p = shortestPath((s:S)-[*]->(t:T)) RETURN length(p)"),
        ["1"]
    );
    assert_eq!(
        two.run("MATCH p = shortestPath((s:S)-[*]->(t:T)) WHERE length(p) > 2 RETURN [n IN nodes(p) | labels(n)[0]]"),
        ["['S', 'A', 'B', 'T']"]
    );
    assert_eq!(
        two.run("MATCH p = shortestPath((t:T)-[*]->(s:S)) RETURN p"),
        [] as [&str; 0]
    );
    assert_eq!(
        two.run("MATCH p = shortestPath((s:S)-[:X*..1]->(t:T)) RETURN p"),
        [] as [&str; 0]
    );
}

#[test]
fn subqueries_in_expressions() {
    let database = people();
    assert_eq!(
        database.run("MATCH (p:Person) WHERE EXISTS { (p)-[:WORKS_AT]->() } RETURN p.name ORDER BY p.name"),
        ["'Ada'", "'Bob'"]
    );
    assert_eq!(
        database.run("MATCH (p:Person) RETURN p.name, COUNT { (p)-[:KNOWS]->() } AS n ORDER BY n DESC, p.name LIMIT 2"),
        ["'Ada' | 2", "'Bob' | 1"]
    );
    assert_eq!(
        database.run(
            "MATCH (p:Person {name: 'Ada'}) UNWIND [(p)-[r:KNOWS]->(f) | f.name + r.since] AS l RETURN l ORDER BY l"
        ),
        ["'Bob1'", "'Cy5'"]
    );
    assert_eq!(
        database.run("MATCH (p:Person {name: 'Ada'}) RETURN COLLECT { MATCH (p)-->(x) RETURN x.name ORDER BY x.name }"),
        ["['Acme', 'Bob', 'Cy']"]
    );
}

#[test]
fn unwinds_unions_and_distinct() {
    let database = Database::new();
    assert_eq!(database.run("UNWIND [1, null, 2] AS x RETURN x"), ["1", "null", "2"]);
    assert_eq!(database.run("UNWIND null AS x RETURN x"), [] as [&str; 0]);
    assert_eq!(
        database.run("UNWIND [1, 1.0, 2, null, null] AS x RETURN DISTINCT x"),
        ["1", "2", "null"]
    );
    assert_eq!(
        database.run("RETURN 1 AS a UNION RETURN 2 AS a UNION RETURN 1 AS a"),
        ["1", "2"]
    );
    assert_eq!(database.run("RETURN 1 AS a UNION ALL RETURN 1 AS a"), ["1", "1"]);
    assert_eq!(
        database.run("UNWIND range(1, 3000) AS x WITH x ORDER BY x DESC RETURN collect(x)[0], count(x)"),
        ["3000 | 3000"]
    );
}

#[test]
fn call_subqueries_see_the_row_they_import() {
    let database = people();
    assert_eq!(
        database.run(
            "MATCH (p:Person) CALL { WITH p MATCH (p)-[:KNOWS]->(f) RETURN count(f) AS friends }
             RETURN p.name, friends ORDER BY p.name"
        ),
        ["'Ada' | 2", "'Bob' | 1", "'Cy' | 1", "'Di' | 1"]
    );
    assert_eq!(
        database.run("UNWIND [1, 2] AS x CALL { UNWIND [10, 20] AS y RETURN y UNION ALL RETURN 30 AS y } RETURN x, y"),
        ["1 | 10", "1 | 20", "1 | 30", "2 | 10", "2 | 20", "2 | 30"]
    );
}

#[test]
fn a_limit_stops_the_scan_early() {
    let database = Database::with("UNWIND range(1, 5000) AS x CREATE (:N {x: x})");
    let transaction = database.begin();
    let text = "PROFILE MATCH (n:N) RETURN n.x LIMIT 1";
    let mut execution = database.open(&transaction, text, &Map::new()).unwrap();
    while execution
        .next_batch(&mut ReadOnly(&transaction), usize::MAX)
        .unwrap()
        .is_some()
    {}
    let rows: u64 = execution.profile().unwrap().iter().map(|operator| operator.rows).sum();
    assert!(rows < 10, "{rows} rows were made for one");
}

#[test]
fn a_client_that_pulls_a_few_rows_causes_the_work_of_a_few() {
    let database = Database::with("UNWIND range(1, 5000) AS x CREATE (:N {x: x})");
    let transaction = database.begin();
    let text = "PROFILE MATCH (n:N) WHERE n.x > 0 RETURN n.x";
    let mut execution = database.open(&transaction, text, &Map::new()).unwrap();
    let batch = execution.next_batch(&mut ReadOnly(&transaction), 10).unwrap().unwrap();
    assert_eq!(batch.len(), 10);
    let most = execution
        .profile()
        .unwrap()
        .iter()
        .map(|operator| operator.rows)
        .max()
        .unwrap();
    assert!(most <= 20, "{most} rows were made for ten");
    let hits: u64 = execution
        .profile()
        .unwrap()
        .iter()
        .map(|operator| operator.db_hits)
        .sum();
    assert!(hits >= 20, "{hits} questions");
}

#[test]
fn index_seeks_inside_unwind() {
    let database = Database::with("UNWIND range(1, 100) AS x CREATE (:N {x: x, name: 'n' + x})");
    database.run("CREATE INDEX FOR (n:N) ON (n.x)");
    database.run("CREATE INDEX FOR (n:N) ON (n.name)");
    let parameters: Map = [("rows", Value::list([Value::Integer(3), Value::Integer(7), Value::Null]))]
        .into_iter()
        .collect();
    let text = "PROFILE UNWIND $rows AS r MATCH (n:N {x: r}) RETURN n.x";
    let transaction = database.begin();
    let mut execution = database.open(&transaction, text, &parameters).unwrap();
    let mut found = 0;
    while let Some(batch) = execution.next_batch(&mut ReadOnly(&transaction), 100).unwrap() {
        found += batch.len();
    }
    assert_eq!(found, 2);
    let rows: u64 = execution.profile().unwrap().iter().map(|operator| operator.rows).sum();
    assert!(rows < 20, "the index was not used: {rows} rows");
    drop(transaction);
    assert_eq!(
        database.run("MATCH (n:N) WHERE n.x >= 98.5 RETURN n.x ORDER BY n.x"),
        ["99", "100"]
    );
    assert_eq!(
        database.run("MATCH (n:N) WHERE n.x IN [1, 1.0, 5] RETURN n.x ORDER BY n.x"),
        ["1", "5"]
    );
    assert_eq!(
        database.run("MATCH (n:N) WHERE n.name STARTS WITH 'n9' RETURN count(n)"),
        ["11"]
    );
    assert_eq!(
        database.run("MATCH (n:N) WHERE 3 < n.x < 6 RETURN n.x ORDER BY n.x"),
        ["4", "5"]
    );
}

#[test]
fn hitting_the_memory_limit_is_an_error_with_its_own_code() {
    let mut database = Database::new();
    database.options.memory_limit = 1 << 20;
    for text in [
        "UNWIND range(1, 1000000) AS x WITH x ORDER BY -x RETURN count(x)",
        "UNWIND range(1, 1000000) AS x RETURN size(collect(x))",
        "UNWIND range(1, 1000000) AS x RETURN count(DISTINCT x)",
        "UNWIND range(1, 1000000) AS x WITH DISTINCT x RETURN count(x)",
    ] {
        assert_eq!(database.error(text).code(), Code::MemoryLimit, "{text}");
    }
    // The first rows of an order need no more memory than they take.
    assert_eq!(
        database.run("UNWIND range(1, 100000) AS x WITH x ORDER BY -x LIMIT 1 RETURN x"),
        ["100000"]
    );
}

#[test]
fn a_cancelled_statement_stops_inside_a_long_expansion() {
    let database = Database::with("UNWIND range(1, 12) AS x CREATE (:N {x: x})");
    database.run("MATCH (a:N), (b:N) WHERE a.x < b.x CREATE (a)-[:R]->(b)");
    let flag = std::sync::Arc::clone(&database.options.cancellation);
    let waker = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        flag.cancel(bastide_status::Status::new(
            Code::TransactionTerminated,
            "ended by a test",
        ));
    });
    let status = database.error("MATCH (a:N)-[:R*]-(b:N) RETURN count(*)");
    waker.join().unwrap();
    assert_eq!(status.code(), Code::TransactionTerminated);
}

#[test]
fn a_statement_stops_at_its_deadline() {
    let mut database = Database::new();
    database.options.deadline = Some(std::time::Instant::now());
    assert_eq!(database.error("RETURN 1").code(), Code::TransactionTimedOut);
}

#[test]
fn a_missing_parameter_is_named() {
    let status = Database::new().error("RETURN $a + $b");
    assert_eq!(status.code(), Code::ParameterMissing);
    assert!(status.message().contains("a, b"), "{status}");
}

#[test]
fn procedures_and_show_commands_answer_rows() {
    let database = people();
    assert_eq!(database.sorted("CALL db.labels()"), ["'Boss'", "'Company'", "'Person'"]);
    assert_eq!(
        database.run("CALL dbms.components() YIELD name, versions RETURN name, versions[0]"),
        ["'Neo4j Kernel' | '5.26.0'"]
    );
    assert_eq!(
        database.run("CALL db.labels() YIELD label WHERE label STARTS WITH 'B' RETURN label"),
        ["'Boss'"]
    );
    database.run("CREATE INDEX by_name FOR (n:Person) ON (n.name)");
    assert_eq!(
        database.run("SHOW INDEXES YIELD name, type, properties WHERE type = 'RANGE' RETURN name, properties"),
        ["'by_name' | ['name']"]
    );
    assert_eq!(
        database.run("CALL db.schema.nodeTypeProperties() YIELD nodeType, propertyName, mandatory WHERE nodeType = ':`Company`' RETURN propertyName, mandatory"),
        ["'name' | true"]
    );
}

#[test]
fn unwinding_a_range_counts_instead_of_keeping_a_list() {
    let database = Database::new();
    // No list of this length could be kept.
    assert_eq!(
        database.run("UNWIND range(1, 9000000000000000000) AS x RETURN x LIMIT 2"),
        ["1", "2"]
    );
    assert_eq!(database.run("UNWIND range(5, 1, -2) AS x RETURN x"), ["5", "3", "1"]);
    assert_eq!(database.run("UNWIND range(1, 0) AS x RETURN x"), [] as [&str; 0]);
    assert_eq!(database.run("UNWIND range(1, null) AS x RETURN x"), [] as [&str; 0]);
    assert!(
        database
            .error("UNWIND range(1, 2, 0) AS x RETURN x")
            .message()
            .contains("step")
    );
}
