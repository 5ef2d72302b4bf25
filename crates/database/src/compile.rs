//! From text to plan, by way of the cache.

use std::sync::Arc;

use bastide_cypher::ast::Statement;
use bastide_cypher::{ParseLimits, parse as parse_text};
use bastide_graph::Snapshot;
use bastide_model::GraphRead;
use bastide_plan::Plan;
use bastide_plan::operator::Mode;
use bastide_plan::{GraphContext, PlanLimits};
use bastide_security::ReadPermit;
use bastide_status::{Result, Status};

use crate::error::parse_error;
use crate::session::Frame;

/// Reads the text of a statement.
pub(crate) fn parse(text: &str) -> Result<Statement> {
    parse_text(text, ParseLimits::default()).map_err(|error| parse_error(&error, text))
}

/// What the planner looks at: names, counts, indexes.
pub(crate) fn snapshot_for_planning(frame: &Frame) -> Result<Snapshot> {
    let permit: ReadPermit = ReadPermit::for_system_startup(&frame.database.name);
    Ok(visible_graph(frame).begin_read(&permit))
}

/// The graph that statements see; that of `system` is empty.
pub(crate) fn visible_graph(frame: &Frame) -> &bastide_graph::Graph {
    let is_system = frame.database.name.as_ref() == crate::SYSTEM_DATABASE;
    if is_system {
        &frame.dbms.empty.graph
    } else {
        &frame.database.graph
    }
}

/// The plan of an earlier run of the same text, if it still fits.
pub(crate) fn cached(frame: &Frame, text: &Arc<str>, snapshot: &Snapshot) -> Option<Arc<Plan>> {
    let count = snapshot.node_count(None).unwrap_or_default();
    frame
        .dbms
        .plans
        .find(&frame.database.name, text, snapshot.schema_version(), count)
}

/// Plans a statement and keeps the plan.
pub(crate) fn plan(frame: &Frame, statement: &Statement, text: &Arc<str>, graph: &dyn GraphRead) -> Result<Arc<Plan>> {
    let context = GraphContext {
        graph,
        procedures: frame.dbms.procedures.as_ref(),
        limits: PlanLimits::default(),
    };
    let plan = bastide_plan::plan(statement, text, &context).map_err(Status::from)?;
    let plan = Arc::new(plan);
    if plan.mode == Mode::Normal {
        let count = graph.node_count(None).unwrap_or_default();
        frame
            .dbms
            .plans
            .insert(&frame.database.name, text, count, Arc::clone(&plan));
    }
    Ok(plan)
}
