//! House rules that the compiler does not check: headers, lengths, loose ends.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process;

/// A longer file is worth a look.
const FILE_LINES_WARN: usize = 500;
/// A longer file is refused unless it is listed.
const FILE_LINES_MAX: usize = 800;
/// A longer function is refused unless its file is listed.
const FUNCTION_LINES_MAX: usize = 100;
/// A longer function is worth a look.
const FUNCTION_LINES_WARN: usize = 70;
/// Files that may be longer or hold longer functions, and why: `path: reason` lines.
const EXCEPTIONS: &str = "crates/xtask/tidy-exceptions.txt";

/// Texts that must not be in the sources, and why. Built from halves so that this file does not hold them.
fn forbidden() -> [(String, &'static str); 5] {
    [
        (["todo", "!("].concat(), "finish it or file an issue"),
        (["unimplemented", "!("].concat(), "finish it or answer an error"),
        (["dbg", "!("].concat(), "left over from debugging"),
        (["FIX", "ME"].concat(), "file an issue"),
        (["/wo", "rk/"].concat(), "a path of one machine"),
    ]
}

/// Fails with every breach of the rules.
pub fn check(root: &Path) -> Result<()> {
    let exceptions = std::fs::read_to_string(root.join(EXCEPTIONS)).context("cannot read the list of exceptions")?;
    let listed: Vec<&str> = exceptions
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .map(|(path, _)| path)
        .collect();
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    for file in source_files(root)? {
        let text = std::fs::read_to_string(root.join(&file))?;
        let is_listed = listed.iter().any(|path| Path::new(path) == file);
        check_file(&file, &text, is_listed, &mut faults, &mut warnings);
    }
    for path in &listed {
        if !root.join(path).exists() {
            faults.push(format!("{EXCEPTIONS} lists {path}, which is gone"));
        }
    }
    warnings.iter().for_each(|warning| eprintln!("note: {warning}"));
    if faults.is_empty() {
        println!("tidy: clean, {} notes", warnings.len());
        return Ok(());
    }
    bail!("tidy:\n  {}", faults.join("\n  "))
}

fn source_files(root: &Path) -> Result<Vec<PathBuf>> {
    let listing = process::output(
        root,
        "git",
        &["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"],
    )?;
    Ok(String::from_utf8(listing)?
        .lines()
        .map(PathBuf::from)
        .filter(|file| root.join(file).exists())
        .collect())
}

fn check_file(file: &Path, text: &str, is_listed: bool, faults: &mut Vec<String>, warnings: &mut Vec<String>) {
    let shown = file.display();
    if !text.starts_with("//!") && !text.starts_with("#![no_main]") {
        faults.push(format!("{shown}: does not say what it owns; open it with `//!`"));
    }
    for (wanted, advice) in forbidden() {
        for (number, _) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| is_code(line) && line.contains(&wanted))
        {
            faults.push(format!("{shown}:{}: `{wanted}`: {advice}", number + 1));
        }
    }
    let lines = code_lines(text);
    let is_test = shown.to_string().contains("tests");
    if lines > FILE_LINES_MAX && !is_listed && !is_test {
        faults.push(format!(
            "{shown}: {lines} lines, at most {FILE_LINES_MAX}; split it by job"
        ));
    } else if lines > FILE_LINES_WARN {
        warnings.push(format!("{shown}: {lines} lines"));
    }
    for (number, length) in function_lengths(text) {
        if length > FUNCTION_LINES_MAX && !is_listed && !is_test {
            faults.push(format!(
                "{shown}:{number}: a function of {length} lines, at most {FUNCTION_LINES_MAX}"
            ));
        } else if length > FUNCTION_LINES_WARN {
            warnings.push(format!("{shown}:{number}: a function of {length} lines"));
        }
    }
}

/// Whether a line is more than a comment; examples in documentation may hold what code may not.
fn is_code(line: &str) -> bool {
    !line.trim_start().starts_with("//")
}

/// Lines before the tests of the file.
fn code_lines(text: &str) -> usize {
    text.lines().take_while(|line| *line != "#[cfg(test)]").count()
}

/// First line and length of each function, by indentation, which rustfmt guarantees.
fn function_lengths(text: &str) -> Vec<(usize, usize)> {
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let indentation = line.len() - line.trim_start().len();
        let trimmed = line.trim_start();
        let words = trimmed
            .trim_start_matches("pub ")
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub(super) ");
        let words = words.trim_start_matches("const ").trim_start_matches("async ");
        if words.starts_with("fn ") && !trimmed.ends_with(';') {
            open.push((indentation, number));
        } else if trimmed.starts_with('}')
            && let Some((depth, start)) = open.last().copied()
            && depth == indentation
        {
            open.pop();
            found.push((start + 1, number - start + 1));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_functions() {
        let text = "impl A {\n    fn a() {\n        b();\n    }\n\n    fn c() {}\n}\n";
        assert_eq!(function_lengths(text).first(), Some(&(2, 3)));
    }

    #[test]
    fn asks_for_a_header() {
        let (mut faults, mut warnings) = (Vec::new(), Vec::new());
        check_file(Path::new("a.rs"), "fn a() {}\n", false, &mut faults, &mut warnings);
        assert_eq!(faults.len(), 1);
    }
}
