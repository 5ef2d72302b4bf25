//! How fast the graph in memory is: `cargo run --release -p bastide-graph --example speed`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people")]

use std::hint::black_box;
use std::time::Instant;

use bastide_graph::{Graph, WriteOptions};
use bastide_model::{Direction, GraphRead, GraphWrite, NodeId, SchemaTarget, Seek, Value};
use bastide_security::{ReadPermit, WritePermit};

const NODES: u64 = 1_000_000;
const RELATIONSHIPS: u64 = 5_000_000;

/// Numbers without an order that caches could guess.
fn scattered(number: u64) -> u64 {
    number
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(31)
        .wrapping_mul(0xBF58_476D_1CE4_E5B9)
        >> 20
}

fn per(start: Instant, count: u64) -> String {
    let nanoseconds = start.elapsed().as_nanos() as f64 / count as f64;
    format!(
        "{nanoseconds:9.1} ns each, {:7.3} s in all",
        start.elapsed().as_secs_f64()
    )
}

fn main() {
    let graph = Graph::in_memory();
    let begin = || {
        let options = WriteOptions {
            memory_limit: usize::MAX,
            ..WriteOptions::default()
        };
        graph.begin_write(&WritePermit::for_system_startup("speed"), options)
    };
    let mut transaction = begin();
    let label = transaction.label_id_or_create("Person").unwrap();
    let knows = transaction.relationship_type_id_or_create("KNOWS").unwrap();
    let key = transaction.property_key_id_or_create("number").unwrap();

    let start = Instant::now();
    for number in 0..NODES {
        let node = transaction.create_node(&[label]).unwrap();
        transaction
            .set_node_property(node, key, Value::Integer(number as i64))
            .unwrap();
    }
    println!("create a node with a property    {}", per(start, NODES));
    let start = Instant::now();
    transaction.commit().unwrap();
    println!("commit them                      {}", per(start, 1));

    let mut transaction = begin();
    let start = Instant::now();
    for number in 0..RELATIONSHIPS {
        let (from, to) = (scattered(number) % NODES, scattered(number + RELATIONSHIPS) % NODES);
        transaction
            .create_relationship(knows, NodeId(from), NodeId(to))
            .unwrap();
    }
    println!("create a relationship            {}", per(start, RELATIONSHIPS));
    transaction.commit().unwrap();

    let mut transaction = begin();
    let start = Instant::now();
    let index = transaction
        .create_index(None, SchemaTarget::Label(label), &[key])
        .unwrap()
        .id;
    println!("build an index                   {}", per(start, NODES));
    transaction.commit().unwrap();

    let snapshot = graph.begin_read(&ReadPermit::for_system_startup("speed"));
    read_all(&snapshot, label, key, index);
    let transaction = begin();
    println!("the same within a transaction that may write:");
    read_all(&transaction, label, key, index);

    let start = Instant::now();
    for number in 0..10_000u64 {
        let mut transaction = begin();
        let node = NodeId(scattered(number) % NODES);
        transaction.set_node_property(node, key, Value::Integer(-1)).unwrap();
        transaction.commit().unwrap();
    }
    println!("a transaction with one write     {}", per(start, 10_000));
}

fn read_all(
    graph: &impl GraphRead,
    label: bastide_model::LabelId,
    key: bastide_model::PropertyKeyId,
    index: bastide_model::IndexId,
) {
    for (name, step) in [("in order ", 1), ("scattered", 7_919)] {
        let start = Instant::now();
        let mut sum = 0;
        for number in 0..NODES {
            let node = NodeId(number * step % NODES);
            sum += graph.node_property(node, key).unwrap().as_integer().unwrap_or(0);
        }
        black_box(sum);
        println!("read a property, {name}       {}", per(start, NODES));

        let start = Instant::now();
        let (mut adjacent, mut count) = (Vec::new(), 0);
        for number in 0..NODES {
            adjacent.clear();
            graph
                .expand(NodeId(number * step % NODES), Direction::Outgoing, &[], &mut adjacent)
                .unwrap();
            count += adjacent.len() as u64;
        }
        println!("expand, {name}: a relationship {}", per(start, count));
    }
    let start = Instant::now();
    let (mut from, mut nodes, mut count) = (NodeId(0), Vec::new(), 0);
    loop {
        nodes.clear();
        graph.scan_label(label, from, 1024, &mut nodes).unwrap();
        count += nodes.len() as u64;
        match nodes.last() {
            Some(last) if nodes.len() == 1024 => from = NodeId(last.0 + 1),
            _ => break,
        }
    }
    println!("scan a label, a node             {}", per(start, count));
    let start = Instant::now();
    for number in 0..200_000u64 {
        nodes.clear();
        let seek = Seek::Equal(vec![Value::Integer((scattered(number) % NODES) as i64)]);
        graph.index_seek_nodes(index, &seek, &mut nodes).unwrap();
    }
    println!("seek a key in an index           {}", per(start, 200_000));
}
