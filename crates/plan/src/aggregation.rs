//! Aggregates: which expressions hold any, and taking them out of the items of a projection.

use std::sync::Arc;

use bastide_cypher::ast::{self, ExpressionKind};

use crate::expression::Slot;
use crate::fault::{Result, SemanticFault};
use crate::function;
use crate::operator::Aggregation;
use crate::planner::{Planner, offset};
use crate::scope::Scope;
use crate::translate::Typed;
use crate::types::Type;

/// Aggregates found while the items of a projection are translated.
pub(crate) struct Collector {
    /// What the arguments of aggregates see.
    pub(crate) scope: Scope,
    pub(crate) found: Vec<Found>,
}

pub(crate) struct Found {
    pub(crate) expression: ast::Expression,
    pub(crate) slot: Slot,
    pub(crate) value_type: Type,
    pub(crate) aggregation: Aggregation,
}

impl Planner<'_> {
    /// Takes an aggregate out: it becomes a slot.
    pub(crate) fn aggregate(&mut self, expression: &ast::Expression) -> Result<Typed> {
        if self.inside_aggregate {
            return self.fail(
                SemanticFault::NestedAggregation,
                expression.span,
                "an aggregate cannot stand inside another",
            );
        }
        let Some(mut collector) = self.collector.take() else {
            return self.fail(
                SemanticFault::InvalidAggregation,
                expression.span,
                "an aggregate cannot stand here; only WITH and RETURN aggregate",
            );
        };
        if let Some(known) = collector.found.iter().find(|found| found.expression == *expression) {
            let typed = Typed::slot(known.slot, known.value_type.clone());
            self.collector = Some(collector);
            return Ok(typed);
        }
        self.inside_aggregate = true;
        let made = self.aggregation(expression, &collector.scope);
        self.inside_aggregate = false;
        let (aggregation, value_type) = made?;
        let slot = self.new_slot();
        collector.found.push(Found {
            expression: expression.clone(),
            slot,
            value_type: value_type.clone(),
            aggregation,
        });
        self.collector = Some(collector);
        Ok(Typed::slot(slot, value_type))
    }

    fn aggregation(&mut self, expression: &ast::Expression, scope: &Scope) -> Result<(Aggregation, Type)> {
        let ExpressionKind::Function(call) = &expression.kind else {
            let aggregation = Aggregation {
                function: Arc::from("count(*)"),
                arguments: Vec::new(),
                distinct: false,
                offset: offset(expression.span),
            };
            return Ok((aggregation, Type::Integer));
        };
        let signature = self.signature(call)?;
        let (mut arguments, mut types) = (Vec::new(), Vec::new());
        for argument in &call.arguments {
            if let Some(volatile) = find(argument, &is_volatile) {
                return self.fail(
                    SemanticFault::NonConstantExpression,
                    volatile.span,
                    "an aggregate cannot take a random value",
                );
            }
            let typed = self.translate(argument, scope)?;
            arguments.push(typed.expression);
            types.push(typed.value_type);
        }
        let aggregation = Aggregation {
            function: Arc::from(signature.name),
            arguments,
            distinct: call.distinct,
            offset: offset(call.span),
        };
        Ok((aggregation, signature.answer.for_arguments(&types)))
    }
}

/// Whether the expression holds an aggregate, outside of subqueries.
pub(crate) fn holds_aggregate(expression: &ast::Expression) -> bool {
    find(expression, &is_aggregate).is_some()
}

pub(crate) fn is_aggregate(expression: &ast::Expression) -> bool {
    match &expression.kind {
        ExpressionKind::CountStar => true,
        ExpressionKind::Function(call) => {
            function::find(&call.full_name()).is_some_and(|signature| signature.aggregate)
        }
        _ => false,
    }
}

fn is_volatile(expression: &ast::Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Function(call) => function::find(&call.full_name()).is_some_and(|signature| signature.volatile),
        _ => false,
    }
}

/// The first part of an expression, itself included, for which `wanted` holds.
pub(crate) fn find<'e>(
    expression: &'e ast::Expression,
    wanted: &dyn Fn(&ast::Expression) -> bool,
) -> Option<&'e ast::Expression> {
    if wanted(expression) {
        return Some(expression);
    }
    let mut found = None;
    each_part(expression, &mut |part| {
        if found.is_none() {
            found = find(part, wanted);
        }
    });
    found
}

/// Calls `visit` with each direct part, without those inside patterns and subqueries.
pub(crate) fn each_part<'e>(expression: &'e ast::Expression, visit: &mut dyn FnMut(&'e ast::Expression)) {
    match &expression.kind {
        ExpressionKind::Literal(_)
        | ExpressionKind::Parameter(_)
        | ExpressionKind::Variable(_)
        | ExpressionKind::CountStar
        | ExpressionKind::Subquery { .. }
        | ExpressionKind::PatternComprehension(_)
        | ExpressionKind::Pattern(_) => {}
        ExpressionKind::Property { base, .. } => visit(base),
        ExpressionKind::Index { base, index } => [base, index].into_iter().for_each(|part| visit(part)),
        ExpressionKind::Slice { base, from, to } => {
            visit(base);
            from.iter().chain(to).for_each(|part| visit(part));
        }
        ExpressionKind::List(parts)
        | ExpressionKind::And(parts)
        | ExpressionKind::Or(parts)
        | ExpressionKind::Xor(parts) => parts.iter().for_each(visit),
        ExpressionKind::Map(entries) => entries.iter().for_each(|entry| visit(&entry.value)),
        ExpressionKind::MapProjection { items, .. } => {
            for item in items {
                if let ast::MapProjectionItem::Entry(entry) = item {
                    visit(&entry.value);
                }
            }
        }
        ExpressionKind::ListComprehension(comprehension) => {
            visit(&comprehension.list);
            comprehension
                .predicate
                .iter()
                .chain(&comprehension.result)
                .for_each(visit);
        }
        ExpressionKind::Quantifier(quantifier) => {
            visit(&quantifier.list);
            quantifier.predicate.iter().for_each(visit);
        }
        ExpressionKind::Reduce(reduce) => {
            [&reduce.initial, &reduce.list, &reduce.step]
                .into_iter()
                .for_each(visit);
        }
        ExpressionKind::Case(case) => {
            case.subject.iter().for_each(&mut *visit);
            for branch in &case.branches {
                branch.when.iter().for_each(&mut *visit);
                visit(&branch.then);
            }
            case.otherwise.iter().for_each(visit);
        }
        ExpressionKind::Function(call) => call.arguments.iter().for_each(visit),
        ExpressionKind::Unary { operand, .. }
        | ExpressionKind::IsNull { operand, .. }
        | ExpressionKind::IsTyped { operand, .. }
        | ExpressionKind::HasLabels { operand, .. } => visit(operand),
        ExpressionKind::Binary { left, right, .. } => [left, right].into_iter().for_each(|part| visit(part)),
        ExpressionKind::Comparison { first, rest } => {
            visit(first);
            rest.iter().for_each(|(_, part)| visit(part));
        }
    }
}
