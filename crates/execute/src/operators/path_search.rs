//! Shortest paths between two nodes, breadth first from both ends.
//!
//! INVARIANT: after each level every node within the depth of a side is in its table, so the first level on which the sides meet
//! holds every shortest path, and each passes through exactly one of the nodes found on it.

use bastide_model::{Adjacent, Direction, NodeId, RelationshipId};
use bastide_status::Status;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::Run;
use crate::limits::Reserved;

/// Bytes that one met node takes, by estimate.
const BYTES_A_NODE: usize = 64;
/// Nodes looked at between two looks at the clock.
const NODES_BETWEEN_CHECKS: usize = 256;

/// A step of a found path: the relationship, and the node it leads to.
pub(super) type Step = (RelationshipId, NodeId);

/// What a search asks while it goes.
pub(super) trait Steps {
    /// The relationships of a node that may be walked.
    fn expand(
        &mut self,
        run: &Run<'_>,
        node: NodeId,
        direction: Direction,
        found: &mut Vec<Adjacent>,
    ) -> Result<(), Status>;
}

/// What is asked for.
pub(super) struct Question {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) direction: Direction,
    pub(super) max: u64,
    /// Every shortest path, and not just one.
    pub(super) all: bool,
}

struct Met {
    depth: u64,
    parents: SmallVec<[(RelationshipId, NodeId); 1]>,
}

struct Side {
    met: FxHashMap<NodeId, Met>,
    frontier: Vec<NodeId>,
    depth: u64,
    direction: Direction,
}

impl Side {
    fn new(node: NodeId, direction: Direction) -> Self {
        let mut met = FxHashMap::default();
        let start = Met {
            depth: 0,
            parents: SmallVec::new(),
        };
        met.insert(node, start);
        Self {
            met,
            frontier: vec![node],
            depth: 0,
            direction,
        }
    }

    /// Goes one level further.
    fn advance(
        &mut self,
        run: &Run<'_>,
        steps: &mut dyn Steps,
        all: bool,
        memory: &mut Reserved,
    ) -> Result<(), Status> {
        self.depth += 1;
        let frontier = std::mem::take(&mut self.frontier);
        let mut found = Vec::new();
        for (place, node) in frontier.into_iter().enumerate() {
            if place.is_multiple_of(NODES_BETWEEN_CHECKS) {
                run.check()?;
            }
            found.clear();
            steps.expand(run, node, self.direction, &mut found)?;
            for adjacent in &found {
                self.meet(run, node, *adjacent, all, memory)?;
            }
        }
        Ok(())
    }

    fn meet(
        &mut self,
        run: &Run<'_>,
        from: NodeId,
        adjacent: Adjacent,
        all: bool,
        memory: &mut Reserved,
    ) -> Result<(), Status> {
        let parent = (adjacent.relationship, from);
        match self.met.get_mut(&adjacent.neighbour) {
            None => {
                memory.take(&run.shared.memory, BYTES_A_NODE)?;
                let met = Met {
                    depth: self.depth,
                    parents: SmallVec::from_elem(parent, 1),
                };
                self.met.insert(adjacent.neighbour, met);
                self.frontier.push(adjacent.neighbour);
            }
            Some(met) if all && met.depth == self.depth => {
                memory.take(&run.shared.memory, size_of_val(&parent))?;
                met.parents.push(parent);
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Ways from `node` back to where this side began, each as parents in that order.
    fn ways(&self, run: &Run<'_>, node: NodeId, all: bool, memory: &mut Reserved) -> Result<Vec<Vec<Step>>, Status> {
        let mut done = Vec::new();
        let mut open: Vec<Vec<Step>> = vec![Vec::new()];
        while let Some(way) = open.pop() {
            let last = way.last().map_or(node, |(_, node)| *node);
            let parents = self
                .met
                .get(&last)
                .map(|met| met.parents.as_slice())
                .unwrap_or_default();
            if parents.is_empty() {
                done.push(way);
                if !all {
                    break;
                }
                continue;
            }
            run.check()?;
            for parent in parents {
                memory.take(&run.shared.memory, (way.len() + 1) * size_of::<Step>())?;
                let mut longer = Vec::with_capacity(way.len() + 1);
                longer.extend_from_slice(&way);
                longer.push(*parent);
                open.push(longer);
            }
        }
        Ok(done)
    }
}

/// The shortest paths, none if there is no path within the length asked for. The ends differ.
pub(super) fn shortest_paths(
    run: &Run<'_>,
    question: &Question,
    steps: &mut dyn Steps,
    memory: &mut Reserved,
) -> Result<Vec<Vec<Step>>, Status> {
    let mut near = Side::new(question.from, question.direction);
    let mut far = Side::new(question.to, question.direction.reversed());
    loop {
        if near.frontier.is_empty() || far.frontier.is_empty() || near.depth + far.depth >= question.max {
            return Ok(Vec::new());
        }
        let goes_near = near.frontier.len() <= far.frontier.len();
        let (moving, other) = if goes_near {
            (&mut near, &far)
        } else {
            (&mut far, &near)
        };
        moving.advance(run, steps, question.all, memory)?;
        let mut meetings: Vec<NodeId> = moving
            .frontier
            .iter()
            .filter(|node| other.met.contains_key(node))
            .copied()
            .collect();
        if meetings.is_empty() {
            continue;
        }
        if !question.all {
            meetings.truncate(1);
        }
        return joined(run, question, &near, &far, &meetings, memory);
    }
}

fn joined(
    run: &Run<'_>,
    question: &Question,
    near: &Side,
    far: &Side,
    meetings: &[NodeId],
    memory: &mut Reserved,
) -> Result<Vec<Vec<Step>>, Status> {
    let mut paths = Vec::new();
    for meeting in meetings {
        let heads = near.ways(run, *meeting, question.all, memory)?;
        let tails = far.ways(run, *meeting, question.all, memory)?;
        for head in &heads {
            for tail in &tails {
                memory.take(&run.shared.memory, (head.len() + tail.len()) * size_of::<Step>())?;
                run.check()?;
                let mut path = forward(head, *meeting);
                path.extend_from_slice(tail);
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

/// A way back, as parents, turned into steps towards `end`.
fn forward(way: &[Step], end: NodeId) -> Vec<Step> {
    let mut path = Vec::with_capacity(way.len());
    let mut node = end;
    for (relationship, parent) in way {
        path.push((*relationship, node));
        node = *parent;
    }
    path.reverse();
    path
}
