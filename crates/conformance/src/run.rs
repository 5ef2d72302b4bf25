//! One case: its steps in order, each checked.

use std::path::Path;
use std::sync::Arc;

use bastide_execute::{ExecutionOptions, ProcedureRegistry};
use bastide_model::{Map, Value};

use crate::engine::{Answer, Engine, EngineError, Phase};
use crate::expected::parse_cell;
use crate::feature::{Case, Step};
use crate::procedure::TableProcedure;
use crate::side_effects::Census;
use crate::tree::{Tree, same_bag};

/// Why a case failed, in words.
pub type Failure = String;

/// How a case ended.
pub type CaseOutcome = Result<(), Failure>;

struct Runner<'a> {
    engine: Engine,
    graphs: &'a Path,
    parameters: Map,
    before: Census,
    outcome: Option<Result<Answer, EngineError>>,
}

/// Runs a case. `graphs` is the folder of the TCK's named graphs.
pub fn run_case(case: &Case, graphs: &Path) -> CaseOutcome {
    let mut registry = ProcedureRegistry::built_in();
    for step in &case.steps {
        if let Step::Procedure(signature, table) = step {
            registry.register(Arc::new(TableProcedure::parse(signature, table)?));
        }
    }
    let options = ExecutionOptions {
        procedures: Arc::new(registry),
        ..ExecutionOptions::default()
    };
    let mut runner = Runner {
        engine: Engine::new(options),
        graphs,
        parameters: Map::new(),
        before: Census::default(),
        outcome: None,
    };
    case.steps.iter().try_for_each(|step| runner.step(step))
}

impl Runner<'_> {
    fn step(&mut self, step: &Step) -> CaseOutcome {
        match step {
            Step::EmptyGraph | Step::Procedure(..) => Ok(()),
            Step::NamedGraph(name) => {
                let file = self.graphs.join(name).join(format!("{name}.cypher"));
                let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
                self.prepare(text.trim())
            }
            Step::Prepare(text) => self.prepare(text),
            Step::Parameters(pairs) => {
                for (name, cell) in pairs {
                    let value = parse_cell(cell).map_err(|error| error.to_string())?;
                    self.parameters.insert(name.as_str(), parameter(&value));
                }
                Ok(())
            }
            Step::Query(text) => {
                self.before = self.engine.census();
                self.outcome = Some(self.engine.run(text, &self.parameters));
                Ok(())
            }
            Step::Result {
                table,
                ordered,
                any_list_order,
            } => check_result(self.answer()?, table, *ordered, *any_list_order),
            Step::EmptyResult => match self.answer()?.rows.len() {
                0 => Ok(()),
                rows => Err(format!("expected no rows, got {rows}")),
            },
            Step::Error { kind, phase, detail } => self.check_error(kind, phase, detail),
            Step::NoSideEffects => self.check_side_effects(&[]),
            Step::SideEffects(expected) => self.check_side_effects(expected),
        }
    }

    fn prepare(&mut self, text: &str) -> CaseOutcome {
        self.engine
            .run(text, &self.parameters)
            .map(drop)
            .map_err(|error| format!("preparing failed: {:?}", error.status))
    }

    fn answer(&self) -> Result<&Answer, Failure> {
        match &self.outcome {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(format!("failed: {:?}", error.status)),
            None => Err("no query was run".to_owned()),
        }
    }

    fn check_error(&self, kind: &str, phase: &str, detail: &str) -> CaseOutcome {
        let error = match &self.outcome {
            Some(Err(error)) => error,
            Some(Ok(answer)) => return Err(format!("expected {kind} {detail}, got {} rows", answer.rows.len())),
            None => return Err("no query was run".to_owned()),
        };
        let code = error.status.code().neo4j_code();
        // The TCK's kinds are the last word of Neo4j's codes, but for these.
        let accepted: &[&str] = match kind {
            "ArgumentError" => &["ArgumentError", "ArithmeticError", "TypeError"],
            "TypeError" => &["TypeError", "SyntaxError", "ArgumentError"],
            "ConstraintVerificationFailed" => &["ConstraintValidationFailed"],
            "ProcedureError" => &["ProcedureNotFound", "ProcedureCallFailed", "SyntaxError"],
            "SyntaxError" if phase == "runtime" => &["SyntaxError", "ArgumentError", "TypeError"],
            other => &[other],
        };
        if !accepted.iter().any(|accepted| code.ends_with(accepted)) {
            return Err(format!("expected {kind} {detail}, got {:?}", error.status));
        }
        if phase == "compile time" && error.phase != Phase::Compile {
            return Err(format!(
                "expected {kind} {detail} at compile time, got it while running: {:?}",
                error.status
            ));
        }
        match error.detail {
            Some(found) if detail != "*" && found != detail => Err(format!("expected {detail}, got {found}")),
            _ => Ok(()),
        }
    }

    fn check_side_effects(&self, expected: &[(String, i64)]) -> CaseOutcome {
        let found = self.before.changes_to(&self.engine.census());
        let mut expected: Vec<_> = expected.iter().filter(|(_, count)| *count != 0).cloned().collect();
        expected.sort();
        if found == expected {
            Ok(())
        } else {
            Err(format!("expected side effects {expected:?}, got {found:?}"))
        }
    }
}

fn check_result(answer: &Answer, table: &[Vec<String>], ordered: bool, any_list_order: bool) -> CaseOutcome {
    let Some((header, rows)) = table.split_first() else {
        return Err("the table has no header".to_owned());
    };
    if *header != answer.columns {
        return Err(format!("expected columns {header:?}, got {:?}", answer.columns));
    }
    let expected: Vec<Vec<Tree>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|cell| parse_cell(cell).map_err(|error| format!("{error:#}")))
                .collect()
        })
        .collect::<Result<_, _>>()?;
    let same = |left: &Vec<Tree>, right: &Vec<Tree>| {
        left.len() == right.len() && left.iter().zip(right).all(|(a, b)| a.matches(b, any_list_order))
    };
    let holds = if ordered {
        expected.len() == answer.rows.len() && expected.iter().zip(&answer.rows).all(|(a, b)| same(a, b))
    } else {
        same_bag(&expected, &answer.rows, same)
    };
    if holds {
        Ok(())
    } else {
        Err(format!("expected {}, got {}", shown(&expected), shown(&answer.rows)))
    }
}

fn shown(rows: &[Vec<Tree>]) -> String {
    const ROWS_SHOWN: usize = 20;
    let rows = rows
        .iter()
        .take(ROWS_SHOWN)
        .map(|row| row.iter().map(Tree::to_string).collect::<Vec<_>>().join(" | "));
    rows.collect::<Vec<_>>().join(" // ")
}

/// A parameter from its notation; entities cannot be parameters.
pub(crate) fn parameter(tree: &Tree) -> Value {
    match tree {
        Tree::Boolean(value) => Value::Boolean(*value),
        Tree::Integer(value) => Value::Integer(*value),
        Tree::Float(value) => Value::Float(*value),
        Tree::String(value) => Value::from(value.as_str()),
        Tree::List(items) => Value::from(items.iter().map(parameter).collect::<Vec<_>>()),
        Tree::Map(entries) => Value::map(
            entries
                .iter()
                .map(|(key, item)| (key.as_str(), parameter(item)))
                .collect(),
        ),
        Tree::Null | Tree::Node { .. } | Tree::Relationship { .. } | Tree::Path(..) => Value::Null,
    }
}
