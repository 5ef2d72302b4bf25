//! Index and constraint commands.

use std::sync::Arc;

use bastide_model::{ConstraintKind, GraphError, PropertyKeyId, SchemaTarget};
use bastide_plan::operator::{SchemaOperation, SchemaTargetName};
use bastide_status::{Code, Status};

use super::entity::failed;
use super::{Operate, Run, Shared};
use crate::batch::Batch;
use crate::evaluate::RowView;

/// Runs one command and answers no row.
pub(super) struct SchemaCommand {
    operation: SchemaOperation,
    done: bool,
}

impl SchemaCommand {
    pub(super) fn new(operation: SchemaOperation) -> Self {
        Self { operation, done: false }
    }

    fn execute(&self, run: &mut Run<'_>) -> Result<(), Status> {
        match &self.operation {
            SchemaOperation::CreateIndex {
                name,
                target,
                properties,
                if_not_exists,
            } => create_index(run, name.as_deref(), target, properties, *if_not_exists),
            SchemaOperation::CreateLookupIndex {
                relationships,
                if_not_exists,
                ..
            } => {
                run.access.write()?;
                if *if_not_exists {
                    return Ok(());
                }
                let what = if *relationships {
                    "relationship types"
                } else {
                    "node labels"
                };
                Err(Status::new(
                    Code::EquivalentSchemaRuleAlreadyExists,
                    format!("there already exists a lookup index on {what}; it is always there"),
                ))
            }
            SchemaOperation::DropIndex { name, if_exists } => {
                match run.access.write()?.drop_index(name) {
                    Ok(_) => run.count(|statistics| statistics.indexes_removed += 1),
                    Err(GraphError::SchemaNotFound { .. }) if *if_exists => {}
                    Err(error) => return Err(failed(error)),
                }
                Ok(())
            }
            SchemaOperation::CreateConstraint {
                name,
                kind,
                target,
                properties,
                if_not_exists,
            } => create_constraint(run, name.as_deref(), *kind, (target, properties), *if_not_exists),
            SchemaOperation::DropConstraint { name, if_exists } => {
                match run.access.write()?.drop_constraint(name) {
                    Ok(_) => run.count(|statistics| statistics.constraints_removed += 1),
                    Err(GraphError::SchemaNotFound { .. }) if *if_exists => {}
                    Err(error) => return Err(failed(error)),
                }
                Ok(())
            }
        }
    }
}

fn create_index(
    run: &mut Run<'_>,
    name: Option<&str>,
    target: &SchemaTargetName,
    properties: &[Arc<str>],
    if_not_exists: bool,
) -> Result<(), Status> {
    let (target, properties) = resolve(run, target, properties)?;
    match run.access.write()?.create_index(name, target, &properties) {
        Ok(_) => run.count(|statistics| statistics.indexes_added += 1),
        // Neo4j is content with the same name as well as with the same content.
        Err(GraphError::SchemaExists { .. }) if if_not_exists => {}
        Err(error) => return Err(failed(error)),
    }
    Ok(())
}

fn create_constraint(
    run: &mut Run<'_>,
    name: Option<&str>,
    kind: ConstraintKind,
    (target, properties): (&SchemaTargetName, &[Arc<str>]),
    if_not_exists: bool,
) -> Result<(), Status> {
    let (target, properties) = resolve(run, target, properties)?;
    match run.access.write()?.create_constraint(name, kind, target, &properties) {
        Ok(_) => run.count(|statistics| statistics.constraints_added += 1),
        Err(GraphError::SchemaExists { .. }) if if_not_exists => {}
        Err(error @ (GraphError::NotUnique { .. } | GraphError::PropertyMissing { .. })) => {
            return Err(Status::new(
                Code::ConstraintCreationFailed,
                format!("unable to create the constraint: {error}"),
            ));
        }
        Err(error) => return Err(failed(error)),
    }
    Ok(())
}

fn resolve(
    run: &mut Run<'_>,
    target: &SchemaTargetName,
    properties: &[Arc<str>],
) -> Result<(SchemaTarget, Vec<PropertyKeyId>), Status> {
    let graph = run.access.write()?;
    let target = match target {
        SchemaTargetName::Label(name) => SchemaTarget::Label(graph.label_id_or_create(name).map_err(failed)?),
        SchemaTargetName::RelationshipType(name) => {
            SchemaTarget::RelationshipType(graph.relationship_type_id_or_create(name).map_err(failed)?)
        }
    };
    let properties = properties
        .iter()
        .map(|name| graph.property_key_id_or_create(name).map_err(failed))
        .collect::<Result<_, _>>()?;
    Ok((target, properties))
}

impl Operate for SchemaCommand {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {
        self.done = false;
    }

    fn next(&mut self, run: &mut Run<'_>, _wanted: usize, _out: &mut Batch) -> Result<(), Status> {
        if !self.done {
            self.done = true;
            self.execute(run)?;
        }
        Ok(())
    }
}
