//! What an operator reads of the graph and what it changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::expression::{Expression, LabelName, Labels, TypeName};
use crate::operator::{CreateNode, CreateRelationship, OperatorKind, Update};
use crate::planner::Planner;
use crate::walk::{each_child, each_expression, each_input};

/// Some names, or every name.
#[derive(Clone, Debug, Default)]
struct Names {
    every: bool,
    some: BTreeSet<Arc<str>>,
}

impl Names {
    fn add(&mut self, other: &Self) {
        self.every |= other.every;
        self.some.extend(other.some.iter().cloned());
    }

    fn insert(&mut self, name: Arc<str>) {
        self.some.insert(name);
    }

    fn is_empty(&self) -> bool {
        !self.every && self.some.is_empty()
    }

    fn meets(&self, other: &Self) -> bool {
        (self.every && !other.is_empty())
            || (other.every && !self.is_empty())
            || self.some.intersection(&other.some).next().is_some()
    }
}

/// What is read and changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    /// Finds nodes without regard to labels.
    reads_all_nodes: bool,
    /// Finds nodes by these labels, or asks for them.
    reads_labels: Names,
    reads_types: Names,
    reads_properties: Names,
    /// Finds entities by id, which only a deletion can change.
    reads_ids: bool,
    creates_nodes: bool,
    /// Labels of created nodes, and labels set or removed.
    writes_labels: Names,
    /// Types of created relationships.
    writes_types: Names,
    writes_properties: Names,
    /// Sets or removes labels of what is there.
    changes_labels: bool,
    deletes: bool,
    /// Runs something that may do anything.
    writes_unknown: bool,
}

impl Effects {
    pub(crate) fn add(&mut self, other: &Self) {
        self.reads_all_nodes |= other.reads_all_nodes;
        self.reads_ids |= other.reads_ids;
        self.reads_labels.add(&other.reads_labels);
        self.reads_types.add(&other.reads_types);
        self.reads_properties.add(&other.reads_properties);
        self.creates_nodes |= other.creates_nodes;
        self.writes_labels.add(&other.writes_labels);
        self.writes_types.add(&other.writes_types);
        self.writes_properties.add(&other.writes_properties);
        self.changes_labels |= other.changes_labels;
        self.deletes |= other.deletes;
        self.writes_unknown |= other.writes_unknown;
    }

    pub(crate) fn writes_anything(&self) -> bool {
        self.creates_nodes
            || self.deletes
            || self.writes_unknown
            || !self.writes_labels.is_empty()
            || !self.writes_types.is_empty()
            || !self.writes_properties.is_empty()
    }

    fn reads_anything(&self) -> bool {
        self.reads_all_nodes
            || self.reads_ids
            || !self.reads_labels.is_empty()
            || !self.reads_types.is_empty()
            || !self.reads_properties.is_empty()
    }

    /// Whether anything that was there before is changed.
    pub(crate) fn changes_existing(&self) -> bool {
        self.deletes || self.writes_unknown || !self.writes_properties.is_empty() || self.changes_labels
    }

    /// Whether either changes what the other reads, or the order of their changes matters.
    pub(crate) fn conflicts_with(&self, other: &Self) -> bool {
        self.changes_what_is_read_by(other) || other.changes_what_is_read_by(self) || self.overwrites(other)
    }

    fn changes_what_is_read_by(&self, reader: &Self) -> bool {
        ((self.deletes || self.writes_unknown) && reader.reads_anything())
            || (self.creates_nodes && reader.reads_all_nodes)
            || self.writes_labels.meets(&reader.reads_labels)
            || self.writes_types.meets(&reader.reads_types)
            || self.writes_properties.meets(&reader.reads_properties)
    }

    /// Two clauses that write the same, or one of which deletes: all of the first comes before any of the second.
    fn overwrites(&self, other: &Self) -> bool {
        let both = self.writes_anything() && other.writes_anything();
        both && (self.deletes
            || other.deletes
            || self.writes_unknown
            || other.writes_unknown
            || self.writes_properties.meets(&other.writes_properties)
            // Labels of created nodes do not clash with one another, only with labels that are set or removed.
            || ((self.changes_labels || other.changes_labels) && self.writes_labels.meets(&other.writes_labels)))
    }
}

/// The effects of one operator itself, without its inputs.
pub(crate) fn own_effects(planner: &Planner<'_>, kind: &OperatorKind) -> Effects {
    let mut effects = Effects::default();
    each_expression(kind, &mut |expression| read_by(planner, expression, &mut effects));
    match kind {
        OperatorKind::AllNodesScan { .. } | OperatorKind::NodeCount { label: None, .. } => {
            effects.reads_all_nodes = true;
        }
        OperatorKind::NodeByIdSeek { .. } | OperatorKind::RelationshipByIdSeek { .. } => effects.reads_ids = true,
        OperatorKind::NodeByLabelScan { label, .. } | OperatorKind::NodeCount { label: Some(label), .. } => {
            effects.reads_labels.insert(planner.labels.name(label.0));
        }
        OperatorKind::NodeIndexSeek { index, .. } => match planner.indexes_used.get(index) {
            Some((label, properties)) => {
                effects.reads_labels.insert(Arc::clone(label));
                effects.reads_properties.some.extend(properties.iter().cloned());
            }
            None => {
                effects.reads_labels.every = true;
                effects.reads_properties.every = true;
            }
        },
        OperatorKind::RelationshipScan { types, .. }
        | OperatorKind::RelationshipCount { types, .. }
        | OperatorKind::Expand { types, .. }
        | OperatorKind::VariableExpand { types, .. }
        | OperatorKind::ShortestPath { types, .. } => read_types(planner, types, &mut effects),
        OperatorKind::Create {
            nodes, relationships, ..
        } => created(planner, nodes, relationships, &mut effects),
        OperatorKind::Merge {
            nodes,
            relationships,
            on_create,
            on_match,
            ..
        } => {
            created(planner, nodes, relationships, &mut effects);
            for update in on_create.iter().chain(on_match) {
                updated(planner, update, &mut effects);
            }
        }
        OperatorKind::Update { updates, .. } => {
            for update in updates {
                updated(planner, update, &mut effects);
            }
        }
        OperatorKind::Delete { .. } => effects.deletes = true,
        OperatorKind::ProcedureCall { name, .. } => {
            let mode = planner.context.procedure(name).map(|signature| signature.mode);
            if mode == Some(crate::procedure::ProcedureMode::Write) {
                effects.writes_unknown = true;
            }
            effects.reads_all_nodes = true;
            effects.reads_labels.every = true;
            effects.reads_types.every = true;
            effects.reads_properties.every = true;
        }
        _ => {}
    }
    effects
}

fn read_types(planner: &Planner<'_>, types: &[TypeName], effects: &mut Effects) {
    if types.is_empty() {
        effects.reads_types.every = true;
    }
    for name in types {
        effects.reads_types.insert(planner.types.name(name.0));
    }
}

fn created(planner: &Planner<'_>, nodes: &[CreateNode], relationships: &[CreateRelationship], effects: &mut Effects) {
    effects.creates_nodes |= !nodes.is_empty();
    write_labels(planner, nodes.iter().flat_map(|node| &node.labels), effects);
    for relationship in relationships {
        effects
            .writes_types
            .insert(planner.types.name(relationship.relationship_type.0));
    }
}

fn write_labels<'l>(planner: &Planner<'_>, labels: impl Iterator<Item = &'l LabelName>, effects: &mut Effects) {
    for label in labels {
        effects.writes_labels.insert(planner.labels.name(label.0));
    }
}

fn updated(planner: &Planner<'_>, update: &Update, effects: &mut Effects) {
    match update {
        Update::SetProperty { key, .. } => effects.writes_properties.insert(Arc::clone(key)),
        Update::SetDynamicProperty { .. } | Update::ReplaceProperties { .. } | Update::MergeProperties { .. } => {
            effects.writes_properties.every = true;
        }
        Update::AddLabels { labels, .. } | Update::RemoveLabels { labels, .. } => {
            effects.changes_labels = true;
            write_labels(planner, labels.iter(), effects);
        }
    }
}

/// What an expression reads, its subqueries included.
fn read_by(planner: &Planner<'_>, expression: &Expression, effects: &mut Effects) {
    match expression {
        Expression::Property { key, .. } => effects.reads_properties.insert(planner.keys.name(key.0)),
        Expression::MapProjection { .. } | Expression::Index { .. } => effects.reads_properties.every = true,
        Expression::HasLabels { labels, .. } => read_labels(labels, effects),
        Expression::Function { name, .. } => match name.as_ref() {
            "properties" | "keys" => effects.reads_properties.every = true,
            "labels" => effects.reads_labels.every = true,
            _ => {}
        },
        Expression::Subquery { plan, .. } => read_by_plan(planner, plan, effects),
        _ => {}
    }
    each_child(expression, &mut |child| read_by(planner, child, effects));
}

fn read_by_plan(planner: &Planner<'_>, plan: &crate::operator::Operator, effects: &mut Effects) {
    effects.add(&own_effects(planner, &plan.kind));
    each_input(&plan.kind, &mut |input| read_by_plan(planner, input, effects));
}

fn read_labels(labels: &Labels, effects: &mut Effects) {
    match labels {
        Labels::Name(name) => effects.reads_labels.insert(Arc::clone(name)),
        Labels::Any => effects.reads_labels.every = true,
        Labels::And(parts) | Labels::Or(parts) => parts.iter().for_each(|part| read_labels(part, effects)),
        Labels::Not(inner) => read_labels(inner, effects),
    }
}
