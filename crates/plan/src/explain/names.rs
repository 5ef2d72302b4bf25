//! Neo4j's public names of operators.

use crate::operator::{IndexSeek, OperatorKind, Update};

pub(super) fn name_of(kind: &OperatorKind) -> &'static str {
    match kind {
        OperatorKind::Argument => "Argument",
        OperatorKind::EmptyResult { .. } => "EmptyResult",
        OperatorKind::AllNodesScan { .. } => "AllNodesScan",
        OperatorKind::NodeByLabelScan { .. } => "NodeByLabelScan",
        OperatorKind::NodeByIdSeek { element_ids: false, .. } => "NodeByIdSeek",
        OperatorKind::NodeByIdSeek { element_ids: true, .. } => "NodeByElementIdSeek",
        OperatorKind::NodeIndexSeek { seek, .. } => match seek {
            IndexSeek::All => "NodeIndexScan",
            seek if super::is_range(seek) => "NodeIndexSeekByRange",
            _ => "NodeIndexSeek",
        },
        OperatorKind::RelationshipScan { types, .. } if types.is_empty() => "DirectedAllRelationshipsScan",
        OperatorKind::RelationshipScan { .. } => "DirectedRelationshipTypeScan",
        OperatorKind::RelationshipByIdSeek { .. } => "DirectedRelationshipByIdSeek",
        OperatorKind::NodeCount { .. } => "NodeCountFromCountStore",
        OperatorKind::RelationshipCount { .. } => "RelationshipCountFromCountStore",
        OperatorKind::Expand { into: false, .. } => "Expand(All)",
        OperatorKind::Expand { into: true, .. } => "Expand(Into)",
        OperatorKind::VariableExpand { into: false, .. } => "VarLengthExpand(All)",
        OperatorKind::VariableExpand { into: true, .. } => "VarLengthExpand(Into)",
        OperatorKind::ShortestPath { .. } => "ShortestPath",
        OperatorKind::Filter { .. } => "Filter",
        OperatorKind::Project { .. } => "Projection",
        OperatorKind::Distinct { .. } => "Distinct",
        OperatorKind::Aggregate { .. } => "EagerAggregation",
        OperatorKind::Sort { limit: None, .. } => "Sort",
        OperatorKind::Sort { limit: Some(_), .. } => "Top",
        OperatorKind::Skip { .. } => "Skip",
        OperatorKind::Limit { exhaust: false, .. } => "Limit",
        OperatorKind::Limit { exhaust: true, .. } => "ExhaustiveLimit",
        OperatorKind::Unwind { .. } => "Unwind",
        OperatorKind::Union { distinct: false, .. } => "Union",
        OperatorKind::Union { distinct: true, .. } => "DistinctUnion",
        OperatorKind::Apply { .. } => "Apply",
        OperatorKind::OptionalApply { .. } => "OptionalApply",
        OperatorKind::CartesianProduct { .. } => "CartesianProduct",
        OperatorKind::HashJoin { .. } => "ValueHashJoin",
        OperatorKind::Eager { .. } => "Eager",
        OperatorKind::Create { .. } => "Create",
        OperatorKind::Merge { .. } => "Merge",
        OperatorKind::Update { updates, .. } => updates_name(updates),
        OperatorKind::Delete { detach: false, .. } => "Delete",
        OperatorKind::Delete { detach: true, .. } => "DetachDelete",
        OperatorKind::Foreach { .. } => "Foreach",
        OperatorKind::LoadCsv { .. } => "LoadCSV",
        OperatorKind::ProcedureCall { .. } => "ProcedureCall",
        OperatorKind::CallForEffect { .. } => "SubqueryForeach",
        OperatorKind::CallInTransactions { returns: true, .. } => "TransactionApply",
        OperatorKind::CallInTransactions { returns: false, .. } => "TransactionForeach",
        OperatorKind::Schema(operation) => schema_name(operation),
    }
}

fn updates_name(updates: &[Update]) -> &'static str {
    match updates {
        [Update::SetProperty { .. } | Update::SetDynamicProperty { .. }] => "SetProperty",
        [Update::ReplaceProperties { .. } | Update::MergeProperties { .. }] => "SetPropertiesFromMap",
        [Update::RemoveLabels { .. }] => "RemoveLabels",
        updates if updates.iter().all(|update| matches!(update, Update::AddLabels { .. })) => "SetLabels",
        _ => "SetProperties",
    }
}

fn schema_name(operation: &crate::operator::SchemaOperation) -> &'static str {
    use crate::operator::SchemaOperation;
    match operation {
        SchemaOperation::CreateIndex { .. } | SchemaOperation::CreateLookupIndex { .. } => "CreateIndex",
        SchemaOperation::DropIndex { .. } => "DropIndex",
        SchemaOperation::CreateConstraint { .. } => "CreateConstraint",
        SchemaOperation::DropConstraint { .. } => "DropConstraint",
    }
}
