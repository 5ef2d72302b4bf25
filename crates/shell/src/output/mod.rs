//! Results in the format that was asked for.

mod plan;
mod summary;
mod table;

use std::io::Write;

use bastide_bolt::WireValue;

use crate::session::{RowSink, Summary};
use crate::value_json::value_json;
use crate::value_text::{value_text, write_visible};
use table::Table;

pub use plan::write_plan;
pub use summary::{changes, notifications};

/// A format that has been decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A table and a summary.
    Verbose,
    /// One line a row, values as in Cypher.
    Plain,
    /// One JSON object a row.
    Json,
    /// RFC 4180.
    Csv,
}

/// Prints the result of one statement as it comes.
pub struct Printer<'output> {
    output: &'output mut dyn Write,
    shape: Shape,
    width_max: Option<usize>,
    columns: Vec<String>,
    table: Option<Table>,
}

impl<'output> Printer<'output> {
    /// Prints to `output`; tables are `width_max` columns wide at most.
    pub fn new(output: &'output mut dyn Write, shape: Shape, width_max: Option<usize>) -> Self {
        Self {
            output,
            shape,
            width_max,
            columns: Vec::new(),
            table: None,
        }
    }

    /// What comes after the rows: the table's end, what changed, the plan.
    ///
    /// # Errors
    /// Output that cannot be written.
    pub fn finish(mut self, summary: &Summary) -> std::io::Result<()> {
        if let Some(table) = self.table.take() {
            table.finish(self.output)?;
            writeln!(self.output)?;
        }
        let plan = plan_of(summary);
        match self.shape {
            Shape::Verbose => {
                if let Some(plan) = plan {
                    write_plan(self.output, plan, self.width_max)?;
                    writeln!(self.output)?;
                }
                writeln!(self.output, "{}", summary::line(summary))?;
                let changes = changes(summary);
                if !changes.is_empty() {
                    writeln!(self.output, "{changes}")?;
                }
            }
            Shape::Plain => {
                if let Some(plan) = plan {
                    write_plan(self.output, plan, self.width_max)?;
                }
            }
            Shape::Json | Shape::Csv => {}
        }
        self.output.flush()
    }

    /// The rows end early, because of a failure: what came so far stays readable.
    ///
    /// # Errors
    /// Output that cannot be written.
    pub fn abandon(mut self) -> std::io::Result<()> {
        if let Some(table) = self.table.take()
            && table.has_started()
        {
            table.finish(self.output)?;
        }
        self.output.flush()
    }
}

/// The plan of EXPLAIN or PROFILE.
pub fn plan_of(summary: &Summary) -> Option<&WireValue> {
    summary.field("profile").or_else(|| summary.field("plan"))
}

impl RowSink for Printer<'_> {
    fn columns(&mut self, columns: &[String]) -> std::io::Result<()> {
        self.columns = columns.to_vec();
        if columns.is_empty() {
            return Ok(());
        }
        match self.shape {
            Shape::Verbose => {
                let header = columns.iter().map(|name| visible(name)).collect();
                self.table = Some(Table::new(header, self.width_max));
                Ok(())
            }
            Shape::Plain => {
                let header: Vec<String> = columns.iter().map(|name| visible(name)).collect();
                writeln!(self.output, "{}", header.join(", "))
            }
            Shape::Json => Ok(()),
            Shape::Csv => write_csv(self.output, columns.iter().map(|name| csv_text(name))),
        }
    }

    fn row(&mut self, row: Vec<WireValue>) -> std::io::Result<()> {
        match self.shape {
            Shape::Verbose => {
                let cells = row.iter().map(value_text).collect();
                match &mut self.table {
                    Some(table) => table.row(self.output, cells),
                    None => Ok(()),
                }
            }
            Shape::Plain => {
                let cells: Vec<String> = row.iter().map(value_text).collect();
                writeln!(self.output, "{}", cells.join(", "))
            }
            Shape::Json => {
                let object: serde_json::Map<_, _> =
                    self.columns.iter().cloned().zip(row.iter().map(value_json)).collect();
                serde_json::to_writer(&mut *self.output, &object)?;
                writeln!(self.output)
            }
            Shape::Csv => write_csv(self.output, row.iter().map(csv_value)),
        }
    }
}

/// A column's name on one line.
fn visible(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    name.chars().for_each(|character| write_visible(character, &mut text));
    text
}

fn write_csv(output: &mut dyn Write, cells: impl Iterator<Item = String>) -> std::io::Result<()> {
    for (position, cell) in cells.enumerate() {
        if position > 0 {
            output.write_all(b",")?;
        }
        output.write_all(cell.as_bytes())?;
    }
    output.write_all(b"\r\n")
}

/// Null is an empty field, an empty string a quoted one.
fn csv_value(value: &WireValue) -> String {
    match value {
        WireValue::Null => String::new(),
        WireValue::String(text) if text.is_empty() => "\"\"".to_owned(),
        WireValue::String(text) => csv_text(text),
        other => csv_text(&value_text(other)),
    }
}

fn csv_text(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(shape: Shape, columns: &[&str], rows: Vec<Vec<WireValue>>, metadata: bastide_bolt::WireMap) -> String {
        let mut output = Vec::new();
        let mut printer = Printer::new(&mut output, shape, None);
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        printer.columns(&columns).unwrap();
        let summary = Summary {
            rows: rows.len() as u64,
            available_after_ms: Some(4),
            consumed_after_ms: Some(1),
            metadata,
        };
        for row in rows {
            printer.row(row).unwrap();
        }
        printer.finish(&summary).unwrap();
        String::from_utf8(output).unwrap()
    }

    fn two_rows() -> Vec<Vec<WireValue>> {
        vec![vec![1.into(), "a \"b\", c".into()], vec![WireValue::Null, "".into()]]
    }

    #[test]
    fn plain_is_one_line_a_row() {
        assert_eq!(
            printed(Shape::Plain, &["n", "s"], two_rows(), vec![]),
            "n, s\n1, \"a \\\"b\\\", c\"\nNULL, \"\"\n"
        );
    }

    #[test]
    fn json_is_one_object_a_row_in_the_order_of_the_columns() {
        assert_eq!(
            printed(Shape::Json, &["s", "a"], vec![vec!["x\n".into(), 1.into()]], vec![]),
            "{\"s\":\"x\\n\",\"a\":1}\n"
        );
    }

    #[test]
    fn csv_quotes_what_needs_it_and_tells_null_from_empty() {
        assert_eq!(
            printed(Shape::Csv, &["n", "s"], two_rows(), vec![]),
            "n,s\r\n1,\"a \"\"b\"\", c\"\r\n,\"\"\r\n"
        );
    }

    #[test]
    fn verbose_ends_with_rows_times_and_changes() {
        let stats = WireValue::Map(vec![
            ("nodes-created".to_owned(), 2.into()),
            ("properties-set".to_owned(), 1.into()),
            ("contains-updates".to_owned(), true.into()),
        ]);
        assert_eq!(
            printed(
                Shape::Verbose,
                &["n"],
                vec![vec![1.into()]],
                vec![("stats".to_owned(), stats)]
            ),
            "+---+\n| n |\n+---+\n| 1 |\n+---+\n\n\
             1 row, ready to start consuming after 4 ms, results consumed after another 1 ms\n\
             Added 2 nodes, set 1 property\n"
        );
        assert!(printed(Shape::Verbose, &[], vec![], vec![]).starts_with("0 rows, "));
    }

    #[test]
    fn formats_for_programs_print_nothing_for_statements_without_columns() {
        for shape in [Shape::Plain, Shape::Json, Shape::Csv] {
            assert_eq!(printed(shape, &[], vec![], vec![]), "");
        }
    }

    #[test]
    fn a_column_name_cannot_break_the_table() {
        assert!(printed(Shape::Verbose, &["a\nb\u{1b}"], vec![], vec![]).contains("| a\\nb\\u001B |"));
    }
}
