//! The description of everything that is served here, for people and tools (OpenAPI 3.1).

use std::sync::LazyLock;

use serde_json::{Value, json};

/// The description as JSON.
pub(crate) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    &TEXT
}

fn document() -> Value {
    json!({ "openapi": "3.1.0", "info": { "title": "Bastide", "version": env!("CARGO_PKG_VERSION") }, "paths": {} })
}
