//! `dbms.*`: what the server is and who is connected, as drivers and tools ask on connecting.

use std::sync::Arc;

use bastide_model::{Map, Value};
use bastide_plan::{ProcedureMode, ProcedureSignature};
use bastide_security::Action;
use bastide_status::Status;

use super::signature::{Declaration, row, texts};
use super::{Procedure, ProcedureContext};

pub(super) const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "dbms.components",
        arguments: "",
        columns: "name:STRING versions:STRINGS edition:STRING",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "List DBMS components and their versions.",
        // Tools look for this very name, and compare the version to know what they may send.
        run: |_, context| {
            Ok(vec![row([
                ("name", Value::from("Neo4j Kernel")),
                ("versions", texts([context.server.compatible_version()])),
                ("edition", Value::from("community")),
            ])])
        },
    },
    Declaration {
        name: "dbms.info",
        arguments: "",
        columns: "id:STRING name:STRING creationDate:STRING",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "Identity of the server.",
        run: |_, context| Ok(vec![context.server.database_identity("system")?]),
    },
    Declaration {
        name: "dbms.listCapabilities",
        arguments: "",
        columns: "name:STRING description:STRING value:ANY",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "List capabilities.",
        run: |_, _| Ok(Vec::new()),
    },
    Declaration {
        name: "dbms.listConfig",
        arguments: "searchString:STRING=",
        columns: "name:STRING description:STRING value:STRING dynamic:BOOLEAN defaultValue:STRING startupValue:STRING explicitlySet:BOOLEAN validValues:STRING",
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "List the settings whose names contain a text.",
        run: list_config,
    },
    Declaration {
        name: "dbms.clientConfig",
        arguments: "",
        columns: "name:STRING description:STRING value:STRING dynamic:BOOLEAN",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "Return client configuration.",
        run: |_, _| Ok(Vec::new()),
    },
    Declaration {
        name: "dbms.showCurrentUser",
        arguments: "",
        columns: "username:STRING roles:STRINGS flags:STRINGS",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "Show the current user.",
        run: show_current_user,
    },
    Declaration {
        name: "dbms.security.showCurrentUser",
        arguments: "",
        columns: "username:STRING roles:STRINGS flags:STRINGS",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "Show the current user.",
        run: show_current_user,
    },
    Declaration {
        name: "dbms.listConnections",
        arguments: "",
        columns: "connectionId:STRING connectTime:STRING connector:STRING username:STRING userAgent:STRING serverAddress:STRING clientAddress:STRING",
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "List the connections to this server.",
        run: |_, context| context.server.connections(),
    },
    Declaration {
        name: "dbms.routing.getRoutingTable",
        arguments: "context:MAP database:STRING=null",
        columns: "ttl:INTEGER servers:LIST",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "Returns the advertised bolt capable endpoints for a given database.",
        run: routing_table,
    },
    Declaration {
        name: "dbms.cluster.routing.getRoutingTable",
        arguments: "context:MAP database:STRING=null",
        columns: "ttl:INTEGER servers:LIST",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "Returns the advertised bolt capable endpoints for a given database.",
        run: routing_table,
    },
    Declaration {
        name: "dbms.queryJmx",
        arguments: "query:STRING",
        columns: "name:STRING description:STRING attributes:MAP",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "There is no JMX here; answers nothing.",
        run: |_, _| Ok(Vec::new()),
    },
    Declaration {
        name: "dbms.procedures",
        arguments: "",
        columns: "name:STRING signature:STRING description:STRING mode:STRING defaultBuiltInRoles:STRINGS worksOnSystem:BOOLEAN",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "List all procedures; SHOW PROCEDURES in newer clients.",
        run: |_, context| {
            let rows = context
                .registry
                .procedures()
                .map(|procedure| procedure_row(procedure.as_ref()));
            Ok(rows.collect())
        },
    },
    Declaration {
        name: "dbms.functions",
        arguments: "",
        columns: "name:STRING signature:STRING category:STRING description:STRING aggregating:BOOLEAN defaultBuiltInRoles:STRINGS",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "List all functions; SHOW FUNCTIONS in newer clients.",
        run: |_, _| Ok(super::show::function_rows(None)),
    },
];

fn show_current_user(_arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let user = context.server.current_user()?;
    let mut flags = Vec::new();
    for (column, flag) in [
        ("passwordChangeRequired", "password_change_required"),
        ("suspended", "is_suspended"),
    ] {
        if user.get(column).and_then(Value::as_boolean) == Some(true) {
            flags.push(flag);
        }
    }
    Ok(vec![row([
        ("username", Value::from(context.server.user_name())),
        ("roles", user.get("roles").cloned().unwrap_or_default()),
        ("flags", texts(flags)),
    ])])
}

fn list_config(arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let part = arguments.first().and_then(Value::as_str).unwrap_or_default();
    let rows = context.server.settings()?.into_iter().filter(|setting| {
        let name = setting.get("name").and_then(Value::as_str);
        name.is_some_and(|name| name.contains(part))
    });
    Ok(rows
        .map(|mut setting| {
            for (old, new) in [("isDynamic", "dynamic"), ("isExplicitlySet", "explicitlySet")] {
                let value = setting.remove(old).unwrap_or_default();
                setting.insert(new, value);
            }
            setting
        })
        .collect())
}

fn routing_table(arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let routing = match arguments.first() {
        Some(Value::Map(map)) => Arc::clone(map),
        _ => Arc::default(),
    };
    let database = arguments.get(1).and_then(Value::as_str);
    Ok(vec![context.server.routing_table(&routing, database)?])
}

/// What `SHOW PROCEDURES` and `dbms.procedures` say of a procedure.
pub(super) fn procedure_row(procedure: &dyn Procedure) -> Map {
    let signature = procedure.signature();
    let mode = match signature.mode {
        ProcedureMode::Read => "READ",
        ProcedureMode::Write => "WRITE",
        ProcedureMode::Schema => "SCHEMA",
        ProcedureMode::Dbms => "DBMS",
    };
    let described = |name: &str, value_type: String| {
        Value::map(row([
            ("name", Value::from(name)),
            ("type", Value::from(value_type)),
            ("description", Value::from(name)),
            ("isDeprecated", Value::Boolean(false)),
        ]))
    };
    let arguments: Vec<Value> = signature
        .arguments
        .iter()
        .map(|argument| described(&argument.name, argument.value_type.name()))
        .collect();
    let results: Vec<Value> = signature
        .results
        .iter()
        .map(|column| described(&column.name, column.value_type.name()))
        .collect();
    row([
        ("name", Value::String(Arc::clone(&signature.name))),
        ("description", Value::from(procedure.description())),
        ("mode", Value::from(mode)),
        ("worksOnSystem", Value::Boolean(signature.mode == ProcedureMode::Dbms)),
        ("signature", Value::from(signature_text(signature))),
        ("argumentDescription", Value::from(arguments)),
        ("returnDescription", Value::from(results)),
        ("admin", Value::Boolean(procedure.privilege() == Action::Administer)),
        ("isDeprecated", Value::Boolean(false)),
        ("option", Value::map(row([("deprecated", Value::Boolean(false))]))),
    ])
}

fn signature_text(signature: &ProcedureSignature) -> String {
    let arguments: Vec<String> = signature
        .arguments
        .iter()
        .map(|argument| format!("{} :: {}", argument.name, argument.value_type.name()))
        .collect();
    let results: Vec<String> = signature
        .results
        .iter()
        .map(|column| format!("{} :: {}", column.name, column.value_type.name()))
        .collect();
    format!(
        "{}({}) :: ({})",
        signature.name,
        arguments.join(", "),
        results.join(", ")
    )
}
