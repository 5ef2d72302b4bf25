//! Going over expressions and operators: children, slots read, slots introduced.
//!
//! INVARIANT: every slot is introduced in one place of a plan (grouping keys that pass a slot on under its own number do not
//! introduce it), so what a plan needs from outside is what it reads less what it introduces.

use std::collections::BTreeSet;

use crate::expression::{Expression, PathPart, Slot, Subquery};
use crate::operator::{IndexSeek, Operator, OperatorKind, Update};

mod operators;

pub(crate) use operators::{
    each_expression, each_expression_mut, each_input, each_input_mut, first_input_mut, introduced, named_reads,
};

pub(crate) type SlotSet = BTreeSet<Slot>;

/// Calls `visit` with each direct child, and with nothing of a subquery's plan.
pub(crate) fn each_child<'e>(expression: &'e Expression, visit: &mut dyn FnMut(&'e Expression)) {
    match expression {
        Expression::Literal(_)
        | Expression::Parameter(_)
        | Expression::Slot(_)
        | Expression::Path { .. }
        | Expression::Subquery { .. }
        | Expression::DistinctRelationships(_) => {}
        Expression::Property { subject, .. }
        | Expression::IsTyped { subject, .. }
        | Expression::HasLabels { subject, .. } => visit(subject),
        Expression::Not(inner)
        | Expression::Negate(inner, _)
        | Expression::IsNull(inner)
        | Expression::IsNotNull(inner) => visit(inner),
        Expression::Index { container, index, .. } => [container, index].into_iter().for_each(|child| visit(child)),
        Expression::Slice { list, from, to } => {
            visit(list);
            from.iter().chain(to).for_each(|child| visit(child));
        }
        Expression::List(items) | Expression::And(items) | Expression::Or(items) => items.iter().for_each(visit),
        Expression::Map(items) => items.iter().for_each(|(_, item)| visit(item)),
        Expression::MapProjection { subject, items, .. } => {
            visit(subject);
            items.iter().for_each(|(_, item)| visit(item));
        }
        Expression::Xor(left, right)
        | Expression::Compare { left, right, .. }
        | Expression::Arithmetic { left, right, .. }
        | Expression::MatchText {
            text: left,
            pattern: right,
            ..
        }
        | Expression::In {
            item: left,
            list: right,
        } => [left, right].into_iter().for_each(|child| visit(child)),
        Expression::Case {
            subject,
            arms,
            otherwise,
        } => {
            subject.iter().for_each(|child| visit(child));
            for (when, then) in arms {
                visit(when);
                visit(then);
            }
            otherwise.iter().for_each(|child| visit(child));
        }
        Expression::Function { arguments, .. } => arguments.iter().for_each(visit),
        Expression::ListComprehension { list, filter, map, .. } => {
            visit(list);
            filter.iter().chain(map).for_each(|child| visit(child));
        }
        Expression::Quantifier { list, predicate, .. } => [list, predicate].into_iter().for_each(|child| visit(child)),
        Expression::Reduce {
            initial, list, body, ..
        } => [initial, list, body].into_iter().for_each(|child| visit(child)),
    }
}

/// As [`each_child`], to change them.
pub(crate) fn each_child_mut(expression: &mut Expression, visit: &mut dyn FnMut(&mut Expression)) {
    match expression {
        Expression::Literal(_)
        | Expression::Parameter(_)
        | Expression::Slot(_)
        | Expression::Path { .. }
        | Expression::Subquery { .. }
        | Expression::DistinctRelationships(_) => {}
        Expression::Property { subject, .. }
        | Expression::IsTyped { subject, .. }
        | Expression::HasLabels { subject, .. } => visit(subject),
        Expression::Not(inner)
        | Expression::Negate(inner, _)
        | Expression::IsNull(inner)
        | Expression::IsNotNull(inner) => visit(inner),
        Expression::Index { container, index, .. } => [container, index].into_iter().for_each(|child| visit(child)),
        Expression::Slice { list, from, to } => {
            visit(list);
            from.iter_mut().chain(to).for_each(|child| visit(child));
        }
        Expression::List(items) | Expression::And(items) | Expression::Or(items) => items.iter_mut().for_each(visit),
        Expression::Map(items) => items.iter_mut().for_each(|(_, item)| visit(item)),
        Expression::MapProjection { subject, items, .. } => {
            visit(subject);
            items.iter_mut().for_each(|(_, item)| visit(item));
        }
        Expression::Xor(left, right)
        | Expression::Compare { left, right, .. }
        | Expression::Arithmetic { left, right, .. }
        | Expression::MatchText {
            text: left,
            pattern: right,
            ..
        }
        | Expression::In {
            item: left,
            list: right,
        } => [left, right].into_iter().for_each(|child| visit(child)),
        Expression::Case {
            subject,
            arms,
            otherwise,
        } => {
            subject.iter_mut().for_each(|child| visit(child));
            for (when, then) in arms {
                visit(when);
                visit(then);
            }
            otherwise.iter_mut().for_each(|child| visit(child));
        }
        Expression::Function { arguments, .. } => arguments.iter_mut().for_each(visit),
        Expression::ListComprehension { list, filter, map, .. } => {
            visit(list);
            filter.iter_mut().chain(map).for_each(|child| visit(child));
        }
        Expression::Quantifier { list, predicate, .. } => [list, predicate].into_iter().for_each(|child| visit(child)),
        Expression::Reduce {
            initial, list, body, ..
        } => [initial, list, body].into_iter().for_each(|child| visit(child)),
    }
}

/// Calls `visit` with every plan of a subquery directly in this expression or deeper.
pub(crate) fn each_subquery_mut(expression: &mut Expression, visit: &mut dyn FnMut(&mut Operator, Subquery)) {
    if let Expression::Subquery { kind, plan } = expression {
        visit(plan, *kind);
    }
    each_child_mut(expression, &mut |child| each_subquery_mut(child, visit));
}

/// As [`each_subquery_mut`], to look at them.
pub(crate) fn each_subquery<'e>(expression: &'e Expression, visit: &mut dyn FnMut(&'e Operator)) {
    if let Expression::Subquery { plan, .. } = expression {
        visit(plan);
    }
    each_child(expression, &mut |child| each_subquery(child, visit));
}

/// Whether a plan is run to answer the expression.
pub(crate) fn holds_subquery(expression: &Expression) -> bool {
    let mut found = matches!(expression, Expression::Subquery { .. });
    each_child(expression, &mut |child| found = found || holds_subquery(child));
    found
}

/// The slots an expression reads from the row it is evaluated for.
pub(crate) fn free_slots(expression: &Expression) -> SlotSet {
    let (mut reads, mut bound) = (SlotSet::new(), SlotSet::new());
    gather_expression(expression, &mut reads, &mut bound);
    &reads - &bound
}

/// The slots one operator reads itself, by name or in its expressions.
pub(crate) fn reads_of(kind: &OperatorKind) -> SlotSet {
    let (mut reads, mut bound) = (SlotSet::new(), SlotSet::new());
    named_reads(kind, &mut |slot| {
        reads.insert(slot);
    });
    each_expression(kind, &mut |expression| {
        gather_expression(expression, &mut reads, &mut bound)
    });
    &reads - &bound
}

fn gather_expression(expression: &Expression, reads: &mut SlotSet, bound: &mut SlotSet) {
    match expression {
        Expression::Slot(slot) => {
            reads.insert(*slot);
        }
        Expression::DistinctRelationships(slots) => reads.extend(slots),
        Expression::Path { start, steps } => {
            reads.insert(*start);
            for step in steps {
                match step {
                    PathPart::Single { relationship, node } => reads.extend([relationship, node]),
                    PathPart::Multiple {
                        relationships, node, ..
                    } => reads.extend([relationships, node]),
                }
            }
        }
        Expression::ListComprehension { slot, .. } | Expression::Quantifier { slot, .. } => {
            bound.insert(*slot);
        }
        Expression::Reduce { slot, accumulator, .. } => bound.extend([slot, accumulator]),
        Expression::Subquery { kind, plan } => {
            if let Subquery::Collect(slot) = kind {
                reads.insert(*slot);
            }
            gather_plan(plan, reads, bound);
        }
        _ => {}
    }
    each_child(expression, &mut |child| gather_expression(child, reads, bound));
}

fn gather_plan(plan: &Operator, reads: &mut SlotSet, bound: &mut SlotSet) {
    bound.extend(introduced(&plan.kind));
    named_reads(&plan.kind, &mut |slot| {
        reads.insert(slot);
    });
    each_expression(&plan.kind, &mut |expression| {
        gather_expression(expression, reads, bound)
    });
    each_input(&plan.kind, &mut |input| gather_plan(input, reads, bound));
}

/// The expressions of a seek.
pub(crate) fn seek_expressions(seek: &IndexSeek) -> Vec<&Expression> {
    match seek {
        IndexSeek::All => Vec::new(),
        IndexSeek::Equal(values) => values.iter().collect(),
        IndexSeek::AnyOf(value) | IndexSeek::Prefix(value) => vec![value],
        IndexSeek::Range { from, to } => from.iter().chain(to).map(|(value, _)| value).collect(),
    }
}

/// The expressions of an update, the subject first.
pub(crate) fn update_expressions(update: &Update) -> Vec<&Expression> {
    match update {
        Update::SetProperty { subject, value, .. }
        | Update::ReplaceProperties { subject, value, .. }
        | Update::MergeProperties { subject, value, .. } => vec![subject, value],
        Update::SetDynamicProperty {
            subject, key, value, ..
        } => vec![subject, key, value],
        Update::AddLabels { subject, .. } | Update::RemoveLabels { subject, .. } => vec![subject],
    }
}
