//! Path values from the slots of a pattern, and the rule that a pattern meets no relationship twice.

use bastide_model::{Direction, NodeId, Path, PathStep, RelationshipId, Value};
use bastide_plan::expression::{PathPart, Slot};
use bastide_status::Status;
use smallvec::SmallVec;

use super::context::{EvaluationContext, graph_status};
use super::error::type_error;
use super::scope::Scope;

/// The path through `start` and `parts`; null if any of them is.
pub(super) fn path(
    start: Slot,
    parts: &[PathPart],
    scope: &Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    let Some(first) = node(&scope.value(start))? else {
        return Ok(Value::Null);
    };
    let mut path = Path::single(first);
    for part in parts {
        match part {
            PathPart::Single {
                relationship,
                node: end,
            } => {
                let (Some(relationship), Some(end)) =
                    (relationship_id(&scope.value(*relationship))?, node(&scope.value(*end))?)
                else {
                    return Ok(Value::Null);
                };
                let forward = walked_forward(relationship, path.end(), Direction::Both, context)?;
                path.steps.push(PathStep {
                    relationship,
                    forward,
                    node: end,
                });
            }
            PathPart::Multiple {
                relationships,
                direction,
                ..
            } => match scope.value(*relationships) {
                Value::Null => return Ok(Value::Null),
                Value::List(items) => {
                    for item in items.iter() {
                        let Some(relationship) = relationship_id(item)? else {
                            return Ok(Value::Null);
                        };
                        walk(&mut path, relationship, *direction, context)?;
                    }
                }
                other => return Err(type_error("a path", "a list of relationships", &other)),
            },
        }
    }
    Ok(Value::Path(std::sync::Arc::new(path)))
}

fn walk(
    path: &mut Path,
    relationship: RelationshipId,
    direction: Direction,
    context: &EvaluationContext<'_>,
) -> Result<(), Status> {
    let forward = walked_forward(relationship, path.end(), direction, context)?;
    let record = context
        .graph
        .relationship(relationship)
        .map_err(|error| graph_status(&error))?;
    let node = match record {
        Some(record) if forward => record.end,
        Some(record) => record.start,
        // Deleted within this transaction: where it led can no longer be told.
        None => path.end(),
    };
    path.steps.push(PathStep {
        relationship,
        forward,
        node,
    });
    Ok(())
}

fn walked_forward(
    relationship: RelationshipId,
    from: NodeId,
    direction: Direction,
    context: &EvaluationContext<'_>,
) -> Result<bool, Status> {
    let record = context
        .graph
        .relationship(relationship)
        .map_err(|error| graph_status(&error))?;
    Ok(match record {
        Some(record) if record.start == record.end => direction != Direction::Incoming,
        Some(record) => record.start == from,
        None => direction != Direction::Incoming,
    })
}

fn node(value: &Value) -> Result<Option<NodeId>, Status> {
    match value {
        Value::Null => Ok(None),
        Value::Node(node) => Ok(Some(*node)),
        other => Err(type_error("a path", "a node", other)),
    }
}

fn relationship_id(value: &Value) -> Result<Option<RelationshipId>, Status> {
    match value {
        Value::Null => Ok(None),
        Value::Relationship(relationship) => Ok(Some(*relationship)),
        other => Err(type_error("a path", "a relationship", other)),
    }
}

/// Whether no relationship occurs twice among the slots, each a relationship or a list of them. Nulls do not count.
pub(super) fn distinct_relationships(slots: &[Slot], scope: &Scope<'_>) -> bool {
    let mut met: SmallVec<[RelationshipId; 8]> = SmallVec::new();
    for slot in slots {
        match scope.value(*slot) {
            Value::Relationship(relationship) => met.push(relationship),
            Value::List(items) => met.extend(items.iter().filter_map(|item| match item {
                Value::Relationship(relationship) => Some(*relationship),
                _ => None,
            })),
            _ => {}
        }
    }
    if let [first, second] = met.as_slice() {
        return first != second;
    }
    met.sort_unstable();
    met.windows(2).all(|pair| pair.first() != pair.get(1))
}
