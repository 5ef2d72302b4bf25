//! Updates, and where reads and updates are kept apart.

mod support;

use support::operators;

fn eagers(text: &str) -> usize {
    operators(text).split(' ').filter(|name| *name == "Eager").count()
}

#[test]
fn bulk_loading_streams() {
    for text in [
        "LOAD CSV WITH HEADERS FROM 'file:///a.csv' AS row CREATE (:Person {id: row.id})",
        "UNWIND $rows AS r MERGE (p:Person {id: r.id}) SET p.name = r.name",
        "UNWIND $rows AS r MATCH (a:Person {id: r.a}) MATCH (b:Person {id: r.b}) CREATE (a)-[:KNOWS]->(b)",
        "UNWIND $rows AS r MATCH (a:Person {id: r.a}) MATCH (b:Person {id: r.b}) MERGE (a)-[:KNOWS]->(b)",
        "UNWIND $rows AS r MATCH (p:Person {id: r.p}) MERGE (c:City {name: r.c}) MERGE (p)-[:LIVES_IN]->(c)",
    ] {
        assert_eq!(eagers(text), 0, "{text}: {}", operators(text));
    }
}

#[test]
fn an_update_that_could_feed_its_own_read_waits_for_it() {
    for text in [
        "MATCH (n) CREATE (m)",
        "MATCH (p:Person) CREATE (:Person)",
        "MATCH (a)-[:KNOWS]->(b) CREATE (b)-[:KNOWS]->(a)",
        "MATCH (p:Person) WHERE p.name > 'a' SET p.name = p.name + 'b'",
        "MATCH (a)-[r:KNOWS]->(b) DELETE r",
        "MATCH (n) DETACH DELETE n",
        "MATCH (c:City) SET c:Person WITH c MATCH (p:Person) RETURN count(p)",
        "MATCH (c:City) REMOVE c:City",
    ] {
        assert_eq!(eagers(text), 1, "{text}: {}", operators(text));
    }
}

#[test]
fn a_read_after_an_update_sees_all_of_it() {
    assert_eq!(
        operators("UNWIND [1, 2] AS i CREATE (:City {id: i}) WITH i MATCH (c:City) RETURN i, c"),
        "Unwind Create Eager (NodeByLabelScan) CartesianProduct"
    );
}

#[test]
fn rows_that_show_changed_entities_come_after_the_last_change() {
    assert!(operators("MATCH (c:City) SET c.name = 'x' RETURN c").ends_with("SetProperty Eager"));
    assert!(operators("CREATE (c:City) RETURN c").ends_with("Create"));
}

#[test]
fn a_long_script_of_creates_is_one_operator() {
    let mut text = String::new();
    for number in 0..3_000 {
        text.push_str(&format!("CREATE (n{number}:City {{id: {number}}}) "));
        if number > 0 {
            text.push_str(&format!("CREATE (n{})-[:IN]->(n{number}) ", number - 1));
        }
    }
    assert_eq!(operators(&text), "Create EmptyResult");
}

#[test]
fn properties_read_from_a_created_node_come_after_it() {
    assert_eq!(
        operators("CREATE (a:City {id: 1}) CREATE (b:City {id: a.id})"),
        "Create Create EmptyResult"
    );
}

#[test]
fn a_limit_over_an_update_lets_it_run_to_its_end() {
    assert!(operators("UNWIND [1, 2, 3] AS x CREATE (n) RETURN n LIMIT 1").ends_with("ExhaustiveLimit"));
    assert!(operators("MATCH (n) RETURN n LIMIT 1").ends_with("Limit"));
}

#[test]
fn a_deep_plan_is_refused_before_it_can_hurt() {
    let mut text = String::from("WITH 1 AS x0 ");
    for number in 1..5_000 {
        text.push_str(&format!("WITH x{} + 1 AS x{number} ", number - 1));
    }
    text.push_str("RETURN x4999");
    let planning = std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(move || support::plan_alone(&text).map_or_else(|error| error.detail(), |_| "planned"));
    assert_eq!(planning.ok().and_then(|thread| thread.join().ok()), Some("TooLarge"));
}

#[test]
fn the_deepest_plan_fits_a_small_stack() {
    let mut text = String::from("WITH 1 AS x0 ");
    for number in 1..490 {
        text.push_str(&format!("WITH x{} + 1 AS x{number} ", number - 1));
    }
    text.push_str("RETURN x489");
    let planning = std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(move || support::plan_alone(&text).map_or(0, |plan| plan.operator_count));
    assert!(
        planning
            .ok()
            .and_then(|thread| thread.join().ok())
            .is_some_and(|count| count > 490)
    );
}
