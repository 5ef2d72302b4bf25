//! The shapes of requests and answers.

use serde_json::{Map, Value, json};

/// A reference to a shape.
pub(super) fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Requests that work on any database.
pub(super) fn examples(request: &str) -> Value {
    match request {
        "Run" => json!({
            "create": { "value": {
                "statement": "CREATE (p:Person {name: $name}) RETURN p",
                "parameters": { "name": "Alice" },
                "includeCounters": true,
            } },
            "read": { "value": {
                "statement": "MATCH (p:Person) RETURN p.name AS name LIMIT 10",
                "accessMode": "Read",
                "maxExecutionTime": 10,
                "txMetadata": { "application": "example" },
                "notificationsFilter": { "minimumSeverity": "WARNING", "disabledCategories": ["UNRECOGNIZED"] },
            } },
            "plan": { "value": { "statement": "EXPLAIN MATCH (p:Person) RETURN p" } },
        }),
        "Open" => json!({
            "empty": { "value": {} },
            "read": { "value": { "accessMode": "Read", "statement": "RETURN 1 AS one" } },
        }),
        _ => json!({ "count": { "value": { "statement": "MATCH (n) RETURN count(n)" } } }),
    }
}

/// All shapes by name.
pub(super) fn all() -> Value {
    let mut schemas = Map::new();
    for (prefix, parameter) in [("", json!({})), ("Typed", named("TypedParameter"))] {
        let parameters = json!({ "type": ["object", "null"], "additionalProperties": parameter });
        let of_statement = statement_fields(&parameters);
        let mut run = merged(&of_statement, &transaction_fields());
        let open = merged(&run, &json!({ "txType": { "enum": ["Explicit", "EXPLICIT", null] } }));
        let run_in = merged(&of_statement, &empty_transaction_fields());
        if let Some(map) = run.as_object_mut() {
            map.insert(
                "statement".to_owned(),
                json!({ "type": "string", "minLength": 1, "pattern": "\\S", "description": "Cypher." }),
            );
            map.insert("txType".to_owned(), json!({ "enum": ["Implicit", "IMPLICIT", null] }));
        }
        schemas.insert(format!("{prefix}RunRequest"), object(&run, &["statement"]));
        schemas.insert(format!("{prefix}OpenRequest"), object(&open, &[]));
        schemas.insert(format!("{prefix}RunInRequest"), object(&run_in, &[]));
        for (name, fields) in result_fields(if prefix.is_empty() {
            json!({})
        } else {
            named("TypedValue")
        }) {
            schemas.insert(format!("{prefix}{name}"), fields);
        }
        schemas.insert(
            format!("{prefix}Empty"),
            json!({ "type": "object", "maxProperties": 0 }),
        );
    }
    for (name, schema) in parts() {
        schemas.insert(name.to_owned(), schema);
    }
    schemas.insert("TypedValue".to_owned(), typed(true));
    schemas.insert("TypedParameter".to_owned(), typed(false));
    Value::Object(schemas)
}

fn merged(first: &Value, second: &Value) -> Value {
    let pairs = [first, second].into_iter().filter_map(Value::as_object).flatten();
    Value::Object(pairs.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn object(properties: &Value, required: &[&str]) -> Value {
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if let (Value::Object(map), false) = (&mut schema, required.is_empty()) {
        map.insert("required".to_owned(), json!(required));
    }
    schema
}

fn statement_fields(parameters: &Value) -> Value {
    json!({
        "statement": { "type": ["string", "null"], "description": "Cypher; nothing is run if it is empty." },
        "parameters": parameters,
        "includeCounters": { "type": ["boolean", "null"], "description": "Whether the answer counts changes." },
        "notificationsFilter": named("NotificationsFilter"),
        "accessMode": { "enum": ["Read", "Write", "READ", "WRITE", null] },
        "impersonatedUser": { "type": ["string", "null"], "description": "Only oneself; impersonation is not available." },
    })
}

/// What only the request that opens a transaction can say; the later ones may repeat that there is nothing to say.
fn empty_transaction_fields() -> Value {
    json!({
        "bookmarks": { "type": ["array", "null"], "maxItems": 0 },
        "maxExecutionTime": { "type": "null" },
        "txMetadata": { "type": ["object", "null"], "maxProperties": 0 },
        "txType": { "enum": ["Explicit", "EXPLICIT", null] },
    })
}

fn transaction_fields() -> Value {
    json!({
        "bookmarks": {
            "type": ["array", "null"], "items": { "type": "string" },
            "description": "Commits that must be seen, as earlier answers named them.",
        },
        "maxExecutionTime": {
            "type": ["integer", "null"], "minimum": 1, "maximum": 31_622_400, "description": "Seconds.",
        },
        "txMetadata": {
            "type": ["object", "null"], "description": "Shown with the transaction.", "additionalProperties": true,
        },
    })
}

fn result_fields(value: Value) -> [(&'static str, Value); 2] {
    let data = json!({
        "type": "object",
        "properties": {
            "fields": { "type": "array", "items": { "type": "string" } },
            "values": { "type": "array", "items": { "type": "array", "items": value } },
        },
        "required": ["fields", "values"],
    });
    let common = json!({
        "data": data,
        "counters": named("Counters"),
        "notifications": { "type": "array", "items": named("Notification") },
        "queryPlan": { "type": "object" },
        "profiledQueryPlan": { "type": "object" },
        "queryType": { "enum": ["r", "rw", "w", "s"] },
        "resultAvailableAfter": { "type": "integer", "minimum": 0, "description": "Milliseconds." },
        "resultConsumedAfter": { "type": "integer", "minimum": 0, "description": "Milliseconds." },
        "errors": named("ErrorList"),
    });
    let bookmarks = json!({ "bookmarks": { "type": "array", "items": { "type": "string" } } });
    let transaction = json!({ "transaction": named("Transaction") });
    [
        ("Result", object(&merged(&common, &bookmarks), &[])),
        ("OpenResult", object(&merged(&common, &transaction), &["transaction"])),
    ]
}

fn parts() -> [(&'static str, Value); 10] {
    let counts = [
        "nodesCreated",
        "nodesDeleted",
        "propertiesSet",
        "relationshipsCreated",
        "relationshipsDeleted",
        "labelsAdded",
        "labelsRemoved",
        "indexesAdded",
        "indexesRemoved",
        "constraintsAdded",
        "constraintsRemoved",
        "systemUpdates",
    ];
    let mut counters: Map<String, Value> = counts
        .into_iter()
        .map(|name| (name.to_owned(), json!({ "type": "integer", "minimum": 0 })))
        .collect();
    for name in ["containsUpdates", "containsSystemUpdates"] {
        counters.insert(name.to_owned(), json!({ "type": "boolean" }));
    }
    let text = json!({ "type": "string" });
    let categories = json!({ "type": "array", "items": { "enum": crate::query::NOTIFICATION_CATEGORIES } });
    [
        (
            "Counters",
            object(&Value::Object(counters), &["containsUpdates", "containsSystemUpdates"]),
        ),
        (
            "Transaction",
            object(
                &json!({ "id": text, "expires": { "type": "string", "format": "date-time" } }),
                &["id", "expires"],
            ),
        ),
        (
            "ErrorList",
            json!({
                "type": "array", "minItems": 1,
                "items": object(&json!({ "code": text, "message": text }), &["code", "message"]),
            }),
        ),
        ("Errors", object(&json!({ "errors": named("ErrorList") }), &["errors"])),
        (
            "Notification",
            json!({
                "type": "object",
                "properties": {
                    "code": text, "title": text, "description": text, "category": text, "gqlStatus": text,
                    "severity": { "enum": ["WARNING", "INFORMATION"] },
                    "position": { "type": "object", "additionalProperties": { "type": "integer" } },
                },
                "required": ["code", "title", "description", "severity", "category"],
            }),
        ),
        (
            "NotificationsFilter",
            json!({
                "type": ["object", "null"],
                "properties": {
                    "minimumSeverity": { "enum": ["INFORMATION", "WARNING", "OFF"] },
                    "disabledCategories": categories,
                    "disabledClassifications": categories,
                },
                "additionalProperties": false,
            }),
        ),
        (
            "Lines",
            json!({
                "type": "string",
                "description": "One event a line: `{\"$event\": \"Header\"|\"Record\"|\"Summary\"|\"Error\", \"_body\": …}`.",
            }),
        ),
        (
            "Discovery",
            json!({
                "type": "object",
                "properties": { "query": text, "query_api_versions": { "type": "array", "items": text }, "neo4j_version": text },
                "required": ["query_api_versions", "neo4j_version", "neo4j_edition", "auth_config"],
            }),
        ),
        (
            "Description",
            json!({ "type": "object", "required": ["openapi", "paths"] }),
        ),
        ("Text", text.clone()),
    ]
}

/// A value with its type; parameters have fewer types than answers.
fn typed(is_answer: bool) -> Value {
    let itself = named(if is_answer { "TypedValue" } else { "TypedParameter" });
    let text = |example: &str| json!({ "type": "string", "examples": [example] });
    let list = json!({ "type": "array", "items": itself });
    let map = json!({ "type": "object", "additionalProperties": itself });
    let mut kinds = vec![
        ("Null", json!({ "type": "null" })),
        ("Boolean", json!({ "type": "boolean" })),
        ("Integer", text("123")),
        ("Float", text("1.0E10")),
        ("String", text("Hello")),
        ("Base64", text("A2+/")),
        ("List", list),
        ("Map", map.clone()),
        ("Date", text("2015-03-26")),
        ("Time", text("12:50:35.556+01:00")),
        ("LocalTime", text("12:50:35.556")),
        ("LocalDateTime", text("2015-07-04T19:32:24")),
        ("OffsetDateTime", text("2015-07-04T19:32:24+02:00")),
        ("ZonedDateTime", text("2015-07-04T19:32:24+02:00[Europe/Berlin]")),
        ("Duration", text("P14DT16H12M")),
        ("Point", text("SRID=7203;POINT (1.2 3.4)")),
    ];
    if is_answer {
        let node = json!({
            "_element_id": text("4:…:0"),
            "_labels": { "type": "array", "items": { "type": "string" } },
            "_properties": map,
        });
        let relationship = json!({
            "_element_id": text("5:…:0"),
            "_start_node_element_id": text("4:…:0"),
            "_end_node_element_id": text("4:…:1"),
            "_type": text("KNOWS"),
            "_properties": map,
        });
        kinds.push(("Node", object(&node, &["_element_id", "_labels", "_properties"])));
        kinds.push((
            "Relationship",
            object(&relationship, &["_element_id", "_type", "_properties"]),
        ));
        kinds.push(("Path", json!({ "type": "array", "items": named("TypedValue") })));
    }
    let kinds = kinds.into_iter().map(|(name, value)| {
        object(
            &json!({ "$type": { "const": name }, "_value": value }),
            &["$type", "_value"],
        )
    });
    json!({ "oneOf": kinds.collect::<Vec<_>>() })
}
