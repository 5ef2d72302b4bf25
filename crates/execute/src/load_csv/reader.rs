//! CSV bytes to rows, one at a time and in constant memory.

use std::io::{BufReader, Read};
use std::sync::Arc;

use bastide_model::{Map, Value};
use bastide_status::{Code, Status};

use super::CsvStream;

/// The longest record, in bytes (`dbms.import.csv.buffer_size` is 2 MiB in Neo4j, for a field).
const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most fields of a record.
const FIELDS_MAX: usize = 100_000;
/// The UTF-8 byte order mark, which spreadsheets write.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The rows of one file.
pub(crate) struct CsvRows {
    name: Arc<str>,
    reader: csv::Reader<RecordLimit>,
    record: csv::ByteRecord,
    headers: Option<Vec<Arc<str>>>,
    line: i64,
}

impl CsvRows {
    /// Reads the header line, if there is to be one.
    pub(crate) fn new(stream: CsvStream, delimiter: u8, headers: bool) -> Result<Self, Status> {
        let limit = RecordLimit {
            bytes: Box::new(BufReader::new(stream.bytes)),
            left: RECORD_BYTES_MAX,
            is_exceeded: false,
        };
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            // Neo4j's default: a quote is doubled or escaped by a backslash.
            .escape(Some(b'\\'))
            .buffer_capacity(64 * 1024)
            .from_reader(limit);
        let mut rows = Self {
            name: stream.name,
            reader,
            record: csv::ByteRecord::new(),
            headers: None,
            line: 0,
        };
        if headers {
            rows.headers = Some(if rows.read()? {
                rows.fields()?
                    .map(|field| field.unwrap_or_default().trim().into())
                    .collect()
            } else {
                Vec::new()
            });
        }
        Ok(rows)
    }

    /// What `file()` answers.
    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// The line of the last record, from 1.
    pub(crate) fn line(&self) -> i64 {
        self.line
    }

    /// The next row: a list of texts, or a map by header. Empty fields are null.
    pub(crate) fn next_record(&mut self) -> Result<Option<Value>, Status> {
        if !self.read()? {
            return Ok(None);
        }
        let value = |field: Option<&str>| field.map_or(Value::Null, Value::from);
        let Some(headers) = &self.headers else {
            let fields: Vec<Value> = self.fields()?.map(value).collect();
            return Ok(Some(Value::from(fields)));
        };
        let mut map = Map::with_capacity(headers.len());
        let fields = self.fields()?.map(value).chain(std::iter::repeat(Value::Null));
        for (header, field) in headers.iter().zip(fields) {
            map.insert(Arc::clone(header), field);
        }
        Ok(Some(Value::map(map)))
    }

    fn read(&mut self) -> Result<bool, Status> {
        // The reader reads ahead, so that a record may take up to a buffer less than the limit.
        self.reader.get_mut().left = RECORD_BYTES_MAX;
        let read = self.reader.read_byte_record(&mut self.record);
        if self.reader.get_ref().is_exceeded {
            return Err(Status::new(
                Code::ExternalResourceFailed,
                format!(
                    "a record of '{}' after line {} is longer than {RECORD_BYTES_MAX} bytes; is a quote missing?",
                    self.name, self.line
                ),
            ));
        }
        match read {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(_) => return Err(self.failed("cannot be read")),
        }
        if let Some(position) = self.record.position() {
            self.line = i64::try_from(position.line()).unwrap_or(i64::MAX);
        }
        if self.record.len() > FIELDS_MAX {
            return Err(self.failed("has too many fields in a record"));
        }
        Ok(true)
    }

    /// The fields of the record, `None` for an empty one.
    fn fields(&self) -> Result<impl Iterator<Item = Option<&str>>, Status> {
        let mut fields = Vec::with_capacity(self.record.len());
        for (place, field) in self.record.iter().enumerate() {
            let is_start = place == 0 && self.line <= 1;
            let field = if is_start {
                field.strip_prefix(BYTE_ORDER_MARK).unwrap_or(field)
            } else {
                field
            };
            let text = std::str::from_utf8(field).map_err(|_| self.failed("is not UTF-8"))?;
            fields.push(Some(text).filter(|text| !text.is_empty()));
        }
        Ok(fields.into_iter())
    }

    fn failed(&self, what: &str) -> Status {
        Status::new(
            Code::ExternalResourceFailed,
            format!("'{}' {what} (after line {})", self.name, self.line),
        )
    }
}

/// Refuses to read on once a single record has taken too many bytes.
struct RecordLimit {
    bytes: Box<dyn Read + Send>,
    left: usize,
    is_exceeded: bool,
}

impl Read for RecordLimit {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            self.is_exceeded = true;
            return Err(std::io::Error::other("the record is too long"));
        }
        let count = self.bytes.read(buffer)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &'static str, headers: bool) -> Vec<Value> {
        let stream = CsvStream {
            name: "test.csv".into(),
            bytes: Box::new(text.as_bytes()),
        };
        let mut rows = CsvRows::new(stream, b',', headers).unwrap();
        std::iter::from_fn(|| rows.next_record().unwrap()).collect()
    }

    #[test]
    fn reads_quotes_line_breaks_and_empty_fields() {
        let found = rows("a,\"b \"\"x\"\"\nc\",,d\r\n1,2,3,4\n", false);
        let shown = format!("{found:?}");
        assert!(shown.contains("b \\\"x\\\"\\nc"), "{shown}");
        let Value::List(first) = &found[0] else { panic!() };
        assert!(first[2].is_null());
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn headers_name_the_fields_and_short_rows_are_null_at_the_end() {
        let found = rows("\u{feff}id,name\n1,Ada\n2\n", true);
        let Value::Map(first) = &found[0] else { panic!() };
        assert_eq!(first.get("id").and_then(Value::as_str), Some("1"));
        let Value::Map(second) = &found[1] else { panic!() };
        assert!(second.get("name").is_some_and(Value::is_null));
    }

    #[test]
    fn a_record_without_end_is_refused() {
        let endless = std::io::repeat(b'x');
        let stream = CsvStream {
            name: "endless".into(),
            bytes: Box::new(endless),
        };
        let mut rows = CsvRows::new(stream, b',', false).unwrap();
        assert_eq!(rows.next_record().unwrap_err().code(), Code::ExternalResourceFailed);
    }
}
