//! The relationships of one node.
//!
//! Few are one block, so that an expand step is one memory access away from the node and copies one slice; many are
//! grouped by direction and type, each group an ordered tree by relationship id, so that adding one to a million copies
//! one leaf. INVARIANT: a loop is there twice, outgoing and incoming. Must not know labels, properties or other nodes.

mod few;

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use bastide_model::{Adjacent, Direction, NodeId, RelationshipId, RelationshipTypeId};

use crate::persistent::{Entry, OrderedTree};
use few::{FEW_MAX, Few};

/// The relationships of one node.
#[derive(Clone, Debug, Default)]
pub(crate) enum Adjacency {
    /// None at all.
    #[default]
    None,
    /// Up to [`FEW_MAX`]; never without any.
    Few(Arc<Few>),
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

/// Whether a group of one direction and type is asked for; no `types` stand for all.
fn is_wanted(
    (incoming, relationship_type): (bool, RelationshipTypeId),
    direction: Direction,
    types: &[RelationshipTypeId],
) -> bool {
    let meets = match direction {
        Direction::Outgoing => !incoming,
        Direction::Incoming => incoming,
        Direction::Both => true,
    };
    meets && (types.is_empty() || types.contains(&relationship_type))
}

impl Adjacency {
    /// Adds one side of a relationship to the node `own`.
    pub(crate) fn insert(&mut self, own: NodeId, incident: Incident) {
        match self {
            Self::None => *self = Self::Few(Few::of(own, incident)),
            Self::Few(few) if few.len() < FEW_MAX => Few::insert(few, own, incident),
            Self::Few(few) => {
                let mut runs = Vec::new();
                few.incidents()
                    .chain([incident])
                    .for_each(|each| insert_in_runs(&mut runs, own, each));
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
        let key = (incoming, relationship_type);
        match self {
            Self::None => {}
            Self::Few(few) => {
                Few::remove(few, own, relationship, key);
                if few.len() == 0 {
                    *self = Self::None;
                }
            }
            Self::Many(runs) => {
                let runs = Arc::make_mut(runs);
                if let Ok(place) = runs.binary_search_by_key(&key, Run::key)
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
        match self {
            Self::None => {}
            Self::Few(few) => few.expand(own, direction, types, found),
            Self::Many(runs) => {
                for run in runs.iter().filter(|run| is_wanted(run.key(), direction, types)) {
                    let skip_loops = direction == Direction::Both && run.incoming && run.loops > 0;
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
        match self {
            Self::None => 0,
            Self::Few(few) => few.degree(own, direction, types),
            Self::Many(runs) => runs
                .iter()
                .filter(|run| is_wanted(run.key(), direction, types))
                .map(|run| {
                    let skip_loops = direction == Direction::Both && run.incoming;
                    run.entries.len() - if skip_loops { run.loops } else { 0 }
                })
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
