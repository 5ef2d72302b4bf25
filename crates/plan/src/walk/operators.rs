//! The parts of each operator: inputs, expressions, slots.

use crate::expression::{Expression, Slot};
use crate::operator::{CreateNode, CreateRelationship, IndexSeek, Operator, OperatorKind, Update};

/// One list of arms for shared and for mutable access, so that the two cannot drift apart.
macro_rules! inputs {
    ($kind:expr, $visit:expr, $iterate:ident) => {
        match $kind {
            OperatorKind::Argument | OperatorKind::Schema(_) => {}
            OperatorKind::EmptyResult { input }
            | OperatorKind::AllNodesScan { input, .. }
            | OperatorKind::NodeByLabelScan { input, .. }
            | OperatorKind::NodeByIdSeek { input, .. }
            | OperatorKind::NodeIndexSeek { input, .. }
            | OperatorKind::RelationshipScan { input, .. }
            | OperatorKind::RelationshipByIdSeek { input, .. }
            | OperatorKind::NodeCount { input, .. }
            | OperatorKind::RelationshipCount { input, .. }
            | OperatorKind::Expand { input, .. }
            | OperatorKind::VariableExpand { input, .. }
            | OperatorKind::ShortestPath { input, .. }
            | OperatorKind::Filter { input, .. }
            | OperatorKind::Project { input, .. }
            | OperatorKind::Distinct { input, .. }
            | OperatorKind::Aggregate { input, .. }
            | OperatorKind::Sort { input, .. }
            | OperatorKind::Skip { input, .. }
            | OperatorKind::Limit { input, .. }
            | OperatorKind::Unwind { input, .. }
            | OperatorKind::Eager { input }
            | OperatorKind::Create { input, .. }
            | OperatorKind::Update { input, .. }
            | OperatorKind::Delete { input, .. }
            | OperatorKind::LoadCsv { input, .. }
            | OperatorKind::ProcedureCall { input, .. } => $visit(input),
            OperatorKind::Apply { input, inner }
            | OperatorKind::OptionalApply { input, inner, .. }
            | OperatorKind::CartesianProduct { input, inner }
            | OperatorKind::HashJoin { input, inner, .. }
            | OperatorKind::CallForEffect { input, inner }
            | OperatorKind::CallInTransactions { input, inner, .. }
            | OperatorKind::Merge {
                input, matching: inner, ..
            }
            | OperatorKind::Foreach { input, body: inner, .. } => {
                $visit(input);
                $visit(inner);
            }
            OperatorKind::Union { inputs, .. } => inputs.$iterate().for_each($visit),
        }
    };
}

/// Calls `visit` with each operator directly below.
pub(crate) fn each_input<'o>(kind: &'o OperatorKind, visit: &mut dyn FnMut(&'o Operator)) {
    inputs!(kind, visit, iter);
}

/// As [`each_input`], to change them.
pub(crate) fn each_input_mut(kind: &mut OperatorKind, visit: &mut dyn FnMut(&mut Operator)) {
    inputs!(kind, visit, iter_mut);
}

/// The main input: the first, wherever there are two.
pub(crate) fn first_input_mut(kind: &mut OperatorKind) -> Option<&mut Operator> {
    macro_rules! first {
        ($($name:ident),+) => {
            match kind {
                $(OperatorKind::$name { input, .. } => Some(input),)+
                OperatorKind::Union { inputs, .. } => inputs.first_mut(),
                OperatorKind::Argument | OperatorKind::Schema(_) => None,
            }
        };
    }
    first!(
        EmptyResult,
        AllNodesScan,
        NodeByLabelScan,
        NodeByIdSeek,
        NodeIndexSeek,
        RelationshipScan,
        RelationshipByIdSeek,
        NodeCount,
        RelationshipCount,
        Expand,
        VariableExpand,
        ShortestPath,
        Filter,
        Project,
        Distinct,
        Aggregate,
        Sort,
        Skip,
        Limit,
        Unwind,
        Eager,
        Create,
        Update,
        Delete,
        LoadCsv,
        ProcedureCall,
        Apply,
        OptionalApply,
        CartesianProduct,
        HashJoin,
        CallForEffect,
        CallInTransactions,
        Merge,
        Foreach
    )
}

macro_rules! expressions {
    ($kind:expr, $visit:expr, $iterate:ident, $updates:ident, $created:ident, $seek:ident) => {
        match $kind {
            OperatorKind::Argument
            | OperatorKind::Schema(_)
            | OperatorKind::EmptyResult { .. }
            | OperatorKind::AllNodesScan { .. }
            | OperatorKind::NodeByLabelScan { .. }
            | OperatorKind::RelationshipScan { .. }
            | OperatorKind::NodeCount { .. }
            | OperatorKind::RelationshipCount { .. }
            | OperatorKind::Expand { .. }
            | OperatorKind::Union { .. }
            | OperatorKind::Apply { .. }
            | OperatorKind::OptionalApply { .. }
            | OperatorKind::CartesianProduct { .. }
            | OperatorKind::CallForEffect { .. }
            | OperatorKind::Eager { .. } => {}
            OperatorKind::NodeByIdSeek { ids, .. } | OperatorKind::RelationshipByIdSeek { ids, .. } => $visit(ids),
            OperatorKind::NodeIndexSeek { seek, .. } => $seek(seek, $visit),
            OperatorKind::VariableExpand {
                relationship_filter, ..
            } => relationship_filter.$iterate().for_each(|(_, filter)| $visit(filter)),
            OperatorKind::ShortestPath {
                relationship_filter,
                node_filter,
                path_filter,
                ..
            } => {
                relationship_filter.$iterate().for_each(|(_, filter)| $visit(filter));
                node_filter.$iterate().for_each(|(_, filter)| $visit(filter));
                path_filter.$iterate().for_each($visit);
            }
            OperatorKind::Filter { predicate, .. } => $visit(predicate),
            OperatorKind::Project { items, .. } | OperatorKind::Distinct { keys: items, .. } => {
                items.$iterate().for_each(|(_, item)| $visit(item));
            }
            OperatorKind::Aggregate { keys, aggregates, .. } => {
                keys.$iterate().for_each(|(_, key)| $visit(key));
                aggregates
                    .$iterate()
                    .for_each(|(_, aggregate)| aggregate.arguments.$iterate().for_each(&mut *$visit));
            }
            OperatorKind::Sort { keys, limit, .. } => {
                keys.$iterate().for_each(|key| {
                    let expression = &mut *$visit;
                    $created!(@key key, expression);
                });
                limit.$iterate().for_each($visit);
            }
            OperatorKind::Skip { count, .. } | OperatorKind::Limit { count, .. } => $visit(count),
            OperatorKind::Unwind { list, .. } | OperatorKind::Foreach { list, .. } => $visit(list),
            OperatorKind::HashJoin { keys, .. } => keys.$iterate().for_each(|(left, right)| {
                $visit(left);
                $visit(right);
            }),
            OperatorKind::Create {
                nodes, relationships, ..
            } => {
                nodes.$iterate().for_each(|node| node.properties.$iterate().for_each(&mut *$visit));
                relationships
                    .$iterate()
                    .for_each(|relationship| relationship.properties.$iterate().for_each(&mut *$visit));
            }
            OperatorKind::Merge {
                nodes,
                relationships,
                on_create,
                on_match,
                ..
            } => {
                nodes.$iterate().for_each(|node| node.properties.$iterate().for_each(&mut *$visit));
                relationships
                    .$iterate()
                    .for_each(|relationship| relationship.properties.$iterate().for_each(&mut *$visit));
                on_create.$iterate().chain(on_match).for_each(|update| $updates(update, &mut *$visit));
            }
            OperatorKind::Update { updates, .. } => {
                updates.$iterate().for_each(|update| $updates(update, &mut *$visit));
            }
            OperatorKind::Delete { subjects, .. } => subjects.$iterate().for_each(|(subject, _)| $visit(subject)),
            OperatorKind::LoadCsv { url, delimiter, .. } => {
                $visit(url);
                delimiter.$iterate().for_each($visit);
            }
            OperatorKind::ProcedureCall { arguments, .. } => arguments.$iterate().for_each($visit),
            OperatorKind::CallInTransactions {
                rows_per_transaction, ..
            } => rows_per_transaction.$iterate().for_each($visit),
        }
    };
}

macro_rules! shared_key {
    (@key $key:ident, $visit:ident) => {
        $visit(&$key.expression)
    };
}

macro_rules! mutable_key {
    (@key $key:ident, $visit:ident) => {
        $visit(&mut $key.expression)
    };
}

/// Calls `visit` with each expression of this operator itself.
pub(crate) fn each_expression<'o>(kind: &'o OperatorKind, visit: &mut dyn FnMut(&'o Expression)) {
    expressions!(kind, visit, iter, each_of_update, shared_key, each_of_seek);
}

/// As [`each_expression`], to change them.
pub(crate) fn each_expression_mut(kind: &mut OperatorKind, visit: &mut dyn FnMut(&mut Expression)) {
    expressions!(kind, visit, iter_mut, each_of_update_mut, mutable_key, each_of_seek_mut);
}

fn each_of_seek<'o>(seek: &'o IndexSeek, visit: &mut dyn FnMut(&'o Expression)) {
    super::seek_expressions(seek).into_iter().for_each(visit);
}

fn each_of_seek_mut(seek: &mut IndexSeek, visit: &mut dyn FnMut(&mut Expression)) {
    match seek {
        IndexSeek::All => {}
        IndexSeek::Equal(values) => values.iter_mut().for_each(visit),
        IndexSeek::AnyOf(value) | IndexSeek::Prefix(value) => visit(value),
        IndexSeek::Range { from, to } => from.iter_mut().chain(to).for_each(|(value, _)| visit(value)),
    }
}

fn each_of_update<'o>(update: &'o Update, visit: &mut dyn FnMut(&'o Expression)) {
    super::update_expressions(update).into_iter().for_each(visit);
}

fn each_of_update_mut(update: &mut Update, visit: &mut dyn FnMut(&mut Expression)) {
    match update {
        Update::SetProperty { subject, value, .. }
        | Update::ReplaceProperties { subject, value, .. }
        | Update::MergeProperties { subject, value, .. } => {
            visit(subject);
            visit(value);
        }
        Update::SetDynamicProperty {
            subject, key, value, ..
        } => {
            visit(subject);
            visit(key);
            visit(value);
        }
        Update::AddLabels { subject, .. } | Update::RemoveLabels { subject, .. } => visit(subject),
    }
}

/// The slots an operator gives a value that its input did not have.
pub(crate) fn introduced(kind: &OperatorKind) -> Vec<Slot> {
    match kind {
        OperatorKind::AllNodesScan { node, .. }
        | OperatorKind::NodeByLabelScan { node, .. }
        | OperatorKind::NodeByIdSeek { node, .. }
        | OperatorKind::NodeIndexSeek { node, .. } => vec![*node],
        OperatorKind::RelationshipScan {
            relationship,
            start,
            end,
            ..
        }
        | OperatorKind::RelationshipByIdSeek {
            relationship,
            start,
            end,
            ..
        } => vec![*relationship, *start, *end],
        OperatorKind::NodeCount { count, .. } | OperatorKind::RelationshipCount { count, .. } => vec![*count],
        OperatorKind::Expand {
            relationship, to, into, ..
        } => opened(*relationship, *to, *into),
        OperatorKind::VariableExpand {
            relationships,
            to,
            into,
            relationship_filter,
            ..
        } => {
            let mut slots = opened(*relationships, *to, *into);
            slots.extend(relationship_filter.iter().map(|(slot, _)| *slot));
            slots
        }
        OperatorKind::ShortestPath {
            relationships,
            path,
            relationship_filter,
            node_filter,
            ..
        } => {
            let mut slots = vec![*relationships];
            slots.extend(path);
            slots.extend(relationship_filter.iter().chain(node_filter).map(|(slot, _)| *slot));
            slots
        }
        OperatorKind::Project { items, .. } | OperatorKind::Distinct { keys: items, .. } => new_slots(items),
        OperatorKind::Aggregate { keys, aggregates, .. } => {
            let mut slots = new_slots(keys);
            slots.extend(aggregates.iter().map(|(slot, _)| *slot));
            slots
        }
        OperatorKind::Unwind { slot, .. } | OperatorKind::Foreach { slot, .. } | OperatorKind::LoadCsv { slot, .. } => {
            vec![*slot]
        }
        OperatorKind::Union { slots, .. } => slots.clone(),
        OperatorKind::Create {
            nodes, relationships, ..
        }
        | OperatorKind::Merge {
            nodes, relationships, ..
        } => created(nodes, relationships),
        OperatorKind::ProcedureCall { yields, .. } => yields.iter().map(|(_, slot)| *slot).collect(),
        OperatorKind::CallInTransactions { report, .. } => report.iter().copied().collect(),
        _ => Vec::new(),
    }
}

fn opened(relationship: Slot, to: Slot, into: bool) -> Vec<Slot> {
    if into {
        vec![relationship]
    } else {
        vec![relationship, to]
    }
}

fn created(nodes: &[CreateNode], relationships: &[CreateRelationship]) -> Vec<Slot> {
    nodes
        .iter()
        .map(|node| node.slot)
        .chain(relationships.iter().map(|relationship| relationship.slot))
        .collect()
}

/// Slots of items that do not merely pass a slot on.
fn new_slots(items: &[(Slot, Expression)]) -> Vec<Slot> {
    items
        .iter()
        .filter(|(slot, expression)| !matches!(expression, Expression::Slot(read) if read == slot))
        .map(|(slot, _)| *slot)
        .collect()
}

/// The slots an operator reads by name, outside its expressions.
pub(crate) fn named_reads(kind: &OperatorKind, visit: &mut dyn FnMut(Slot)) {
    match kind {
        OperatorKind::Expand { from, to, into, .. } | OperatorKind::VariableExpand { from, to, into, .. } => {
            visit(*from);
            if *into {
                visit(*to);
            }
        }
        OperatorKind::ShortestPath { from, to, .. } => {
            visit(*from);
            visit(*to);
        }
        OperatorKind::Union { mappings, .. } => mappings.iter().flatten().for_each(|slot| visit(*slot)),
        OperatorKind::Create { relationships, .. } | OperatorKind::Merge { relationships, .. } => {
            for relationship in relationships {
                visit(relationship.start);
                visit(relationship.end);
            }
        }
        _ => {}
    }
}
