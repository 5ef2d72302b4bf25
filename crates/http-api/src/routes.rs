//! The routes, and what each answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::config::{Config, Discovery};
use crate::headers;
use crate::security_text::{self, POLICY, POLICY_PATH};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// All routes; anything else is answered 404. `encrypted` says whether the listener speaks TLS.
pub fn router(config: &Arc<Config>, encrypted: bool) -> Router {
    let strict_transport_security = config
        .strict_transport_security
        .as_deref()
        .filter(|_| encrypted)
        .and_then(|value| HeaderValue::from_str(value).ok());
    Router::new()
        .route("/", get(discovery))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/.well-known/security.txt", get(security))
        .route(POLICY_PATH, get(policy))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(from_fn(headers::refuse_bodies))
        .layer(map_response(move |mut response: Response| {
            headers::add(&mut response, strict_transport_security.as_ref());
            std::future::ready(response)
        }))
        .with_state(Arc::clone(config))
}

async fn discovery(State(config): State<Arc<Config>>) -> Response {
    let body = document(&config.discovery).to_string();
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

fn document(discovery: &Discovery) -> Value {
    let mut fields = Map::new();
    for (name, uri) in [
        ("bolt_routing", &discovery.bolt_routing),
        ("bolt_direct", &discovery.bolt_direct),
    ] {
        if let Some(uri) = uri {
            fields.insert(name.to_owned(), json!(uri));
        }
    }
    fields.insert("neo4j_version".to_owned(), json!(discovery.neo4j_version));
    fields.insert("neo4j_edition".to_owned(), json!(discovery.neo4j_edition));
    fields.insert("auth_config".to_owned(), json!({ "oidc_providers": [] }));
    Value::Object(fields)
}

async fn live() -> Response {
    plain(StatusCode::OK, "live\n".to_owned())
}

async fn ready(State(config): State<Arc<Config>>) -> Response {
    if (config.ready)() {
        plain(StatusCode::OK, "ready\n".to_owned())
    } else {
        plain(StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned())
    }
}

async fn security(State(config): State<Arc<Config>>) -> Response {
    plain(StatusCode::OK, security_text::text(&config, Timestamp::now()))
}

async fn policy() -> Response {
    plain(StatusCode::OK, POLICY.to_owned())
}

fn plain(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, TEXT)], body).into_response()
}
