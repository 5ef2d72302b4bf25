//! The openCypher suite's expression cases, as far as they need no graph. Run with the folder of its features in `BASTIDE_TCK`:
//! `BASTIDE_TCK=…/features cargo test -p bastide-execute -- --ignored --nocapture suite`.

use std::path::{Path, PathBuf};

use bastide_model::Value;

use super::{Failure, run, same};

struct Case {
    name: String,
    query: String,
    outcome: Outcome,
}

enum Outcome {
    Rows(Vec<Vec<String>>),
    Error,
    Other,
}

/// `CREATE (:Label {…})` as the label and the map.
fn created(line: &str) -> Option<(&str, &str)> {
    let node = line.strip_prefix("CREATE (:")?.strip_suffix(')')?;
    let (label, map) = node.split_once(' ')?;
    map.starts_with('{').then_some((label, map))
}

/// `MATCH (a:Label), (b:Label)` with maps in place of the nodes that were created, and the
/// variables.
fn matched(line: &str, nodes: &[(String, String)]) -> Option<(String, String)> {
    let mut clauses = String::new();
    let mut variables = Vec::new();
    for pattern in line.strip_prefix("MATCH ")?.split("), ") {
        let (variable, label) = pattern.trim_matches(['(', ')']).split_once(':')?;
        let (_, map) = nodes.iter().find(|(known, _)| known == label.trim())?;
        clauses.push_str(&format!("UNWIND [{map}] AS {variable} "));
        variables.push(variable);
    }
    Some((clauses, variables.join(", ")))
}

fn features(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            features(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "feature") {
            found.push(path);
        }
    }
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').strip_suffix('|').unwrap();
    inner
        .replace("\\\\", "\u{2}")
        .replace("\\|", "\u{1}")
        .split('|')
        .map(|cell| cell.trim().replace('\u{1}', "|").replace('\u{2}', "\\"))
        .collect()
}

fn scenarios(text: &str) -> Vec<(String, Vec<&str>)> {
    let mut scenarios: Vec<(String, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("Scenario") {
            scenarios.push((trimmed.to_owned(), Vec::new()));
        } else if let Some((_, lines)) = scenarios.last_mut()
            && !trimmed.starts_with('#')
            && !trimmed.is_empty()
        {
            lines.push(trimmed);
        }
    }
    scenarios
}

fn case(name: &str, lines: &[String]) -> Case {
    let mut query = String::new();
    let mut within = false;
    let mut queries = 0;
    let mut table: Vec<Vec<String>> = Vec::new();
    let mut outcome = Outcome::Other;
    let mut setting_up = false;
    let mut met = String::new();
    let mut nodes: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line == "\"\"\"" {
            within = !within;
            queries += usize::from(within && !setting_up);
        } else if within && setting_up {
            match created(line) {
                Some((label, map)) => nodes.push((label.to_owned(), map.to_owned())),
                None => queries += 10,
            }
        } else if within {
            if line.starts_with("WHERE") && !met.is_empty() {
                query.push_str(&format!("WITH {met} "));
            }
            let replaced = matched(line, &nodes);
            met = replaced
                .as_ref()
                .map_or(String::new(), |(_, variables)| variables.clone());
            query.push_str(&replaced.map_or_else(|| line.clone(), |(clauses, _)| clauses));
            query.push('\n');
        } else if line.contains("having executed") {
            setting_up = true;
        } else if line.contains("executing query") {
            setting_up = false;
        } else if line.contains("should be raised at") {
            outcome = if line.contains("compile time") {
                Outcome::Other
            } else {
                Outcome::Error
            };
        } else if line.starts_with('|') {
            table.push(cells(line));
        } else if line.contains("parameters are") || line.contains("ignoring element order") {
            queries += 10;
        }
    }
    if queries != 1 {
        outcome = Outcome::Other;
    } else if !table.is_empty() {
        table.remove(0);
        outcome = Outcome::Rows(table);
    }
    Case {
        name: name.to_owned(),
        query,
        outcome,
    }
}

fn cases(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut all = Vec::new();
    for (name, lines) in scenarios(&text) {
        let examples = lines.iter().position(|line| line.starts_with("Examples:"));
        let body = &lines[..examples.unwrap_or(lines.len())];
        let tables = examples.map_or(&[][..], |place| &lines[place..]);
        if tables.is_empty() {
            all.push(case(
                &name,
                &body.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(),
            ));
        }
        let mut header: Option<Vec<String>> = None;
        for line in tables {
            if !line.starts_with('|') {
                header = None;
                continue;
            }
            let Some(names) = &header else {
                header = Some(cells(line));
                continue;
            };
            let values = cells(line);
            let filled: Vec<String> = body
                .iter()
                .map(|line| {
                    names
                        .iter()
                        .zip(&values)
                        .fold((*line).to_owned(), |line, (name, value)| {
                            line.replace(&format!("<{name}>"), value)
                        })
                })
                .collect();
            all.push(case(&format!("{name} {}", values.join(" | ")), &filled));
        }
    }
    all
}

/// Temporal values and paths are compared by their texts.
fn plain(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::from(items.iter().map(plain).collect::<Vec<_>>()),
        Value::Map(map) => Value::map(map.iter().map(|(key, value)| (key.clone(), plain(value))).collect()),
        Value::Date(_)
        | Value::Time(_)
        | Value::LocalTime(_)
        | Value::DateTime(_)
        | Value::LocalDateTime(_)
        | Value::Duration(_) => Value::from(crate::text::scalar_text(value).unwrap()),
        other => other.clone(),
    }
}

fn cell_is(cell: &str, value: &Value) -> bool {
    let value = plain(value);
    if cell == "NaN" {
        return matches!(value, Value::Float(float) if float.is_nan());
    }
    match run(&format!("RETURN {cell} AS x"), &[]) {
        Ok((_, rows)) => same(&rows[0][0], &value),
        Err(_) => false,
    }
}

fn verdict(case: &Case) -> Result<bool, String> {
    let answer = run(&case.query, &[]);
    if let Err(Failure::Unsupported(_)) = answer {
        return Ok(false);
    }
    match (&case.outcome, answer) {
        (Outcome::Other, _) => Ok(false),
        (Outcome::Error, Err(_)) => Ok(true),
        (Outcome::Error, Ok((_, rows))) => Err(format!("no error but {rows:?}")),
        (Outcome::Rows(..), Err(failure)) => Err(format!("{failure:?}")),
        (Outcome::Rows(expected), Ok((_, rows))) => {
            let matches = expected.len() == rows.len()
                && expected
                    .iter()
                    .zip(&rows)
                    .all(|(cells, row)| cells.iter().zip(row).all(|(cell, value)| cell_is(cell, value)));
            if matches {
                return Ok(true);
            }
            let rows: Vec<Vec<Value>> = rows.iter().map(|row| row.iter().map(plain).collect()).collect();
            Err(format!("expected {expected:?}, got {rows:?}"))
        }
    }
}

#[test]
#[ignore = "needs the suite's features, whose folder is given in BASTIDE_TCK"]
fn suite_of_expressions_passes() {
    let folder = std::env::var("BASTIDE_TCK").expect("BASTIDE_TCK");
    let mut files = Vec::new();
    features(&Path::new(&folder).join("expressions"), &mut files);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let (mut file_passed, mut file_total) = (0, 0);
        for case in cases(&file) {
            file_total += 1;
            match verdict(&case) {
                Ok(true) => file_passed += 1,
                Ok(false) => skipped += 1,
                Err(why) => {
                    failed += 1;
                    println!(
                        "FAILED {name} {}\n    {}\n    {why}",
                        case.name,
                        case.query.replace('\n', " ")
                    );
                }
            }
        }
        passed += file_passed;
        println!("{name}: {file_passed} of {file_total}");
    }
    println!("passed {passed}, failed {failed}, not run {skipped}");
    assert_eq!(failed, 0);
}
