//! Procedures that answer from a table, as the TCK defines them in its cases.

use std::sync::Arc;

use bastide_execute::{Procedure, ProcedureContext, ProcedureRow};
use bastide_model::{Value, order};
use bastide_plan::Type;
use bastide_plan::procedure::{ProcedureArgument, ProcedureMode, ProcedureResult, ProcedureSignature};
use bastide_security::Action;
use bastide_status::Status;

use crate::expected::parse_cell;
use crate::run::parameter;

/// A procedure whose rows are those of a table whose first columns equal the arguments.
pub struct TableProcedure {
    signature: Arc<ProcedureSignature>,
    rows: Vec<Vec<Value>>,
}

impl TableProcedure {
    /// Reads `name(a :: TYPE?, …) :: (b :: TYPE?, …)` and the table below it.
    ///
    /// # Errors
    /// If the signature or a cell cannot be read.
    pub fn parse(signature: &str, table: &[Vec<String>]) -> Result<Self, String> {
        let malformed = || format!("the signature `{signature}` cannot be read");
        let (head, results) = signature
            .trim_end_matches(':')
            .rsplit_once(":: (")
            .ok_or_else(malformed)?;
        let (name, arguments) = head.split_once('(').ok_or_else(malformed)?;
        let arguments = fields(arguments.trim().trim_end_matches(')')).ok_or_else(malformed)?;
        let results = fields(results.trim().trim_end_matches(')')).ok_or_else(malformed)?;
        let rows = table
            .iter()
            .skip(1)
            .map(|row| row_values(row))
            .collect::<Result<_, _>>()?;
        let signature = ProcedureSignature {
            name: name.trim().into(),
            arguments: arguments
                .into_iter()
                .map(|(name, value_type)| ProcedureArgument {
                    name: name.into(),
                    value_type,
                    default: None,
                })
                .collect(),
            results: results
                .into_iter()
                .map(|(name, value_type)| ProcedureResult {
                    name: name.into(),
                    value_type,
                    is_default: true,
                })
                .collect(),
            mode: ProcedureMode::Read,
        };
        Ok(Self {
            signature: Arc::new(signature),
            rows,
        })
    }
}

fn row_values(row: &[String]) -> Result<Vec<Value>, String> {
    row.iter()
        .map(|cell| {
            parse_cell(cell)
                .map(|tree| parameter(&tree))
                .map_err(|error| error.to_string())
        })
        .collect()
}

fn fields(text: &str) -> Option<Vec<(String, Type)>> {
    text.split(',')
        .map(str::trim)
        .filter(|field| !field.is_empty())
        .map(|field| {
            let (name, value_type) = field.split_once("::")?;
            let value_type = match value_type.trim().trim_end_matches('?') {
                "INTEGER" => Type::Integer,
                "FLOAT" => Type::Float,
                "NUMBER" => Type::Number,
                "STRING" => Type::String,
                "BOOLEAN" => Type::Boolean,
                _ => Type::Any,
            };
            Some((name.trim().to_owned(), value_type))
        })
        .collect()
}

impl Procedure for TableProcedure {
    fn signature(&self) -> &Arc<ProcedureSignature> {
        &self.signature
    }

    fn description(&self) -> &str {
        "answers from a table"
    }

    fn privilege(&self) -> Action {
        Action::Read
    }

    fn call(&self, arguments: &[Value], _context: &mut ProcedureContext<'_>) -> Result<Vec<ProcedureRow>, Status> {
        let same = |row: &&Vec<Value>| {
            row.iter().zip(arguments).all(|(cell, argument)| {
                (cell.is_null() && argument.is_null()) || order::equals(cell, argument) == Some(true)
            })
        };
        Ok(self
            .rows
            .iter()
            .filter(same)
            .map(|row| row.iter().skip(arguments.len()).cloned().collect())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_signatures_of_the_tck() {
        for (text, name, arguments, results) in [
            (
                "test.my.proc(name :: STRING?, id :: INTEGER?) :: (city :: STRING?, code :: INTEGER?)",
                "test.my.proc",
                2,
                2,
            ),
            ("test.doNothing() :: ()", "test.doNothing", 0, 0),
            (
                "test.my.proc(in :: INTEGER?) :: (a :: INTEGER?, b :: INTEGER?) ",
                "test.my.proc",
                1,
                2,
            ),
        ] {
            let procedure = TableProcedure::parse(text.trim(), &[]).unwrap();
            assert_eq!(procedure.signature.name.as_ref(), name);
            assert_eq!(procedure.signature.arguments.len(), arguments);
            assert_eq!(procedure.signature.results.len(), results);
        }
    }
}
