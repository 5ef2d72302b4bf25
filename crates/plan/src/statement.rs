//! The entry: from a statement to a finished plan.

use std::sync::Arc;

use bastide_cypher::ast::{Statement, StatementBody, StatementMode};

use crate::context::PlanContext;
use crate::eager;
use crate::expression::Slot;
use crate::fault::{PlanError, SemanticFault};
use crate::liveness;
use crate::operator::{Access, Mode, Operator, OperatorKind, Plan, ResultColumn};
use crate::planner::Planner;
use crate::query::{PlannedQuery, QueryPlace};
use crate::scope::Scope;

/// Plans a statement. `text` is what it was parsed from, for the places of errors.
///
/// Commands on users and transactions have no plan; whoever runs statements takes those before.
///
/// # Errors
///
/// If a rule of the language is broken: see [`SemanticFault`].
pub fn plan(statement: &Statement, text: &str, context: &dyn PlanContext) -> Result<Plan, PlanError> {
    let mut planner = Planner::new(text, context);
    let planned = match &statement.body {
        StatementBody::Query(query) => planner.plan_query(query, &Scope::default(), QueryPlace::Top)?,
        StatementBody::Show(command) => planner.show(command)?,
        StatementBody::Schema(command) => {
            let operation = planner.schema(command, statement.span)?;
            PlannedQuery {
                operator: planner.operator(OperatorKind::Schema(operation), 0.0),
                columns: Vec::new(),
                returns: false,
            }
        }
        StatementBody::Admin(_) => {
            return planner.fail(
                SemanticFault::NotSupported,
                statement.span,
                "commands on users and transactions are not planned",
            );
        }
    };
    Ok(finish(planner, planned, statement.mode))
}

fn finish(planner: Planner<'_>, planned: PlannedQuery, mode: StatementMode) -> Plan {
    let mut root = planned.operator;
    let is_schema = matches!(root.kind, OperatorKind::Schema(_));
    let effects = eager::separate(&planner, &mut root);
    if planned.returns {
        eager::finish_before_answering(&planner, &mut root, &planned.columns, &effects);
    } else if !is_schema && !matches!(root.kind, OperatorKind::EmptyResult { .. }) {
        root = planner.over(root, |input| OperatorKind::EmptyResult { input });
    }
    let slots: Vec<Slot> = planned.columns.iter().map(|column| column.slot).collect();
    liveness::mark(&mut root, &liveness::of_columns(&slots));
    let mut operator_count = 0;
    liveness::number(&mut root, &mut operator_count);
    let writes = effects.writes_anything() || planner.calls_writer;
    let access = if is_schema || planner.calls_schema {
        Access::Schema
    } else if !writes {
        Access::Read
    } else if planned.returns {
        Access::ReadWrite
    } else {
        Access::Write
    };
    Plan {
        root,
        columns: planned
            .columns
            .into_iter()
            .map(|column| ResultColumn {
                name: Arc::clone(&column.name),
                slot: column.slot,
            })
            .collect(),
        slot_count: planner.slot_count,
        access,
        mode: match mode {
            StatementMode::Normal => Mode::Normal,
            StatementMode::Explain => Mode::Explain,
            StatementMode::Profile => Mode::Profile,
        },
        schema_version: planner.context.schema_version(),
        variables: planner.variables.into_iter().collect(),
        operator_count,
        notifications: planner.notifications,
        labels: planner.labels.into_names(),
        relationship_types: planner.types.into_names(),
        property_keys: planner.keys.into_names(),
        parameters: planner.parameters.into_names(),
    }
}

/// Takes an operator out of its place, to put another one on it.
pub(crate) fn wrap(place: &mut Operator, make: impl FnOnce(Operator) -> Operator) {
    let placeholder = Operator {
        id: 0,
        kind: OperatorKind::Argument,
        estimated_rows: 0.0,
        live: Vec::new(),
    };
    let taken = std::mem::replace(place, placeholder);
    *place = make(taken);
}
