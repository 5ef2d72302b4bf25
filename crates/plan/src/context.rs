//! What the planner may ask of the database: names, counts, indexes and procedures, by name and without storage.

use std::sync::Arc;

use bastide_model::{ConstraintKind, GraphRead, IndexKind, IndexState, SchemaTarget};

use crate::procedure::ProcedureSignature;

/// Limits of a single plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanLimits {
    /// How many operators may stand on one another, 500 unless set. Passes over a plan recurse, so this bounds their stack.
    pub operator_depth_max: usize,
}

impl Default for PlanLimits {
    fn default() -> Self {
        Self {
            operator_depth_max: 500,
        }
    }
}

/// An ordered index on nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeIndex {
    /// Its name.
    pub name: Arc<str>,
    /// Its properties, in order.
    pub properties: Vec<Arc<str>>,
    /// Whether a whole key is found at most once.
    pub unique: bool,
    /// How many entries it has.
    pub entries: u64,
    /// How many distinct keys it has.
    pub distinct_keys: u64,
}

/// A view of schema and statistics. Answers may be old: a plan stays right, only slower.
pub trait PlanContext {
    /// How many nodes there are.
    fn node_count(&self) -> u64;
    /// How many nodes have the label, `None` if no entity ever had it.
    fn label_count(&self, label: &str) -> Option<u64>;
    /// How many relationships there are.
    fn relationship_count(&self) -> u64;
    /// How many relationships have the type, `None` if it was never used.
    fn type_count(&self, relationship_type: &str) -> Option<u64>;
    /// Whether the property key was ever used.
    fn has_property_key(&self, key: &str) -> bool;
    /// The complete ordered indexes on nodes with the label.
    fn node_indexes(&self, label: &str) -> Vec<NodeIndex>;
    /// Grows with every change of indexes and constraints.
    fn schema_version(&self) -> u64;
    /// A procedure by its full name; `show.*` for what `SHOW` commands answer.
    fn procedure(&self, name: &str) -> Option<ProcedureSignature>;
    /// The names of all procedures, for suggestions.
    fn procedure_names(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
    /// Whether `USE name` names the database that the statement is run against anyway.
    fn is_current_database(&self, _name: &str) -> bool {
        false
    }
    /// How large a plan may be.
    fn limits(&self) -> PlanLimits {
        PlanLimits::default()
    }
}

/// Where procedures are looked up.
pub trait ProcedureLookup {
    /// A procedure by its full name.
    fn procedure(&self, name: &str) -> Option<ProcedureSignature>;
    /// The names of all procedures.
    fn procedure_names(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

/// A [`PlanContext`] over a snapshot and a set of procedures.
pub struct GraphContext<'a> {
    /// What is asked for names and counts.
    pub graph: &'a dyn GraphRead,
    /// Where procedures come from.
    pub procedures: &'a dyn ProcedureLookup,
    /// How large a plan may be.
    pub limits: PlanLimits,
}

impl PlanContext for GraphContext<'_> {
    fn node_count(&self) -> u64 {
        self.graph.node_count(None).unwrap_or_default()
    }

    fn label_count(&self, label: &str) -> Option<u64> {
        self.graph.node_count(Some(self.graph.label_id(label)?)).ok()
    }

    fn relationship_count(&self) -> u64 {
        self.graph.relationship_count(None).unwrap_or_default()
    }

    fn type_count(&self, relationship_type: &str) -> Option<u64> {
        let id = self.graph.relationship_type_id(relationship_type)?;
        self.graph.relationship_count(Some(id)).ok()
    }

    fn has_property_key(&self, key: &str) -> bool {
        self.graph.property_key_id(key).is_some()
    }

    fn node_indexes(&self, label: &str) -> Vec<NodeIndex> {
        let Some(label) = self.graph.label_id(label) else {
            return Vec::new();
        };
        let constraints = self.graph.constraints();
        self.graph
            .indexes()
            .into_iter()
            .filter(|index| {
                index.kind == IndexKind::Range
                    && index.state == IndexState::Online
                    && index.target == Some(SchemaTarget::Label(label))
            })
            .filter_map(|index| {
                let properties = index
                    .properties
                    .iter()
                    .map(|key| self.graph.property_key_name(*key))
                    .collect::<Option<Vec<_>>>()?;
                let unique = constraints
                    .iter()
                    .any(|constraint| constraint.index == Some(index.id) && constraint.kind != ConstraintKind::Exists);
                Some(NodeIndex {
                    name: index.name,
                    properties,
                    unique,
                    entries: index.entries,
                    distinct_keys: index.distinct_keys,
                })
            })
            .collect()
    }

    fn schema_version(&self) -> u64 {
        self.graph.schema_version()
    }

    fn procedure(&self, name: &str) -> Option<ProcedureSignature> {
        self.procedures.procedure(name)
    }

    fn procedure_names(&self) -> Vec<Arc<str>> {
        self.procedures.procedure_names()
    }

    fn limits(&self) -> PlanLimits {
        self.limits
    }
}
