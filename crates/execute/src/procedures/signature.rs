//! Declarations of built-in procedures, and the short notation their arguments and columns are written in.
//!
//! `name:TYPE`, several with spaces between; `=null` or `=7` after an argument's type is its default; `+` after a column's type
//! says that it is shown only when a `YIELD` names it.

use std::sync::Arc;

use bastide_model::{Map, Value};
use bastide_plan::{ProcedureArgument, ProcedureMode, ProcedureResult, ProcedureSignature, Type};
use bastide_security::Action;
use bastide_status::Status;

use super::{Procedure, ProcedureContext, ProcedureRow};

/// What runs a built-in procedure. It answers maps by column name.
pub(super) type Run = fn(&[Value], &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status>;

/// A built-in procedure, declared beside its function.
pub(super) struct Declaration {
    pub(super) name: &'static str,
    pub(super) arguments: &'static str,
    pub(super) columns: &'static str,
    pub(super) mode: ProcedureMode,
    pub(super) privilege: Action,
    pub(super) description: &'static str,
    pub(super) run: Run,
}

/// A declared procedure, ready to be called.
struct BuiltIn {
    signature: Arc<ProcedureSignature>,
    description: &'static str,
    privilege: Action,
    run: Run,
}

impl Procedure for BuiltIn {
    fn signature(&self) -> &Arc<ProcedureSignature> {
        &self.signature
    }

    fn description(&self) -> &str {
        self.description
    }

    fn privilege(&self) -> Action {
        self.privilege
    }

    fn call(&self, arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<ProcedureRow>, Status> {
        let rows = (self.run)(arguments, context)?;
        let columns = &self.signature.results;
        Ok(rows
            .into_iter()
            .map(|row| {
                let value = |column: &ProcedureResult| row.get(&column.name).cloned().unwrap_or_default();
                columns.iter().map(value).collect()
            })
            .collect())
    }
}

impl Declaration {
    /// The procedure.
    pub(super) fn procedure(&self) -> Arc<dyn Procedure> {
        let arguments = self.arguments.split_whitespace().map(|text| {
            let (text, default) = match text.split_once('=') {
                Some((text, default)) => (text, Some(default_value(default))),
                None => (text, None),
            };
            let (name, value_type) = named(text);
            ProcedureArgument {
                name,
                value_type,
                default,
            }
        });
        let results = self.columns.split_whitespace().map(|text| {
            let bare = text.trim_end_matches('+');
            let (name, value_type) = named(bare);
            ProcedureResult {
                name,
                value_type,
                is_default: bare.len() == text.len(),
            }
        });
        Arc::new(BuiltIn {
            signature: Arc::new(ProcedureSignature {
                name: self.name.into(),
                arguments: arguments.collect(),
                results: results.collect(),
                mode: self.mode,
            }),
            description: self.description,
            privilege: self.privilege,
            run: self.run,
        })
    }
}

fn default_value(text: &str) -> Value {
    match text {
        "null" => Value::Null,
        "{}" => Value::map(Map::new()),
        number => number.parse().map_or_else(|_| Value::from(number), Value::Integer),
    }
}

fn named(text: &str) -> (Arc<str>, Type) {
    let (name, type_name) = text.split_once(':').unwrap_or((text, "ANY"));
    let value_type = match type_name {
        "BOOLEAN" => Type::Boolean,
        "INTEGER" => Type::Integer,
        "FLOAT" => Type::Float,
        "STRING" => Type::String,
        "STRINGS" => Type::list(Type::String),
        "LIST" => Type::list(Type::Any),
        "MAP" => Type::Map,
        "DURATION" => Type::Duration,
        "TIME" => Type::Temporal,
        _ => Type::Any,
    };
    (name.into(), value_type)
}

/// A row from pairs.
pub(super) fn row<const N: usize>(entries: [(&'static str, Value); N]) -> Map {
    entries.into_iter().collect()
}

/// A list of texts.
pub(super) fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::from(
        items
            .into_iter()
            .map(|item| Value::from(item.as_ref()))
            .collect::<Vec<_>>(),
    )
}
