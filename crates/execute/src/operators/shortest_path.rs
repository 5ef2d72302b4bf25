//! The operator of `shortestPath` and `allShortestPaths`: conditions, and which search serves them.

use std::sync::Arc;

use bastide_model::{Adjacent, Direction, NodeId, Path, PathStep, Value};
use bastide_plan::expression::Slot;
use bastide_status::Status;

use super::entity::{as_node, failed, holds_with};
use super::flat_map::RowSource;
use super::path_search::{Question, Step, Steps, shortest_paths};
use super::tokens::TypeFilter;
use super::whole_path_search::accepted_paths;
use super::{Run, Shared};
use crate::batch::{Batch, BatchRow};
use crate::evaluate::{Compiled, RowView, Scope, evaluate_predicate};
use crate::limits::Reserved;

/// What holds for each relationship, each node and the whole.
#[derive(Default)]
pub(super) struct PathConditions {
    pub(super) relationship: Option<(Slot, Compiled)>,
    pub(super) node: Option<(Slot, Compiled)>,
    pub(super) whole: Option<Compiled>,
}

/// Slots and lengths.
pub(super) struct PathEnds {
    pub(super) from: Slot,
    pub(super) to: Slot,
    pub(super) direction: Direction,
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    pub(super) all: bool,
}

/// Shortest paths between two bound nodes.
pub(super) struct ShortestPath {
    pub(super) ends: PathEnds,
    pub(super) types: TypeFilter,
    pub(super) conditions: PathConditions,
    pub(super) relationships: Slot,
    pub(super) path: Option<Slot>,
    found: Vec<Vec<Step>>,
    start: NodeId,
    memory: Reserved,
}

/// Steps that meet the conditions.
struct FilteredSteps<'a> {
    types: &'a mut TypeFilter,
    conditions: &'a PathConditions,
    row: BatchRow<'a>,
}

impl Steps for FilteredSteps<'_> {
    fn expand(
        &mut self,
        run: &Run<'_>,
        node: NodeId,
        direction: Direction,
        found: &mut Vec<Adjacent>,
    ) -> Result<(), Status> {
        let graph = run.graph();
        let Some(types) = self.types.resolve(graph) else {
            return Ok(());
        };
        graph.expand(node, direction, types, found).map_err(failed)?;
        if self.conditions.relationship.is_none() && self.conditions.node.is_none() {
            return Ok(());
        }
        let mut kept = Vec::with_capacity(found.len());
        for adjacent in found.drain(..) {
            let relationship = Value::Relationship(adjacent.relationship);
            if meets(self.conditions.relationship.as_ref(), relationship, self.row, run)?
                && meets(
                    self.conditions.node.as_ref(),
                    Value::Node(adjacent.neighbour),
                    self.row,
                    run,
                )?
            {
                kept.push(adjacent);
            }
        }
        *found = kept;
        Ok(())
    }
}

fn meets(condition: Option<&(Slot, Compiled)>, value: Value, row: BatchRow<'_>, run: &Run<'_>) -> Result<bool, Status> {
    match condition {
        None => Ok(true),
        Some((slot, condition)) => holds_with(condition, *slot, value, &row, run),
    }
}

impl ShortestPath {
    pub(super) fn new(
        ends: PathEnds,
        types: TypeFilter,
        conditions: PathConditions,
        relationships: Slot,
        path: Option<Slot>,
    ) -> Self {
        Self {
            ends,
            types,
            conditions,
            relationships,
            path,
            found: Vec::new(),
            start: NodeId(0),
            memory: Reserved::default(),
        }
    }

    fn search(&mut self, run: &Run<'_>, row: BatchRow<'_>, from: NodeId, to: NodeId) -> Result<(), Status> {
        let Self {
            ends,
            types,
            conditions,
            relationships,
            path,
            memory,
            ..
        } = self;
        if !meets(conditions.node.as_ref(), Value::Node(from), row, run)?
            || !meets(conditions.node.as_ref(), Value::Node(to), row, run)?
        {
            return Ok(());
        }
        let question = Question {
            from,
            to,
            direction: ends.direction,
            max: ends.max.unwrap_or(u64::MAX),
            all: ends.all,
        };
        let mut accepts = |steps: &[Step]| -> Result<bool, Status> {
            let Some(whole) = &conditions.whole else {
                return Ok(true);
            };
            let mut scope = Scope::new(&row);
            scope.bind(*relationships, relationship_list(steps));
            if let Some(slot) = *path {
                scope.bind(slot, path_value(run, from, steps)?);
            }
            Ok(evaluate_predicate(whole, &mut scope, &run.context())? == Some(true))
        };
        if from == to {
            // A path without relationships is the shortest there is; a node has no shortest path of any length to itself.
            if ends.min == 0 && accepts(&[])? {
                self.found.push(Vec::new());
            }
            return Ok(());
        }
        let mut steps = FilteredSteps { types, conditions, row };
        let paths = if ends.min <= 1 {
            shortest_paths(run, &question, &mut steps, memory)?
        } else {
            Vec::new()
        };
        let mut accepted = Vec::new();
        for candidate in paths {
            if accepts(&candidate)? {
                accepted.push(candidate);
            } else if accepted.is_empty() && !ends.all {
                break;
            }
        }
        if accepted.is_empty() && (conditions.whole.is_some() || ends.min > 1) {
            accepted = accepted_paths(run, &question, ends.min, &mut steps, memory, &mut accepts)?;
        }
        // Answered from the back.
        accepted.reverse();
        self.found = accepted;
        Ok(())
    }
}

fn relationship_list(steps: &[Step]) -> Value {
    let list: Arc<[Value]> = steps
        .iter()
        .map(|(relationship, _)| Value::Relationship(*relationship))
        .collect();
    Value::List(list)
}

fn path_value(run: &Run<'_>, start: NodeId, steps: &[Step]) -> Result<Value, Status> {
    let mut path = Path::single(start);
    let mut previous = start;
    for (relationship, node) in steps {
        let record = run.graph().relationship(*relationship).map_err(failed)?;
        path.steps.push(PathStep {
            relationship: *relationship,
            forward: record.is_none_or(|record| record.start == previous && record.end == *node),
            node: *node,
        });
        previous = *node;
    }
    Ok(Value::Path(Arc::new(path)))
}

impl RowSource for ShortestPath {
    fn reset(&mut self, shared: &Shared, _argument: &dyn RowView) {
        self.types.reset();
        self.found.clear();
        self.memory.release_all(&shared.memory);
    }

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        self.found.clear();
        self.memory.release_all(&run.shared.memory);
        let from = as_node(&row.value(self.ends.from))?;
        let to = as_node(&row.value(self.ends.to))?;
        if let (Some(from), Some(to)) = (from, to) {
            self.start = from;
            self.search(run, row, from, to)?;
        }
        Ok(())
    }

    fn fill(&mut self, run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let mut count = 0;
        while count < limit {
            let Some(steps) = self.found.pop() else { break };
            out.push(self.relationships, relationship_list(&steps));
            if let Some(slot) = self.path {
                out.push(slot, path_value(run, self.start, &steps)?);
            }
            count += 1;
        }
        Ok(count)
    }
}
