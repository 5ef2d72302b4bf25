//! Counting all nodes, or all with a label, or all relationships of a type, from the counts that the graph keeps.

use crate::expression::{Expression, Slot};
use crate::operator::{Aggregation, Operator, OperatorKind};
use crate::planner::Planner;

impl Planner<'_> {
    /// The count itself if the group is nothing but a count over one scan; else the operator is handed back.
    pub(super) fn counted(
        &self,
        operator: Operator,
        keys: &[(Slot, Expression)],
        aggregates: &[(Slot, Aggregation)],
    ) -> Result<Operator, Box<Operator>> {
        let ([], [(count, aggregate)]) = (keys, aggregates) else {
            return Err(Box::new(operator));
        };
        let counted = match (aggregate.function.as_ref(), aggregate.arguments.as_slice()) {
            ("count(*)", []) => None,
            ("count", [Expression::Slot(slot)]) if !aggregate.distinct => Some(*slot),
            _ => return Err(Box::new(operator)),
        };
        let fits = |slot: Slot| counted.is_none_or(|counted| counted == slot);
        let is_leaf = |input: &Operator| matches!(input.kind, OperatorKind::Argument);
        let count = *count;
        let rows = 1.0;
        match operator.kind {
            OperatorKind::AllNodesScan { input, node } if fits(node) && is_leaf(&input) => {
                let label = None;
                Ok(self.operator(OperatorKind::NodeCount { input, label, count }, rows))
            }
            OperatorKind::NodeByLabelScan { input, node, label } if fits(node) && is_leaf(&input) => {
                let label = Some(label);
                Ok(self.operator(OperatorKind::NodeCount { input, label, count }, rows))
            }
            OperatorKind::RelationshipScan {
                input,
                relationship,
                start,
                end,
                types,
                ..
            } if (fits(relationship) || fits(start) || fits(end)) && is_leaf(&input) => {
                Ok(self.operator(OperatorKind::RelationshipCount { input, types, count }, rows))
            }
            kind => Err(Box::new(Operator { kind, ..operator })),
        }
    }
}
