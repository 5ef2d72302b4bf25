//! The description of everything that is served here, for people and tools (OpenAPI 3.1).
//!
//! Written by hand: bodies are read and written without types of their own, from which a description could be generated.
//! INVARIANT: every path of the routers is in it, which the tests hold against the running server.

mod schemas;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::query::{FORMATS, PATH};
use crate::security_text::POLICY_PATH;

/// The description as JSON.
pub(crate) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    &TEXT
}

fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Bastide HTTP API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Cypher statements and transactions over HTTP, compatible with Neo4j's Query API v2.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "basic": [] }, { "certificate": [] }],
        "tags": [
            { "name": "query", "description": "Statements in transactions that end with them." },
            { "name": "transactions", "description": "Transactions that the client ends." },
            { "name": "server", "description": "What is told to everybody." },
        ],
        "paths": paths(),
        "components": {
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "certificate": {
                    "type": "mutualTLS",
                    "description": "Over HTTPS without the header `Authorization`, where the server takes certificates for logins",
                },
            },
            "parameters": {
                "databaseName": {
                    "name": "databaseName", "in": "path", "required": true,
                    "description": "The database, in any case.",
                    "schema": { "type": "string", "minLength": 1 },
                    "example": "neo4j",
                },
                "transactionId": {
                    "name": "transactionId", "in": "path", "required": true,
                    "description": "As the request that opened the transaction was told.",
                    "schema": { "type": "string", "pattern": "^[0-9a-f]{32}$" },
                    "example": "0123456789abcdef0123456789abcdef",
                },
            },
            "responses": responses(),
            "schemas": schemas::all(),
        },
    })
}

fn paths() -> Value {
    let mut paths = Map::new();
    paths.insert(PATH.to_owned(), json!({
        "parameters": [{ "$ref": "#/components/parameters/databaseName" }],
        "post": operation("runStatement", "query", "Run a statement in a transaction of its own", Some("Run"), "Result"),
    }));
    paths.insert(format!("{PATH}/tx"), json!({
        "parameters": [{ "$ref": "#/components/parameters/databaseName" }],
        "post": operation("openTransaction", "transactions", "Open a transaction, and perhaps run its first statement",
            Some("Open"), "OpenResult"),
    }));
    let parameters = json!([
        { "$ref": "#/components/parameters/databaseName" },
        { "$ref": "#/components/parameters/transactionId" },
    ]);
    paths.insert(format!("{PATH}/tx/{{transactionId}}"), json!({
        "parameters": parameters,
        "post": operation("runInTransaction", "transactions", "Run a statement in a transaction, or keep it from expiring",
            Some("RunIn"), "OpenResult"),
        "delete": operation("rollBackTransaction", "transactions", "Roll a transaction back", None, "Empty"),
    }));
    paths.insert(
        format!("{PATH}/tx/{{transactionId}}/commit"),
        json!({
            "parameters": parameters,
            "post": operation("commitTransaction", "transactions", "Run a last statement, if there is one, and commit",
                Some("RunIn"), "Result"),
        }),
    );
    for (path, id, summary, media_type, schema) in [
        (
            "/",
            "discover",
            "What is served, and where",
            "application/json",
            "Discovery",
        ),
        (
            "/openapi.json",
            "describe",
            "This description",
            "application/json",
            "Description",
        ),
        (
            "/health/live",
            "isLive",
            "Whether the process runs",
            "text/plain",
            "Text",
        ),
        (
            "/health/ready",
            "isReady",
            "Whether work is taken",
            "text/plain",
            "Text",
        ),
        (
            "/.well-known/security.txt",
            "securityContact",
            "Where weaknesses are reported (RFC 9116)",
            "text/plain",
            "Text",
        ),
        (
            POLICY_PATH,
            "securityPolicy",
            "Who may test this server",
            "text/plain",
            "Text",
        ),
    ] {
        paths.insert(
            path.to_owned(),
            json!({ "get": public(path, id, summary, media_type, schema) }),
        );
    }
    Value::Object(paths)
}

fn public(path: &str, id: &str, summary: &str, media_type: &str, schema: &str) -> Value {
    let content = json!({ media_type: { "schema": schemas::named(schema) } });
    let mut responses = json!({
        "200": { "description": "It is told.", "content": content },
        "413": { "description": "The request has a body." },
    });
    if path == "/health/ready" {
        insert(
            &mut responses,
            "503",
            json!({ "description": "Work is not taken now.", "content": content }),
        );
    }
    json!({
        "operationId": id, "tags": ["server"], "summary": summary, "security": [],
        "responses": responses,
    })
}

/// The names of responses by their status, in the order in which a request meets them.
const FAILURES: [(&str, &str); 12] = [
    ("400", "BadRequest"),
    ("401", "Unauthorized"),
    ("403", "Forbidden"),
    ("404", "NotFound"),
    ("406", "NotAcceptable"),
    ("408", "TooSlow"),
    ("409", "Conflict"),
    ("413", "TooLarge"),
    ("415", "UnsupportedMediaType"),
    ("429", "TooManyAttempts"),
    ("500", "ServerFault"),
    ("503", "Unavailable"),
];

fn operation(id: &str, tag: &str, summary: &str, request: Option<&str>, result: &str) -> Value {
    let status = if request.is_some() { "202" } else { "200" };
    let mut done = json!({ "description": "It is done.", "content": results(result) });
    if result == "OpenResult" {
        insert(&mut done, "links", links());
    }
    let mut responses = json!({ status: done });
    for (status, name) in FAILURES {
        insert(
            &mut responses,
            status,
            json!({ "$ref": format!("#/components/responses/{name}") }),
        );
    }
    let mut operation = json!({ "operationId": id, "tags": [tag], "summary": summary, "responses": responses });
    if let Some(request) = request {
        let plain =
            json!({ "schema": schemas::named(&format!("{request}Request")), "examples": schemas::examples(request) });
        let typed = json!({ "schema": schemas::named(&format!("Typed{request}Request")) });
        let mut content = Map::new();
        for format in FORMATS.iter().filter(|format| !format.lines) {
            let body = if format.typed { &typed } else { &plain };
            content.insert(format.name.to_owned(), body.clone());
        }
        insert(
            &mut operation,
            "requestBody",
            json!({ "required": request == "Run", "content": content }),
        );
    }
    operation
}

/// What can be done with a transaction that is open.
fn links() -> Value {
    let parameters = json!({
        "databaseName": "$request.path.databaseName",
        "transactionId": "$response.body#/transaction/id",
    });
    let mut links = Map::new();
    for operation in ["runInTransaction", "commitTransaction", "rollBackTransaction"] {
        links.insert(
            operation.to_owned(),
            json!({ "operationId": operation, "parameters": parameters }),
        );
    }
    Value::Object(links)
}

fn results(result: &str) -> Value {
    let mut content = Map::new();
    for format in FORMATS {
        let schema = match (format.lines, format.typed) {
            (true, _) => schemas::named("Lines"),
            (false, true) => schemas::named(&format!("Typed{result}")),
            (false, false) => schemas::named(result),
        };
        content.insert(format.name.to_owned(), json!({ "schema": schema }));
    }
    Value::Object(content)
}

fn responses() -> Value {
    let texts = [
        "The request or its statement cannot be understood.",
        "Nobody has logged in. Every request carries a user and a password.",
        "The user may not do this.",
        "There is no such database or transaction that the user may see.",
        "None of the media types that are accepted is served.",
        "The body did not arrive in time.",
        "Another transaction or request is in the way, or a constraint.",
        "The body is too long.",
        "The body is not JSON in UTF-8.",
        "There were too many failed logins; wait.",
        "The server is at fault.",
        "The server cannot do this now; try again.",
    ];
    let mut responses = Map::new();
    for ((status, name), text) in FAILURES.into_iter().zip(texts) {
        let mut content = Map::new();
        for format in FORMATS {
            let schema = if format.lines { "Lines" } else { "Errors" };
            content.insert(format.name.to_owned(), json!({ "schema": schemas::named(schema) }));
        }
        let mut response = json!({ "description": text, "content": content });
        if status == "401" {
            insert(
                &mut response,
                "headers",
                json!({ "WWW-Authenticate": { "schema": { "type": "string" } } }),
            );
        }
        responses.insert(name.to_owned(), response);
    }
    Value::Object(responses)
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(map) = object {
        map.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str));
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
