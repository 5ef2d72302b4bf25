//! The last passes over a plan: which slots are still read above each operator, and numbering.
//!
//! Correct before clever: a slot may be called live longer than it has to be, never shorter.

use crate::expression::{Slot, Subquery};
use crate::operator::{Operator, OperatorKind};
use crate::walk::{SlotSet, each_expression_mut, each_input_mut, each_subquery_mut, introduced, reads_of};

/// Numbers all operators from the root down, subqueries included. Answers how many there are.
pub(crate) fn number(operator: &mut Operator, next: &mut u32) {
    operator.id = *next;
    *next += 1;
    each_expression_mut(&mut operator.kind, &mut |expression| {
        each_subquery_mut(expression, &mut |plan, _| number(plan, next));
    });
    each_input_mut(&mut operator.kind, &mut |input| number(input, next));
}

/// Fills in [`Operator::live`] here and below, given what is read above. Answers what is needed from the row that the plan starts from.
pub(crate) fn mark(operator: &mut Operator, above: &SlotSet) -> SlotSet {
    operator.live = above.iter().copied().collect();
    each_expression_mut(&mut operator.kind, &mut |expression| {
        each_subquery_mut(expression, &mut |plan, kind| {
            let read: SlotSet = match kind {
                Subquery::Collect(slot) => SlotSet::from([slot]),
                Subquery::Exists | Subquery::Count => SlotSet::new(),
            };
            mark(plan, &read);
        });
    });
    let reads = reads_of(&operator.kind);
    let made: SlotSet = introduced(&operator.kind).into_iter().collect();
    // What an operator makes itself (the ends of a relationship it creates, what a filter of its own reads) comes not from below.
    let from_below = &reads - &made;
    let below = needed_below(&operator.kind, above, &from_below, &made);
    mark_inputs(&mut operator.kind, above, &reads, below)
}

/// What the inputs have to answer.
fn needed_below(kind: &OperatorKind, above: &SlotSet, reads: &SlotSet, made: &SlotSet) -> SlotSet {
    match kind {
        // These answer only what they list.
        OperatorKind::Distinct { .. } | OperatorKind::Aggregate { .. } | OperatorKind::Union { .. } => reads.clone(),
        _ => above
            .iter()
            .filter(|slot| !made.contains(slot))
            .chain(reads)
            .copied()
            .collect(),
    }
}

fn mark_inputs(kind: &mut OperatorKind, above: &SlotSet, reads: &SlotSet, below: SlotSet) -> SlotSet {
    match kind {
        OperatorKind::Argument | OperatorKind::Schema(_) => above.clone(),
        OperatorKind::Union { inputs, mappings, .. } => {
            let mut needed = SlotSet::new();
            for (input, mapping) in inputs.iter_mut().zip(mappings) {
                let own: SlotSet = mapping.iter().copied().collect();
                needed.extend(mark(input, &own));
            }
            needed
        }
        OperatorKind::Apply { input, inner }
        | OperatorKind::OptionalApply { input, inner, .. }
        | OperatorKind::CallInTransactions { input, inner, .. }
        | OperatorKind::CartesianProduct { input, inner }
        | OperatorKind::HashJoin { input, inner, .. } => {
            let brought = brought_by(inner);
            let mut wanted = above.clone();
            wanted.extend(reads);
            let mut needed: SlotSet = below;
            needed.extend(mark(inner, &wanted));
            needed.retain(|slot| !brought.contains(slot));
            mark(input, &needed)
        }
        OperatorKind::CallForEffect { input, inner } => {
            let mut needed = below;
            needed.extend(mark(inner, &SlotSet::new()));
            mark(input, &needed)
        }
        OperatorKind::Foreach { input, slot, body, .. } => {
            let mut needed = mark(body, &SlotSet::new());
            needed.remove(slot);
            needed.extend(below);
            mark(input, &needed)
        }
        OperatorKind::Merge { input, matching, .. } => {
            let mut wanted = above.clone();
            wanted.extend(reads);
            let mut needed = below;
            needed.extend(mark(matching, &wanted));
            let made = brought_by(matching);
            needed.retain(|slot| !made.contains(slot));
            mark(input, &needed)
        }
        _ => {
            let mut needed = below.clone();
            each_input_mut(kind, &mut |input| needed = mark(input, &below));
            needed
        }
    }
}

/// Slots that a plan gives a value anywhere within it.
fn brought_by(plan: &Operator) -> SlotSet {
    let mut slots: SlotSet = introduced(&plan.kind).into_iter().collect();
    crate::walk::each_input(&plan.kind, &mut |input| slots.extend(brought_by(input)));
    slots
}

/// The slots of the columns.
pub(crate) fn of_columns(columns: &[Slot]) -> SlotSet {
    columns.iter().copied().collect()
}
