//! The relationships of one node.
//!
//! Few are one slice in any order, so that an expand step is one memory access away from the node; many are grouped by
//! direction and type, each group an ordered tree by relationship id, so that adding one to a million copies one leaf.
//! INVARIANT: a loop is there twice, outgoing and incoming. Must not know labels, properties or other nodes.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use bastide_model::{Adjacent, Direction, NodeId, RelationshipId, RelationshipTypeId};

use crate::persistent::{Entry, OrderedTree};

/// Up to this many are one slice.
const FEW_MAX: usize = 24;

/// The relationships of one node.
#[derive(Clone, Debug, Default)]
pub(crate) enum Adjacency {
    /// None at all.
    #[default]
    None,
    /// Up to [`FEW_MAX`], outgoing ones first.
    Few(Arc<[Incident]>),
    /// More, ascending by direction and type; never without any.
    Many(Arc<Vec<Run>>),
}

/// One relationship as met from its node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incident {
    pub(crate) adjacent: Adjacent,
    pub(crate) relationship_type: RelationshipTypeId,
    pub(crate) incoming: bool,
}

/// The relationships of one direction and type.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    relationship_type: RelationshipTypeId,
    incoming: bool,
    /// How many of them are loops.
    loops: u64,
    entries: OrderedTree<Adjacent>,
}

impl Entry for Adjacent {
    const LEAF_ENTRIES_MAX: usize = 256;

    fn order(&self, other: &Self) -> Ordering {
        self.relationship.cmp(&other.relationship)
    }
}

/// Whether a direction meets incoming (or else outgoing) relationships.
fn meets(direction: Direction, incoming: bool) -> bool {
    match direction {
        Direction::Outgoing => !incoming,
        Direction::Incoming => incoming,
        Direction::Both => true,
    }
}

impl Adjacency {
    /// Adds one side of a relationship to the node `own`.
    pub(crate) fn insert(&mut self, own: NodeId, incident: Incident) {
        match self {
            Self::None => *self = Self::Few(Arc::from([incident])),
            Self::Few(few) if few.len() < FEW_MAX => {
                // Outgoing first: an expand in one direction then touches one end only.
                let place = if incident.incoming { few.len() } else { 0 };
                let (before, after) = few.split_at_checked(place).unwrap_or((few, &[]));
                *few = before
                    .iter()
                    .copied()
                    .chain([incident])
                    .chain(after.iter().copied())
                    .collect();
            }
            Self::Few(few) => {
                let mut runs = Vec::new();
                few.iter()
                    .chain([&incident])
                    .for_each(|each| insert_in_runs(&mut runs, own, *each));
                *self = Self::Many(Arc::new(runs));
            }
            Self::Many(runs) => insert_in_runs(Arc::make_mut(runs), own, incident),
        }
    }

    /// Takes out one side of a relationship.
    pub(crate) fn remove(
        &mut self,
        own: NodeId,
        relationship: RelationshipId,
        relationship_type: RelationshipTypeId,
        incoming: bool,
    ) {
        match self {
            Self::None => {}
            Self::Few(few) => {
                let is_other =
                    |each: &&Incident| each.adjacent.relationship != relationship || each.incoming != incoming;
                let rest: Arc<[Incident]> = few.iter().filter(is_other).copied().collect();
                *self = if rest.is_empty() { Self::None } else { Self::Few(rest) };
            }
            Self::Many(runs) => {
                let runs = Arc::make_mut(runs);
                if let Ok(place) = runs.binary_search_by_key(&(incoming, relationship_type), Run::key)
                    && let Some(run) = runs.get_mut(place)
                {
                    let removed = run.entries.remove(&|entry| entry.relationship.cmp(&relationship));
                    run.loops -= u64::from(removed.is_some_and(|entry| entry.neighbour == own));
                    if run.entries.is_empty() {
                        runs.remove(place);
                    }
                }
                if runs.is_empty() {
                    *self = Self::None;
                }
            }
        }
    }

    /// Adds the relationships in a direction to `found`; no `types` stand for all.
    #[inline]
    pub(crate) fn expand(
        &self,
        own: NodeId,
        direction: Direction,
        types: &[RelationshipTypeId],
        found: &mut Vec<Adjacent>,
    ) {
        let both = direction == Direction::Both;
        match self {
            Self::None => {}
            Self::Few(few) => {
                let is_of_type = |each: &&Incident| types.is_empty() || types.contains(&each.relationship_type);
                if direction != Direction::Incoming {
                    let outgoing = few.iter().take_while(|each| !each.incoming).filter(is_of_type);
                    found.extend(outgoing.map(|each| each.adjacent));
                }
                if direction != Direction::Outgoing {
                    let incoming = few.iter().rev().take_while(|each| each.incoming).filter(is_of_type);
                    let wanted = incoming.filter(|each| !both || each.adjacent.neighbour != own);
                    found.extend(wanted.map(|each| each.adjacent));
                }
            }
            Self::Many(runs) => {
                for run in runs.iter().filter(|run| run.is_wanted(direction, types)) {
                    let skip_loops = both && run.incoming && run.loops > 0;
                    run.entries.visit(&mut |entries| {
                        if skip_loops {
                            found.extend(entries.iter().filter(|entry| entry.neighbour != own));
                        } else {
                            found.extend_from_slice(entries);
                        }
                    });
                }
            }
        }
    }

    /// How many [`Adjacency::expand`] finds.
    pub(crate) fn degree(&self, own: NodeId, direction: Direction, types: &[RelationshipTypeId]) -> u64 {
        let both = direction == Direction::Both;
        match self {
            Self::None => 0,
            Self::Few(_) => {
                let mut found = Vec::with_capacity(FEW_MAX);
                self.expand(own, direction, types, &mut found);
                found.len() as u64
            }
            Self::Many(runs) => runs
                .iter()
                .filter(|run| run.is_wanted(direction, types))
                .map(|run| run.entries.len() - if both && run.incoming { run.loops } else { 0 })
                .sum(),
        }
    }

    /// How many relationships the node has, a loop counted once.
    pub(crate) fn len(&self, own: NodeId) -> u64 {
        self.degree(own, Direction::Both, &[])
    }

    /// The group of a hub, to see in tests what a change copies.
    #[cfg(test)]
    pub(crate) fn largest_run(&self) -> Option<&OrderedTree<Adjacent>> {
        match self {
            Self::Many(runs) => runs.iter().map(|run| &run.entries).max_by_key(|entries| entries.len()),
            _ => None,
        }
    }
}

impl Run {
    fn key(&self) -> (bool, RelationshipTypeId) {
        (self.incoming, self.relationship_type)
    }

    fn is_wanted(&self, direction: Direction, types: &[RelationshipTypeId]) -> bool {
        meets(direction, self.incoming) && (types.is_empty() || types.contains(&self.relationship_type))
    }
}

fn insert_in_runs(runs: &mut Vec<Run>, own: NodeId, incident: Incident) {
    let key = (incident.incoming, incident.relationship_type);
    let place = match runs.binary_search_by_key(&key, Run::key) {
        Ok(place) => place,
        Err(place) => {
            let run = Run {
                relationship_type: incident.relationship_type,
                incoming: incident.incoming,
                loops: 0,
                entries: OrderedTree::default(),
            };
            runs.insert(place, run);
            place
        }
    };
    if let Some(run) = runs.get_mut(place)
        && run.entries.insert(incident.adjacent)
    {
        run.loops += u64::from(incident.adjacent.neighbour == own);
    }
}

/// Says, for callers that only look, that a visit goes on.
pub(crate) const GO_ON: ControlFlow<()> = ControlFlow::Continue(());
