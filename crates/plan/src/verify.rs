//! Proving of a finished plan that every slot that is read has a value by then.
//!
//! For tests and fuzzing: it takes each operator at its word, that is, it forgets whatever is not listed as live.

use crate::expression::{Expression, Slot, Subquery};
use crate::operator::{Operator, OperatorKind, Plan};
use crate::walk::{SlotSet, each_child, each_expression, free_slots, introduced, named_reads};

/// Checks the whole plan.
///
/// # Errors
///
/// The first operator that reads a slot without a value, in words.
pub fn verify(plan: &Plan) -> Result<(), String> {
    let answered = check(&plan.root, &SlotSet::new())?;
    for column in &plan.columns {
        if !answered.contains(&column.slot) {
            return Err(format!("column `{}` has no value", column.name));
        }
    }
    Ok(())
}

/// Answers the slots of the operator's rows, given those of the row that the plan starts from.
fn check(operator: &Operator, start: &SlotSet) -> Result<SlotSet, String> {
    let (mut available, seen) = inputs(&operator.kind, start)?;
    let mut wanted = Vec::new();
    named_reads(&operator.kind, &mut |slot| wanted.push(slot));
    let made: SlotSet = introduced(&operator.kind).into_iter().collect();
    let reads_made = matches!(
        operator.kind,
        OperatorKind::Create { .. }
            | OperatorKind::Merge { .. }
            | OperatorKind::VariableExpand { .. }
            | OperatorKind::ShortestPath { .. }
    );
    let mut readable = seen;
    if reads_made {
        readable.extend(&made);
    }
    for slot in wanted {
        let is_union = matches!(operator.kind, OperatorKind::Union { .. });
        if !is_union && !readable.contains(&slot) {
            return Err(missing(operator, slot));
        }
    }
    let mut fault = None;
    each_expression(&operator.kind, &mut |expression| {
        if fault.is_none() {
            fault = check_expression(expression, &readable)
                .err()
                .map(|error| format!("{error}, in {:?}", operator.id));
        }
    });
    if let Some(fault) = fault {
        return Err(fault);
    }
    match &operator.kind {
        OperatorKind::Distinct { keys, .. } => available = keys.iter().map(|(slot, _)| *slot).collect(),
        OperatorKind::Aggregate { keys, aggregates, .. } => {
            available = keys.iter().map(|(slot, _)| *slot).collect();
            available.extend(aggregates.iter().map(|(slot, _)| *slot));
        }
        OperatorKind::Union { slots, .. } => available = slots.iter().copied().collect(),
        OperatorKind::Foreach { .. } => {}
        _ => available.extend(made),
    }
    let live: SlotSet = operator.live.iter().copied().collect();
    Ok(&available & &live)
}

/// The slots that come from below, and those that the operator's expressions can read.
fn inputs(kind: &OperatorKind, start: &SlotSet) -> Result<(SlotSet, SlotSet), String> {
    match kind {
        OperatorKind::Argument | OperatorKind::Schema(_) => Ok((start.clone(), start.clone())),
        OperatorKind::Union { inputs, mappings, .. } => {
            for (input, mapping) in inputs.iter().zip(mappings) {
                let below = check(input, start)?;
                if let Some(slot) = mapping.iter().find(|slot| !below.contains(slot)) {
                    return Err(missing(input, *slot));
                }
            }
            Ok((SlotSet::new(), SlotSet::new()))
        }
        OperatorKind::Apply { input, inner }
        | OperatorKind::OptionalApply { input, inner, .. }
        | OperatorKind::CallInTransactions { input, inner, .. }
        | OperatorKind::Merge {
            input, matching: inner, ..
        } => {
            let mut below = check(input, start)?;
            below.extend(check(inner, &below)?);
            Ok((below.clone(), below))
        }
        OperatorKind::CartesianProduct { input, inner } | OperatorKind::HashJoin { input, inner, .. } => {
            let mut below = check(input, start)?;
            // The kept side must not read the row.
            below.extend(check(inner, &SlotSet::new())?);
            Ok((below.clone(), below))
        }
        OperatorKind::CallForEffect { input, inner } => {
            let below = check(input, start)?;
            check(inner, &below)?;
            Ok((below.clone(), below))
        }
        OperatorKind::Foreach { input, body, slot, .. } => {
            let below = check(input, start)?;
            let mut within = below.clone();
            within.insert(*slot);
            check(body, &within)?;
            Ok((below.clone(), below))
        }
        other => {
            let mut below = Ok(SlotSet::new());
            crate::walk::each_input(other, &mut |input| below = check(input, start));
            let below = below?;
            Ok((below.clone(), below))
        }
    }
}

fn check_expression(expression: &Expression, readable: &SlotSet) -> Result<(), String> {
    if let Some(slot) = free_slots(expression).iter().find(|slot| !readable.contains(slot)) {
        return Err(format!("slot {} is read without a value", slot.0));
    }
    let mut within = readable.clone();
    match expression {
        Expression::ListComprehension { slot, .. } | Expression::Quantifier { slot, .. } => {
            within.insert(*slot);
        }
        Expression::Reduce { slot, accumulator, .. } => within.extend([slot, accumulator]),
        Expression::Subquery { kind, plan } => {
            let answered = check(plan, readable)?;
            if let Subquery::Collect(slot) = kind
                && !answered.contains(slot)
            {
                return Err(format!("slot {} is collected without a value", slot.0));
            }
        }
        _ => {}
    }
    let mut found = Ok(());
    each_child(expression, &mut |child| {
        if found.is_ok() {
            found = check_expression(child, &within);
        }
    });
    found
}

fn missing(operator: &Operator, slot: Slot) -> String {
    format!("operator {} reads slot {} without a value", operator.id, slot.0)
}
