//! Expanding relationships in the graph, beside a scan of a plain slice that holds the same.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use bastide_graph::{Graph, WriteOptions};
use bastide_model::{Adjacent, Direction, GraphRead, GraphWrite, NodeId};
use bastide_security::{ReadPermit, WritePermit};

use crate::Figure;

const NODES: u64 = 50_000;
const DEGREE: u64 = 20;
const ROUNDS: u32 = 10;

/// Every relationship of a random-like graph in memory, several times over.
pub fn measure() -> Result<Figure> {
    let graph = Graph::in_memory();
    let mut transaction = graph.begin_write(&WritePermit::for_system_startup("bench"), WriteOptions::default());
    let knows = transaction.relationship_type_id_or_create("KNOWS")?;
    let nodes = (0..NODES)
        .map(|_| transaction.create_node(&[]))
        .collect::<Result<Vec<_>, _>>()?;
    let place = |number: u64| usize::try_from(number % NODES).context("a node number fits");
    for (number, start) in (0..NODES).zip(&nodes) {
        for step in 1..=DEGREE {
            let end = nodes
                .get(place(number * 31 + step * 7_919)?)
                .context("within the nodes")?;
            transaction.create_relationship(knows, *start, *end)?;
        }
    }
    transaction.commit()?;
    let snapshot = graph.begin_read(&ReadPermit::for_system_startup("bench"));
    let (expanded, plain) = (expand(&snapshot, &nodes)?, scan(&snapshot, &nodes)?);
    Ok(Figure {
        name: "expand, ns a relationship".to_owned(),
        measured: format!("{expanded:.2} ns"),
        limit: format!("{plain:.2} ns, slice scan"),
        ratio: expanded / plain,
    })
}

fn expand(snapshot: &dyn GraphRead, nodes: &[NodeId]) -> Result<f64> {
    let mut buffer: Vec<Adjacent> = Vec::new();
    let (mut count, mut sum) = (0_u64, 0_u64);
    let started = Instant::now();
    for _ in 0..ROUNDS {
        for node in nodes {
            buffer.clear();
            snapshot.expand(*node, Direction::Outgoing, &[], &mut buffer)?;
            count += buffer.len() as u64;
            sum = buffer
                .iter()
                .fold(sum, |sum, adjacent| sum.wrapping_add(adjacent.neighbour.0));
        }
    }
    black_box(sum);
    Ok(started.elapsed().as_nanos() as f64 / count as f64)
}

fn scan(snapshot: &dyn GraphRead, nodes: &[NodeId]) -> Result<f64> {
    let mut all: Vec<Adjacent> = Vec::new();
    let mut ends = Vec::new();
    for node in nodes {
        let start = all.len();
        snapshot.expand(*node, Direction::Outgoing, &[], &mut all)?;
        ends.push(start..all.len());
    }
    let (mut count, mut sum) = (0_u64, 0_u64);
    let started = Instant::now();
    for _ in 0..ROUNDS {
        for range in &ends {
            let slice = all.get(range.clone()).unwrap_or_default();
            count += slice.len() as u64;
            sum = slice
                .iter()
                .fold(sum, |sum, adjacent| sum.wrapping_add(adjacent.neighbour.0));
        }
    }
    black_box(sum);
    Ok(started.elapsed().as_nanos() as f64 / count as f64)
}
