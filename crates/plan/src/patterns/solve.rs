//! Putting operators one on the other until the whole pattern is found, the cheapest first.

use super::cardinality;
use super::graph::{Conjunct, GraphRelationship, PatternGraph, all_of};
use super::leaf::{Leaf, LeafForm, best_leaf};
use crate::expression::{Comparison, Expression, Slot};
use crate::operator::{Operator, OperatorKind};
use crate::planner::Planner;
use crate::walk::{SlotSet, free_slots, holds_subquery};

/// With at most this many rows a disconnected part is looked for once a row, instead of being kept in memory.
const NESTED_ROWS_MAX: f64 = 1.0;

pub(super) struct Solver<'s, 'a> {
    pub(super) planner: &'s mut Planner<'a>,
    pub(super) graph: PatternGraph,
    /// Slots that have a value by now.
    pub(super) available: SlotSet,
    pub(super) operator: Operator,
    /// Whether a part of this pattern has been found already.
    started: bool,
}

impl<'s, 'a> Solver<'s, 'a> {
    pub(super) fn new(
        planner: &'s mut Planner<'a>,
        graph: PatternGraph,
        available: SlotSet,
        operator: Operator,
    ) -> Self {
        Self {
            planner,
            graph,
            available,
            operator,
            started: false,
        }
    }

    pub(super) fn solve(mut self) -> Operator {
        loop {
            self.place_ready();
            if let Some(place) = self.cheapest_expansion() {
                let relationship = self.graph.relationships.swap_remove(place);
                self.follow(relationship);
                continue;
            }
            if !self.start() {
                break;
            }
        }
        // Whatever is left reads nothing that a pattern brings.
        self.available
            .extend(self.graph.conjuncts.iter().flat_map(|conjunct| conjunct.slots.clone()));
        self.place_ready();
        self.operator
    }

    pub(super) fn push(&mut self, rows: f64, make: impl FnOnce(Box<Operator>) -> OperatorKind) {
        let placeholder = self.planner.argument(0.0);
        let input = std::mem::replace(&mut self.operator, placeholder);
        self.operator = self.planner.operator(make(Box::new(input)), rows);
    }

    pub(super) fn filter(&mut self, conditions: Vec<Expression>) {
        if conditions.is_empty() {
            return;
        }
        let predicate = all_of(conditions);
        let part = cardinality::selectivity(self.planner.context, &predicate);
        let rows = self.operator.estimated_rows * part;
        self.push(rows, |input| OperatorKind::Filter { input, predicate });
    }

    /// Makes the paths and asks the conditions whose slots all have values. Subqueries are asked last.
    fn place_ready(&mut self) {
        loop {
            let ready = take_ready(&mut self.graph.conjuncts, &self.available);
            let (dear, cheap): (Vec<_>, Vec<_>) = ready.into_iter().partition(holds_subquery);
            self.filter(cheap.into_iter().chain(dear).collect());
            let paths = std::mem::take(&mut self.graph.paths);
            let slots = std::mem::take(&mut self.graph.path_slots);
            let mut made = Vec::new();
            for (path, slot) in paths.into_iter().zip(slots) {
                if path.slots.is_subset(&self.available) {
                    made.push((slot, path.expression));
                } else {
                    self.graph.paths.push(path);
                    self.graph.path_slots.push(slot);
                }
            }
            if made.is_empty() {
                return;
            }
            self.available.extend(made.iter().map(|(slot, _)| *slot));
            let rows = self.operator.estimated_rows;
            self.push(rows, |input| OperatorKind::Project { input, items: made });
        }
    }

    /// The relationship that makes the fewest rows of those that can be followed now.
    fn cheapest_expansion(&self) -> Option<usize> {
        let context = self.planner.context;
        let mut best: Option<(f64, usize)> = None;
        for (place, relationship) in self.graph.relationships.iter().enumerate() {
            let from = self.available.contains(&relationship.from);
            let to = self.available.contains(&relationship.to);
            let cost = if relationship.bound {
                0.0
            } else if from && to {
                let into = cardinality::fan_out(context, relationship, None, &self.graph.conjuncts);
                if relationship.shortest.is_some() {
                    into + 1.0
                } else {
                    into
                }
            } else if (from || to) && relationship.shortest.is_none() {
                let reached = if from { relationship.to } else { relationship.from };
                cardinality::fan_out(context, relationship, Some(reached), &self.graph.conjuncts)
            } else {
                continue;
            };
            if best.is_none_or(|(known, _)| cost < known) {
                best = Some((cost, place));
            }
        }
        best.map(|(_, place)| place)
    }

    /// Begins with a part that nothing found so far leads to. Answers whether there was one.
    fn start(&mut self) -> bool {
        let leaves: Vec<Leaf> = self
            .graph
            .nodes
            .iter()
            .filter(|node| !self.available.contains(node))
            .map(|node| best_leaf(self.planner, *node, &self.graph.conjuncts, &self.available))
            .collect();
        let best = leaves
            .into_iter()
            .reduce(|best, leaf| if leaf.rows < best.rows { leaf } else { best });
        let Some(leaf) = best else { return false };
        let lonely = matches!(self.operator.kind, OperatorKind::Argument);
        if lonely || leaf.reads_row || self.operator.estimated_rows <= NESTED_ROWS_MAX {
            self.start_here(leaf);
            return true;
        }
        let component = self.component(leaf.node);
        if component.iter().any(|slot| self.available.contains(slot)) || self.reads_row_below(&component) {
            self.start_here(leaf);
            return true;
        }
        self.join(&component);
        true
    }

    fn start_here(&mut self, leaf: Leaf) {
        self.started = true;
        if let Some(place) = self.better_relationship(&leaf) {
            let relationship = self.graph.relationships.swap_remove(place);
            self.scan_relationships(relationship);
            return;
        }
        self.available.insert(leaf.node);
        let mut consumed = leaf.consumed.clone();
        consumed.sort_unstable();
        for place in consumed.into_iter().rev() {
            self.graph.conjuncts.remove(place);
        }
        let placeholder = self.planner.argument(0.0);
        let input = std::mem::replace(&mut self.operator, placeholder);
        self.operator = leaf.place(self.planner, input);
    }

    /// A relationship that is asked for by id, or whose scan finds fewer rows than the best node scan.
    fn better_relationship(&self, leaf: &Leaf) -> Option<usize> {
        let context = self.planner.context;
        let is_open = |node: Slot| {
            !self.available.contains(&node)
                && matches!(
                    best_leaf(self.planner, node, &self.graph.conjuncts, &self.available).form,
                    LeafForm::All
                )
        };
        self.graph
            .relationships
            .iter()
            .enumerate()
            .find_map(|(place, relationship)| {
                if self.can_seek(relationship) && self.relationship_ids(relationship).is_some() {
                    return Some(place);
                }
                if !self.can_scan(relationship) {
                    return None;
                }
                let count = cardinality::type_count(context, &relationship.types);
                let both_open =
                    matches!(leaf.form, LeafForm::All) && is_open(relationship.from) && is_open(relationship.to);
                (both_open || count < leaf.rows).then_some(place)
            })
    }

    /// The slots of everything connected with a node and not found yet.
    fn component(&self, node: Slot) -> SlotSet {
        let mut slots = SlotSet::from([node]);
        loop {
            let before = slots.len();
            for relationship in &self.graph.relationships {
                if slots.contains(&relationship.from) || slots.contains(&relationship.to) {
                    slots.extend([relationship.from, relationship.to, relationship.slot]);
                    slots.extend(relationship.shortest.and_then(|shortest| shortest.path));
                }
            }
            if slots.len() == before {
                return slots;
            }
        }
    }

    /// Whether filters within the component's relationships read the row.
    fn reads_row_below(&self, component: &SlotSet) -> bool {
        self.graph
            .relationships
            .iter()
            .filter(|relationship| component.contains(&relationship.slot))
            .any(|relationship| match &relationship.filter {
                None => false,
                Some((subject, filter)) => free_slots(filter)
                    .iter()
                    .any(|slot| slot != subject && !component.contains(slot)),
            })
    }

    /// Plans a disconnected part by itself and joins it, by equal values if there are any to join by.
    fn join(&mut self, component: &SlotSet) {
        let mut inner = PatternGraph {
            nodes: split(&mut self.graph.nodes, |node| component.contains(node)),
            relationships: split(&mut self.graph.relationships, |relationship| {
                component.contains(&relationship.slot)
            }),
            conjuncts: split(&mut self.graph.conjuncts, |conjunct| {
                !conjunct.slots.is_empty() && conjunct.slots.is_subset(component)
            }),
            ..PatternGraph::default()
        };
        let slots = std::mem::take(&mut self.graph.path_slots);
        let paths = std::mem::take(&mut self.graph.paths);
        for (path, slot) in paths.into_iter().zip(slots) {
            let graph = if path.slots.is_subset(component) {
                &mut inner
            } else {
                &mut self.graph
            };
            graph.paths.push(path);
            graph.path_slots.push(slot);
        }
        let mut brought = component.clone();
        brought.extend(&inner.path_slots);
        let argument = self.planner.argument(1.0);
        let inner = Box::new(Solver::new(self.planner, inner, SlotSet::new(), argument).solve());
        let keys = take_keys(&mut self.graph.conjuncts, &self.available, &brought);
        self.available.extend(brought);
        let (outer_rows, inner_rows) = (self.operator.estimated_rows, inner.estimated_rows);
        if keys.is_empty() {
            // Pairing with rows of earlier clauses is what these are for.
            if self.started {
                self.planner.warn_cartesian_product();
            }
            self.push(outer_rows * inner_rows, |input| OperatorKind::CartesianProduct {
                input,
                inner,
            });
        } else {
            self.push(outer_rows.max(inner_rows), |input| OperatorKind::HashJoin {
                input,
                inner,
                keys,
            });
        }
    }

    pub(super) fn is_available(&self, relationship: &GraphRelationship) -> (bool, bool) {
        (
            self.available.contains(&relationship.from),
            self.available.contains(&relationship.to),
        )
    }
}

fn take_ready(conjuncts: &mut Vec<Conjunct>, available: &SlotSet) -> Vec<Expression> {
    split(conjuncts, |conjunct| conjunct.slots.is_subset(available))
        .into_iter()
        .map(|conjunct| conjunct.expression)
        .collect()
}

/// Takes out equalities between what is known and what the other side of a join brings.
fn take_keys(conjuncts: &mut Vec<Conjunct>, known: &SlotSet, brought: &SlotSet) -> Vec<(Expression, Expression)> {
    let sides = |conjunct: &Conjunct| {
        let Expression::Compare {
            operator: Comparison::Equal,
            left,
            right,
        } = &conjunct.expression
        else {
            return None;
        };
        [(left, right), (right, left)].into_iter().find_map(|(outer, inner)| {
            let (reads_outer, reads_inner) = (free_slots(outer), free_slots(inner));
            let fits = !reads_inner.is_empty()
                && reads_inner.is_subset(brought)
                && reads_outer.is_subset(known)
                && !reads_outer.is_empty();
            fits.then(|| ((**outer).clone(), (**inner).clone()))
        })
    };
    split(conjuncts, |conjunct| sides(conjunct).is_some())
        .iter()
        .filter_map(sides)
        .collect()
}

/// Moves out what fits, in order.
fn split<T>(items: &mut Vec<T>, fits: impl Fn(&T) -> bool) -> Vec<T> {
    let (taken, kept) = std::mem::take(items).into_iter().partition(fits);
    *items = kept;
    taken
}
