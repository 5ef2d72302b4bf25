//! How many rows to expect: crude, from exact counts of labels and types.

use std::sync::Arc;

use bastide_model::Direction;

use super::graph::{Conjunct, GraphRelationship};
use crate::context::PlanContext;
use crate::expression::{Comparison, Expression, Labels, Slot};

/// What an equality lets through when nothing is known of the values.
const EQUALITY_SELECTIVITY: f64 = 0.1;
/// What any other condition lets through.
const OTHER_SELECTIVITY: f64 = 0.5;
/// A variable length counts as this many steps when it has no end.
const OPEN_LENGTH: u64 = 4;

#[expect(clippy::cast_precision_loss, reason = "estimates need no more than 52 bits")]
pub(super) fn rows(count: u64) -> f64 {
    count as f64
}

pub(super) fn node_count(context: &dyn PlanContext) -> f64 {
    rows(context.node_count().max(1))
}

pub(super) fn label_count(context: &dyn PlanContext, label: &str) -> f64 {
    rows(context.label_count(label).unwrap_or_default())
}

pub(super) fn type_count(context: &dyn PlanContext, types: &[Arc<str>]) -> f64 {
    if types.is_empty() {
        return rows(context.relationship_count());
    }
    types
        .iter()
        .map(|name| rows(context.type_count(name).unwrap_or_default()))
        .sum()
}

/// Which part of the rows a condition lets through.
pub(super) fn selectivity(context: &dyn PlanContext, condition: &Expression) -> f64 {
    match condition {
        Expression::HasLabels {
            labels: Labels::Name(label),
            ..
        } => (label_count(context, label) / node_count(context)).clamp(0.000_1, 1.0),
        Expression::DistinctRelationships(_) | Expression::IsNotNull(_) => 1.0,
        Expression::Compare {
            operator: Comparison::Equal,
            ..
        } => EQUALITY_SELECTIVITY,
        Expression::And(parts) => parts.iter().map(|part| selectivity(context, part)).product(),
        _ => OTHER_SELECTIVITY,
    }
}

/// How many rows one row becomes when the relationship is followed.
pub(super) fn fan_out(
    context: &dyn PlanContext,
    relationship: &GraphRelationship,
    reached: Option<Slot>,
    conjuncts: &[Conjunct],
) -> f64 {
    let mut one = type_count(context, &relationship.types) / node_count(context);
    if relationship.direction == Direction::Both {
        one *= 2.0;
    }
    let mut all = match relationship.length {
        None => one,
        Some((min, max)) => {
            let steps = max.unwrap_or(min.max(1).saturating_add(OPEN_LENGTH)).clamp(1, 16);
            // Even a sparse graph costs a walk.
            one.max(1.1).powi(i32::try_from(steps).unwrap_or(16))
        }
    };
    match reached {
        None => all /= node_count(context),
        Some(slot) => {
            for conjunct in conjuncts {
                if conjunct.slots.len() == 1 && conjunct.slots.contains(&slot) {
                    all *= selectivity(context, &conjunct.expression);
                }
            }
        }
    }
    all
}
