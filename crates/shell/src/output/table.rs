//! A table whose widths are decided by its first rows, so that any number of rows streams through.
//!
//! Longer cells go on in the next line of their column.

use std::io::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Rows that decide the widths, and are held back until then.
const SAMPLE_ROWS: usize = 1_000;
/// Bytes of sampled rows that end the sampling early.
const SAMPLE_BYTES: usize = 4 * 1024 * 1024;
/// No column is made narrower than this to fit a terminal.
const COLUMN_WIDTH_MIN: usize = 8;

/// A table that is being written.
#[derive(Debug)]
pub struct Table {
    header: Vec<String>,
    width_max: Option<usize>,
    sample: Vec<Vec<String>>,
    sample_bytes: usize,
    widths: Option<Vec<usize>>,
}

impl Table {
    /// A table with these column names, on a terminal of `width_max` columns (`None` where lines may be of any length).
    pub fn new(header: Vec<String>, width_max: Option<usize>) -> Self {
        Self {
            header,
            width_max,
            sample: Vec::new(),
            sample_bytes: 0,
            widths: None,
        }
    }

    /// One more row, as many cells as columns.
    ///
    /// # Errors
    /// Output that cannot be written.
    pub fn row(&mut self, output: &mut dyn Write, cells: Vec<String>) -> std::io::Result<()> {
        if let Some(widths) = &self.widths {
            return write_row(output, &cells, widths);
        }
        self.sample_bytes += cells.iter().map(String::len).sum::<usize>();
        self.sample.push(cells);
        if self.sample.len() >= SAMPLE_ROWS || self.sample_bytes >= SAMPLE_BYTES {
            self.start(output)?;
        }
        Ok(())
    }

    /// Whether lines have been written already.
    pub fn has_started(&self) -> bool {
        self.widths.is_some()
    }

    /// The end of the table.
    ///
    /// # Errors
    /// Output that cannot be written.
    pub fn finish(mut self, output: &mut dyn Write) -> std::io::Result<()> {
        self.start(output)?;
        write_rule(output, self.widths.as_deref().unwrap_or_default())
    }

    /// Decides the widths and writes what was held back.
    fn start(&mut self, output: &mut dyn Write) -> std::io::Result<()> {
        if self.widths.is_some() {
            return Ok(());
        }
        let mut widths: Vec<usize> = self.header.iter().map(|name| name.width().max(1)).collect();
        for row in &self.sample {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        if let Some(width_max) = self.width_max {
            shrink(&mut widths, width_max);
        }
        write_rule(output, &widths)?;
        write_row(output, &self.header, &widths)?;
        write_rule(output, &widths)?;
        for row in std::mem::take(&mut self.sample) {
            write_row(output, &row, &widths)?;
        }
        self.widths = Some(widths);
        Ok(())
    }
}

/// Narrows the widest columns until the table fits, as far as that makes sense.
fn shrink(widths: &mut [usize], width_max: usize) {
    // Each column has a border and a space on both sides; the last border closes the table.
    let available = width_max.saturating_sub(widths.len() * 3 + 1);
    let total = |limit: usize| widths.iter().map(|width| (*width).min(limit)).sum::<usize>();
    let widest = widths.iter().copied().max().unwrap_or_default();
    if total(widest) <= available {
        return;
    }
    let (mut low, mut high) = (COLUMN_WIDTH_MIN, widest.max(COLUMN_WIDTH_MIN));
    while low < high {
        let middle = (low + high).div_ceil(2);
        if total(middle) <= available {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    for width in widths {
        *width = (*width).min(low);
    }
}

fn write_rule(output: &mut dyn Write, widths: &[usize]) -> std::io::Result<()> {
    for width in widths {
        write!(output, "+{}", "-".repeat(width + 2))?;
    }
    writeln!(output, "+")
}

fn write_row(output: &mut dyn Write, cells: &[String], widths: &[usize]) -> std::io::Result<()> {
    let mut rests: Vec<&str> = cells.iter().map(String::as_str).collect();
    loop {
        for (rest, width) in rests.iter_mut().zip(widths) {
            let (part, left) = split_at_width(rest, *width);
            let padding = width.saturating_sub(part.width());
            write!(output, "| {part}{} ", " ".repeat(padding))?;
            *rest = left;
        }
        writeln!(output, "|")?;
        if rests.iter().all(|rest| rest.is_empty()) {
            return Ok(());
        }
    }
}

/// The longest start of `text` that fits `width` columns (at least one character), and the rest.
fn split_at_width(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    for (position, character) in text.char_indices() {
        used += character.width().unwrap_or(0);
        if used > width && position > 0 {
            return text.split_at_checked(position).unwrap_or((text, ""));
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width_max: Option<usize>, header: &[&str], rows: &[&[&str]]) -> String {
        let owned = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let mut table = Table::new(owned(header), width_max);
        let mut output = Vec::new();
        for row in rows {
            table.row(&mut output, owned(row)).unwrap();
        }
        table.finish(&mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        assert_eq!(
            drawn(None, &["n", "name"], &[&["1", "Åsa"], &["100", "漢字漢"]]),
            "+-----+--------+\n\
             | n   | name   |\n\
             +-----+--------+\n\
             | 1   | Åsa    |\n\
             | 100 | 漢字漢 |\n\
             +-----+--------+\n"
        );
    }

    #[test]
    fn a_table_too_wide_for_the_terminal_goes_on_in_the_next_line() {
        assert_eq!(
            drawn(Some(20), &["a", "b"], &[&["1", "0123456789abcdef"]]),
            "+---+--------------+\n\
             | a | b            |\n\
             +---+--------------+\n\
             | 1 | 0123456789ab |\n\
             |   | cdef         |\n\
             +---+--------------+\n"
        );
    }

    #[test]
    fn rows_after_the_sample_are_written_at_once() {
        let mut table = Table::new(vec!["n".to_owned()], None);
        let mut output = Vec::new();
        for number in 0..SAMPLE_ROWS {
            assert!(output.is_empty());
            table.row(&mut output, vec![number.to_string()]).unwrap();
        }
        let before = output.len();
        assert!(before > 0);
        table.row(&mut output, vec!["12345".to_owned()]).unwrap();
        assert_eq!(&output[before..], b"| 123 |\n| 45  |\n");
    }
}
