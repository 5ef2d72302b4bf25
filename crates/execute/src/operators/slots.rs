//! Which slots an operator writes, so that those of its input and its own are told apart.

use bastide_plan::Operator;
use bastide_plan::expression::Slot;
use bastide_plan::operator::OperatorKind;

/// The slots that a plan writes and answers, leaves' arguments not included.
pub(super) fn written(operator: &Operator) -> Vec<Slot> {
    let mut slots = Vec::new();
    collect(operator, &mut slots);
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// Slots of `live` that are in `written`.
pub(super) fn produced(live: &[Slot], written: &[Slot]) -> Vec<Slot> {
    live.iter().copied().filter(|slot| written.contains(slot)).collect()
}

/// Slots of `live` that are not in `written`.
pub(super) fn carried(live: &[Slot], written: &[Slot]) -> Vec<Slot> {
    live.iter().copied().filter(|slot| !written.contains(slot)).collect()
}

fn collect(operator: &Operator, slots: &mut Vec<Slot>) {
    use OperatorKind as Kind;
    match &operator.kind {
        Kind::Argument | Kind::Schema(_) | Kind::EmptyResult { .. } => {}
        Kind::AllNodesScan { input, node }
        | Kind::NodeByLabelScan { input, node, .. }
        | Kind::NodeByIdSeek { input, node, .. }
        | Kind::NodeIndexSeek { input, node, .. } => with(input, slots, [*node]),
        Kind::RelationshipScan {
            input,
            relationship,
            start,
            end,
            ..
        }
        | Kind::RelationshipByIdSeek {
            input,
            relationship,
            start,
            end,
            ..
        } => with(input, slots, [*relationship, *start, *end]),
        Kind::NodeCount { input, count, .. } | Kind::RelationshipCount { input, count, .. } => {
            with(input, slots, [*count]);
        }
        Kind::Expand {
            input,
            relationship,
            to,
            into,
            ..
        } => with(
            input,
            slots,
            std::iter::once(*relationship).chain((!into).then_some(*to)),
        ),
        Kind::VariableExpand {
            input,
            relationships,
            to,
            into,
            ..
        } => with(
            input,
            slots,
            std::iter::once(*relationships).chain((!into).then_some(*to)),
        ),
        Kind::ShortestPath {
            input,
            relationships,
            path,
            ..
        } => with(input, slots, std::iter::once(*relationships).chain(*path)),
        Kind::Filter { input, .. }
        | Kind::Sort { input, .. }
        | Kind::Skip { input, .. }
        | Kind::Limit { input, .. }
        | Kind::Eager { input }
        | Kind::Update { input, .. }
        | Kind::Delete { input, .. }
        | Kind::Foreach { input, .. }
        | Kind::CallForEffect { input, .. } => collect(input, slots),
        Kind::Project { input, items } => with(input, slots, items.iter().map(|(slot, _)| *slot)),
        Kind::Distinct { keys, .. } => slots.extend(keys.iter().map(|(slot, _)| *slot)),
        Kind::Aggregate { keys, aggregates, .. } => {
            slots.extend(keys.iter().map(|(slot, _)| *slot));
            slots.extend(aggregates.iter().map(|(slot, _)| *slot));
        }
        Kind::Union { slots: answered, .. } => slots.extend(answered),
        Kind::Unwind { input, slot, .. } | Kind::LoadCsv { input, slot, .. } => with(input, slots, [*slot]),
        Kind::Apply { input, inner }
        | Kind::OptionalApply { input, inner, .. }
        | Kind::CartesianProduct { input, inner }
        | Kind::HashJoin { input, inner, .. } => {
            collect(input, slots);
            collect(inner, slots);
        }
        Kind::CallInTransactions {
            input, inner, report, ..
        } => {
            collect(inner, slots);
            with(input, slots, *report);
        }
        Kind::Create {
            input,
            nodes,
            relationships,
        } => {
            slots.extend(relationships.iter().map(|relationship| relationship.slot));
            with(input, slots, nodes.iter().map(|node| node.slot));
        }
        Kind::Merge {
            input,
            matching,
            nodes,
            relationships,
            ..
        } => {
            collect(matching, slots);
            slots.extend(relationships.iter().map(|relationship| relationship.slot));
            with(input, slots, nodes.iter().map(|node| node.slot));
        }
        Kind::ProcedureCall { input, yields, .. } => with(input, slots, yields.iter().map(|(_, slot)| *slot)),
    }
}

fn with(input: &Operator, slots: &mut Vec<Slot>, own: impl IntoIterator<Item = Slot>) {
    collect(input, slots);
    slots.extend(own);
}
