//! `db.*`: names in use, waiting for indexes, making names, who the database is.

use bastide_model::{GraphError, Map, Value};
use bastide_plan::ProcedureMode;
use bastide_security::Action;
use bastide_status::{Code, Status};

use super::ProcedureContext;
use super::signature::{Declaration, row};
use crate::evaluate::graph_status;

pub(super) const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "db.labels",
        arguments: "",
        columns: "label:STRING",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "List all labels attached to nodes within a database.",
        run: labels,
    },
    Declaration {
        name: "db.relationshipTypes",
        arguments: "",
        columns: "relationshipType:STRING",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "List all types attached to relationships within a database.",
        run: relationship_types,
    },
    Declaration {
        name: "db.propertyKeys",
        arguments: "",
        columns: "propertyKey:STRING",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "List all property keys in the database.",
        run: property_keys,
    },
    Declaration {
        name: "db.ping",
        arguments: "",
        columns: "success:BOOLEAN",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "Says that the database answers.",
        run: |_, _| Ok(vec![row([("success", Value::Boolean(true))])]),
    },
    Declaration {
        name: "db.info",
        arguments: "",
        columns: "id:STRING name:STRING creationDate:STRING",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "Identity of the database.",
        run: |_, context| Ok(vec![context.server.database_identity(context.database)?]),
    },
    Declaration {
        name: "db.awaitIndex",
        arguments: "indexName:STRING timeOutSeconds:INTEGER=300",
        columns: "",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "Wait for an index to come online.",
        run: await_index,
    },
    Declaration {
        name: "db.awaitIndexes",
        arguments: "timeOutSeconds:INTEGER=300",
        columns: "",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "Wait for all indexes to come online.",
        run: |_, _| Ok(Vec::new()),
    },
    Declaration {
        name: "db.resampleIndex",
        arguments: "indexName:STRING",
        columns: "",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "Index statistics are always exact; there is nothing to sample.",
        run: await_index,
    },
    Declaration {
        name: "db.resampleOutdatedIndexes",
        arguments: "",
        columns: "",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "Index statistics are always exact; there is nothing to sample.",
        run: |_, _| Ok(Vec::new()),
    },
    Declaration {
        name: "db.createLabel",
        arguments: "newLabel:STRING",
        columns: "",
        mode: ProcedureMode::Write,
        privilege: Action::Write,
        description: "Create a label.",
        run: create_label,
    },
    Declaration {
        name: "db.createRelationshipType",
        arguments: "newRelationshipType:STRING",
        columns: "",
        mode: ProcedureMode::Write,
        privilege: Action::Write,
        description: "Create a relationship type.",
        run: create_relationship_type,
    },
    Declaration {
        name: "db.createProperty",
        arguments: "newProperty:STRING",
        columns: "",
        mode: ProcedureMode::Write,
        privilege: Action::Write,
        description: "Create a property key.",
        run: create_property,
    },
];

/// The text of an argument, or an error that names it.
pub(super) fn text_argument<'v>(arguments: &'v [Value], place: usize, name: &str) -> Result<&'v str, Status> {
    arguments
        .get(place)
        .and_then(Value::as_str)
        .ok_or_else(|| Status::new(Code::TypeError, format!("argument `{name}` must be a text")))
}

fn failed(error: GraphError) -> Status {
    graph_status(&error)
}

/// Labels that some node has; names that are no longer used are left out.
fn labels(_arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let graph = context.graph();
    let mut rows = Vec::new();
    for name in graph.label_names() {
        let Some(id) = graph.label_id(&name) else { continue };
        if graph.node_count(Some(id)).map_err(failed)? > 0 {
            rows.push(row([("label", Value::String(name))]));
        }
    }
    Ok(rows)
}

fn relationship_types(_arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let graph = context.graph();
    let mut rows = Vec::new();
    for name in graph.relationship_type_names() {
        let Some(id) = graph.relationship_type_id(&name) else {
            continue;
        };
        if graph.relationship_count(Some(id)).map_err(failed)? > 0 {
            rows.push(row([("relationshipType", Value::String(name))]));
        }
    }
    Ok(rows)
}

fn property_keys(_arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let names = context.graph().property_key_names();
    Ok(names
        .into_iter()
        .map(|name| row([("propertyKey", Value::String(name))]))
        .collect())
}

/// Indexes are complete when the command that makes them commits, so there is only the name to check.
fn await_index(arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let name = text_argument(arguments, 0, "indexName")?;
    if context
        .graph()
        .indexes()
        .iter()
        .any(|index| index.name.as_ref() == name)
    {
        return Ok(Vec::new());
    }
    Err(Status::new(
        Code::ProcedureCallFailed,
        format!("there is no index named `{name}`"),
    ))
}

fn create_label(arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let name = text_argument(arguments, 0, "newLabel")?;
    context.access.write()?.label_id_or_create(name).map_err(failed)?;
    Ok(Vec::new())
}

fn create_relationship_type(arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let name = text_argument(arguments, 0, "newRelationshipType")?;
    context
        .access
        .write()?
        .relationship_type_id_or_create(name)
        .map_err(failed)?;
    Ok(Vec::new())
}

fn create_property(arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let name = text_argument(arguments, 0, "newProperty")?;
    context
        .access
        .write()?
        .property_key_id_or_create(name)
        .map_err(failed)?;
    Ok(Vec::new())
}
