//! Feature files as cases: outlines are unfolded, steps are typed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::gherkin::{self, RawStep, Scenario};

/// One case of the TCK.
#[derive(Clone, Debug)]
pub struct Case {
    /// The folder of the feature file, such as `clauses/match`.
    pub folder: String,
    /// Unique over the TCK: file, scenario and, for outlines, the number of the example.
    pub name: String,
    /// What happens.
    pub steps: Vec<Step>,
}

/// One step of a case.
#[derive(Clone, Debug)]
pub enum Step {
    /// The graph is empty, or may be anything, which is taken as empty.
    EmptyGraph,
    /// The graph is one of the TCK's named ones.
    NamedGraph(String),
    /// A query that prepares.
    Prepare(String),
    /// Parameters for the next query: name and cell.
    Parameters(Vec<(String, String)>),
    /// A procedure that answers from a table: signature, header and rows.
    Procedure(String, Vec<Vec<String>>),
    /// The query under test.
    Query(String),
    /// The result is this table.
    Result {
        /// The header and the rows.
        table: Vec<Vec<String>>,
        /// Whether rows come in this order.
        ordered: bool,
        /// Whether lists count as bags.
        any_list_order: bool,
    },
    /// There is no row.
    EmptyResult,
    /// There is an error: its type, its phase and its detail.
    Error {
        /// `SyntaxError` and the like.
        kind: String,
        /// `compile time`, `runtime` or `any time`.
        phase: String,
        /// `UndefinedVariable` and the like.
        detail: String,
    },
    /// Nothing changed.
    NoSideEffects,
    /// This changed: `+nodes` and the like, and how many.
    SideEffects(Vec<(String, i64)>),
}

/// Reads all cases below a folder of feature files, in the order of their paths.
///
/// # Errors
/// If a file cannot be read or holds a step that is not known.
pub fn read_cases(features: &Path) -> Result<Vec<Case>> {
    let mut files = Vec::new();
    collect_files(features, &mut files)?;
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let scenarios = gherkin::parse(&text).with_context(|| file.display().to_string())?;
        let relative = file.strip_prefix(features).unwrap_or(&file);
        let folder = relative
            .parent()
            .map(|parent| parent.display().to_string())
            .unwrap_or_default();
        let stem = relative.with_extension("").display().to_string();
        for scenario in &scenarios {
            unfold(&folder, &stem, scenario, &mut cases)
                .with_context(|| format!("{}: {}", file.display(), scenario.name))?;
        }
    }
    Ok(cases)
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "feature") {
            files.push(path);
        }
    }
    Ok(())
}

type Substitution = Vec<(String, String)>;

fn unfold(folder: &str, stem: &str, scenario: &Scenario, cases: &mut Vec<Case>) -> Result<()> {
    let mut substitutions: Vec<Substitution> = Vec::new();
    for table in &scenario.examples {
        let Some((header, rows)) = table.split_first() else {
            continue;
        };
        substitutions.extend(
            rows.iter()
                .map(|row| header.iter().cloned().zip(row.iter().cloned()).collect()),
        );
    }
    let is_outline = !scenario.examples.is_empty();
    if !is_outline {
        substitutions.push(Vec::new());
    }
    for (number, substitution) in substitutions.iter().enumerate() {
        let suffix = if is_outline {
            format!(" #{}", number + 1)
        } else {
            String::new()
        };
        let steps = scenario
            .steps
            .iter()
            .map(|step| typed_step(step, substitution))
            .collect::<Result<_>>()?;
        cases.push(Case {
            folder: folder.to_owned(),
            name: format!("{stem} {}{suffix}", scenario.name),
            steps,
        });
    }
    Ok(())
}

fn substitute(text: &str, substitution: &Substitution) -> String {
    substitution.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("<{name}>"), value)
    })
}

fn typed_step(step: &RawStep, substitution: &Substitution) -> Result<Step> {
    let text = substitute(&step.text, substitution);
    let query = || {
        substitute(step.doc_string.as_deref().unwrap_or_default(), substitution)
            .trim()
            .to_owned()
    };
    let table: Vec<Vec<String>> = step
        .table
        .iter()
        .map(|row| row.iter().map(|cell| substitute(cell, substitution)).collect())
        .collect();
    let result = |ordered, any_list_order| Step::Result {
        table: table.clone(),
        ordered,
        any_list_order,
    };
    Ok(match text.trim_end_matches(':') {
        "an empty graph" | "any graph" => Step::EmptyGraph,
        "having executed" => Step::Prepare(query()),
        "parameters are" => Step::Parameters(pairs(&table)),
        "executing query" | "executing control query" => Step::Query(query()),
        "the result should be, in any order" => result(false, false),
        "the result should be, in order" => result(true, false),
        "the result should be (ignoring element order for lists)" => result(false, true),
        "the result should be, in order (ignoring element order for lists)" => result(true, true),
        "the result should be empty" => Step::EmptyResult,
        "no side effects" => Step::NoSideEffects,
        "the side effects should be" => Step::SideEffects(
            pairs(&table)
                .into_iter()
                .map(|(name, count)| Ok((name, count.parse()?)))
                .collect::<Result<_>>()?,
        ),
        other => phrase(other, &table)?,
    })
}

fn phrase(text: &str, table: &[Vec<String>]) -> Result<Step> {
    if let Some(graph) = text.strip_prefix("the ").and_then(|rest| rest.strip_suffix(" graph")) {
        return Ok(Step::NamedGraph(graph.to_owned()));
    }
    if let Some(signature) = text.strip_prefix("there exists a procedure ") {
        return Ok(Step::Procedure(signature.trim().to_owned(), table.to_vec()));
    }
    if let Some((kind, rest)) = text
        .trim_start_matches("a ")
        .trim_start_matches("an ")
        .split_once(" should be raised at ")
    {
        let (phase, detail) = rest.split_once(": ").unwrap_or((rest, "*"));
        return Ok(Step::Error {
            kind: kind.to_owned(),
            phase: phase.to_owned(),
            detail: detail.to_owned(),
        });
    }
    bail!("the step `{text}` is not known")
}

fn pairs(table: &[Vec<String>]) -> Vec<(String, String)> {
    table
        .iter()
        .filter_map(|row| Some((row.first()?.clone(), row.get(1)?.clone())))
        .collect()
}
