//! DELETE and DETACH DELETE. That a deleted node has no relationships left is checked at commit.

use bastide_model::{Adjacent, Direction, NodeId, RelationshipId, Value};
use bastide_plan::expression::Offset;
use bastide_status::{Code, Status};

use super::entity::{at, failed, value_of};
use super::{Operate, Run, Shared, Stream};
use crate::batch::Batch;
use crate::evaluate::{Compiled, RowView};

/// Deletes nodes, relationships and paths.
pub(super) struct Delete {
    input: Stream,
    subjects: Vec<(Compiled, Offset)>,
    detach: bool,
    values: Vec<Value>,
    adjacent: Vec<Adjacent>,
}

impl Delete {
    pub(super) fn new(input: Stream, subjects: Vec<(Compiled, Offset)>, detach: bool) -> Self {
        Self {
            input,
            subjects,
            detach,
            values: Vec::new(),
            adjacent: Vec::new(),
        }
    }

    fn delete(&mut self, run: &mut Run<'_>, value: &Value) -> Result<(), Status> {
        match value {
            Value::Null => Ok(()),
            Value::Node(node) => self.delete_node(run, *node),
            Value::Relationship(relationship) => delete_relationship(run, *relationship),
            Value::Path(path) => {
                for relationship in path.relationships() {
                    delete_relationship(run, relationship)?;
                }
                path.nodes().try_for_each(|node| self.delete_node(run, node))
            }
            other => Err(Status::new(
                Code::TypeError,
                format!(
                    "expected a node, a path or a relationship to delete, got {}",
                    other.kind().name()
                ),
            )),
        }
    }

    fn delete_node(&mut self, run: &mut Run<'_>, node: NodeId) -> Result<(), Status> {
        // A node may come in several rows; it is deleted once.
        if !run.graph().node_exists(node).map_err(failed)? {
            return Ok(());
        }
        if self.detach {
            self.adjacent.clear();
            run.graph()
                .expand(node, Direction::Both, &[], &mut self.adjacent)
                .map_err(failed)?;
            for adjacent in &self.adjacent {
                delete_relationship(run, adjacent.relationship)?;
            }
        }
        run.access.write()?.delete_node(node).map_err(failed)?;
        run.count(|statistics| statistics.nodes_deleted += 1);
        Ok(())
    }
}

fn delete_relationship(run: &mut Run<'_>, relationship: RelationshipId) -> Result<(), Status> {
    if run.graph().relationship(relationship).map_err(failed)?.is_none() {
        return Ok(());
    }
    run.access.write()?.delete_relationship(relationship).map_err(failed)?;
    run.count(|statistics| statistics.relationships_deleted += 1);
    Ok(())
}

impl Operate for Delete {
    fn reset(&mut self, shared: &Shared, argument: &dyn RowView) {
        self.input.reset(shared, argument);
    }

    fn next(&mut self, run: &mut Run<'_>, wanted: usize, out: &mut Batch) -> Result<(), Status> {
        self.input.next(run, wanted, out)?;
        run.check()?;
        for place in 0..out.rows() {
            let row = out.row(place);
            // All are evaluated before the first is deleted, as one may be a part of another.
            let mut values = std::mem::take(&mut self.values);
            values.clear();
            for (subject, _) in &self.subjects {
                values.push(value_of(subject, &row, run)?);
            }
            for (value, place) in values.iter().zip(0..) {
                let result = self.delete(run, value);
                let offset = self.subjects.get(place).map(|(_, offset)| *offset).unwrap_or_default();
                at(result, offset, run)?;
            }
            self.values = values;
        }
        Ok(())
    }
}
