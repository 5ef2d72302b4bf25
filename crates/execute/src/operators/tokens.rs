//! Names of a plan and the ids they stand for, which may come into being while the statement runs.

use std::sync::Arc;

use bastide_model::{GraphRead, LabelId, RelationshipTypeId};
use bastide_plan::Plan;
use bastide_plan::expression::{LabelName, TypeName};

/// The name of a label.
pub(super) fn label_name(plan: &Plan, label: LabelName) -> Arc<str> {
    plan.labels
        .get(label.0 as usize)
        .cloned()
        .unwrap_or_else(|| Arc::from(""))
}

/// The name of a relationship type.
pub(super) fn type_name(plan: &Plan, name: TypeName) -> Arc<str> {
    plan.relationship_types
        .get(name.0 as usize)
        .cloned()
        .unwrap_or_else(|| Arc::from(""))
}

/// The types of an expansion.
pub(super) struct TypeFilter {
    names: Vec<Arc<str>>,
    ids: Vec<RelationshipTypeId>,
}

impl TypeFilter {
    pub(super) fn new(plan: &Plan, types: &[TypeName]) -> Self {
        Self {
            names: types.iter().map(|name| type_name(plan, *name)).collect(),
            ids: Vec::new(),
        }
    }

    /// Forgets ids, which a rolled back transaction may have taken along.
    pub(super) fn reset(&mut self) {
        self.ids.clear();
    }

    /// The ids to expand by, none for every type; `None` if not one of the types exists.
    pub(super) fn resolve(&mut self, graph: &dyn GraphRead) -> Option<&[RelationshipTypeId]> {
        if self.ids.len() < self.names.len() {
            self.ids.clear();
            let ids = self.names.iter().filter_map(|name| graph.relationship_type_id(name));
            self.ids.extend(ids);
            self.ids.sort_unstable();
            self.ids.dedup();
            if self.ids.is_empty() {
                return None;
            }
        }
        Some(&self.ids)
    }
}

/// A label looked up by name.
pub(super) struct LabelLookup {
    name: Arc<str>,
    id: Option<LabelId>,
}

impl LabelLookup {
    pub(super) fn new(plan: &Plan, label: LabelName) -> Self {
        Self {
            name: label_name(plan, label),
            id: None,
        }
    }

    pub(super) fn reset(&mut self) {
        self.id = None;
    }

    pub(super) fn resolve(&mut self, graph: &dyn GraphRead) -> Option<LabelId> {
        if self.id.is_none() {
            self.id = graph.label_id(&self.name);
        }
        self.id
    }
}
