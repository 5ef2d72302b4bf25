//! `WITH` and `RETURN`: columns, grouping, DISTINCT, ORDER BY, SKIP and LIMIT, and what can be seen where.
//!
//! ORDER BY and WHERE see the columns and, unless rows were grouped or made distinct, everything before them as well.

use std::sync::Arc;

use bastide_cypher::ast::{self, ExpressionKind, Projection, Span};
use rustc_hash::FxHashSet;

use crate::aggregation::{Collector, find, holds_aggregate};
use crate::expression::{Expression, Slot};
use crate::fault::{Result, SemanticFault};
use crate::operator::{Operator, OperatorKind};
use crate::planner::Planner;
use crate::query::{Chain, Column};
use crate::scope::Scope;
use crate::types::Type;

mod limits;
mod shortcut;

/// A column before it is planned.
struct Item {
    name: Arc<str>,
    expression: ast::Expression,
}

/// What has come of the columns.
struct Projected {
    operator: Operator,
    columns: Vec<Column>,
    /// What ORDER BY and WHERE see.
    scope: Scope,
    grouped: bool,
}

impl Planner<'_> {
    pub(crate) fn with_clause(&mut self, chain: Chain, form: &Projection, span: Span) -> Result<Chain> {
        for item in &form.items {
            if item.alias.is_none() && !matches!(item.expression.kind, ExpressionKind::Variable(_)) {
                return self.fail(
                    SemanticFault::NoExpressionAlias,
                    item.span,
                    "an expression in WITH needs a name (use AS)",
                );
            }
        }
        let (operator, scope, _) = self.projection(chain, form, span, false)?;
        Ok(Chain {
            operator,
            scope,
            columns: None,
        })
    }

    pub(crate) fn return_clause(&mut self, chain: Chain, form: &Projection, span: Span) -> Result<Chain> {
        let (operator, scope, columns) = self.projection(chain, form, span, true)?;
        Ok(Chain {
            operator,
            scope,
            columns: Some(columns),
        })
    }

    fn projection(
        &mut self,
        chain: Chain,
        form: &Projection,
        span: Span,
        is_return: bool,
    ) -> Result<(Operator, Scope, Vec<Column>)> {
        if is_return && form.star && chain.scope.is_empty() && form.items.is_empty() {
            return self.fail(
                SemanticFault::NoVariablesInScope,
                span,
                "RETURN * is not allowed when there are no variables in scope",
            );
        }
        self.remember_names(&chain.scope);
        let items = self.items(form, &chain.scope)?;
        let aggregating = items.iter().any(|item| holds_aggregate(&item.expression));
        let mut projected = if aggregating {
            self.grouped_columns(chain.operator, &chain.scope, &items)?
        } else if form.distinct {
            self.distinct_columns(chain.operator, &chain.scope, &items)?
        } else {
            self.plain_columns(chain.operator, &chain.scope, &items)?
        };
        if aggregating && form.distinct {
            let keys = keys_of(&projected.columns, &chain.scope);
            projected.operator = self.over(projected.operator, |input| OperatorKind::Distinct { input, keys });
        }
        let mut after = chain.scope.next();
        for column in &projected.columns {
            after.bind(Arc::clone(&column.name), column.slot, column.value_type.clone());
        }
        let operator = self.order_and_limit(projected.operator, &projected.scope, form, &items, projected.grouped)?;
        let operator = match &form.predicate {
            Some(predicate) => {
                let predicate = self.condition(predicate, &projected.scope)?;
                self.filtered(operator, predicate)
            }
            None => operator,
        };
        Ok((operator, after, projected.columns))
    }

    pub(crate) fn filtered(&self, operator: Operator, predicate: Expression) -> Operator {
        let rows = operator.estimated_rows * 0.5;
        let input = Box::new(operator);
        self.operator(OperatorKind::Filter { input, predicate }, rows)
    }

    fn items(&self, form: &Projection, scope: &Scope) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        if form.star {
            for (name, _) in scope.sorted() {
                let variable = ast::Name::new(Arc::clone(&name), Span::default());
                items.push(Item {
                    name,
                    expression: ast::Expression::new(ExpressionKind::Variable(variable), Span::default()),
                });
            }
        }
        for item in &form.items {
            let name = match (&item.alias, &item.expression.kind) {
                (Some(alias), _) => Arc::clone(&alias.text),
                (None, ExpressionKind::Variable(name)) => Arc::clone(&name.text),
                (None, _) => Arc::from(item.text.as_str()),
            };
            items.push(Item {
                name,
                expression: item.expression.clone(),
            });
        }
        let mut names = FxHashSet::default();
        for item in &items {
            if !names.insert(&item.name) {
                return self.fail(
                    SemanticFault::ColumnNameConflict,
                    item.expression.span,
                    format!("two columns are called `{}`", item.name),
                );
            }
        }
        Ok(items)
    }

    /// Each row keeps what it has and gains the new columns; a variable keeps its slot.
    fn plain_columns(&mut self, operator: Operator, scope: &Scope, items: &[Item]) -> Result<Projected> {
        let mut new = Vec::new();
        let mut columns = Vec::with_capacity(items.len());
        for item in items {
            let (column, expression) = self.column(item, scope)?;
            if !matches!(expression, Expression::Slot(_)) {
                new.push((column.slot, expression));
            }
            columns.push(column);
        }
        let mut seen = scope.clone();
        for column in &columns {
            seen.bind(Arc::clone(&column.name), column.slot, column.value_type.clone());
        }
        Ok(Projected {
            operator: self.project(operator, new),
            columns,
            scope: seen,
            grouped: false,
        })
    }

    fn column(&mut self, item: &Item, scope: &Scope) -> Result<(Column, Expression)> {
        let typed = self.translate(&item.expression, scope)?;
        let slot = match &typed.expression {
            Expression::Slot(slot) => *slot,
            _ => self.new_slot(),
        };
        let column = Column {
            name: Arc::clone(&item.name),
            slot,
            value_type: typed.value_type,
        };
        Ok((column, typed.expression))
    }

    fn distinct_columns(&mut self, operator: Operator, scope: &Scope, items: &[Item]) -> Result<Projected> {
        let mut keys: Vec<(Slot, Expression)> = Vec::new();
        let mut columns = Vec::with_capacity(items.len());
        let mut seen = scope.next();
        for item in items {
            let (column, expression) = self.column(item, scope)?;
            if !keys.iter().any(|(slot, _)| *slot == column.slot) {
                keys.push((column.slot, expression));
            }
            seen.substitute(item.expression.clone(), column.slot, column.value_type.clone());
            columns.push(column);
        }
        for column in &columns {
            seen.bind(Arc::clone(&column.name), column.slot, column.value_type.clone());
        }
        seen.hide(scope, |_| SemanticFault::UndefinedVariable);
        keep_outer(&mut keys, scope);
        Ok(Projected {
            operator: self.over(operator, |input| OperatorKind::Distinct { input, keys }),
            columns,
            scope: seen,
            grouped: true,
        })
    }

    /// Items without aggregates are the grouping keys; of those, variables and properties can stand beside aggregates.
    fn grouped_columns(&mut self, operator: Operator, scope: &Scope, items: &[Item]) -> Result<Projected> {
        let mut keys: Vec<(Slot, Expression)> = Vec::new();
        let mut columns: Vec<Option<Column>> = Vec::new();
        let mut beside = scope.next();
        let mut seen = scope.next();
        for item in items {
            if holds_aggregate(&item.expression) {
                columns.push(None);
                continue;
            }
            let (column, expression) = self.column(item, scope)?;
            if !keys.iter().any(|(slot, _)| *slot == column.slot) {
                keys.push((column.slot, expression));
            }
            bind_key(&mut beside, &item.expression, &column);
            seen.substitute(item.expression.clone(), column.slot, column.value_type.clone());
            columns.push(Some(column));
        }
        beside.hide(scope, |_| SemanticFault::AmbiguousAggregationExpression);
        let outside = self.collector.replace(Collector {
            scope: scope.clone(),
            found: Vec::new(),
        });
        let made = self.aggregate_columns(items, &mut columns, &beside);
        let collector = std::mem::replace(&mut self.collector, outside);
        let computed = made?;
        let found = collector.map(|collector| collector.found).unwrap_or_default();
        for (item, column) in items.iter().zip(&columns) {
            if let Some(column) = column {
                seen.substitute(item.expression.clone(), column.slot, column.value_type.clone());
            }
        }
        let mut aggregates = Vec::with_capacity(found.len());
        for aggregate in found {
            seen.substitute(aggregate.expression, aggregate.slot, aggregate.value_type);
            aggregates.push((aggregate.slot, aggregate.aggregation));
        }
        let columns: Vec<Column> = columns.into_iter().flatten().collect();
        for column in &columns {
            seen.bind(Arc::clone(&column.name), column.slot, column.value_type.clone());
        }
        hide_before(&mut seen, scope, items);
        let grouped = self.group(operator, scope, keys, aggregates);
        Ok(Projected {
            operator: self.project(grouped, computed),
            columns,
            scope: seen,
            grouped: true,
        })
    }

    /// Fills in the columns that hold aggregates; answers those that have to be computed from them.
    fn aggregate_columns(
        &mut self,
        items: &[Item],
        columns: &mut [Option<Column>],
        beside: &Scope,
    ) -> Result<Vec<(Slot, Expression)>> {
        let mut computed = Vec::new();
        for (item, column) in items.iter().zip(columns) {
            if column.is_none() {
                let (made, expression) = self.column(item, beside)?;
                if !matches!(expression, Expression::Slot(_)) {
                    computed.push((made.slot, expression));
                }
                *column = Some(made);
            }
        }
        Ok(computed)
    }

    fn group(
        &mut self,
        operator: Operator,
        scope: &Scope,
        keys: Vec<(Slot, Expression)>,
        aggregates: Vec<(Slot, crate::operator::Aggregation)>,
    ) -> Operator {
        let rows = if keys.is_empty() {
            1.0
        } else {
            operator.estimated_rows.sqrt().max(1.0)
        };
        let operator = match self.counted(operator, &keys, &aggregates) {
            Ok(counted) => counted,
            Err(input) => self.operator(
                OperatorKind::Aggregate {
                    input,
                    keys,
                    aggregates,
                },
                rows,
            ),
        };
        if scope.outer_slots().is_empty() {
            return operator;
        }
        // Groups answer only their own slots; the variables of the enclosing query are brought back from its row.
        let input = Box::new(self.argument(1.0));
        let inner = Box::new(operator);
        self.operator(OperatorKind::Apply { input, inner }, rows)
    }
}

/// Variables and properties of variables can be used beside aggregates once they are grouping keys.
fn bind_key(beside: &mut Scope, expression: &ast::Expression, column: &Column) {
    match &expression.kind {
        ExpressionKind::Variable(name) => {
            beside.bind(Arc::clone(&name.text), column.slot, column.value_type.clone());
        }
        ExpressionKind::Property { base, .. } if matches!(base.kind, ExpressionKind::Variable(_)) => {
            beside.substitute(expression.clone(), column.slot, column.value_type.clone());
        }
        _ => {}
    }
}

/// After grouping, names from before are out of sight; those that a column is made of might be meant as grouping keys.
fn hide_before(seen: &mut Scope, before: &Scope, items: &[Item]) {
    seen.hide(before, |name| {
        let names = |part: &ast::Expression| matches!(&part.kind, ExpressionKind::Variable(own) if *own.text == *name);
        let is_key = items
            .iter()
            .any(|item| !holds_aggregate(&item.expression) && find(&item.expression, &names).is_some());
        if is_key {
            SemanticFault::AmbiguousAggregationExpression
        } else {
            SemanticFault::UndefinedVariable
        }
    });
}

fn keys_of(columns: &[Column], scope: &Scope) -> Vec<(Slot, Expression)> {
    let mut keys: Vec<(Slot, Expression)> = Vec::new();
    for column in columns {
        if !keys.iter().any(|(slot, _)| *slot == column.slot) {
            keys.push((column.slot, Expression::Slot(column.slot)));
        }
    }
    keep_outer(&mut keys, scope);
    keys
}

/// Variables of the enclosing query are the same in every row, so they may be keys as well.
fn keep_outer(keys: &mut Vec<(Slot, Expression)>, scope: &Scope) {
    for slot in scope.outer_slots() {
        if !keys.iter().any(|(known, _)| *known == slot) {
            keys.push((slot, Expression::Slot(slot)));
        }
    }
}

impl Column {
    pub(crate) fn new(name: impl Into<Arc<str>>, slot: Slot, value_type: Type) -> Self {
        Self {
            name: name.into(),
            slot,
            value_type,
        }
    }
}
