//! A made-up database for planner tests, and plans as short texts.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; each file uses a part of it"
)]

use std::sync::Arc;

use bastide_cypher::{ParseLimits, parse};
use bastide_plan::explain::{PlanDescription, describe};
use bastide_plan::{
    NodeIndex, Plan, PlanContext, PlanError, ProcedureArgument, ProcedureMode, ProcedureResult, ProcedureSignature,
    Type, plan, verify,
};

/// 10,000 people with a unique id and an index on names, 100 cities, 5 countries; people know one another and live in cities.
pub struct People;

impl PlanContext for People {
    fn node_count(&self) -> u64 {
        10_105
    }
    fn label_count(&self, label: &str) -> Option<u64> {
        match label {
            "Person" => Some(10_000),
            "City" => Some(100),
            "Country" => Some(5),
            _ => None,
        }
    }
    fn relationship_count(&self) -> u64 {
        60_100
    }
    fn type_count(&self, relationship_type: &str) -> Option<u64> {
        match relationship_type {
            "KNOWS" => Some(50_000),
            "LIVES_IN" => Some(10_000),
            "IN" => Some(100),
            _ => None,
        }
    }
    fn has_property_key(&self, key: &str) -> bool {
        ["id", "name", "age"].contains(&key)
    }
    fn node_indexes(&self, label: &str) -> Vec<NodeIndex> {
        let index = |name: &str, property: &str, unique, distinct_keys| NodeIndex {
            name: Arc::from(name),
            properties: vec![Arc::from(property)],
            unique,
            entries: 10_000,
            distinct_keys,
        };
        match label {
            "Person" => vec![
                index("person_id", "id", true, 10_000),
                index("person_name", "name", false, 500),
            ],
            _ => Vec::new(),
        }
    }
    fn schema_version(&self) -> u64 {
        7
    }
    fn procedure(&self, name: &str) -> Option<ProcedureSignature> {
        let result = |name: &str, is_default| ProcedureResult {
            name: Arc::from(name),
            value_type: Type::String,
            is_default,
        };
        match name {
            "db.labels" => Some(ProcedureSignature {
                name: Arc::from(name),
                arguments: Vec::new(),
                results: vec![result("label", true)],
                mode: ProcedureMode::Read,
            }),
            "show.indexes" => Some(ProcedureSignature {
                name: Arc::from(name),
                arguments: Vec::new(),
                results: vec![result("name", true), result("type", true), result("options", false)],
                mode: ProcedureMode::Read,
            }),
            "test.sum" => Some(ProcedureSignature {
                name: Arc::from(name),
                arguments: ["a", "b"]
                    .map(|name| ProcedureArgument {
                        name: Arc::from(name),
                        value_type: Type::Integer,
                        default: None,
                    })
                    .to_vec(),
                results: vec![result("sum", true)],
                mode: ProcedureMode::Read,
            }),
            _ => None,
        }
    }
}

pub fn try_plan(text: &str) -> Result<Plan, PlanError> {
    let statement = parse(text, ParseLimits::default()).unwrap_or_else(|error| panic!("{text}: {}", error.message));
    let made = plan(&statement, text, &People)?;
    if let Err(fault) = verify::verify(&made) {
        panic!("{text}: {fault}\n{:#?}", made.root);
    }
    Ok(made)
}

pub fn planned(text: &str) -> Plan {
    try_plan(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The operators from the bottom to the top; second inputs and subqueries in parentheses before the operator that uses them.
pub fn operators(text: &str) -> String {
    let described = describe(&planned(text));
    let top = described.children.first().unwrap();
    line(top)
}

fn line(operator: &PlanDescription) -> String {
    let mut text = String::new();
    for (number, child) in operator.children.iter().enumerate() {
        if number == 0 {
            text.push_str(&line(child));
        } else {
            text.push_str(&format!(" ({})", line(child)));
        }
    }
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(&operator.operator_type);
    text
}

/// Plans without checking the plan, which takes more stack than planning.
pub fn plan_alone(text: &str) -> Result<Plan, PlanError> {
    let statement = parse(text, ParseLimits::default()).unwrap_or_else(|error| panic!("{}", error.message));
    plan(&statement, text, &People)
}

/// The name of the rule that the text breaks.
pub fn detail(text: &str) -> &'static str {
    match try_plan(text) {
        Ok(_) => panic!("{text} was planned"),
        Err(error) => error.detail(),
    }
}

pub fn details_of(text: &str, operator_type: &str) -> Vec<String> {
    fn gather(operator: &PlanDescription, operator_type: &str, found: &mut Vec<String>) {
        if operator.operator_type == operator_type {
            let details = operator.arguments.get("Details").and_then(|value| value.as_str());
            found.push(details.unwrap_or_default().to_owned());
        }
        for child in &operator.children {
            gather(child, operator_type, found);
        }
    }
    let mut found = Vec::new();
    gather(&describe(&planned(text)), operator_type, &mut found);
    found
}
