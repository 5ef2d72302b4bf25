//! Following one relationship, scanning relationships, and taking known ones apart.

use std::sync::Arc;

use bastide_model::{Direction, Value};

use super::cardinality;
use super::graph::GraphRelationship;
use super::leaf::ids_of;
use super::solve::Solver;
use crate::expression::{Comparison, Expression, Labels, Offset, Slot};
use crate::operator::OperatorKind;

impl Solver<'_, '_> {
    /// Puts on the operator that finds a relationship, at least one end of which is known.
    pub(super) fn follow(&mut self, relationship: GraphRelationship) {
        if relationship.bound {
            return self.take_apart(&relationship);
        }
        if relationship.shortest.is_some() {
            return self.search_shortest(relationship);
        }
        let (has_from, has_to) = self.is_available(&relationship);
        let into = has_from && has_to;
        let reversed = !has_from;
        let (from, to, direction) = if reversed {
            (relationship.to, relationship.from, relationship.direction.reversed())
        } else {
            (relationship.from, relationship.to, relationship.direction)
        };
        let context = self.planner.context;
        let fan = cardinality::fan_out(context, &relationship, (!into).then_some(to), &[]);
        let rows = self.operator.estimated_rows * fan;
        let types = self.planner.relationship_types(&relationship.types);
        self.available.extend([relationship.slot, to]);
        match relationship.length {
            None => self.push(rows, |input| OperatorKind::Expand {
                input,
                from,
                relationship: relationship.slot,
                to,
                direction,
                types,
                into,
            }),
            Some((min, max)) => self.push(rows, |input| OperatorKind::VariableExpand {
                input,
                from,
                relationships: relationship.slot,
                to,
                direction,
                types,
                min,
                max,
                into,
                reversed,
                relationship_filter: relationship.filter,
            }),
        }
    }

    /// A relationship whose value is known: its ends are asked of it.
    fn take_apart(&mut self, relationship: &GraphRelationship) {
        let mut conditions = vec![Expression::IsNotNull(Box::new(Expression::Slot(relationship.slot)))];
        if !relationship.types.is_empty() {
            conditions.push(has_types(relationship));
        }
        self.available.insert(relationship.slot);
        self.filter(conditions);
        let start = end_of("startnode", relationship.slot);
        let end = end_of("endnode", relationship.slot);
        match relationship.direction {
            Direction::Outgoing => self.bind_ends(relationship, start, end),
            Direction::Incoming => self.bind_ends(relationship, end, start),
            Direction::Both => {
                // Both ways round, a loop once.
                let way = |from: &Expression, to: &Expression| Expression::List(vec![from.clone(), to.clone()]);
                let both = Expression::Case {
                    subject: None,
                    arms: vec![(
                        equal(start.clone(), end.clone()),
                        Expression::List(vec![way(&start, &end)]),
                    )],
                    otherwise: Some(Box::new(Expression::List(vec![way(&start, &end), way(&end, &start)]))),
                };
                let pair = self.planner.new_slot();
                let rows = self.operator.estimated_rows * 2.0;
                self.push(rows, |input| OperatorKind::Unwind {
                    input,
                    list: both,
                    slot: pair,
                });
                self.bind_ends(relationship, item(pair, 0), item(pair, 1));
            }
        }
    }

    fn bind_ends(&mut self, relationship: &GraphRelationship, from: Expression, to: Expression) {
        for (slot, value) in [(relationship.from, from), (relationship.to, to)] {
            if self.available.contains(&slot) {
                self.filter(vec![equal(Expression::Slot(slot), value)]);
            } else {
                self.available.insert(slot);
                let rows = self.operator.estimated_rows;
                self.push(rows, |input| OperatorKind::Project {
                    input,
                    items: vec![(slot, value)],
                });
            }
        }
    }

    /// Whether the relationship can be the first thing found, if its id is known.
    pub(super) fn can_seek(&self, relationship: &GraphRelationship) -> bool {
        let (has_from, has_to) = self.is_available(relationship);
        !has_from && !has_to && !relationship.bound && relationship.length.is_none()
    }

    /// Whether the relationship can be the first thing found.
    pub(super) fn can_scan(&self, relationship: &GraphRelationship) -> bool {
        self.can_seek(relationship) && relationship.from != relationship.to && relationship.direction != Direction::Both
    }

    /// The ids asked for, and the place of the condition that asks.
    pub(super) fn relationship_ids(&self, relationship: &GraphRelationship) -> Option<(usize, Expression, bool)> {
        self.graph.conjuncts.iter().enumerate().find_map(|(place, conjunct)| {
            ids_of(relationship.slot, &conjunct.expression, &self.available)
                .map(|(ids, element_ids, _)| (place, ids, element_ids))
        })
    }

    pub(super) fn scan_relationships(&mut self, relationship: GraphRelationship) {
        if let Some((place, ids, element_ids)) = self.relationship_ids(&relationship) {
            self.graph.conjuncts.remove(place);
            return self.seek_relationship(&relationship, ids, element_ids);
        }
        let (start, end) = match relationship.direction {
            Direction::Incoming => (relationship.to, relationship.from),
            _ => (relationship.from, relationship.to),
        };
        self.available.extend([relationship.slot, start, end]);
        let count = cardinality::type_count(self.planner.context, &relationship.types);
        let rows = self.operator.estimated_rows * count;
        let types = self.planner.relationship_types(&relationship.types);
        self.push(rows, |input| OperatorKind::RelationshipScan {
            input,
            relationship: relationship.slot,
            start,
            end,
            direction: Direction::Outgoing,
            types,
        });
    }

    /// Finds it by id and then asks it for its ends, which serves every direction.
    fn seek_relationship(&mut self, relationship: &GraphRelationship, ids: Expression, element_ids: bool) {
        let (start, end) = (self.planner.new_slot(), self.planner.new_slot());
        let rows = self.operator.estimated_rows;
        self.push(rows, |input| OperatorKind::RelationshipByIdSeek {
            input,
            relationship: relationship.slot,
            start,
            end,
            ids,
            element_ids,
        });
        self.take_apart(relationship);
    }
}

fn has_types(relationship: &GraphRelationship) -> Expression {
    let names: Vec<Labels> = relationship
        .types
        .iter()
        .map(|name| Labels::Name(Arc::clone(name)))
        .collect();
    Expression::HasLabels {
        subject: Box::new(Expression::Slot(relationship.slot)),
        labels: Labels::Or(names),
    }
}

fn end_of(function: &str, relationship: Slot) -> Expression {
    Expression::Function {
        name: Arc::from(function),
        arguments: vec![Expression::Slot(relationship)],
        offset: Offset::default(),
    }
}

fn equal(left: Expression, right: Expression) -> Expression {
    Expression::Compare {
        operator: Comparison::Equal,
        left: Box::new(left),
        right: Box::new(right),
    }
}

fn item(list: Slot, place: i64) -> Expression {
    Expression::Index {
        container: Box::new(Expression::Slot(list)),
        index: Box::new(Expression::Literal(Value::Integer(place))),
        offset: Offset::default(),
    }
}
