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

use crate::config::Config;
use crate::query::{self, QueryApi};
use crate::security_text::{self, POLICY, POLICY_PATH};
use crate::{headers, openapi};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// All routes; anything else is answered 404. `encrypted` says whether the listener speaks TLS.
pub(crate) fn router(config: &Arc<Config>, query: &Arc<QueryApi>, encrypted: bool) -> Router {
    let strict_transport_security = config
        .strict_transport_security
        .as_deref()
        .filter(|_| encrypted)
        .and_then(|value| HeaderValue::from_str(value).ok());
    let discovery = document(config, encrypted).to_string();
    let public = Router::new()
        .route("/", get(move || std::future::ready(json(discovery.clone()))))
        .route("/openapi.json", get(openapi))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/.well-known/security.txt", get(security))
        .route(POLICY_PATH, get(policy))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(from_fn(headers::refuse_bodies))
        .with_state(Arc::clone(config));
    public
        .merge(query.router())
        .layer(map_response(move |mut response: Response| {
            headers::add(&mut response, strict_transport_security.as_ref());
            std::future::ready(response)
        }))
}

fn document(config: &Config, encrypted: bool) -> Value {
    let discovery = &config.discovery;
    let own = if encrypted {
        config
            .https_address
            .as_ref()
            .map(|address| format!("https://{address}"))
    } else {
        config.http_address.as_ref().map(|address| format!("http://{address}"))
    };
    let mut fields = Map::new();
    for (name, uri) in [
        ("bolt_routing", discovery.bolt_routing.clone()),
        ("bolt_direct", discovery.bolt_direct.clone()),
        ("query", own.map(|own| own + query::PATH)),
    ] {
        if let Some(uri) = uri {
            fields.insert(name.to_owned(), json!(uri));
        }
    }
    fields.insert("query_api_versions".to_owned(), json!(query::VERSIONS));
    fields.insert("neo4j_version".to_owned(), json!(discovery.neo4j_version));
    fields.insert("neo4j_edition".to_owned(), json!(discovery.neo4j_edition));
    fields.insert("auth_config".to_owned(), json!({ "oidc_providers": [] }));
    Value::Object(fields)
}

async fn openapi() -> Response {
    json(openapi::text().to_owned())
}

fn json(body: String) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
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
