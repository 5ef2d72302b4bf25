//! What `SHOW` commands run. Rows about the server come from the server; the rest is read from the graph.

use std::sync::Arc;

use bastide_model::{ConstraintKind, GraphRead, IndexKind, IndexState, Map, PropertyKeyId, SchemaTarget, Value};
use bastide_plan::ProcedureMode;
use bastide_plan::function::FUNCTIONS;
use bastide_security::Action;
use bastide_status::Status;

use super::ProcedureContext;
use super::dbms::procedure_row;
use super::signature::{Declaration, row, texts};

const DATABASE_COLUMNS: &str = "name:STRING type:STRING aliases:STRINGS access:STRING address:STRING role:STRING writer:BOOLEAN \
    requestedStatus:STRING currentStatus:STRING statusMessage:STRING default:BOOLEAN home:BOOLEAN constituents:STRINGS \
    databaseID:STRING+ serverID:STRING+ requestedPrimariesCount:INTEGER+ requestedSecondariesCount:INTEGER+ \
    currentPrimariesCount:INTEGER+ currentSecondariesCount:INTEGER+ creationTime:TIME+ lastStartTime:TIME+ lastStopTime:TIME+ \
    store:STRING+ lastCommittedTxn:INTEGER+ replicationLag:INTEGER+ options:MAP+";
const ONE_DATABASE_COLUMNS: &str = "name:STRING type:STRING aliases:STRINGS access:STRING address:STRING role:STRING \
    writer:BOOLEAN requestedStatus:STRING currentStatus:STRING statusMessage:STRING constituents:STRINGS";
const USER_COLUMNS: &str = "user:STRING roles:STRINGS passwordChangeRequired:BOOLEAN suspended:BOOLEAN home:STRING";

pub(super) const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "show.indexes",
        arguments: "type:STRING=null",
        columns: "id:INTEGER name:STRING state:STRING populationPercent:FLOAT type:STRING entityType:STRING \
            labelsOrTypes:STRINGS properties:STRINGS indexProvider:STRING owningConstraint:STRING lastRead:TIME \
            readCount:INTEGER trackedSince:TIME+ options:MAP+ failureMessage:STRING+ createStatement:STRING+",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "SHOW INDEXES",
        run: indexes,
    },
    Declaration {
        name: "show.constraints",
        arguments: "type:STRING=null",
        columns: "id:INTEGER name:STRING type:STRING entityType:STRING labelsOrTypes:STRINGS properties:STRINGS \
            ownedIndex:STRING propertyType:STRING options:MAP+ createStatement:STRING+",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "SHOW CONSTRAINTS",
        run: constraints,
    },
    Declaration {
        name: "show.functions",
        arguments: "builtIn:BOOLEAN=null executable:BOOLEAN=null user:STRING=null",
        columns: "name:STRING category:STRING description:STRING signature:STRING+ isBuiltIn:BOOLEAN+ \
            argumentDescription:LIST+ returnDescription:STRING+ aggregating:BOOLEAN+ rolesExecution:STRINGS+ \
            rolesBoostedExecution:STRINGS+ isDeprecated:BOOLEAN+ deprecatedBy:STRING+",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "SHOW FUNCTIONS",
        run: |arguments, _| Ok(function_rows(arguments.first().and_then(Value::as_boolean))),
    },
    Declaration {
        name: "show.procedures",
        arguments: "executable:BOOLEAN=null user:STRING=null",
        columns: "name:STRING description:STRING mode:STRING worksOnSystem:BOOLEAN signature:STRING+ \
            argumentDescription:LIST+ returnDescription:LIST+ admin:BOOLEAN+ rolesExecution:STRINGS+ \
            rolesBoostedExecution:STRINGS+ isDeprecated:BOOLEAN+ deprecatedBy:STRING+ option:MAP+",
        mode: ProcedureMode::Read,
        privilege: Action::Read,
        description: "SHOW PROCEDURES",
        run: |_, context| {
            let rows = context
                .registry
                .procedures()
                .map(|procedure| procedure_row(procedure.as_ref()));
            Ok(rows.collect())
        },
    },
    Declaration {
        name: "show.databases",
        arguments: "name:STRING=null",
        columns: DATABASE_COLUMNS,
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "SHOW DATABASES",
        run: |arguments, context| {
            let wanted = arguments.first().and_then(Value::as_str).map(str::to_lowercase);
            let mut rows = context.server.databases()?;
            rows.retain(|database| {
                let name = database.get("name").and_then(Value::as_str);
                wanted.as_deref().is_none_or(|wanted| name == Some(wanted))
            });
            Ok(rows)
        },
    },
    Declaration {
        name: "show.default_database",
        arguments: "",
        columns: ONE_DATABASE_COLUMNS,
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "SHOW DEFAULT DATABASE",
        run: |_, context| databases_with(context, "default"),
    },
    Declaration {
        name: "show.home_database",
        arguments: "",
        columns: ONE_DATABASE_COLUMNS,
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "SHOW HOME DATABASE",
        run: |_, context| databases_with(context, "home"),
    },
    Declaration {
        name: "show.users",
        arguments: "withAuth:BOOLEAN=null",
        columns: USER_COLUMNS,
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "SHOW USERS",
        run: |_, context| context.server.users(),
    },
    Declaration {
        name: "show.current_user",
        arguments: "",
        columns: USER_COLUMNS,
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "SHOW CURRENT USER",
        run: |_, context| Ok(vec![context.server.current_user()?]),
    },
    Declaration {
        name: "show.settings",
        arguments: "names:ANY=null",
        columns: "name:STRING value:STRING isDynamic:BOOLEAN defaultValue:STRING description:STRING startupValue:STRING+ \
            isExplicitlySet:BOOLEAN+ validValues:STRING+ isDeprecated:BOOLEAN+",
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "SHOW SETTINGS",
        run: |arguments, context| Ok(named(context.server.settings()?, "name", arguments.first())),
    },
    Declaration {
        name: "show.transactions",
        arguments: "ids:ANY=null",
        columns: "database:STRING transactionId:STRING currentQueryId:STRING connectionId:STRING clientAddress:STRING \
            username:STRING currentQuery:STRING startTime:TIME status:STRING elapsedTime:DURATION outerTransactionId:STRING+ \
            metaData:MAP+ parameters:MAP+ planner:STRING+ runtime:STRING+ indexes:LIST+ currentQueryStartTime:TIME+ \
            currentQueryStatus:STRING+ statusDetails:STRING+ resourceInformation:MAP+ activeLockCount:INTEGER+ \
            cpuTime:DURATION+ waitTime:DURATION+ idleTime:DURATION+ pageHits:INTEGER+ pageFaults:INTEGER+",
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "SHOW TRANSACTIONS",
        run: |arguments, context| {
            Ok(named(
                context.server.transactions()?,
                "transactionId",
                arguments.first(),
            ))
        },
    },
    Declaration {
        name: "show.roles",
        arguments: "populated:BOOLEAN=null withUsers:BOOLEAN=null",
        columns: "role:STRING member:STRING+",
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "SHOW ROLES",
        run: |_, _| Err(no_roles()),
    },
    Declaration {
        name: "show.privileges",
        arguments: "of:STRING=null names:LIST=null",
        columns: "access:STRING action:STRING resource:STRING graph:STRING segment:STRING role:STRING immutable:BOOLEAN",
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "SHOW PRIVILEGES",
        run: |_, _| Err(no_roles()),
    },
];

fn no_roles() -> Status {
    Status::new(
        bastide_status::Code::FeatureNotSupported,
        "roles and privileges are not available in this version; every active user may do everything",
    )
}

fn databases_with(context: &mut ProcedureContext<'_>, flag: &str) -> Result<Vec<Map>, Status> {
    let mut rows = context.server.databases()?;
    rows.retain(|database| database.get(flag).and_then(Value::as_boolean) == Some(true));
    Ok(rows)
}

/// Rows whose `column` is among `wanted`: null for all, a text, or a list of texts.
fn named(mut rows: Vec<Map>, column: &str, wanted: Option<&Value>) -> Vec<Map> {
    let wanted: Vec<&str> = match wanted {
        Some(Value::String(name)) => vec![name],
        Some(Value::List(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => return rows,
    };
    rows.retain(|row| {
        row.get(column)
            .and_then(Value::as_str)
            .is_some_and(|name| wanted.contains(&name))
    });
    rows
}

/// All functions; with `built_in` false none, as there are no others.
pub(super) fn function_rows(built_in: Option<bool>) -> Vec<Map> {
    if built_in == Some(false) {
        return Vec::new();
    }
    let mut rows: Vec<Map> = FUNCTIONS
        .iter()
        .map(|function| {
            let category = if function.aggregate { "Aggregating" } else { "Scalar" };
            let arguments = match (function.minimum, function.maximum) {
                (least, usize::MAX) => format!("at least {least} arguments"),
                (least, most) if least == most => format!("{least} arguments"),
                (least, most) => format!("{least} to {most} arguments"),
            };
            row([
                ("name", Value::from(function.display)),
                ("category", Value::from(category)),
                (
                    "description",
                    Value::from(format!("{} takes {arguments}.", function.display)),
                ),
                ("signature", Value::from(format!("{}(…)", function.display))),
                ("isBuiltIn", Value::Boolean(true)),
                ("aggregating", Value::Boolean(function.aggregate)),
                ("argumentDescription", Value::list([])),
                ("isDeprecated", Value::Boolean(false)),
            ])
        })
        .collect();
    rows.sort_by(|left, right| text_of(left, "name").cmp(text_of(right, "name")));
    rows
}

fn text_of<'m>(row: &'m Map, column: &str) -> &'m str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

fn key_names(graph: &dyn GraphRead, keys: &[PropertyKeyId]) -> Vec<Arc<str>> {
    keys.iter().filter_map(|key| graph.property_key_name(*key)).collect()
}

fn target_name(graph: &dyn GraphRead, target: SchemaTarget) -> (&'static str, Arc<str>) {
    match target {
        SchemaTarget::Label(label) => ("NODE", graph.label_name(label).unwrap_or_else(|| "".into())),
        SchemaTarget::RelationshipType(name) => (
            "RELATIONSHIP",
            graph.relationship_type_name(name).unwrap_or_else(|| "".into()),
        ),
    }
}

/// Whether a row of a kind is asked for: no kind, `ALL`, or a part of its type's name.
fn is_wanted(wanted: Option<&Value>, kind: &str) -> bool {
    match wanted.and_then(Value::as_str).map(str::to_ascii_uppercase) {
        None => true,
        Some(wanted) => wanted == "ALL" || kind == wanted || kind.contains(&wanted.replace(' ', "_")),
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// `FOR (n:`L`) … (n.`a`, n.`b`)`, with `infix` between.
fn pattern(entity: &str, target: &str, infix: &str, keys: &[Arc<str>]) -> String {
    let (pattern, variable) = match entity {
        "NODE" => (format!("(n:{})", quoted(target)), "n"),
        _ => (format!("()-[r:{}]-()", quoted(target)), "r"),
    };
    let keys: Vec<String> = keys.iter().map(|key| format!("{variable}.{}", quoted(key))).collect();
    format!("FOR {pattern} {infix} ({})", keys.join(", "))
}

fn indexes(arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let graph = context.graph();
    let constraints = graph.constraints();
    let mut rows = Vec::new();
    for index in graph.indexes() {
        let kind = if index.kind == IndexKind::Range {
            "RANGE"
        } else {
            "LOOKUP"
        };
        if !is_wanted(arguments.first(), kind) {
            continue;
        }
        let keys = key_names(graph, &index.properties);
        let target = index.target.map(|target| target_name(graph, target));
        let entity = match (&target, index.kind) {
            (Some((entity, _)), _) => entity,
            (None, IndexKind::TypeLookup) => "RELATIONSHIP",
            (None, _) => "NODE",
        };
        let owner = constraints.iter().find(|constraint| Some(constraint.id) == index.owner);
        let create = match &target {
            Some((entity, name)) => {
                format!(
                    "CREATE RANGE INDEX {} {}",
                    quoted(&index.name),
                    pattern(entity, name, "ON", &keys)
                )
            }
            None if entity == "NODE" => {
                format!("CREATE LOOKUP INDEX {} FOR (n) ON EACH labels(n)", quoted(&index.name))
            }
            None => format!(
                "CREATE LOOKUP INDEX {} FOR ()-[r]-() ON EACH type(r)",
                quoted(&index.name)
            ),
        };
        let is_online = index.state == IndexState::Online;
        let provider = if kind == "RANGE" {
            "range-1.0"
        } else {
            "token-lookup-1.0"
        };
        let no_keys = target.is_none();
        rows.push(row([
            ("id", Value::Integer(i64::from(index.id.0))),
            ("name", Value::String(Arc::clone(&index.name))),
            ("state", Value::from(if is_online { "ONLINE" } else { "POPULATING" })),
            ("populationPercent", Value::Float(if is_online { 100.0 } else { 0.0 })),
            ("type", Value::from(kind)),
            ("entityType", Value::from(entity)),
            ("labelsOrTypes", target.map_or(Value::Null, |(_, name)| texts([name]))),
            ("properties", if no_keys { Value::Null } else { texts(&keys) }),
            ("indexProvider", Value::from(provider)),
            (
                "owningConstraint",
                owner.map_or(Value::Null, |owner| Value::String(Arc::clone(&owner.name))),
            ),
            (
                "options",
                Value::map(row([
                    ("indexProvider", Value::from(provider)),
                    ("indexConfig", Value::map(Map::new())),
                ])),
            ),
            ("failureMessage", Value::from("")),
            ("createStatement", Value::from(create)),
        ]));
    }
    rows.sort_by(|left, right| text_of(left, "name").cmp(text_of(right, "name")));
    Ok(rows)
}

fn constraints(arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let graph = context.graph();
    let indexes = graph.indexes();
    let mut rows = Vec::new();
    for constraint in graph.constraints() {
        let (entity, target) = target_name(graph, constraint.target);
        let (kind, requirement) = match (constraint.kind, entity) {
            (ConstraintKind::Unique, "NODE") => ("UNIQUENESS", "IS UNIQUE"),
            (ConstraintKind::Unique, _) => ("RELATIONSHIP_UNIQUENESS", "IS UNIQUE"),
            (ConstraintKind::Exists, "NODE") => ("NODE_PROPERTY_EXISTENCE", "IS NOT NULL"),
            (ConstraintKind::Exists, _) => ("RELATIONSHIP_PROPERTY_EXISTENCE", "IS NOT NULL"),
            (ConstraintKind::Key, "NODE") => ("NODE_KEY", "IS NODE KEY"),
            (ConstraintKind::Key, _) => ("RELATIONSHIP_KEY", "IS RELATIONSHIP KEY"),
        };
        if !is_wanted(arguments.first(), kind) {
            continue;
        }
        let keys = key_names(graph, &constraint.properties);
        let index = indexes.iter().find(|index| Some(index.id) == constraint.index);
        let create = format!(
            "CREATE CONSTRAINT {} {} {requirement}",
            quoted(&constraint.name),
            pattern(entity, &target, "REQUIRE", &keys)
        );
        rows.push(row([
            ("id", Value::Integer(i64::from(constraint.id.0))),
            ("name", Value::String(Arc::clone(&constraint.name))),
            ("type", Value::from(kind)),
            ("entityType", Value::from(entity)),
            ("labelsOrTypes", texts([&target])),
            ("properties", texts(&keys)),
            (
                "ownedIndex",
                index.map_or(Value::Null, |index| Value::String(Arc::clone(&index.name))),
            ),
            ("options", Value::map(Map::new())),
            ("createStatement", Value::from(create)),
        ]));
    }
    rows.sort_by(|left, right| text_of(left, "name").cmp(text_of(right, "name")));
    Ok(rows)
}
