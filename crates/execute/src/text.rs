//! Values as text.

use bastide_model::{GraphRead, Value};

/// A value as Cypher writes it.
pub fn format_value(value: &Value, graph: &dyn GraphRead) -> String {
    let _ = graph;
    format!("{value:?}")
}
