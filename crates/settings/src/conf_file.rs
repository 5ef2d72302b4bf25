//! The syntax of `bastide.conf`, which is that of `neo4j.conf`.
//!
//! One `name=value` a line; white space around either is dropped; a line that begins with `#` is a comment; a backslash at
//! the end of a line joins the next one. Knows nothing of which settings exist.

use std::path::{Path, PathBuf};

use crate::fault::Fault;

/// Name of the file in the configuration folder.
pub const CONF_FILE_NAME: &str = "bastide.conf";
/// Longest file.
pub const CONF_BYTES_MAX: u64 = 1 << 20;

/// Where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) file: Option<PathBuf>,
    pub(crate) line: Option<usize>,
}

/// One `name=value`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) place: Place,
}

/// Splits `text` into entries; what is no entry is a fault.
pub(crate) fn parse(path: &Path, text: &str) -> (Vec<Entry>, Vec<Fault>) {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate();
    while let Some((index, first)) = lines.next() {
        let first = first.trim_start();
        if first.trim_end().is_empty() || first.starts_with('#') {
            continue;
        }
        let mut logical = first.to_owned();
        while ends_in_continuation(&logical) {
            logical.pop();
            match lines.next() {
                Some((_, next)) => logical.push_str(next.trim_start()),
                None => break,
            }
        }
        let place = Place {
            file: Some(path.to_owned()),
            line: Some(index + 1),
        };
        match logical.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                let value = value.trim().replace("\\\\", "\\");
                entries.push(Entry {
                    name: name.trim().to_owned(),
                    value,
                    place,
                });
            }
            _ => {
                // The text is not shown: it may be half of a secret.
                let fault = Fault {
                    setting: None,
                    ..Fault::new(
                        "",
                        "this line is no setting",
                        "write `name=value`, or begin a comment with `#`",
                    )
                };
                faults.push(fault.at(&place));
            }
        }
    }
    (entries, faults)
}

/// An odd number of backslashes at the end joins the next line; an even number is so many halves of escaped ones.
fn ends_in_continuation(line: &str) -> bool {
    line.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(String, String, usize)> {
        let (entries, faults) = parse(Path::new("x.conf"), text);
        assert_eq!(faults, []);
        entries
            .into_iter()
            .map(|entry| (entry.name, entry.value, entry.place.line.unwrap()))
            .collect()
    }

    fn one(name: &str, value: &str, line: usize) -> (String, String, usize) {
        (name.to_owned(), value.to_owned(), line)
    }

    #[test]
    fn reads_names_values_and_line_numbers() {
        let text = "# comment\n\na=1\r\n  b = two words = three # four  \n\t# indented comment\nc=\n";
        assert_eq!(
            entries(text),
            [
                one("a", "1", 3),
                one("b", "two words = three # four", 4),
                one("c", "", 6)
            ]
        );
    }

    #[test]
    fn joins_continued_lines() {
        assert_eq!(
            entries("a=1,\\\n    2,\\\n  3\nb=4"),
            [one("a", "1,2,3", 1), one("b", "4", 4)]
        );
        assert_eq!(entries("a=c:\\\\"), [one("a", "c:\\", 1)]);
        assert_eq!(entries("a=1\\"), [one("a", "1", 1)]);
    }

    #[test]
    fn lines_that_are_no_settings_are_faults_without_their_text() {
        let (entries, faults) = parse(Path::new("x.conf"), "a=1\nhunter2\n=5\n");
        assert_eq!((entries.len(), faults.len()), (1, 2));
        assert_eq!((faults[0].line, faults[1].line), (Some(2), Some(3)));
        assert!(!faults[0].to_string().contains("hunter2"));
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(entries("\u{feff}a=1"), [one("a", "1", 1)]);
    }
}
