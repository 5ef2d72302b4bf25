//! Searches for shortest paths, with the conditions that hold for the path taken into the search.

use super::graph::{Conjunct, GraphRelationship, Shortest, all_of};
use super::leaf::is_slot;
use super::solve::Solver;
use crate::expression::{Expression, Quantifier, Slot};
use crate::operator::OperatorKind;
use crate::walk::SlotSet;

impl Solver<'_, '_> {
    /// Both ends are known.
    pub(super) fn search_shortest(&mut self, relationship: GraphRelationship) {
        let Some(Shortest { all, path }) = relationship.shortest else {
            return;
        };
        let mut reachable: SlotSet = self.available.clone();
        reachable.insert(relationship.slot);
        reachable.extend(path);
        let (mut of_path, mut kept) = (Vec::new(), Vec::new());
        for conjunct in std::mem::take(&mut self.graph.conjuncts) {
            if conjunct.slots.is_subset(&reachable) {
                of_path.push(conjunct);
            } else {
                kept.push(conjunct);
            }
        }
        self.graph.conjuncts = kept;
        let mut relationship_filter = relationship.filter;
        let mut node_filter = None;
        let mut path_filter = Vec::new();
        for conjunct in of_path {
            place(
                conjunct,
                path,
                relationship.slot,
                &mut relationship_filter,
                &mut node_filter,
                &mut path_filter,
            );
        }
        let types = self.planner.relationship_types(&relationship.types);
        let (min, max) = relationship.length.unwrap_or((1, None));
        self.available = reachable;
        let rows = self.operator.estimated_rows;
        self.push(rows, |input| OperatorKind::ShortestPath {
            input,
            from: relationship.from,
            relationships: relationship.slot,
            to: relationship.to,
            direction: relationship.direction,
            types,
            min,
            max,
            all,
            path,
            relationship_filter,
            node_filter,
            path_filter: (!path_filter.is_empty()).then(|| all_of(path_filter)),
        });
    }
}

type PartFilter = Option<(Slot, Expression)>;

/// Puts a condition where it can stop the search earliest.
fn place(
    conjunct: Conjunct,
    path: Option<Slot>,
    relationships: Slot,
    relationship_filter: &mut PartFilter,
    node_filter: &mut PartFilter,
    path_filter: &mut Vec<Expression>,
) {
    if let Expression::Quantifier {
        kind: kind @ (Quantifier::All | Quantifier::None),
        slot,
        list,
        predicate,
    } = &conjunct.expression
    {
        let of_each = || match kind {
            // A condition that is neither true nor false refuses the path in both cases.
            Quantifier::None => Expression::Not(predicate.clone()),
            _ => (**predicate).clone(),
        };
        let reads_path = conjunct_reads(predicate, path, relationships);
        match part_of(list, path, relationships) {
            Some(Part::Relationships) if relationship_filter.is_none() && !reads_path => {
                *relationship_filter = Some((*slot, of_each()));
                return;
            }
            Some(Part::Nodes) if node_filter.is_none() && !reads_path => {
                *node_filter = Some((*slot, of_each()));
                return;
            }
            _ => {}
        }
    }
    path_filter.push(conjunct.expression);
}

enum Part {
    Nodes,
    Relationships,
}

fn part_of(list: &Expression, path: Option<Slot>, relationships: Slot) -> Option<Part> {
    if is_slot(list, relationships) {
        return Some(Part::Relationships);
    }
    match list {
        Expression::Function { name, arguments, .. } => match (name.as_ref(), arguments.as_slice()) {
            ("nodes", [Expression::Slot(slot)]) if Some(*slot) == path => Some(Part::Nodes),
            ("relationships", [Expression::Slot(slot)]) if Some(*slot) == path => Some(Part::Relationships),
            _ => None,
        },
        _ => None,
    }
}

fn conjunct_reads(predicate: &Expression, path: Option<Slot>, relationships: Slot) -> bool {
    let reads = crate::walk::free_slots(predicate);
    reads.contains(&relationships) || path.is_some_and(|path| reads.contains(&path))
}
