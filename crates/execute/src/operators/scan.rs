//! Scans: every node, every node with a label, every relationship; and counts, which read no entity.

use std::collections::VecDeque;

use bastide_model::{Direction, NodeId, RelationshipId, RelationshipTypeId, Value};
use bastide_plan::expression::Slot;
use bastide_status::Status;

use super::entity::failed;
use super::flat_map::RowSource;
use super::tokens::{LabelLookup, TypeFilter};
use super::{Run, Shared};
use crate::batch::{BATCH_ROWS, Batch, BatchRow};
use crate::evaluate::RowView;

/// Every node, or every node with a label.
pub(super) struct NodeScan {
    pub(super) label: Option<LabelLookup>,
    /// Where nodes go, if anything reads them.
    pub(super) node: Option<Slot>,
    found: Vec<NodeId>,
    place: usize,
    /// Where the next look begins, `None` at the end.
    next: Option<NodeId>,
}

impl NodeScan {
    pub(super) fn new(label: Option<LabelLookup>, node: Option<Slot>) -> Self {
        Self {
            label,
            node,
            found: Vec::new(),
            place: 0,
            next: None,
        }
    }

    fn look(&mut self, run: &Run<'_>, limit: usize) -> Result<(), Status> {
        self.found.clear();
        self.place = 0;
        let Some(from) = self.next else { return Ok(()) };
        let graph = run.graph();
        let limit = limit.min(BATCH_ROWS);
        match &mut self.label {
            None => graph.scan_nodes(from, limit, &mut self.found).map_err(failed)?,
            Some(label) => {
                if let Some(label) = label.resolve(graph) {
                    graph.scan_label(label, from, limit, &mut self.found).map_err(failed)?;
                }
            }
        }
        let is_last = self.found.len() < limit;
        self.next = self
            .found
            .last()
            .filter(|_| !is_last)
            .map(|last| NodeId(last.0.saturating_add(1)));
        Ok(())
    }
}

impl RowSource for NodeScan {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {
        self.next = None;
        self.found.clear();
        self.place = 0;
        if let Some(label) = &mut self.label {
            label.reset();
        }
    }

    fn start(&mut self, _run: &mut Run<'_>, _row: BatchRow<'_>) -> Result<(), Status> {
        self.next = Some(NodeId(0));
        self.found.clear();
        self.place = 0;
        Ok(())
    }

    fn fill(&mut self, run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        if self.place >= self.found.len() {
            run.check()?;
            self.look(run, limit)?;
        }
        let found = self.found.get(self.place..).unwrap_or_default();
        let count = found.len().min(limit);
        if let Some(slot) = self.node {
            out.extend_nodes(slot, found.iter().take(count).copied());
        }
        self.place += count;
        Ok(count)
    }
}

/// Slots of a relationship and its ends, where anything reads them.
#[derive(Clone, Copy, Debug)]
pub(super) struct RelationshipSlots {
    pub(super) relationship: Option<Slot>,
    pub(super) start: Option<Slot>,
    pub(super) end: Option<Slot>,
}

impl RelationshipSlots {
    pub(super) fn push(&self, out: &mut Batch, relationship: RelationshipId, start: NodeId, end: NodeId) {
        if let Some(slot) = self.relationship {
            out.extend_relationships(slot, std::iter::once(relationship));
        }
        if let Some(slot) = self.start {
            out.extend_nodes(slot, std::iter::once(start));
        }
        if let Some(slot) = self.end {
            out.extend_nodes(slot, std::iter::once(end));
        }
    }
}

/// Every relationship of some types.
pub(super) struct RelationshipScan {
    pub(super) types: TypeFilter,
    pub(super) slots: RelationshipSlots,
    pub(super) direction: Direction,
    /// Types still to scan, `None` for all at once.
    pending: VecDeque<Option<RelationshipTypeId>>,
    next: RelationshipId,
    found: Vec<RelationshipId>,
    place: usize,
    /// The same relationship the other way round.
    turned: Option<(RelationshipId, NodeId, NodeId)>,
}

impl RelationshipScan {
    pub(super) fn new(types: TypeFilter, slots: RelationshipSlots, direction: Direction) -> Self {
        Self {
            types,
            slots,
            direction,
            pending: VecDeque::new(),
            next: RelationshipId(0),
            found: Vec::new(),
            place: 0,
            turned: None,
        }
    }

    /// Finds more; false at the end.
    fn look(&mut self, run: &Run<'_>) -> Result<bool, Status> {
        self.found.clear();
        self.place = 0;
        while let Some(relationship_type) = self.pending.front() {
            run.check()?;
            run.graph()
                .scan_relationships(*relationship_type, self.next, BATCH_ROWS, &mut self.found)
                .map_err(failed)?;
            if self.found.len() < BATCH_ROWS {
                self.pending.pop_front();
                self.next = RelationshipId(0);
            } else if let Some(last) = self.found.last() {
                self.next = RelationshipId(last.0.saturating_add(1));
            }
            if !self.found.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn emit(&mut self, run: &Run<'_>, id: RelationshipId, out: &mut Batch) -> Result<bool, Status> {
        let Some(record) = run.graph().relationship(id).map_err(failed)? else {
            return Ok(false);
        };
        let (start, end) = match self.direction {
            Direction::Incoming => (record.end, record.start),
            Direction::Outgoing | Direction::Both => (record.start, record.end),
        };
        self.slots.push(out, id, start, end);
        // A loop is met once, as when it is expanded.
        if self.direction == Direction::Both && start != end {
            self.turned = Some((id, end, start));
        }
        Ok(true)
    }
}

impl RowSource for RelationshipScan {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {
        self.types.reset();
        self.pending.clear();
        self.found.clear();
        self.place = 0;
        self.turned = None;
    }

    fn start(&mut self, run: &mut Run<'_>, _row: BatchRow<'_>) -> Result<(), Status> {
        self.pending.clear();
        self.next = RelationshipId(0);
        self.found.clear();
        self.place = 0;
        self.turned = None;
        match self.types.resolve(run.graph()) {
            None => {}
            Some([]) => self.pending.push_back(None),
            Some(ids) => self.pending.extend(ids.iter().map(|id| Some(*id))),
        }
        Ok(())
    }

    fn fill(&mut self, run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let mut count = 0;
        while count < limit {
            if let Some((id, start, end)) = self.turned.take() {
                self.slots.push(out, id, start, end);
                count += 1;
                continue;
            }
            let Some(id) = self.found.get(self.place).copied() else {
                if count > 0 || !self.look(run)? {
                    break;
                }
                continue;
            };
            self.place += 1;
            if self.emit(run, id, out)? {
                count += 1;
            }
        }
        Ok(count)
    }
}

/// What a count counts.
pub(super) enum Counted {
    /// Nodes, of a label.
    Nodes(Option<LabelLookup>),
    /// Relationships, of types.
    Relationships(TypeFilter),
}

/// One row with a count.
pub(super) struct EntityCount {
    pub(super) counted: Counted,
    pub(super) slot: Slot,
    done: bool,
}

impl EntityCount {
    pub(super) fn new(counted: Counted, slot: Slot) -> Self {
        Self {
            counted,
            slot,
            done: false,
        }
    }

    fn count(&mut self, run: &Run<'_>) -> Result<u64, Status> {
        let graph = run.graph();
        match &mut self.counted {
            Counted::Nodes(None) => graph.node_count(None).map_err(failed),
            Counted::Nodes(Some(label)) => match label.resolve(graph) {
                Some(label) => graph.node_count(Some(label)).map_err(failed),
                None => Ok(0),
            },
            Counted::Relationships(types) => match types.resolve(graph) {
                None => Ok(0),
                Some([]) => graph.relationship_count(None).map_err(failed),
                Some(ids) => ids.iter().try_fold(0u64, |sum, id| {
                    let count = graph.relationship_count(Some(*id)).map_err(failed)?;
                    Ok(sum.saturating_add(count))
                }),
            },
        }
    }
}

impl RowSource for EntityCount {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {
        match &mut self.counted {
            Counted::Nodes(label) => label.iter_mut().for_each(LabelLookup::reset),
            Counted::Relationships(types) => types.reset(),
        }
    }

    fn start(&mut self, _run: &mut Run<'_>, _row: BatchRow<'_>) -> Result<(), Status> {
        self.done = false;
        Ok(())
    }

    fn fill(&mut self, run: &mut Run<'_>, _row: BatchRow<'_>, _limit: usize, out: &mut Batch) -> Result<usize, Status> {
        if self.done {
            return Ok(0);
        }
        self.done = true;
        let count = self.count(run)?;
        out.push(self.slot, Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)));
        Ok(1)
    }
}
