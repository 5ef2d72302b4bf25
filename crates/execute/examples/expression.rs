//! Evaluates statements from the command line, or one a line from standard input, on one graph in memory:
//! `cargo run -p bastide-execute --example expression -- "RETURN date('2020-02-29') + duration('P1Y')"`. What is no
//! statement by itself is put behind `RETURN`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks to its terminal"
)]

use std::io::BufRead;
use std::sync::Arc;

use bastide_cypher::{ParseLimits, parse};
use bastide_execute::evaluate::graph_status;
use bastide_execute::text::format_value;
use bastide_execute::{Execution, ExecutionOptions, ReadWrite};
use bastide_graph::{Graph, WriteOptions};
use bastide_model::Map;
use bastide_plan::{GraphContext, PlanLimits, plan};
use bastide_security::WritePermit;
use bastide_status::{Code, Status};

fn main() {
    let graph = Graph::in_memory();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let lines: Box<dyn Iterator<Item = String>> = if arguments.is_empty() {
        Box::new(std::io::stdin().lock().lines().map_while(Result::ok))
    } else {
        Box::new(arguments.into_iter())
    };
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let text = if parse(&line, ParseLimits::default()).is_ok() {
            line
        } else {
            format!("RETURN {line}")
        };
        if let Err(status) = run(&graph, &text) {
            println!("{}: {status}", status.code().neo4j_code());
        }
    }
}

fn run(graph: &Graph, text: &str) -> Result<(), Status> {
    let statement =
        parse(text, ParseLimits::default()).map_err(|error| Status::new(Code::SyntaxError, error.message.clone()))?;
    let permit = WritePermit::for_system_startup("example");
    let mut transaction = graph.begin_write(&permit, WriteOptions::default());
    let options = ExecutionOptions::default();
    let context = GraphContext {
        graph: &transaction,
        procedures: options.procedures.as_ref(),
        limits: PlanLimits::default(),
    };
    let plan = plan(&statement, text, &context).map_err(Status::from)?;
    let mut execution = Execution::open(Arc::new(plan), text, &Map::new(), options)?;
    while let Some(batch) = execution.next_batch(&mut ReadWrite(&mut transaction), usize::MAX)? {
        for row in batch.rows() {
            let values: Vec<String> = row.iter().map(|value| format_value(value, &transaction)).collect();
            println!("{}", values.join(" | "));
        }
    }
    transaction.commit().map_err(|error| graph_status(&error))?;
    Ok(())
}
