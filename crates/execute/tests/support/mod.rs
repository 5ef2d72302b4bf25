//! A graph in memory, statements in, rows of text out.
#![allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "test")]

use std::sync::Arc;

use bastide_cypher::{ParseLimits, parse};
use bastide_execute::{
    CsvSource, CsvStream, Execution, ExecutionOptions, GraphAccess, ReadWrite, Statistics, TransactionControl,
};
use bastide_graph::{Graph, Transaction, WriteOptions};
use bastide_model::{GraphRead, GraphWrite, Map, Value};
use bastide_plan::{GraphContext, Plan, PlanLimits};
use bastide_security::WritePermit;
use bastide_status::Status;

/// One graph.
pub struct Database {
    pub graph: Graph,
    pub options: ExecutionOptions,
}

/// Files of a test, by URL.
pub struct Files(pub Vec<(&'static str, String)>);

impl CsvSource for Files {
    fn open(&self, url: &str) -> Result<CsvStream, Status> {
        let text = self
            .0
            .iter()
            .find(|(name, _)| *name == url)
            .map(|(_, text)| text.clone())
            .unwrap();
        Ok(CsvStream {
            name: url.into(),
            bytes: Box::new(std::io::Cursor::new(text.into_bytes())),
        })
    }
}

pub fn permit() -> WritePermit {
    WritePermit::for_system_startup("neo4j")
}

pub fn value(json: &str) -> Value {
    json.parse::<i64>().map_or_else(|_| Value::from(json), Value::Integer)
}

impl Database {
    pub fn new() -> Self {
        Self {
            graph: Graph::in_memory(),
            options: ExecutionOptions::default(),
        }
    }

    pub fn with(setup: &str) -> Self {
        let database = Self::new();
        database.run(setup);
        database
    }

    pub fn begin(&self) -> Transaction {
        self.graph.begin_write(&permit(), WriteOptions::default())
    }

    pub fn plan(&self, graph: &dyn GraphRead, text: &str) -> Arc<Plan> {
        let statement = parse(text, ParseLimits::default()).unwrap();
        let context = GraphContext {
            graph,
            procedures: self.options.procedures.as_ref(),
            limits: PlanLimits::default(),
        };
        let plan = bastide_plan::plan(&statement, text, &context).unwrap();
        bastide_plan::verify::verify(&plan).unwrap();
        Arc::new(plan)
    }

    pub fn open(&self, graph: &dyn GraphRead, text: &str, parameters: &Map) -> Result<Execution, Status> {
        Execution::open(self.plan(graph, text), text, parameters, self.options.clone())
    }

    /// Rows as texts, and what was changed; committed.
    pub fn try_run(&self, text: &str, parameters: &Map) -> Result<(Vec<String>, Statistics), Status> {
        let mut transaction = self.begin();
        let mut execution = self.open(&transaction, text, parameters)?;
        let mut rows = Vec::new();
        while let Some(batch) = execution.next_batch(&mut ReadWrite(&mut transaction), usize::MAX)? {
            for row in batch.rows() {
                let row: Vec<String> = row.iter().map(|value| shown(value, &transaction)).collect();
                rows.push(row.join(" | "));
            }
        }
        transaction
            .commit()
            .map_err(|error| bastide_execute::evaluate::graph_status(&error))?;
        Ok((rows, execution.statistics()))
    }

    pub fn run(&self, text: &str) -> Vec<String> {
        self.try_run(text, &Map::new())
            .unwrap_or_else(|status| panic!("{text}: {status:?}"))
            .0
    }

    /// Rows in any order.
    pub fn sorted(&self, text: &str) -> Vec<String> {
        let mut rows = self.run(text);
        rows.sort();
        rows
    }

    pub fn statistics(&self, text: &str) -> Statistics {
        self.try_run(text, &Map::new()).unwrap().1
    }

    pub fn error(&self, text: &str) -> Status {
        self.try_run(text, &Map::new()).unwrap_err()
    }
}

/// A value as a test writes it.
pub fn shown(value: &Value, graph: &dyn GraphRead) -> String {
    bastide_execute::text::format_value(value, graph)
}

/// An auto-commit transaction that `CALL … IN TRANSACTIONS` may commit.
pub struct Renewing<'a> {
    pub graph: &'a Graph,
    pub transaction: Option<Transaction>,
    pub commits: usize,
}

impl Renewing<'_> {
    fn renew(&mut self) {
        self.transaction = Some(self.graph.begin_write(&permit(), WriteOptions::default()));
    }
}

impl GraphAccess for Renewing<'_> {
    fn read(&self) -> &dyn GraphRead {
        self.transaction.as_ref().unwrap()
    }

    fn write(&mut self) -> Result<&mut dyn GraphWrite, Status> {
        Ok(self.transaction.as_mut().unwrap())
    }

    fn transaction_control(&mut self) -> Option<&mut dyn TransactionControl> {
        Some(self)
    }
}

impl TransactionControl for Renewing<'_> {
    fn commit_and_renew(&mut self) -> Result<(), Status> {
        let result = self.transaction.take().unwrap().commit();
        self.renew();
        self.commits += 1;
        result
            .map(|_| ())
            .map_err(|error| bastide_execute::evaluate::graph_status(&error))
    }

    fn roll_back_and_renew(&mut self) -> Result<(), Status> {
        self.renew();
        Ok(())
    }
}
