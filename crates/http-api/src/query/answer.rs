//! The shape of an answer: one document, or one event a line.

use bastide_model::Value;
use bastide_status::Result;

use super::failure::Failure;
use super::json;
use super::media::Format;
use super::write_value::{self, Entities};

/// Writes one answer, piece by piece. INVARIANT: after each call the output ends at a place from which the answer can be ended,
/// with a summary or with an error.
#[derive(Debug)]
pub(crate) struct AnswerWriter {
    format: Format,
    has_header: bool,
    has_rows: bool,
}

impl AnswerWriter {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            has_header: false,
            has_rows: false,
        }
    }

    /// Begins the rows.
    pub(crate) fn header(&mut self, out: &mut Vec<u8>, fields: &[String]) {
        self.has_header = true;
        out.extend_from_slice(if self.format.lines {
            b"{\"$event\":\"Header\",\"_body\":{\"fields\":"
        } else {
            b"{\"data\":{\"fields\":"
        });
        json::list(out, fields, |out, field| json::write(out, field.as_str()));
        out.extend_from_slice(if self.format.lines { b"}}\n" } else { b",\"values\":[" });
    }

    /// Writes a row; nothing of it if that fails.
    ///
    /// # Errors
    /// A value that cannot be read or written.
    pub(crate) fn row(&mut self, out: &mut Vec<u8>, row: &[Value], entities: &Entities<'_>) -> Result<()> {
        let start = out.len();
        let written = if self.format.typed {
            self.write_row::<true>(out, row, entities)
        } else {
            self.write_row::<false>(out, row, entities)
        };
        if written.is_err() {
            out.truncate(start);
        } else {
            self.has_rows = true;
        }
        written
    }

    fn write_row<const TYPED: bool>(&self, out: &mut Vec<u8>, row: &[Value], entities: &Entities<'_>) -> Result<()> {
        if self.format.lines {
            out.extend_from_slice(b"{\"$event\":\"Record\",\"_body\":");
        } else if self.has_rows {
            out.push(b',');
        }
        out.push(b'[');
        for (place, value) in row.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            write_value::value::<TYPED>(out, value, entities)?;
        }
        out.extend_from_slice(if self.format.lines { b"]}\n" } else { b"]" });
        Ok(())
    }

    /// Ends the answer; `pairs` writes what there is to tell of it.
    pub(crate) fn summary(&self, out: &mut Vec<u8>, pairs: impl FnOnce(&mut Vec<u8>)) {
        if self.format.lines {
            if !self.has_header {
                out.extend_from_slice(b"{\"$event\":\"Header\",\"_body\":{}}\n");
            }
            out.extend_from_slice(b"{\"$event\":\"Summary\",\"_body\":{");
            pairs(out);
            out.extend_from_slice(b"}}\n");
            return;
        }
        self.end_rows(out);
        pairs(out);
        out.push(b'}');
    }

    /// Ends the answer with an error.
    pub(crate) fn error(&self, out: &mut Vec<u8>, failure: &Failure) {
        if self.format.lines {
            out.extend_from_slice(b"{\"$event\":\"Error\",\"_body\":");
            failure.write(out);
            out.extend_from_slice(b"}\n");
            return;
        }
        self.end_rows(out);
        json::key(out, "errors");
        failure.write(out);
        out.push(b'}');
    }

    fn end_rows(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.has_header { b"]}" } else { b"{" });
    }
}

#[cfg(test)]
mod tests {
    use super::super::media::FORMATS;
    use super::*;

    #[test]
    fn every_format_ends_well_with_and_without_rows() {
        for format in FORMATS {
            for has_header in [false, true] {
                for fails in [false, true] {
                    let mut writer = AnswerWriter::new(format);
                    let mut out = Vec::new();
                    if has_header {
                        writer.header(&mut out, &["a\"b".to_owned()]);
                    }
                    if fails {
                        writer.error(&mut out, &Failure::invalid("no"));
                    } else {
                        writer.summary(&mut out, |out| {
                            json::key(out, "x");
                            json::write(out, &1);
                        });
                    }
                    let text = String::from_utf8(out).unwrap();
                    let documents: Vec<&str> = if format.lines {
                        text.lines().collect()
                    } else {
                        vec![&text]
                    };
                    for document in documents {
                        serde_json::from_str::<serde_json::Value>(document).unwrap_or_else(|_| panic!("{document}"));
                    }
                }
            }
        }
    }
}
