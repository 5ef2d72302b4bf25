//! The part of Gherkin that the TCK's feature files use: scenarios, outlines, doc strings, tables.
//!
//! Our own, since the `gherkin` crate stops at a comment between steps and does not undo the escapes of table cells.

use anyhow::{Context, Result, bail};

/// A scenario or outline.
#[derive(Debug, Default)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// Its steps, those of the background first.
    pub steps: Vec<RawStep>,
    /// The tables below `Examples:`.
    pub examples: Vec<Vec<Vec<String>>>,
}

/// A step as written.
#[derive(Clone, Debug, Default)]
pub struct RawStep {
    /// The text after the keyword.
    pub text: String,
    /// The doc string below it, with the indentation of its first quotes taken off.
    pub doc_string: Option<String>,
    /// The table below it.
    pub table: Vec<Vec<String>>,
}

/// Where rows of a table go.
#[derive(PartialEq)]
enum Section {
    Background,
    Steps,
    Examples,
}

/// Reads a feature file.
///
/// # Errors
/// At a line that fits nothing.
pub fn parse(text: &str) -> Result<Vec<Scenario>> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut background: Vec<RawStep> = Vec::new();
    let mut section = Section::Steps;
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', '@']) || trimmed.starts_with("Feature:") {
            continue;
        }
        let steps = match section {
            Section::Background => Some(&mut background),
            _ => scenarios.last_mut().map(|scenario| &mut scenario.steps),
        };
        if let Some(name) = trimmed
            .strip_prefix("Scenario Outline:")
            .or_else(|| trimmed.strip_prefix("Scenario:"))
        {
            section = Section::Steps;
            let (name, steps) = (name.trim().to_owned(), background.clone());
            scenarios.push(Scenario {
                name,
                steps,
                examples: Vec::new(),
            });
        } else if trimmed.starts_with("Background:") {
            section = Section::Background;
        } else if trimmed.starts_with("Examples:") {
            section = Section::Examples;
            scenarios
                .last_mut()
                .with_context(|| format!("line {}: examples of nothing", number + 1))?
                .examples
                .push(Vec::new());
        } else if trimmed.starts_with('|') {
            let table = match section {
                Section::Examples => scenarios.last_mut().and_then(|scenario| scenario.examples.last_mut()),
                _ => steps.and_then(|steps| steps.last_mut()).map(|step| &mut step.table),
            };
            table
                .with_context(|| format!("line {}: a table of nothing", number + 1))?
                .push(cells(trimmed));
        } else if trimmed == "\"\"\"" {
            let indentation = line.len() - line.trim_start().len();
            let content = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim() != "\"\"\"");
            let content: Vec<&str> = content
                .map(|line| line.get(indentation..).unwrap_or_default())
                .collect();
            let step = steps.and_then(|steps| steps.last_mut());
            step.with_context(|| format!("line {}: a doc string of nothing", number + 1))?
                .doc_string = Some(content.join("\n"));
        } else if let Some(text) = ["Given ", "When ", "Then ", "And ", "But "]
            .iter()
            .find_map(|word| trimmed.strip_prefix(word))
        {
            let step = RawStep {
                text: text.trim().to_owned(),
                ..RawStep::default()
            };
            steps
                .with_context(|| format!("line {}: a step of nothing", number + 1))?
                .push(step);
        } else if !scenarios.is_empty() {
            bail!("line {}: `{trimmed}` is not understood", number + 1);
        }
    }
    Ok(scenarios)
}

/// The cells of a row; `\|`, `\\` and `\n` are undone.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut characters = line.trim_start_matches('|').chars();
    while let Some(character) = characters.next() {
        match (character, cells.last_mut()) {
            ('|', Some(last)) => {
                *last = last.trim().to_owned();
                cells.push(String::new());
            }
            ('\\', Some(last)) => match characters.next() {
                Some(escaped @ ('|' | '\\')) => last.push(escaped),
                Some('n') => last.push('\n'),
                other => {
                    last.push('\\');
                    last.extend(other);
                }
            },
            (character, Some(last)) => last.push(character),
            (_, None) => {}
        }
    }
    // What follows the last bar is nothing.
    cells.pop();
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_outlines_doc_strings_and_escaped_cells() {
        let text = r#"
Feature: F
  Background:
    Given any graph
  # a comment
  @tag
  Scenario Outline: [1] S
    When executing query:
      """
      RETURN 1
        AS x
      """
    # between steps
    Then the result should be, in any order:
      | x \| y | '\\\\' | '\'' |

    Examples:
      | a |
      | 1 |
"#;
        let scenarios = parse(text).unwrap();
        let [scenario] = scenarios.as_slice() else {
            panic!("{scenarios:?}")
        };
        assert_eq!(scenario.steps.len(), 3);
        assert_eq!(scenario.steps[1].doc_string.as_deref(), Some("RETURN 1\n  AS x"));
        assert_eq!(scenario.steps[2].table, [["x | y", r"'\\'", r"'\''"]]);
        assert_eq!(scenario.examples, [[["a"], ["1"]]]);
    }
}
