//! ORDER BY, SKIP and LIMIT.

use bastide_cypher::ast::{self, ExpressionKind, Literal, Projection, SortDirection, SortItem};
use bastide_model::Value;

use super::Item;
use crate::aggregation::{find, holds_aggregate};
use crate::expression::{Arithmetic, Comparison, Expression, Offset};
use crate::fault::{Result, SemanticFault};
use crate::operator::{Operator, OperatorKind, SortKey};
use crate::planner::{Planner, offset};
use crate::scope::Scope;

/// Row counts below this can be added up without overflow.
const ADDABLE_ROWS: i64 = 1 << 60;

impl Planner<'_> {
    pub(super) fn order_and_limit(
        &mut self,
        mut operator: Operator,
        scope: &Scope,
        form: &Projection,
        items: &[Item],
        grouped: bool,
    ) -> Result<Operator> {
        let skip = self.row_count(form.skip.as_ref(), "SKIP")?;
        let limit = self.row_count(form.limit.as_ref(), "LIMIT")?;
        if !form.order_by.is_empty() {
            let keys = self.sort_keys(&form.order_by, scope, items, grouped)?;
            operator = sorted(self, operator, keys, kept_rows(skip.as_ref(), limit.as_ref()));
        }
        operator = self.skipped(operator, form.skip.as_ref(), skip);
        Ok(self.limited(operator, form.limit.as_ref(), limit))
    }

    fn skipped(&self, operator: Operator, written: Option<&ast::Expression>, count: Option<Expression>) -> Operator {
        match (written, count) {
            (Some(written), Some(count)) => {
                let offset = offset(written.span);
                self.over(operator, |input| OperatorKind::Skip { input, count, offset })
            }
            _ => operator,
        }
    }

    fn limited(&self, operator: Operator, written: Option<&ast::Expression>, count: Option<Expression>) -> Operator {
        let (Some(written), Some(count)) = (written, count) else {
            return operator;
        };
        let rows = match &count {
            Expression::Literal(Value::Integer(limit)) => {
                let limit = u32::try_from(*limit).map_or(f64::MAX, f64::from);
                operator.estimated_rows.min(limit)
            }
            _ => operator.estimated_rows.min(10.0),
        };
        let kind = OperatorKind::Limit {
            input: Box::new(operator),
            count,
            offset: offset(written.span),
            exhaust: false,
        };
        self.operator(kind, rows)
    }

    fn sort_keys(
        &mut self,
        order_by: &[SortItem],
        scope: &Scope,
        items: &[Item],
        grouped: bool,
    ) -> Result<Vec<SortKey>> {
        let mut keys = Vec::with_capacity(order_by.len());
        for item in order_by {
            let expression = self.sort_key(&item.expression, scope, items, grouped)?;
            keys.push(SortKey {
                expression,
                descending: item.direction == SortDirection::Descending,
            });
        }
        Ok(keys)
    }

    fn sort_key(
        &mut self,
        expression: &ast::Expression,
        scope: &Scope,
        items: &[Item],
        grouped: bool,
    ) -> Result<Expression> {
        if !grouped || !holds_aggregate(expression) {
            return Ok(self.translate(expression, scope)?.expression);
        }
        self.check_aggregates(expression, scope)?;
        // Beside an aggregate only simple grouping keys can be meant, not parts that merely look like a column.
        let complex = |part: &ast::Expression| {
            !is_simple(part)
                && !holds_aggregate(part)
                && items
                    .iter()
                    .any(|item| item.expression == *part && item.expression != *expression)
        };
        if scope.substitution(expression).is_none()
            && let Some(part) = find(expression, &complex)
        {
            return self.fail(
                SemanticFault::AmbiguousAggregationExpression,
                part.span,
                "only variables, properties and parameters can be used beside an aggregate",
            );
        }
        Ok(self.translate(expression, scope)?.expression)
    }

    /// Aggregates in ORDER BY must be columns, or parts of columns.
    fn check_aggregates(&self, expression: &ast::Expression, scope: &Scope) -> Result<()> {
        let new = |part: &ast::Expression| crate::aggregation::is_aggregate(part) && scope.substitution(part).is_none();
        if scope.substitution(expression).is_some() {
            return Ok(());
        }
        let Some(aggregate) = find(expression, &new) else {
            return Ok(());
        };
        let hidden = |part: &ast::Expression| matches!(&part.kind, ExpressionKind::Variable(name) if scope.lookup(&name.text).is_none());
        let mut unknown = None;
        crate::aggregation::each_part(aggregate, &mut |part| {
            unknown = unknown.or_else(|| find(part, &hidden));
        });
        match unknown.map(|part| &part.kind) {
            Some(ExpressionKind::Variable(name)) => self.fail(
                SemanticFault::UndefinedVariable,
                name.span,
                format!("variable `{name}` cannot be seen after DISTINCT or aggregation"),
            ),
            // A projected value is meant: there are no rows left to aggregate.
            _ => {
                let fault = if aggregate_reads_variable(aggregate) {
                    SemanticFault::UndefinedVariable
                } else {
                    SemanticFault::InvalidAggregation
                };
                self.fail(fault, aggregate.span, "an aggregate in ORDER BY must also be a column")
            }
        }
    }

    /// The number after SKIP or LIMIT: the same for all rows, and not negative.
    pub(crate) fn row_count(&mut self, written: Option<&ast::Expression>, clause: &str) -> Result<Option<Expression>> {
        let Some(written) = written else {
            return Ok(None);
        };
        match &written.kind {
            ExpressionKind::Literal(Literal::Integer(count)) if *count < 0 => {
                return self.fail(
                    SemanticFault::NegativeIntegerArgument,
                    written.span,
                    format!("{clause} takes a number of rows, which cannot be negative"),
                );
            }
            ExpressionKind::Literal(Literal::Integer(_)) => {}
            ExpressionKind::Literal(_) => {
                return self.fail(
                    SemanticFault::InvalidArgumentType,
                    written.span,
                    format!("{clause} takes an integer"),
                );
            }
            _ => {}
        }
        let typed = self.translate(written, &Scope::default()).map_err(|mut error| {
            if error.fault == SemanticFault::UndefinedVariable {
                error = self.fault(
                    SemanticFault::NonConstantExpression,
                    written.span,
                    format!("{clause} takes a number that is the same for all rows, without variables"),
                );
            }
            error
        })?;
        Ok(Some(typed.expression))
    }
}

fn aggregate_reads_variable(aggregate: &ast::Expression) -> bool {
    find(aggregate, &|part| matches!(part.kind, ExpressionKind::Variable(_))).is_some()
}

fn is_simple(expression: &ast::Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Variable(_) | ExpressionKind::Literal(_) | ExpressionKind::Parameter(_) => true,
        ExpressionKind::Property { base, .. } => matches!(base.kind, ExpressionKind::Variable(_)),
        _ => false,
    }
}

fn sorted(planner: &Planner<'_>, operator: Operator, keys: Vec<SortKey>, limit: Option<Expression>) -> Operator {
    planner.over(operator, |input| OperatorKind::Sort { input, keys, limit })
}

/// How many rows a sort has to keep: what is skipped and what is answered.
fn kept_rows(skip: Option<&Expression>, limit: Option<&Expression>) -> Option<Expression> {
    let limit = limit?;
    let Some(skip) = skip else {
        return Some(limit.clone());
    };
    if let (Expression::Literal(Value::Integer(skip)), Expression::Literal(Value::Integer(limit))) = (skip, limit) {
        return skip
            .checked_add(*limit)
            .map(|rows| Expression::Literal(Value::Integer(rows)));
    }
    let is_addable = |count: &Expression| Expression::Compare {
        operator: Comparison::Less,
        left: Box::new(count.clone()),
        right: Box::new(Expression::Literal(Value::Integer(ADDABLE_ROWS))),
    };
    Some(Expression::Case {
        subject: None,
        arms: vec![(
            Expression::And(vec![is_addable(skip), is_addable(limit)]),
            Expression::Arithmetic {
                operator: Arithmetic::Add,
                left: Box::new(skip.clone()),
                right: Box::new(limit.clone()),
                offset: Offset::default(),
            },
        )],
        otherwise: Some(Box::new(Expression::Literal(Value::Integer(i64::MAX)))),
    })
}
