//! Plans and notifications as drivers show them.

use std::fmt::{self, Write as _};

use bastide_bolt_server::{Measured, Notification, PlanDescription, Severity};
use bastide_execute::OperatorProfile;
use bastide_model::Value;
use bastide_plan::operator::Mode;
use bastide_plan::{Operator, OperatorKind, Plan};
use bastide_status::Position;

/// What stands above every plan: the rows that go to the client.
const ROOT: &str = "ProduceResults";

/// The plan, if the client asked for it.
pub(crate) fn describe(plan: &Plan, profile: Option<&[OperatorProfile]>) -> Option<PlanDescription> {
    if plan.mode == Mode::Normal {
        return None;
    }
    let names: Vec<_> = plan.columns.iter().map(|column| column.name.to_string()).collect();
    let below = describe_operator(&plan.root, plan, profile);
    let measured = below.measured.map(|measured| Measured {
        database_hits: 0,
        ..measured
    });
    Some(PlanDescription {
        operator: ROOT.to_owned(),
        arguments: vec![
            ("Details".to_owned(), Value::from(names.join(", "))),
            ("EstimatedRows".to_owned(), Value::Float(plan.root.estimated_rows)),
            ("planner".to_owned(), Value::from("COST")),
            ("runtime".to_owned(), Value::from("BASTIDE")),
        ],
        identifiers: names,
        measured,
        children: vec![below],
    })
}

fn describe_operator(operator: &Operator, plan: &Plan, profile: Option<&[OperatorProfile]>) -> PlanDescription {
    let measured = profile
        .and_then(|profile| profile.get(operator.id as usize))
        .map(|profile| Measured {
            rows: profile.rows,
            database_hits: profile.db_hits,
            time_ns: 0,
        });
    let mut arguments = vec![("EstimatedRows".to_owned(), Value::Float(operator.estimated_rows))];
    if let Some(details) = details(&operator.kind, plan) {
        arguments.push(("Details".to_owned(), Value::from(details)));
    }
    PlanDescription {
        operator: name(&operator.kind),
        arguments,
        identifiers: Vec::new(),
        measured,
        children: inputs(&operator.kind)
            .into_iter()
            .map(|input| describe_operator(input, plan, profile))
            .collect(),
    }
}

/// The name of the variant, in the words that Neo4j has for it.
fn name(kind: &OperatorKind) -> String {
    let mut name = FirstWord(String::new());
    // It fails on purpose where the word ends, so that the rest of the plan is not written.
    let _ends = write!(name, "{kind:?}");
    match name.0.as_str() {
        "Expand" => "Expand(All)".to_owned(),
        "VariableExpand" => "VarLengthExpand(All)".to_owned(),
        "Project" => "Projection".to_owned(),
        "Aggregate" => "EagerAggregation".to_owned(),
        "Schema" => "SchemaChange".to_owned(),
        "HashJoin" => "ValueHashJoin".to_owned(),
        _ => name.0,
    }
}

struct FirstWord(String);

impl fmt::Write for FirstWord {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if !character.is_ascii_alphanumeric() {
                return Err(fmt::Error);
            }
            self.0.push(character);
        }
        Ok(())
    }
}

fn details(kind: &OperatorKind, plan: &Plan) -> Option<String> {
    match kind {
        OperatorKind::NodeByLabelScan { label, .. } => {
            plan.labels.get(label.0 as usize).map(|label| format!(":{label}"))
        }
        OperatorKind::NodeIndexSeek { index, .. } => Some(index.to_string()),
        _ => None,
    }
}

/// The operators directly below.
fn inputs(kind: &OperatorKind) -> Vec<&Operator> {
    use OperatorKind as Kind;
    match kind {
        Kind::Argument | Kind::Schema(_) => Vec::new(),
        Kind::EmptyResult { input }
        | Kind::AllNodesScan { input, .. }
        | Kind::NodeByLabelScan { input, .. }
        | Kind::NodeByIdSeek { input, .. }
        | Kind::NodeIndexSeek { input, .. }
        | Kind::RelationshipScan { input, .. }
        | Kind::RelationshipByIdSeek { input, .. }
        | Kind::NodeCount { input, .. }
        | Kind::RelationshipCount { input, .. }
        | Kind::Expand { input, .. }
        | Kind::VariableExpand { input, .. }
        | Kind::ShortestPath { input, .. }
        | Kind::Filter { input, .. }
        | Kind::Project { input, .. }
        | Kind::Distinct { input, .. }
        | Kind::Aggregate { input, .. }
        | Kind::Sort { input, .. }
        | Kind::Skip { input, .. }
        | Kind::Limit { input, .. }
        | Kind::Unwind { input, .. }
        | Kind::Eager { input }
        | Kind::Create { input, .. }
        | Kind::Update { input, .. }
        | Kind::Delete { input, .. }
        | Kind::LoadCsv { input, .. }
        | Kind::ProcedureCall { input, .. } => vec![input],
        Kind::Apply { input, inner }
        | Kind::OptionalApply { input, inner, .. }
        | Kind::CartesianProduct { input, inner }
        | Kind::HashJoin { input, inner, .. }
        | Kind::CallForEffect { input, inner }
        | Kind::CallInTransactions { input, inner, .. }
        | Kind::Merge {
            input, matching: inner, ..
        }
        | Kind::Foreach { input, body: inner, .. } => vec![input, inner],
        Kind::Union { inputs, .. } => inputs.iter().collect(),
    }
}

/// Hints and warnings of the planner.
pub(crate) fn notifications(plan: &Plan, statement: &str) -> Vec<Notification> {
    plan.notifications
        .iter()
        .map(|notification| Notification {
            code: notification.code.to_owned(),
            gql_status: notification.gql_status.to_owned(),
            title: notification.title.clone(),
            description: notification.description.clone(),
            severity: match notification.severity {
                "WARNING" => Severity::Warning,
                _ => Severity::Information,
            },
            category: notification.category.to_owned(),
            position: notification.offset.map(|offset| position(statement, offset.0)),
        })
        .collect()
}

fn position(statement: &str, offset: u32) -> Position {
    let (line, column) = bastide_cypher::ast::line_column(statement, offset);
    let before = statement
        .char_indices()
        .take_while(|(place, _)| *place < offset as usize)
        .count();
    Position {
        offset: u32::try_from(before).unwrap_or(u32::MAX),
        line,
        column,
    }
}
