//! Paths against a plain search over a list of edges, on random graphs.
#![allow(clippy::unwrap_used, reason = "test")]

mod support;

use bastide_model::{Map, Value};
use proptest::prelude::*;
use support::Database;

const NODES: usize = 5;

/// All walks from `from` without an edge twice: their edges, and where they end.
fn walks(edges: &[(usize, usize)], from: usize, both: bool, longest: usize) -> Vec<(Vec<usize>, usize)> {
    let mut found = vec![(Vec::new(), from)];
    let mut open = found.clone();
    while let Some((path, node)) = open.pop() {
        if path.len() == longest {
            continue;
        }
        for (place, (start, end)) in edges.iter().enumerate() {
            if path.contains(&place) {
                continue;
            }
            let mut nexts = Vec::new();
            if *start == node {
                nexts.push(*end);
            }
            if both && *end == node && start != end {
                nexts.push(*start);
            }
            for next in nexts {
                let mut longer = path.clone();
                longer.push(place);
                found.push((longer.clone(), next));
                open.push((longer, next));
            }
        }
    }
    found
}

fn database(edges: &[(usize, usize)]) -> Database {
    let database = Database::with(&format!("UNWIND range(0, {}) AS x CREATE (:N {{x: x}})", NODES - 1));
    let rows: Vec<Value> = edges
        .iter()
        .zip(0i64..)
        .map(|((start, end), place)| {
            let row: Map = [
                ("s", Value::Integer(i64::try_from(*start).unwrap())),
                ("e", Value::Integer(i64::try_from(*end).unwrap())),
                ("i", Value::Integer(place)),
            ]
            .into_iter()
            .collect();
            Value::map(row)
        })
        .collect();
    let parameters: Map = [("rows", Value::from(rows))].into_iter().collect();
    let text = "UNWIND $rows AS r MATCH (a:N {x: r.s}), (b:N {x: r.e}) CREATE (a)-[:R {i: r.i}]->(b)";
    database.try_run(text, &parameters).unwrap();
    database
}

fn texts(mut paths: Vec<Vec<usize>>) -> Vec<String> {
    paths.sort();
    let mut texts: Vec<String> = paths.iter().map(|path| format!("{path:?}")).collect();
    texts.sort();
    texts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn variable_length_paths_are_all_walks_without_a_relationship_twice(
        edges in prop::collection::vec((0..NODES, 0..NODES), 0..8),
        from in 0..NODES,
        to in 0..NODES,
        both in any::<bool>(),
    ) {
        let database = database(&edges);
        let arrow = if both { "-" } else { "->" };
        let of = |walks: Vec<(Vec<usize>, usize)>, least: usize, end: Option<usize>| {
            let kept = walks.into_iter().filter(|(path, node)| path.len() >= least && end.is_none_or(|end| end == *node));
            texts(kept.map(|(path, _)| path).collect())
        };
        let free = format!("MATCH (a:N {{x: {from}}})-[r:R*0..3]{arrow}(b) RETURN [e IN r | e.i]");
        prop_assert_eq!(database.sorted(&free), of(walks(&edges, from, both, 3), 0, None));
        let bound = format!(
            "MATCH (a:N {{x: {from}}}), (b:N {{x: {to}}}) WITH a, b MATCH (a)-[r:R*2..]{arrow}(b) RETURN [e IN r | e.i]"
        );
        prop_assert_eq!(database.sorted(&bound), of(walks(&edges, from, both, 8), 2, Some(to)));
    }

    #[test]
    fn shortest_paths_are_the_shortest_walks(
        edges in prop::collection::vec((0..NODES, 0..NODES), 0..10),
        from in 0..NODES,
        to in 0..NODES,
        both in any::<bool>(),
        least in 1usize..4,
    ) {
        prop_assume!(from != to);
        let database = database(&edges);
        let arrow = if both { "-" } else { "->" };
        let shortest = |least: usize| {
            let ending: Vec<Vec<usize>> = walks(&edges, from, both, 5)
                .into_iter()
                .filter(|(path, node)| *node == to && path.len() >= least)
                .map(|(path, _)| path)
                .collect();
            let length = ending.iter().map(Vec::len).min();
            texts(ending.into_iter().filter(|path| Some(path.len()) == length).collect())
        };
        let ends = format!("MATCH (a:N {{x: {from}}}), (b:N {{x: {to}}})");
        let all = format!("{ends} MATCH p = allShortestPaths((a)-[r:R*..5]{arrow}(b)) RETURN [e IN r | e.i]");
        prop_assert_eq!(database.sorted(&all), shortest(1));
        let whole = format!("{ends} MATCH p = allShortestPaths((a)-[r:R*..5]{arrow}(b)) WHERE length(p) >= {least} RETURN [e IN r | e.i]");
        prop_assert_eq!(database.sorted(&whole), shortest(least));
        let one = format!("{ends} MATCH p = shortestPath((a)-[r:R*..5]{arrow}(b)) RETURN [e IN r | e.i]");
        let found = database.run(&one);
        prop_assert_eq!(found.len(), usize::from(!shortest(1).is_empty()));
        prop_assert!(found.iter().all(|path| shortest(1).contains(path)));
    }
}
