//! Plans as `EXPLAIN` and `PROFILE` show them, with Neo4j's operator names.

use std::collections::BTreeMap;

use bastide_model::Value;

use crate::expression::Slot;
use crate::operator::{IndexSeek, Operator, OperatorKind, Plan};
use crate::walk::{each_expression, each_input, each_subquery};

mod names;
mod text;

use text::Texts;

/// One operator as clients are shown it.
#[derive(Clone, Debug)]
pub struct PlanDescription {
    /// [`Operator::id`], under which a profile counts rows and hits; [`Plan::operator_count`] for the results at the top, whose rows
    /// are those of the operator below.
    pub id: u32,
    /// Neo4j's name, such as `NodeByLabelScan` or `Expand(All)`, without the `@database` that clients are shown behind it.
    pub operator_type: String,
    /// The variables that are known at this place.
    pub identifiers: Vec<String>,
    /// `EstimatedRows`, `Details` and, at the top, `planner`, `runtime` and `version`.
    pub arguments: BTreeMap<String, Value>,
    /// Inputs, then the plans of subqueries.
    pub children: Vec<PlanDescription>,
}

/// Describes a plan.
pub fn describe(plan: &Plan) -> PlanDescription {
    let texts = Texts::new(plan);
    let below = described(&plan.root, &texts);
    let columns: Vec<String> = plan.columns.iter().map(|column| column.name.to_string()).collect();
    let mut arguments = BTreeMap::new();
    arguments.insert("EstimatedRows".to_owned(), Value::Float(plan.root.estimated_rows));
    arguments.insert("Details".to_owned(), Value::string(columns.join(", ")));
    for (key, value) in [
        ("planner", "COST"),
        ("planner-impl", "IDP"),
        ("planner-version", "5"),
        ("runtime", "BATCHED"),
        ("runtime-impl", "BATCHED"),
        ("runtime-version", "5"),
        ("version", "5"),
    ] {
        arguments.insert(key.to_owned(), Value::string(value));
    }
    PlanDescription {
        id: plan.operator_count,
        operator_type: "ProduceResults".to_owned(),
        identifiers: columns,
        arguments,
        children: vec![below],
    }
}

fn described(operator: &Operator, texts: &Texts<'_>) -> PlanDescription {
    let mut arguments = BTreeMap::new();
    arguments.insert("EstimatedRows".to_owned(), Value::Float(operator.estimated_rows));
    let details = texts.details(&operator.kind);
    if !details.is_empty() {
        arguments.insert("Details".to_owned(), Value::string(details));
    }
    let mut children = Vec::new();
    each_input(&operator.kind, &mut |input| {
        // A lone argument at the bottom is only where the plan begins.
        if !matches!(input.kind, OperatorKind::Argument) || is_inner(&operator.kind) {
            children.push(described(input, texts));
        }
    });
    each_expression(&operator.kind, &mut |expression| {
        each_subquery(expression, &mut |plan| children.push(described(plan, texts)));
    });
    PlanDescription {
        id: operator.id,
        operator_type: names::name_of(&operator.kind).to_owned(),
        identifiers: operator
            .live
            .iter()
            .filter_map(|slot| texts.identifier(*slot))
            .collect(),
        arguments,
        children,
    }
}

/// Whether one of the inputs starts from the rows of the other.
fn is_inner(kind: &OperatorKind) -> bool {
    let mut inputs = 0;
    each_input(kind, &mut |_| inputs += 1);
    inputs > 1
}

/// Whether a seek finds at most one entry is told apart by its name in Neo4j.
fn is_range(seek: &IndexSeek) -> bool {
    matches!(seek, IndexSeek::Range { .. } | IndexSeek::Prefix(_))
}

fn anonymous(slot: Slot) -> String {
    format!("anon_{}", slot.0)
}
