//! The engine as a case sees it: one graph in memory, statements in, trees out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bastide_cypher::{ParseLimits, parse};
use bastide_execute::{Execution, ExecutionOptions, ReadWrite};
use bastide_graph::{Graph, WriteOptions};
use bastide_model::{GraphRead, LabelId, Map, NodeId, Path, PropertyKeyId, RelationshipId, Value};
use bastide_plan::{GraphContext, PlanLimits};
use bastide_security::{ReadPermit, WritePermit};
use bastide_status::Status;

use crate::side_effects::Census;
use crate::tree::Tree;

const DATABASE: &str = "tck";

/// When a statement failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before anything was read.
    Compile,
    /// While it ran.
    Run,
}

/// Why a statement failed.
#[derive(Debug)]
pub struct EngineError {
    /// When.
    pub phase: Phase,
    /// What the client would be told.
    pub status: Status,
    /// The name of the broken rule, if the planner knows it.
    pub detail: Option<&'static str>,
}

/// What a statement answered.
#[derive(Debug, Default)]
pub struct Answer {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<Tree>>,
}

/// One graph.
pub struct Engine {
    graph: Graph,
    options: ExecutionOptions,
}

impl Engine {
    /// An empty graph with these procedures.
    pub fn new(options: ExecutionOptions) -> Self {
        Self {
            graph: Graph::in_memory(),
            options,
        }
    }

    /// Runs one statement in a transaction of its own.
    ///
    /// # Errors
    /// With nothing changed.
    pub fn run(&self, text: &str, parameters: &Map) -> Result<Answer, EngineError> {
        let compile = |status| EngineError {
            phase: Phase::Compile,
            status,
            detail: None,
        };
        let run = |status| EngineError {
            phase: Phase::Run,
            status,
            detail: None,
        };
        let statement = parse(text, ParseLimits::default())
            .map_err(|error| compile(Status::new(bastide_status::Code::SyntaxError, error.message.clone())))?;
        let permit = WritePermit::for_system_startup(DATABASE);
        let mut transaction = self.graph.begin_write(&permit, WriteOptions::default());
        let context = GraphContext {
            graph: &transaction,
            procedures: self.options.procedures.as_ref(),
            limits: PlanLimits::default(),
        };
        let plan = bastide_plan::plan(&statement, text, &context).map_err(|error| EngineError {
            phase: Phase::Compile,
            detail: Some(error.detail()),
            status: error.into(),
        })?;
        let columns = plan.columns.iter().map(|column| column.name.to_string()).collect();
        let mut execution = Execution::open(Arc::new(plan), text, parameters, self.options.clone()).map_err(run)?;
        let mut answer = Answer {
            columns,
            rows: Vec::new(),
        };
        while let Some(batch) = execution
            .next_batch(&mut ReadWrite(&mut transaction), usize::MAX)
            .map_err(run)?
        {
            for row in batch.rows() {
                answer
                    .rows
                    .push(row.iter().map(|value| tree(value, &transaction)).collect());
            }
        }
        transaction
            .commit()
            .map_err(|error| run(bastide_execute::evaluate::graph_status(&error)))?;
        Ok(answer)
    }

    /// What is in the graph now.
    pub fn census(&self) -> Census {
        Census::take(&self.graph.begin_read(&ReadPermit::for_system_startup(DATABASE)))
    }
}

/// A value with its entities spelt out.
pub fn tree(value: &Value, graph: &dyn GraphRead) -> Tree {
    match value {
        Value::Null => Tree::Null,
        Value::Boolean(value) => Tree::Boolean(*value),
        Value::Integer(value) => Tree::Integer(*value),
        Value::Float(value) => Tree::Float(*value),
        Value::List(items) => Tree::List(items.iter().map(|item| tree(item, graph)).collect()),
        Value::Map(map) => Tree::Map(
            map.iter()
                .map(|(key, item)| (key.to_string(), tree(item, graph)))
                .collect(),
        ),
        Value::Node(node) => node_tree(*node, graph),
        Value::Relationship(relationship) => relationship_tree(*relationship, graph),
        Value::Path(path) => path_tree(path, graph),
        other => Tree::String(bastide_execute::text::scalar_text(other).unwrap_or_default()),
    }
}

fn node_tree(node: NodeId, graph: &dyn GraphRead) -> Tree {
    let (mut labels, mut properties): (Vec<LabelId>, _) = (Vec::new(), Vec::new());
    // An entity deleted by the statement shows as one without content.
    let _absent = (
        graph.node_labels(node, &mut labels),
        graph.node_properties(node, &mut properties),
    );
    let labels: BTreeSet<String> = labels
        .into_iter()
        .filter_map(|label| graph.label_name(label))
        .map(|name| name.to_string())
        .collect();
    Tree::Node {
        labels,
        properties: property_trees(&properties, graph),
    }
}

fn relationship_tree(relationship: RelationshipId, graph: &dyn GraphRead) -> Tree {
    let mut properties = Vec::new();
    let _absent = graph.relationship_properties(relationship, &mut properties);
    let record = graph.relationship(relationship).ok().flatten();
    let name = record.and_then(|record| graph.relationship_type_name(record.relationship_type));
    Tree::Relationship {
        relationship_type: name.map(|name| name.to_string()).unwrap_or_default(),
        properties: property_trees(&properties, graph),
    }
}

fn property_trees(properties: &[(PropertyKeyId, Value)], graph: &dyn GraphRead) -> BTreeMap<String, Tree> {
    properties
        .iter()
        .filter_map(|(key, value)| Some((graph.property_key_name(*key)?.to_string(), tree(value, graph))))
        .collect()
}

fn path_tree(path: &Path, graph: &dyn GraphRead) -> Tree {
    let steps = path.steps.iter().map(|step| {
        (
            relationship_tree(step.relationship, graph),
            step.forward,
            node_tree(step.node, graph),
        )
    });
    Tree::Path(Box::new(node_tree(path.start, graph)), steps.collect())
}
