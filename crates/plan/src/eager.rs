//! Keeping reads and updates apart.
//!
//! A clause sees the graph as all clauses before it left it, for all rows. Operators work a batch of rows at a time, so wherever
//! an update could change what is read below it, or a read stands above an update that it has to see whole, an
//! [`OperatorKind::Eager`] comes between. INVARIANT: when in doubt there is one; it costs memory and never an answer.

use crate::operator::{Operator, OperatorKind};
use crate::planner::Planner;
use crate::query::Column;
use crate::statement::wrap;
use crate::types::Type;
use crate::walk::{each_expression_mut, each_input, each_subquery_mut, first_input_mut};

mod effects;

pub(crate) use effects::Effects;
use effects::own_effects;

/// Puts in every Eager that is needed. Answers all effects of the plan.
pub(crate) fn separate(planner: &Planner<'_>, root: &mut Operator) -> Effects {
    let mut all = Effects::default();
    walk(planner, root, &mut all);
    all
}

/// Answers the effects since the last operator that takes in all rows; `all` gathers every effect.
///
/// Only this function recurs along the main chain, and it keeps little on the stack.
fn walk(planner: &Planner<'_>, operator: &mut Operator, all: &mut Effects) -> Box<Effects> {
    let mut below = Box::new(Effects::default());
    if let OperatorKind::Union { inputs, .. } = &mut operator.kind {
        // Inputs are run one after the other, each to its end.
        for input in inputs {
            below.add(&walk(planner, input, all));
        }
    } else if let Some(input) = first_input_mut(&mut operator.kind) {
        below = walk(planner, input, all);
    }
    settle(planner, operator, below, all)
}

/// Compares an operator with what is below it.
fn settle(planner: &Planner<'_>, operator: &mut Operator, below: Box<Effects>, all: &mut Effects) -> Box<Effects> {
    each_expression_mut(&mut operator.kind, &mut |expression| {
        each_subquery_mut(expression, &mut |plan, _| {
            walk(planner, plan, all);
        });
    });
    let mut here = Box::new(own_effects(planner, &operator.kind));
    all.add(&here);
    if let Some(inner) = inner_of(&mut operator.kind) {
        let mut within = Effects::default();
        walk(planner, inner, &mut within);
        all.add(&within);
        here.add(&within);
    }
    let mut pending = below;
    if !matches!(operator.kind, OperatorKind::Union { .. })
        && let Some(input) = first_input_mut(&mut operator.kind)
        && pending.conflicts_with(&here)
    {
        wrap(input, |input| {
            planner.over(input, |input| OperatorKind::Eager { input })
        });
        *pending = Effects::default();
    }
    if let OperatorKind::Limit { input, exhaust, .. } = &mut operator.kind {
        *exhaust = writes_below(planner, input);
    }
    if takes_in_all(&operator.kind) {
        // Whatever is below has come to its end before the first row goes up.
        *pending = Effects::default();
        return pending;
    }
    pending.add(&here);
    pending
}

/// Rows that show entities are answered only when all updates are done, so that no row shows a state in between.
pub(crate) fn finish_before_answering(
    planner: &Planner<'_>,
    root: &mut Operator,
    columns: &[Column],
    effects: &Effects,
) {
    let shows_entities = columns.iter().any(|column| {
        !matches!(
            column.value_type,
            Type::Boolean | Type::Integer | Type::Float | Type::Number | Type::String
        )
    });
    if shows_entities && effects.changes_existing() && !takes_in_all(&root.kind) {
        wrap(root, |root| planner.over(root, |input| OperatorKind::Eager { input }));
    }
}

/// Whether the operator takes in its whole input before it answers.
fn takes_in_all(kind: &OperatorKind) -> bool {
    matches!(
        kind,
        OperatorKind::Eager { .. }
            | OperatorKind::Aggregate { .. }
            | OperatorKind::Sort { .. }
            | OperatorKind::EmptyResult { .. }
    )
}

/// The plan that is run for each row, if any.
fn inner_of(kind: &mut OperatorKind) -> Option<&mut Operator> {
    match kind {
        OperatorKind::Apply { inner, .. }
        | OperatorKind::OptionalApply { inner, .. }
        | OperatorKind::CartesianProduct { inner, .. }
        | OperatorKind::HashJoin { inner, .. }
        | OperatorKind::CallForEffect { inner, .. }
        | OperatorKind::CallInTransactions { inner, .. }
        | OperatorKind::Merge { matching: inner, .. }
        | OperatorKind::Foreach { body: inner, .. } => Some(inner),
        _ => None,
    }
}

fn writes_below(planner: &Planner<'_>, operator: &Operator) -> bool {
    let mut writes = own_effects(planner, &operator.kind).writes_anything();
    each_input(&operator.kind, &mut |input| {
        writes = writes || writes_below(planner, input)
    });
    writes
}
