//! LOAD CSV: a row for each record of a file.

use bastide_model::Value;
use bastide_plan::expression::{Offset, Slot};
use bastide_status::{Code, Status};

use super::entity::{at, value_of};
use super::flat_map::RowSource;
use super::{Run, Shared};
use crate::batch::{Batch, BatchRow};
use crate::evaluate::{Compiled, RowView};
use crate::load_csv::CsvRows;

/// What is read and how.
pub(super) struct LoadCsv {
    pub(super) url: Compiled,
    pub(super) slot: Slot,
    pub(super) headers: bool,
    pub(super) delimiter: Option<Compiled>,
    pub(super) offset: Offset,
    /// Whether the query asks for the line it is at, so that it may not run ahead.
    pub(super) follows_lines: bool,
    pub(super) rows: Option<CsvRows>,
}

impl LoadCsv {
    fn open(&mut self, run: &Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        let url = match value_of(&self.url, &row, run)? {
            Value::String(url) => url,
            other => {
                return Err(Status::new(
                    Code::TypeError,
                    format!(
                        "the URL of LOAD CSV is a text, not a value of type {}",
                        other.kind().name()
                    ),
                ));
            }
        };
        let delimiter = match &self.delimiter {
            None => b',',
            Some(delimiter) => one_byte(&value_of(delimiter, &row, run)?)?,
        };
        let stream = run.shared.csv_source.open(&url)?;
        self.rows = Some(CsvRows::new(stream, delimiter, self.headers)?);
        Ok(())
    }
}

/// A delimiter: one character that is one byte.
fn one_byte(value: &Value) -> Result<u8, Status> {
    match value.as_str().map(str::as_bytes) {
        Some([byte]) if byte.is_ascii() && *byte != b'"' && *byte != b'\n' && *byte != b'\r' => Ok(*byte),
        _ => Err(Status::new(
            Code::ArgumentError,
            "FIELDTERMINATOR must be one ASCII character other than a quote or a line break",
        )),
    }
}

impl RowSource for LoadCsv {
    fn answers_at_once(&self) -> bool {
        self.follows_lines
    }

    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {
        self.rows = None;
    }

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        let result = self.open(run, row);
        at(result, self.offset, run)
    }

    fn fill(&mut self, run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let Some(rows) = &mut self.rows else { return Ok(0) };
        run.check()?;
        let limit = if self.follows_lines { 1 } else { limit };
        let mut count = 0;
        while count < limit {
            let record = at(rows.next_record(), self.offset, run)?;
            let Some(record) = record else { break };
            out.push(self.slot, record);
            count += 1;
        }
        if count == 0 {
            self.rows = None;
            run.csv = None;
        } else {
            run.csv = Some((rows.name(), rows.line()));
        }
        Ok(count)
    }
}
