//! Runs the parser over the queries of the openCypher TCK, when told where it is.
//!
//! Set `BASTIDE_TCK` to the folder with the `.feature` files and run with `--ignored`.
#![allow(clippy::unwrap_used, clippy::string_slice, reason = "test")]

use std::fs;
use std::path::{Path, PathBuf};

use bastide_cypher::{ParseLimits, parse};

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

struct Scenario {
    queries: Vec<String>,
    expects_syntax_error: Option<String>,
    examples: Vec<Vec<(String, String)>>,
}

/// The scenarios of a file, read just well enough to find their queries and examples.
fn scenarios(text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut lines = text.lines();
    let mut header: Option<Vec<String>> = None;
    let mut in_examples = false;
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.starts_with("Scenario") || line.starts_with("Background") {
            scenarios.push(Scenario {
                queries: Vec::new(),
                expects_syntax_error: None,
                examples: Vec::new(),
            });
            in_examples = false;
        } else if line.starts_with("Examples") {
            in_examples = true;
            header = None;
        } else if line == "\"\"\"" {
            let query: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "\"\"\"").collect();
            scenarios.last_mut().unwrap().queries.push(query.join("\n"));
        } else if let Some((_, detail)) = line.split_once("SyntaxError should be raised at compile time: ") {
            scenarios.last_mut().unwrap().expects_syntax_error = Some(detail.to_owned());
        } else if in_examples && line.starts_with('|') {
            let inner = &line[1..line.len() - 1];
            let cells: Vec<String> = inner
                .replace("\\|", "\u{0}")
                .split('|')
                .map(|cell| cell.trim().replace('\u{0}', "|").replace("\\\\", "\\"))
                .collect();
            match &header {
                None => header = Some(cells),
                Some(names) => {
                    scenarios
                        .last_mut()
                        .unwrap()
                        .examples
                        .push(names.iter().cloned().zip(cells).collect());
                }
            }
        }
    }
    scenarios
}

#[test]
#[ignore = "needs BASTIDE_TCK"]
fn parses_every_query_of_the_tck_that_is_no_syntax_error() {
    let root = std::env::var("BASTIDE_TCK").unwrap();
    let mut files = Vec::new();
    feature_files(Path::new(&root), &mut files);
    files.sort();
    let (mut parsed, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    for file in files {
        for scenario in scenarios(&fs::read_to_string(&file).unwrap()) {
            let examples = if scenario.examples.is_empty() {
                vec![Vec::new()]
            } else {
                scenario.examples
            };
            for example in examples {
                let last = scenario.queries.len().saturating_sub(1);
                for (index, query) in scenario.queries.iter().enumerate() {
                    let mut query = query.clone();
                    for (name, value) in &example {
                        query = query.replace(&format!("<{name}>"), value);
                    }
                    match (parse(&query, ParseLimits::default()), &scenario.expects_syntax_error) {
                        (Ok(_), Some(detail)) if index == last => {
                            println!("NOT REFUSED {detail}: {}", query.replace('\n', " "));
                            parsed += 1;
                        }
                        (Ok(_), _) => parsed += 1,
                        (Err(error), Some(detail)) if index == last => {
                            println!(
                                "REFUSED {detail} {:?}: {error} <- {}",
                                error.kind,
                                query.replace('\n', " ")
                            );
                            refused += 1;
                        }
                        (Err(error), _) => wrong.push(format!("{}\n{}\n", file.display(), error.describe(&query))),
                    }
                }
            }
        }
    }
    println!(
        "{parsed} parsed, {refused} refused as expected, {} wrongly refused",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
