//! Expressions that run a plan of their own: pattern predicates and comprehensions, `EXISTS`, `COUNT`, `COLLECT`, shortest paths.

use std::sync::Arc;

use bastide_cypher::ast::{
    self, ClauseKind, PathKind, PathPattern, Query, QueryBody, Span, SubqueryBody, SubqueryKind,
};

use super::Typed;
use crate::expression::{Expression, Subquery};
use crate::fault::{Result, SemanticFault};
use crate::patterns::{MatchParts, NewNames};
use crate::planner::{Planner, offset};
use crate::query::QueryPlace;
use crate::scope::Scope;
use crate::types::Type;

impl Planner<'_> {
    /// A pattern where a condition is wanted: whether it is there. It introduces no names.
    pub(crate) fn pattern_predicate(&mut self, pattern: &PathPattern, scope: &Scope) -> Result<Expression> {
        let parts = MatchParts {
            patterns: std::slice::from_ref(pattern),
            predicate: None,
            new_names: NewNames::Refuse,
        };
        let mut inner = scope.enclosed();
        let plan = self.detached(|planner| {
            let argument = planner.argument(1.0);
            planner.plan_match(argument, &mut inner, parts)
        })?;
        Ok(Expression::Subquery {
            kind: Subquery::Exists,
            plan: Box::new(plan),
        })
    }

    /// A pattern where a value is wanted; only searches for shortest paths have one.
    pub(super) fn pattern_value(&mut self, pattern: &PathPattern, scope: &Scope) -> Result<Typed> {
        if pattern.kind == PathKind::Plain {
            return self.fail(
                SemanticFault::UnexpectedSyntax,
                pattern.span,
                "a pattern can only stand where a condition is wanted; use a pattern comprehension or COUNT { }",
            );
        }
        let mut inner = scope.enclosed();
        let path_name: Arc<str> = Arc::from("  path");
        let mut named = pattern.clone();
        named.variable = Some(ast::Name::new(Arc::clone(&path_name), pattern.span));
        let parts = MatchParts {
            patterns: std::slice::from_ref(&named),
            predicate: None,
            new_names: NewNames::OnlyInner,
        };
        let plan = self.detached(|planner| {
            let argument = planner.argument(1.0);
            planner.plan_match(argument, &mut inner, parts)
        })?;
        let path = inner.lookup(&path_name).map(|variable| variable.slot);
        let Some(path) = path else {
            return self.fail(
                SemanticFault::UnexpectedSyntax,
                pattern.span,
                "a path cannot be made here",
            );
        };
        let list = Expression::Subquery {
            kind: Subquery::Collect(path),
            plan: Box::new(plan),
        };
        if pattern.kind == PathKind::AllShortestPaths {
            return Ok(Typed::new(list, Type::list(Type::Path)));
        }
        let head = Expression::Function {
            name: Arc::from("head"),
            arguments: vec![list],
            offset: offset(pattern.span),
        };
        Ok(Typed::new(head, Type::Path))
    }

    pub(super) fn pattern_comprehension(&mut self, form: &ast::PatternComprehension, scope: &Scope) -> Result<Typed> {
        let parts = MatchParts {
            patterns: std::slice::from_ref(&form.pattern),
            predicate: form.predicate.as_ref(),
            new_names: NewNames::Allow,
        };
        let mut inner = scope.enclosed();
        let (plan, slot, value_type) = self.detached(|planner| {
            let argument = planner.argument(1.0);
            let plan = planner.plan_match(argument, &mut inner, parts)?;
            let result = planner.translate(&form.result, &inner)?;
            let slot = planner.new_slot();
            let plan = planner.project(plan, vec![(slot, result.expression)]);
            Ok((plan, slot, result.value_type))
        })?;
        let expression = Expression::Subquery {
            kind: Subquery::Collect(slot),
            plan: Box::new(plan),
        };
        Ok(Typed::new(expression, Type::list(value_type)))
    }

    pub(super) fn subquery(
        &mut self,
        kind: SubqueryKind,
        body: &SubqueryBody,
        span: Span,
        scope: &Scope,
    ) -> Result<Typed> {
        let inner = scope.enclosed();
        let (plan, columns) = match body {
            SubqueryBody::Pattern { patterns, predicate } => {
                let parts = MatchParts {
                    patterns,
                    predicate: predicate.as_ref(),
                    new_names: NewNames::Allow,
                };
                let mut inner = inner;
                let plan = self.detached(|planner| {
                    let argument = planner.argument(1.0);
                    planner.plan_match(argument, &mut inner, parts)
                })?;
                (plan, Vec::new())
            }
            SubqueryBody::Query(query) => {
                self.refuse_updates(query)?;
                self.detached(|planner| {
                    let planned = planner.plan_query(query, &inner, QueryPlace::Expression)?;
                    Ok((planned.operator, planned.columns))
                })?
            }
        };
        let (kind, value_type) = match kind {
            SubqueryKind::Exists => (Subquery::Exists, Type::Boolean),
            SubqueryKind::Count => (Subquery::Count, Type::Integer),
            SubqueryKind::Collect => {
                let [column] = columns.as_slice() else {
                    return self.fail(
                        SemanticFault::InvalidClauseComposition,
                        span,
                        format!("COLLECT takes a query with exactly one column, got {}", columns.len()),
                    );
                };
                (Subquery::Collect(column.slot), Type::list(column.value_type.clone()))
            }
        };
        let expression = Expression::Subquery {
            kind,
            plan: Box::new(plan),
        };
        Ok(Typed::new(expression, value_type))
    }

    /// Plans something with a scope of its own: aggregates of the expression around it are none of its business.
    fn detached<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let collector = self.collector.take();
        let inside = std::mem::replace(&mut self.inside_aggregate, false);
        let made = body(self);
        self.collector = collector;
        self.inside_aggregate = inside;
        made
    }

    fn refuse_updates(&self, query: &Query) -> Result<()> {
        let parts = match &query.body {
            QueryBody::Single(part) => std::slice::from_ref(part),
            QueryBody::Union { parts, .. } => parts.as_slice(),
        };
        for clause in parts.iter().flat_map(|part| &part.clauses) {
            if let ClauseKind::CallSubquery(call) = &clause.kind {
                self.refuse_updates(&call.query)?;
            }
            if matches!(
                clause.kind,
                ClauseKind::Create(_)
                    | ClauseKind::Merge(_)
                    | ClauseKind::Set(_)
                    | ClauseKind::Remove(_)
                    | ClauseKind::Delete(_)
                    | ClauseKind::Foreach(_)
                    | ClauseKind::LoadCsv(_)
            ) {
                return self.fail(
                    SemanticFault::InvalidClauseComposition,
                    clause.span,
                    "a subquery in an expression cannot change the graph",
                );
            }
        }
        Ok(())
    }
}
