//! One step along relationships, to any node or into a bound one.

use bastide_model::{Adjacent, Direction, Value};
use bastide_plan::expression::Slot;
use bastide_status::Status;

use super::entity::{as_node, failed};
use super::flat_map::RowSource;
use super::tokens::TypeFilter;
use super::{Run, Shared};
use crate::batch::{Batch, BatchRow};
use crate::evaluate::RowView;

/// Slots and types of an expansion.
pub(super) struct Expansion {
    pub(super) from: Slot,
    pub(super) to: Slot,
    pub(super) direction: Direction,
    pub(super) types: TypeFilter,
    pub(super) into: bool,
}

/// Relationships of a bound node.
pub(super) struct Expand {
    pub(super) expansion: Expansion,
    /// Where relationships go, if anything reads them.
    pub(super) relationship: Option<Slot>,
    /// Where the other nodes go, if anything reads them and they are not bound.
    pub(super) node: Option<Slot>,
    found: Vec<Adjacent>,
    place: usize,
}

impl Expand {
    pub(super) fn new(expansion: Expansion, relationship: Option<Slot>, node: Option<Slot>) -> Self {
        Self {
            expansion,
            relationship,
            node,
            found: Vec::new(),
            place: 0,
        }
    }
}

impl RowSource for Expand {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {
        self.expansion.types.reset();
        self.found.clear();
        self.place = 0;
    }

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        self.found.clear();
        self.place = 0;
        let Some(mut from) = as_node(&row.value(self.expansion.from))? else {
            return Ok(());
        };
        let graph = run.graph();
        let mut direction = self.expansion.direction;
        let Some(types) = self.expansion.types.resolve(graph) else {
            return Ok(());
        };
        if !self.expansion.into {
            return graph.expand(from, direction, types, &mut self.found).map_err(failed);
        }
        let Value::Node(mut to) = row.value(self.expansion.to) else {
            return Ok(());
        };
        let here = graph.degree(from, direction, types).map_err(failed)?;
        if here > 1 && graph.degree(to, direction.reversed(), types).map_err(failed)? < here {
            (from, to) = (to, from);
            direction = direction.reversed();
        }
        graph.expand(from, direction, types, &mut self.found).map_err(failed)?;
        self.found.retain(|adjacent| adjacent.neighbour == to);
        Ok(())
    }

    fn fill(&mut self, _run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let found = self.found.get(self.place..).unwrap_or_default();
        let count = found.len().min(limit);
        if let Some(slot) = self.relationship {
            out.extend_relationships(slot, found.iter().take(count).map(|adjacent| adjacent.relationship));
        }
        if let Some(slot) = self.node {
            out.extend_nodes(slot, found.iter().take(count).map(|adjacent| adjacent.neighbour));
        }
        self.place += count;
        Ok(count)
    }
}
