//! How patterns become operators.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test")]

mod support;

use bastide_plan::operator::Access;
use support::{details_of, operators, planned};

#[test]
fn a_lookup_by_a_unique_property_seeks() {
    assert_eq!(operators("MATCH (p:Person {id: 1}) RETURN p"), "NodeIndexSeek");
    assert_eq!(operators("MATCH (p:Person) WHERE $x = p.id RETURN p"), "NodeIndexSeek");
    assert_eq!(
        operators("MATCH (p) WHERE p:Person AND p.id = 1 RETURN p"),
        "NodeIndexSeek"
    );
}

#[test]
fn a_lookup_by_a_value_of_the_row_seeks_once_a_row() {
    assert_eq!(
        operators("UNWIND $rows AS r MATCH (p:Person {id: r.id}) RETURN p"),
        "Unwind NodeIndexSeek"
    );
    let text = "UNWIND $rows AS r MATCH (a:Person {id: r.a}), (b:Person {id: r.b}) CREATE (a)-[:KNOWS]->(b)";
    assert_eq!(operators(text), "Unwind NodeIndexSeek NodeIndexSeek Create EmptyResult");
}

#[test]
fn lists_ranges_and_prefixes_seek() {
    assert_eq!(
        operators("MATCH (p:Person) WHERE p.id IN $ids RETURN p"),
        "NodeIndexSeek"
    );
    assert_eq!(
        operators("MATCH (p:Person) WHERE 'a' < p.name <= 'b' RETURN p"),
        "NodeIndexSeekByRange Filter"
    );
    assert_eq!(
        operators("MATCH (p:Person) WHERE p.name STARTS WITH 'A' RETURN p"),
        "NodeIndexSeekByRange"
    );
    assert_eq!(
        operators("MATCH (p:Person) WHERE p.name IS NOT NULL RETURN p"),
        "NodeIndexScan"
    );
}

#[test]
fn a_value_of_the_node_itself_does_not_seek() {
    assert_eq!(
        operators("MATCH (p:Person) WHERE p.id = p.age RETURN p"),
        "NodeByLabelScan Filter"
    );
}

#[test]
fn ids_seek() {
    assert_eq!(operators("MATCH (n) WHERE id(n) = 3 RETURN n"), "NodeByIdSeek");
    assert_eq!(
        operators("MATCH (n) WHERE elementId(n) IN $ids RETURN n"),
        "NodeByElementIdSeek"
    );
    assert!(operators("MATCH (a)-[r]->(b) WHERE id(r) = 3 RETURN a, b").starts_with("DirectedRelationshipByIdSeek"));
    assert!(
        operators("MATCH (a)-[r]-(b) WHERE elementId(r) = $r RETURN a, b").starts_with("DirectedRelationshipByIdSeek")
    );
}

#[test]
fn a_pattern_begins_at_its_rarest_label() {
    let text = "MATCH (p:Person)-[:LIVES_IN]->(:City)-[:IN]->(c:Country) RETURN p, c";
    assert_eq!(operators(text), "NodeByLabelScan Expand(All) Filter Expand(All) Filter");
    assert_eq!(details_of(text, "NodeByLabelScan"), ["c:Country"]);
}

#[test]
fn a_cycle_closes_with_an_expand_into() {
    let text = "MATCH (a:Country)<-[:IN]-(b)-[:KNOWS]->(a) RETURN b";
    assert_eq!(operators(text), "NodeByLabelScan Expand(All) Expand(Into)");
}

#[test]
fn relationships_are_compared_only_if_they_could_be_the_same() {
    let different = "MATCH (a:Country)<-[:IN]-(b)<-[:LIVES_IN]-(c) RETURN c";
    assert_eq!(operators(different), "NodeByLabelScan Expand(All) Expand(All)");
    let same = "MATCH (a:Country)<-[:IN]-(b)<-[:IN]-(c) RETURN c";
    assert_eq!(operators(same), "NodeByLabelScan Expand(All) Expand(All) Filter");
    let separate = "MATCH (a:Country)<-[:IN]-(b) MATCH (b)<-[:IN]-(c) RETURN c";
    assert!(
        !details_of(separate, "Filter")
            .iter()
            .any(|details| details.contains("<>"))
    );
}

#[test]
fn unconnected_patterns_with_equal_values_are_hash_joined() {
    let text = "MATCH (a:City), (b:Country) WHERE a.name = b.name RETURN a";
    assert_eq!(operators(text), "NodeByLabelScan (NodeByLabelScan) ValueHashJoin");
    assert!(planned(text).notifications.is_empty());
}

#[test]
fn unconnected_patterns_are_multiplied_with_a_warning() {
    let text = "MATCH (a:City), (b:Country) RETURN a, b";
    assert_eq!(operators(text), "NodeByLabelScan (NodeByLabelScan) CartesianProduct");
    assert_eq!(
        planned(text).notifications[0].code,
        "Neo.ClientNotification.Statement.CartesianProduct"
    );
}

#[test]
fn rows_of_earlier_clauses_are_no_cartesian_product() {
    let text = "UNWIND $rows AS r MATCH (c:Country) RETURN r, c";
    assert!(planned(text).notifications.is_empty());
}

#[test]
fn counts_come_from_the_graph_itself() {
    assert_eq!(operators("MATCH (n) RETURN count(n)"), "NodeCountFromCountStore");
    assert_eq!(operators("MATCH (n:City) RETURN count(*)"), "NodeCountFromCountStore");
    assert_eq!(
        operators("MATCH ()-[r:KNOWS]->() RETURN count(r)"),
        "RelationshipCountFromCountStore"
    );
    assert!(operators("MATCH (n:City) RETURN count(n.name)").ends_with("EagerAggregation"));
    assert!(operators("MATCH (n:City) RETURN count(DISTINCT n)").ends_with("EagerAggregation"));
    assert!(operators("MATCH ()-[r]-() RETURN count(r)").ends_with("EagerAggregation"));
}

#[test]
fn an_optional_match_is_applied_to_each_row() {
    assert_eq!(
        operators("MATCH (c:Country) OPTIONAL MATCH (c)<-[:IN]-(x) RETURN c, x"),
        "NodeByLabelScan (Filter Expand(All)) OptionalApply"
    );
}

#[test]
fn conditions_on_a_shortest_path_are_part_of_the_search() {
    let text = "MATCH (a:Person {id: 1}), (b:Person {id: 2}), p = shortestPath((a)-[:KNOWS*]-(b)) \
                WHERE all(r IN relationships(p) WHERE r.age > 1) AND length(p) > 2 RETURN p";
    assert_eq!(operators(text), "NodeIndexSeek NodeIndexSeek ShortestPath");
}

#[test]
fn a_shortest_path_can_be_a_value() {
    let text = "MATCH (a:Person {id: 1}), (b:Person {id: 2}) RETURN length(shortestPath((a)-[*]-(b))) AS l";
    assert_eq!(
        operators(text),
        "NodeIndexSeek NodeIndexSeek (Filter ShortestPath) Projection"
    );
}

#[test]
fn the_filter_of_a_variable_length_is_asked_along_the_way() {
    let text = "MATCH (a:Country)-[r:IN*1..3 {age: 1}]-(b) RETURN b";
    assert_eq!(operators(text), "NodeByLabelScan VarLengthExpand(All)");
}

#[test]
fn what_was_never_used_is_warned_of_once() {
    let plan = planned("MATCH (a:Persn)-[:KNOWSS]->(b:Persn {nme: 1}) RETURN a, b");
    let codes: Vec<&str> = plan
        .notifications
        .iter()
        .map(|notification| notification.code.rsplit('.').next().unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            "UnknownLabelWarning",
            "UnknownPropertyKeyWarning",
            "UnknownRelationshipTypeWarning"
        ]
    );
}

#[test]
fn access_says_what_a_plan_does() {
    assert_eq!(planned("MATCH (n) RETURN n").access, Access::Read);
    assert_eq!(planned("CREATE (n)").access, Access::Write);
    assert_eq!(planned("CREATE (n) RETURN n").access, Access::ReadWrite);
    assert_eq!(planned("CREATE INDEX FOR (n:City) ON (n.name)").access, Access::Schema);
}
