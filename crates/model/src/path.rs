//! A path: nodes joined by relationships, each with the way it was walked.

use crate::{NodeId, RelationshipId};

/// One step of a [`Path`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PathStep {
    /// The relationship that was walked.
    pub relationship: RelationshipId,
    /// Whether it was walked from its start to its end.
    pub forward: bool,
    /// The node it led to.
    pub node: NodeId,
}

/// A path through the graph: a first node and any number of steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Where the path begins.
    pub start: NodeId,
    /// The steps in order.
    pub steps: Vec<PathStep>,
}

impl Path {
    /// The path that is just `start`.
    pub fn single(start: NodeId) -> Self {
        Self {
            start,
            steps: Vec::new(),
        }
    }

    /// The number of relationships.
    pub fn length(&self) -> usize {
        self.steps.len()
    }

    /// The node at the far end.
    pub fn end(&self) -> NodeId {
        self.steps.last().map_or(self.start, |step| step.node)
    }

    /// All nodes in order, one more than there are relationships.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        std::iter::once(self.start).chain(self.steps.iter().map(|step| step.node))
    }

    /// All relationships in order.
    pub fn relationships(&self) -> impl Iterator<Item = RelationshipId> {
        self.steps.iter().map(|step| step.relationship)
    }
}
