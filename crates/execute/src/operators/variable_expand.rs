//! Paths of variable length, depth first, no relationship twice in a path.

use bastide_model::{Adjacent, NodeId, RelationshipId, Value};
use bastide_plan::expression::Slot;
use bastide_status::Status;
use rustc_hash::FxHashSet;

use super::entity::{as_node, failed, holds_with};
use super::expand::Expansion;
use super::flat_map::RowSource;
use super::{Run, Shared};
use crate::batch::{Batch, BatchRow};
use crate::evaluate::{Compiled, RowView};

/// Steps between two looks at the clock.
const STEPS_BETWEEN_CHECKS: u32 = 4096;

/// How long paths may be, and how they are answered.
pub(super) struct PathShape {
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    pub(super) reversed: bool,
    pub(super) relationship_filter: Option<(Slot, Compiled)>,
}

/// Paths from a bound node.
pub(super) struct VariableExpand {
    pub(super) expansion: Expansion,
    pub(super) shape: PathShape,
    /// Where lists of relationships go, if anything reads them.
    pub(super) relationships: Option<Slot>,
    /// Where end nodes go, if anything reads them and they are not bound.
    pub(super) node: Option<Slot>,
    walk: Walk,
    target: Option<NodeId>,
    /// The path without relationships, still to be answered.
    zero: Option<NodeId>,
    steps: u32,
}

/// Where the walk is. INVARIANT: there is one frame more than relationships in `path` while it lasts, and the entries of the last
/// frame end where `found` ends.
#[derive(Default)]
struct Walk {
    found: Vec<Adjacent>,
    frames: Vec<Frame>,
    path: Vec<RelationshipId>,
    on_path: FxHashSet<RelationshipId>,
}

struct Frame {
    begin: usize,
    next: usize,
}

impl Walk {
    fn clear(&mut self) {
        self.found.clear();
        self.frames.clear();
        self.path.clear();
        self.on_path.clear();
    }

    fn step_back(&mut self) {
        if let Some(last) = self.path.pop() {
            self.on_path.remove(&last);
        }
    }

    /// The next relationship to try; leaves frames that are done.
    fn next(&mut self) -> Option<Adjacent> {
        loop {
            let frame = self.frames.last_mut()?;
            if let Some(adjacent) = self.found.get(frame.next) {
                frame.next += 1;
                return Some(*adjacent);
            }
            self.found.truncate(frame.begin);
            self.frames.pop();
            self.step_back();
        }
    }
}

impl VariableExpand {
    pub(super) fn new(expansion: Expansion, shape: PathShape, relationships: Option<Slot>, node: Option<Slot>) -> Self {
        Self {
            expansion,
            shape,
            relationships,
            node,
            walk: Walk::default(),
            target: None,
            zero: None,
            steps: 0,
        }
    }

    fn descend(&mut self, run: &Run<'_>, node: NodeId) -> Result<(), Status> {
        let begin = self.walk.found.len();
        let graph = run.graph();
        if let Some(types) = self.expansion.types.resolve(graph) {
            graph
                .expand(node, self.expansion.direction, types, &mut self.walk.found)
                .map_err(failed)?;
        }
        self.walk.frames.push(Frame { begin, next: begin });
        Ok(())
    }

    fn is_end(&self, node: NodeId) -> bool {
        !self.expansion.into || self.target == Some(node)
    }

    fn emit(&self, node: NodeId, out: &mut Batch) {
        if let Some(slot) = self.relationships {
            let path = self.walk.path.iter().copied().map(Value::Relationship);
            let list: Vec<Value> = if self.shape.reversed {
                path.rev().collect()
            } else {
                path.collect()
            };
            out.push(slot, Value::from(list));
        }
        if let Some(slot) = self.node {
            out.extend_nodes(slot, std::iter::once(node));
        }
    }

    /// One step of the walk; whether it ended in a path to answer.
    fn step(&mut self, run: &Run<'_>, row: BatchRow<'_>, adjacent: Adjacent, out: &mut Batch) -> Result<bool, Status> {
        let Adjacent {
            relationship,
            neighbour,
        } = adjacent;
        if self.walk.on_path.contains(&relationship) {
            return Ok(false);
        }
        if let Some((slot, filter)) = &self.shape.relationship_filter
            && !holds_with(filter, *slot, Value::Relationship(relationship), &row, run)?
        {
            return Ok(false);
        }
        self.walk.path.push(relationship);
        self.walk.on_path.insert(relationship);
        let length = self.walk.path.len() as u64;
        let emits = length >= self.shape.min && self.is_end(neighbour);
        if emits {
            self.emit(neighbour, out);
        }
        if self.shape.max.is_none_or(|max| length < max) {
            self.descend(run, neighbour)?;
        } else {
            self.walk.step_back();
        }
        Ok(emits)
    }
}

impl RowSource for VariableExpand {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {
        self.expansion.types.reset();
        self.walk.clear();
        self.zero = None;
    }

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        self.walk.clear();
        self.zero = None;
        let Some(from) = as_node(&row.value(self.expansion.from))? else {
            return Ok(());
        };
        if self.expansion.into {
            self.target = as_node(&row.value(self.expansion.to))?;
            if self.target.is_none() {
                return Ok(());
            }
        }
        if self.shape.min == 0 && self.is_end(from) {
            self.zero = Some(from);
        }
        if self.shape.max != Some(0) {
            self.descend(run, from)?;
        }
        Ok(())
    }

    fn fill(&mut self, run: &mut Run<'_>, row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let mut count = 0;
        if let Some(node) = self.zero.take() {
            self.emit_zero(node, out);
            count += 1;
        }
        while count < limit {
            let Some(adjacent) = self.walk.next() else { break };
            self.steps = self.steps.wrapping_add(1);
            if self.steps.is_multiple_of(STEPS_BETWEEN_CHECKS) {
                run.check()?;
            }
            if self.step(run, row, adjacent, out)? {
                count += 1;
            }
        }
        Ok(count)
    }
}

impl VariableExpand {
    fn emit_zero(&self, node: NodeId, out: &mut Batch) {
        if let Some(slot) = self.relationships {
            out.push(slot, Value::list([]));
        }
        if let Some(slot) = self.node {
            out.extend_nodes(slot, std::iter::once(node));
        }
    }
}
