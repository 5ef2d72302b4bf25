//! Label and type expressions, tested against the entity without reading its names.

use std::sync::Arc;

use bastide_model::{LabelId, NodeId, RelationshipTypeId, Value};
use bastide_plan::expression::Labels;
use bastide_status::Status;

use super::context::{EvaluationContext, TokenCell, graph_status};
use super::error::{entity_deleted, type_error};

/// A [`Labels`] with room for the ids of its names.
#[derive(Debug)]
pub(super) enum CompiledLabels {
    Name {
        name: Arc<str>,
        label: TokenCell,
        relationship_type: TokenCell,
    },
    Any,
    And(Vec<CompiledLabels>),
    Or(Vec<CompiledLabels>),
    Not(Box<CompiledLabels>),
}

impl CompiledLabels {
    pub(super) fn new(labels: &Labels) -> Self {
        match labels {
            Labels::Name(name) => Self::Name {
                name: Arc::clone(name),
                label: TokenCell::default(),
                relationship_type: TokenCell::default(),
            },
            Labels::Any => Self::Any,
            Labels::And(parts) => Self::And(parts.iter().map(Self::new).collect()),
            Labels::Or(parts) => Self::Or(parts.iter().map(Self::new).collect()),
            Labels::Not(part) => Self::Not(Box::new(Self::new(part))),
        }
    }

    /// Whether an entity has the labels, or the type; null if it is null.
    pub(super) fn test(&self, subject: &Value, context: &EvaluationContext<'_>) -> Result<Value, Status> {
        match subject {
            Value::Null => Ok(Value::Null),
            Value::Node(node) => self.node_has(*node, context).map(Value::Boolean),
            Value::Relationship(relationship) => {
                let record = context
                    .graph
                    .relationship(*relationship)
                    .map_err(|error| graph_status(&error))?
                    .ok_or_else(|| entity_deleted(subject))?;
                Ok(Value::Boolean(self.type_is(record.relationship_type, context)))
            }
            other => Err(type_error("a label predicate", "a node or relationship", other)),
        }
    }

    fn node_has(&self, node: NodeId, context: &EvaluationContext<'_>) -> Result<bool, Status> {
        match self {
            Self::Name { name, label, .. } => {
                let Some(id) = label.resolve(|| context.graph.label_id(name).map(|id| id.0)) else {
                    return Ok(false);
                };
                context
                    .graph
                    .node_has_label(node, LabelId(id))
                    .map_err(|error| graph_status(&error))
            }
            Self::Any => {
                let mut labels = Vec::new();
                context
                    .graph
                    .node_labels(node, &mut labels)
                    .map_err(|error| graph_status(&error))?;
                Ok(!labels.is_empty())
            }
            Self::And(parts) => {
                for part in parts {
                    if !part.node_has(node, context)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(parts) => {
                for part in parts {
                    if part.node_has(node, context)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(part) => Ok(!part.node_has(node, context)?),
        }
    }

    fn type_is(&self, actual: RelationshipTypeId, context: &EvaluationContext<'_>) -> bool {
        match self {
            Self::Name {
                name,
                relationship_type,
                ..
            } => {
                relationship_type.resolve(|| context.graph.relationship_type_id(name).map(|id| id.0)) == Some(actual.0)
            }
            Self::Any => true,
            Self::And(parts) => parts.iter().all(|part| part.type_is(actual, context)),
            Self::Or(parts) => parts.iter().any(|part| part.type_is(actual, context)),
            Self::Not(part) => !part.type_is(actual, context),
        }
    }
}
