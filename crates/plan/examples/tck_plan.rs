//! Plans every query of the openCypher conformance suite and says where plans and errors are not as expected.
//!
//! For developers: `BASTIDE_TCK=<folder of features> cargo run -p bastide-plan --example tck_plan`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a developer's tool"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bastide_cypher::{ParseLimits, parse};
use bastide_plan::{
    NodeIndex, PlanContext, ProcedureArgument, ProcedureMode, ProcedureResult, ProcedureSignature, Type, plan, verify,
};

#[derive(Default)]
struct Context {
    procedures: Vec<ProcedureSignature>,
}

impl PlanContext for Context {
    fn node_count(&self) -> u64 {
        100
    }
    fn label_count(&self, _: &str) -> Option<u64> {
        Some(10)
    }
    fn relationship_count(&self) -> u64 {
        200
    }
    fn type_count(&self, _: &str) -> Option<u64> {
        Some(50)
    }
    fn has_property_key(&self, _: &str) -> bool {
        true
    }
    fn node_indexes(&self, _: &str) -> Vec<NodeIndex> {
        Vec::new()
    }
    fn schema_version(&self) -> u64 {
        1
    }
    fn procedure(&self, name: &str) -> Option<ProcedureSignature> {
        self.procedures
            .iter()
            .find(|procedure| *procedure.name == *name)
            .cloned()
    }
}

#[derive(Clone, Default)]
struct Scenario {
    name: String,
    queries: Vec<String>,
    error: Option<(String, String)>,
    may_fail: bool,
    procedures: Vec<ProcedureSignature>,
    examples: Vec<Vec<(String, String)>>,
}

fn feature_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            feature_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "feature") {
            files.push(path);
        }
    }
}

fn cells(line: &str) -> Vec<String> {
    line[1..line.len() - 1]
        .replace("\\|", "\u{0}")
        .split('|')
        .map(|cell| cell.trim().replace('\u{0}', "|").replace("\\\\", "\\"))
        .collect()
}

fn type_of(text: &str) -> Type {
    match text.trim_end_matches('?') {
        "INTEGER" => Type::Integer,
        "FLOAT" => Type::Float,
        "NUMBER" => Type::Number,
        "STRING" => Type::String,
        _ => Type::Any,
    }
}

/// `test.my.proc(name :: STRING?, id :: INTEGER?) :: (city :: STRING?)`
fn procedure(text: &str) -> ProcedureSignature {
    let (name, rest) = text.split_once('(').unwrap();
    let (arguments, results) = rest.split_once(')').unwrap();
    let pairs = |text: &str| -> Vec<(Arc<str>, Type)> {
        text.split(',')
            .filter_map(|part| part.split_once("::"))
            .map(|(name, kind)| (Arc::from(name.trim()), type_of(kind.trim())))
            .collect()
    };
    let results = results.trim().trim_start_matches("::").trim();
    ProcedureSignature {
        name: Arc::from(name.trim()),
        arguments: pairs(arguments)
            .into_iter()
            .map(|(name, value_type)| ProcedureArgument {
                name,
                value_type,
                default: None,
            })
            .collect(),
        results: pairs(results.trim_matches(|letter| letter == '(' || letter == ')'))
            .into_iter()
            .map(|(name, value_type)| ProcedureResult {
                name,
                value_type,
                is_default: true,
            })
            .collect(),
        mode: ProcedureMode::Read,
    }
}

fn scenarios(text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut lines = text.lines();
    let mut header: Option<Vec<String>> = None;
    let mut in_examples = false;
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.starts_with("Scenario") || line.starts_with("Background") {
            scenarios.push(Scenario {
                name: line.to_owned(),
                ..Scenario::default()
            });
            in_examples = false;
        } else if line.starts_with("Examples") {
            in_examples = true;
            header = None;
        } else if line == "\"\"\"" {
            let query: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "\"\"\"").collect();
            scenarios.last_mut().unwrap().queries.push(query.join("\n"));
        } else if line.contains(" should be raised at any time: ") {
            scenarios.last_mut().unwrap().may_fail = true;
        } else if let Some((left, detail)) = line.split_once(" should be raised at compile time: ") {
            let class = left.rsplit(' ').next().unwrap().to_owned();
            scenarios.last_mut().unwrap().error = Some((class, detail.to_owned()));
        } else if let Some(signature) = line.strip_prefix("And there exists a procedure ") {
            scenarios
                .last_mut()
                .unwrap()
                .procedures
                .push(procedure(signature.trim_end_matches(':')));
        } else if in_examples && line.starts_with('|') {
            let row = cells(line);
            match &header {
                None => header = Some(row),
                Some(names) => {
                    let example = names.iter().cloned().zip(row).collect();
                    scenarios.last_mut().unwrap().examples.push(example);
                }
            }
        }
    }
    scenarios
}

fn expanded(scenario: &Scenario) -> Vec<Scenario> {
    if scenario.examples.is_empty() {
        return vec![scenario.clone()];
    }
    scenario
        .examples
        .iter()
        .map(|example| {
            let mut one = scenario.clone();
            for (name, value) in example {
                for query in &mut one.queries {
                    *query = query.replace(&format!("<{name}>"), value);
                }
            }
            one
        })
        .collect()
}

fn main() {
    let folder = std::env::var_os("BASTIDE_TCK").unwrap_or_else(|| "../shared/tck/features".into());
    let only = std::env::args().nth(1);
    let mut files = Vec::new();
    feature_files(Path::new(&folder), &mut files);
    files.sort();
    let (mut planned, mut unexpected, mut missed, mut other, mut invalid) = (0, 0, 0, 0, 0);
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        for scenario in scenarios(&fs::read_to_string(&file).unwrap()).iter().flat_map(expanded) {
            let context = Context {
                procedures: scenario.procedures.clone(),
            };
            let mut failed = None;
            for query in &scenario.queries {
                match parse(query, ParseLimits::default()) {
                    Err(error) => failed = Some(("parse".to_owned(), error.message, query.clone())),
                    Ok(statement) => match plan(&statement, query, &context) {
                        Ok(plan) => {
                            planned += 1;
                            if let Err(fault) = verify::verify(&plan) {
                                invalid += 1;
                                println!("INVALID {name} {}\n{query}\n  {fault}\n{:#?}", scenario.name, plan.root);
                            }
                        }
                        Err(error) => failed = Some((error.detail().to_owned(), error.to_string(), query.clone())),
                    },
                }
            }
            match (&scenario.error, failed) {
                (None, Some((detail, message, query))) if !scenario.may_fail => {
                    unexpected += 1;
                    println!("UNEXPECTED {name} {}\n{query}\n  {detail}: {message}", scenario.name);
                }
                (Some((class, detail)), None) => {
                    missed += 1;
                    println!(
                        "MISSED {name} {} {class} {detail}\n{}",
                        scenario.name,
                        scenario.queries.last().unwrap()
                    );
                }
                (Some((_, detail)), Some((given, message, query))) if *detail != given && given != "parse" => {
                    other += 1;
                    println!(
                        "OTHER {name} {}\n{query}\n  expected {detail}, got {given}: {message}",
                        scenario.name
                    );
                }
                _ => {}
            }
        }
    }
    println!(
        "{planned} planned, {invalid} invalid, {unexpected} unexpected errors, {missed} missed, {other} with another name"
    );
}
