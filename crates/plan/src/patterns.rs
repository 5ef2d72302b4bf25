//! `MATCH` and every other pattern that is looked for: from the written pattern to operators.
//!
//! First the pattern becomes a graph of slots and a flat list of conditions (`graph`), then operators are put one on the other,
//! the cheapest first (`solve`), each beginning with the best way to find a first node (`leaf`).

use bastide_cypher::ast::{self, PathPattern};

use crate::fault::Result;
use crate::operator::Operator;
use crate::planner::Planner;
use crate::scope::Scope;
use crate::walk::SlotSet;

mod cardinality;
mod expand;
mod graph;
mod leaf;
mod shortest;
mod solve;

/// Whether a pattern may introduce names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewNames {
    /// As in `MATCH`.
    Allow,
    /// As in a pattern predicate.
    Refuse,
    /// As in `shortestPath` as a value: its nodes are known, its relationship may have a name.
    OnlyInner,
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(crate) struct MatchParts<'p> {
    pub(crate) patterns: &'p [PathPattern],
    pub(crate) predicate: Option<&'p ast::Expression>,
    pub(crate) new_names: NewNames,
}

impl Planner<'_> {
    /// Puts the search for a pattern on `input` and its names into `scope`.
    pub(crate) fn plan_match(&mut self, input: Operator, scope: &mut Scope, parts: MatchParts<'_>) -> Result<Operator> {
        let available: SlotSet = scope.slots().collect();
        let graph = self.pattern_graph(scope, parts)?;
        self.remember_names(scope);
        Ok(solve::Solver::new(self, graph, available, input).solve())
    }
}
