//! From a plan to operators that run: kinds that change the graph or call out.

use std::sync::Arc;

use bastide_plan::Operator;
use bastide_plan::expression::{Offset, Slot};
use bastide_plan::operator::{CreateNode, CreateRelationship, OperatorKind as Kind, Update as PlannedUpdate};
use bastide_status::{Code, Status};

use super::Stream;
use super::apply::CallForEffect;
use super::build::{Builder, misplaced};
use super::call::{CallParts, ProcedureCall};
use super::create::{Create, Creator, PreparedNode, PreparedRelationship};
use super::delete::Delete;
use super::foreach::Foreach;
use super::in_transactions::{CallInTransactions, GroupState};
use super::load::LoadCsv;
use super::merge::{Merge, MergeParts};
use super::schema::SchemaCommand;
use super::slots::{carried, produced, written};
use super::tokens::{label_name, type_name};
use super::update::{Change, PreparedUpdate, Update};

/// Prepares an operator of these kinds.
pub(super) fn build(builder: &Builder<'_>, operator: &Operator) -> Result<Stream, Status> {
    let live = &operator.live;
    Ok(match &operator.kind {
        Kind::Create {
            input,
            nodes,
            relationships,
        } => {
            let creator = creator(builder, nodes, relationships, false)?;
            Box::new(Create::new(builder.build(input)?, creator))
        }
        Kind::Merge { .. } => return merge(builder, operator),
        Kind::Update { input, updates } => {
            Box::new(Update::new(builder.build(input)?, prepared_updates(builder, updates)?))
        }
        Kind::Delete {
            input,
            subjects,
            detach,
        } => {
            let subjects = subjects
                .iter()
                .map(|(subject, offset)| Ok((builder.compile(subject)?, *offset)))
                .collect::<Result<_, Status>>()?;
            Box::new(Delete::new(builder.build(input)?, subjects, *detach))
        }
        Kind::Foreach {
            input,
            list,
            slot,
            body,
        } => Box::new(Foreach::new(
            builder.build(input)?,
            builder.compile(list)?,
            *slot,
            builder.build(body)?,
        )),
        Kind::LoadCsv {
            input,
            url,
            slot,
            headers,
            delimiter,
            offset,
        } => {
            let load = LoadCsv {
                url: builder.compile(url)?,
                slot: *slot,
                headers: *headers,
                delimiter: delimiter
                    .as_ref()
                    .map(|delimiter| builder.compile(delimiter))
                    .transpose()?,
                offset: *offset,
                follows_lines: builder.shared.text.to_ascii_lowercase().contains("linenumber"),
                rows: None,
            };
            return builder.flat_map(input, load, live, &[*slot]);
        }
        Kind::ProcedureCall { .. } => return procedure_call(builder, operator),
        Kind::CallForEffect { input, inner } => {
            Box::new(CallForEffect::new(builder.build(input)?, builder.build(inner)?))
        }
        Kind::CallInTransactions {
            input,
            inner,
            rows_per_transaction,
            on_error,
            report,
            returns,
        } => {
            let inner_slots = if *returns { written(inner) } else { Vec::new() };
            let mut own = inner_slots.clone();
            own.extend(report);
            Box::new(CallInTransactions {
                input: builder.build(input)?,
                inner: builder.build(inner)?,
                rows_per_transaction: match rows_per_transaction {
                    Some(count) => Some(builder.count(count, Offset::default(), "OF … ROWS")?),
                    None => None,
                },
                on_error: *on_error,
                report: *report,
                returns: *returns,
                carried: carried(live, &own),
                produced: produced(live, &inner_slots),
                state: GroupState::default(),
            })
        }
        Kind::Schema(operation) => Box::new(SchemaCommand::new(operation.clone())),
        _ => return Err(misplaced()),
    })
}

fn merge(builder: &Builder<'_>, operator: &Operator) -> Result<Stream, Status> {
    let Kind::Merge {
        input,
        matching,
        nodes,
        relationships,
        on_create,
        on_match,
    } = &operator.kind
    else {
        return Err(misplaced());
    };
    let mut slots: Vec<Slot> = written(matching);
    slots.extend(nodes.iter().map(|node| node.slot));
    slots.extend(relationships.iter().map(|relationship| relationship.slot));
    slots.sort_unstable();
    slots.dedup();
    let own = produced(&operator.live, &slots);
    let parts = MergeParts {
        matching: builder.build(matching)?,
        creator: creator(builder, nodes, relationships, true)?,
        on_create: prepared_updates(builder, on_create)?,
        on_match: prepared_updates(builder, on_match)?,
    };
    let merge = Merge::new(parts, slots, own.clone());
    builder.flat_map(input, merge, &operator.live, &own)
}

fn procedure_call(builder: &Builder<'_>, operator: &Operator) -> Result<Stream, Status> {
    let Kind::ProcedureCall {
        input,
        name,
        arguments,
        yields,
        is_void,
        optional,
        offset,
    } = &operator.kind
    else {
        return Err(misplaced());
    };
    let procedure = builder.shared.procedures.find(name).ok_or_else(|| {
        Status::new(
            Code::ProcedureNotFound,
            format!("there is no procedure with the name `{name}` registered for this database instance"),
        )
    })?;
    let call = ProcedureCall::new(CallParts {
        procedure: Arc::clone(procedure),
        arguments: arguments
            .iter()
            .map(|argument| builder.compile(argument))
            .collect::<Result<_, _>>()?,
        yields: yields.clone(),
        is_void: *is_void,
        optional: *optional,
        offset: *offset,
    })?;
    let own: Vec<Slot> = yields.iter().map(|(_, slot)| *slot).collect();
    builder.flat_map(input, call, &operator.live, &own)
}

fn creator(
    builder: &Builder<'_>,
    nodes: &[CreateNode],
    relationships: &[CreateRelationship],
    refuses_null: bool,
) -> Result<Creator, Status> {
    let plan = &builder.shared.plan;
    let nodes = nodes
        .iter()
        .map(|node| {
            Ok(PreparedNode {
                slot: node.slot,
                labels: node.labels.iter().map(|label| label_name(plan, *label)).collect(),
                properties: node.properties.as_ref().map(|map| builder.compile(map)).transpose()?,
            })
        })
        .collect::<Result<_, Status>>()?;
    let relationships = relationships
        .iter()
        .map(|relationship| {
            Ok(PreparedRelationship {
                slot: relationship.slot,
                relationship_type: type_name(plan, relationship.relationship_type),
                start: relationship.start,
                end: relationship.end,
                properties: relationship
                    .properties
                    .as_ref()
                    .map(|map| builder.compile(map))
                    .transpose()?,
                offset: relationship.offset,
            })
        })
        .collect::<Result<_, Status>>()?;
    Ok(Creator::new(nodes, relationships, refuses_null))
}

fn prepared_updates(builder: &Builder<'_>, updates: &[PlannedUpdate]) -> Result<Vec<PreparedUpdate>, Status> {
    updates.iter().map(|update| prepared_update(builder, update)).collect()
}

fn prepared_update(builder: &Builder<'_>, update: &PlannedUpdate) -> Result<PreparedUpdate, Status> {
    let plan = &builder.shared.plan;
    let names =
        |labels: &[bastide_plan::expression::LabelName]| labels.iter().map(|label| label_name(plan, *label)).collect();
    let (subject, change, offset) = match update {
        PlannedUpdate::SetProperty {
            subject,
            key,
            value,
            offset,
        } => {
            let change = Change::Property {
                key: Arc::clone(key),
                value: builder.compile(value)?,
            };
            (subject, change, offset)
        }
        PlannedUpdate::SetDynamicProperty {
            subject,
            key,
            value,
            offset,
        } => {
            let change = Change::DynamicProperty {
                key: builder.compile(key)?,
                value: builder.compile(value)?,
            };
            (subject, change, offset)
        }
        PlannedUpdate::ReplaceProperties { subject, value, offset } => {
            (subject, Change::Replace(builder.compile(value)?), offset)
        }
        PlannedUpdate::MergeProperties { subject, value, offset } => {
            (subject, Change::Merge(builder.compile(value)?), offset)
        }
        PlannedUpdate::AddLabels {
            subject,
            labels,
            offset,
        } => (subject, Change::AddLabels(names(labels)), offset),
        PlannedUpdate::RemoveLabels {
            subject,
            labels,
            offset,
        } => (subject, Change::RemoveLabels(names(labels)), offset),
    };
    Ok(PreparedUpdate {
        subject: builder.compile(subject)?,
        change,
        offset: *offset,
    })
}
