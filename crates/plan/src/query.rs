//! Queries: chains of clauses, `UNION`, and where a query may stand.

use std::sync::Arc;

use bastide_cypher::ast::{self, Clause, ClauseKind, Query, QueryBody, SingleQuery};

use crate::expression::Slot;
use crate::fault::{Result, SemanticFault};
use crate::operator::{Operator, OperatorKind};
use crate::patterns::{MatchParts, NewNames};
use crate::planner::Planner;
use crate::scope::Scope;
use crate::types::Type;
use crate::walk::{SlotSet, each_input};

/// How many rows an `UNWIND` of an unknown list is taken to yield.
const UNWIND_ROWS: f64 = 10.0;

/// How often the depth of a growing plan is looked at, in clauses.
const DEPTH_CHECK_CLAUSES: usize = 64;

/// Where a query stands.
#[derive(Clone, Copy)]
pub(crate) enum QueryPlace<'s> {
    /// The statement itself.
    Top,
    /// Within an expression.
    Expression,
    /// Within `CALL { }`; the scope that a leading `WITH` imports from, unless the call names what it imports.
    Call(Option<&'s Scope>),
}

/// A column that a query answers.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: Arc<str>,
    pub(crate) slot: Slot,
    pub(crate) value_type: Type,
}

pub(crate) struct PlannedQuery {
    pub(crate) operator: Operator,
    pub(crate) columns: Vec<Column>,
    pub(crate) returns: bool,
}

/// A query half planned: what it stands on, and which names are in sight.
pub(crate) struct Chain {
    pub(crate) operator: Operator,
    pub(crate) scope: Scope,
    pub(crate) columns: Option<Vec<Column>>,
}

impl Planner<'_> {
    pub(crate) fn plan_query(&mut self, query: &Query, scope: &Scope, place: QueryPlace<'_>) -> Result<PlannedQuery> {
        match &query.body {
            QueryBody::Single(single) => self.plan_single(single, scope, place),
            QueryBody::Union { all, parts } => self.plan_union(query, parts, *all, scope, place),
        }
    }

    fn plan_union(
        &mut self,
        query: &Query,
        parts: &[SingleQuery],
        all: bool,
        scope: &Scope,
        place: QueryPlace<'_>,
    ) -> Result<PlannedQuery> {
        let mut inputs = Vec::with_capacity(parts.len());
        let mut mappings = Vec::with_capacity(parts.len());
        let mut columns: Vec<Column> = Vec::new();
        let mut returns = false;
        let mut rows = 0.0;
        for (number, part) in parts.iter().enumerate() {
            let planned = self.plan_single(part, scope, place)?;
            if number == 0 {
                returns = planned.returns;
                for column in &planned.columns {
                    let slot = self.new_slot();
                    columns.push(Column { slot, ..column.clone() });
                }
            }
            let mapping: Option<Vec<Slot>> = columns
                .iter_mut()
                .map(|column| {
                    let own = planned.columns.iter().find(|own| own.name == column.name)?;
                    column.value_type = column.value_type.clone().join(own.value_type.clone());
                    Some(own.slot)
                })
                .collect();
            match mapping {
                Some(mapping) if planned.columns.len() == columns.len() && planned.returns == returns => {
                    mappings.push(mapping);
                }
                _ => {
                    return self.fail(
                        SemanticFault::DifferentColumnsInUnion,
                        part.span,
                        "all parts of a UNION must answer columns of the same names",
                    );
                }
            }
            rows += planned.operator.estimated_rows;
            inputs.push(planned.operator);
        }
        let slots = columns.iter().map(|column| column.slot).collect();
        let kind = OperatorKind::Union {
            inputs,
            mappings,
            slots,
            distinct: !all && returns,
        };
        self.check_depth(&query.span, parts.len())?;
        Ok(PlannedQuery {
            operator: self.operator(kind, rows),
            columns,
            returns,
        })
    }

    fn plan_single(&mut self, single: &SingleQuery, scope: &Scope, place: QueryPlace<'_>) -> Result<PlannedQuery> {
        let mut chain = Chain {
            operator: self.argument(1.0),
            scope: scope.clone(),
            columns: None,
        };
        self.check_graph(single)?;
        let mut clauses = single.clauses.as_slice();
        if let (QueryPlace::Call(Some(parent)), Some((first, rest))) = (place, clauses.split_first())
            && self.import(first, parent, &mut chain.scope)?
        {
            clauses = rest;
        }
        if let (QueryPlace::Top, [clause]) = (place, clauses)
            && let ClauseKind::CallProcedure(call) = &clause.kind
        {
            return self.standalone_call(call, clause.span);
        }
        self.check_ending(single, place)?;
        for (number, clause) in clauses.iter().enumerate() {
            let last = number + 1 == clauses.len();
            if !last && matches!(clause.kind, ClauseKind::Return(_) | ClauseKind::Finish) {
                return self.fail(
                    SemanticFault::InvalidClauseComposition,
                    clause.span,
                    "RETURN and FINISH can only stand at the end of a query",
                );
            }
            chain = self.clause(chain, clause)?;
            if last || number % DEPTH_CHECK_CLAUSES == 0 {
                self.check_depth(&clause.span, depth(&chain.operator))?;
            }
        }
        self.remember_names(&chain.scope);
        Ok(PlannedQuery {
            operator: chain.operator,
            returns: chain.columns.is_some(),
            columns: chain.columns.unwrap_or_default(),
        })
    }

    /// A plan runs against one database: another is refused rather than passed over.
    fn check_graph(&self, single: &SingleQuery) -> Result<()> {
        match &single.use_graph {
            None => Ok(()),
            Some(ast::UseGraph::Name(name)) if self.context.is_current_database(&name.text) => Ok(()),
            Some(_) => self.fail(
                SemanticFault::NotSupported,
                single.span,
                "USE cannot change the database within a statement in this version; choose it for the session",
            ),
        }
    }

    fn check_depth(&self, span: &ast::Span, depth: usize) -> Result<()> {
        let limit = self.context.limits().operator_depth_max;
        if depth <= limit {
            return Ok(());
        }
        self.fail(
            SemanticFault::TooLarge,
            *span,
            format!("the statement needs more than {limit} operators on one another; split it into several"),
        )
    }

    /// A leading `WITH` of plain variables imports them. Answers whether it did.
    fn import(&mut self, clause: &Clause, parent: &Scope, scope: &mut Scope) -> Result<bool> {
        let ClauseKind::With(with) = &clause.kind else {
            return Ok(false);
        };
        let plain = !with.distinct
            && with.order_by.is_empty()
            && with.skip.is_none()
            && with.limit.is_none()
            && with.predicate.is_none();
        let names: Option<Vec<&ast::Name>> = with
            .items
            .iter()
            .map(|item| match (&item.expression.kind, &item.alias) {
                (ast::ExpressionKind::Variable(name), None) => Some(name),
                (ast::ExpressionKind::Variable(name), Some(alias)) if name == alias => Some(name),
                _ => None,
            })
            .collect();
        let (true, Some(names)) = (plain, names) else {
            return Ok(false);
        };
        if with.star {
            for (name, variable) in parent.sorted() {
                scope.bind(name, variable.slot, variable.value_type);
            }
        }
        for name in names {
            let Some(variable) = parent.lookup(&name.text) else {
                return Err(self.undefined(parent, name));
            };
            scope.bind(Arc::clone(&name.text), variable.slot, variable.value_type.clone());
        }
        Ok(true)
    }

    fn check_ending(&self, single: &SingleQuery, place: QueryPlace<'_>) -> Result<()> {
        let Some(last) = single.clauses.last() else {
            return Ok(());
        };
        let name = match last.kind {
            ClauseKind::Match(_) => "MATCH",
            ClauseKind::With(_) => "WITH",
            ClauseKind::Unwind(_) => "UNWIND",
            ClauseKind::LoadCsv(_) => "LOAD CSV",
            _ => return Ok(()),
        };
        if matches!(place, QueryPlace::Expression) {
            return Ok(());
        }
        self.fail(
            SemanticFault::InvalidClauseComposition,
            last.span,
            format!("a query cannot end with {name}; it has to end with RETURN, FINISH, a CALL or an update"),
        )
    }

    fn clause(&mut self, chain: Chain, clause: &Clause) -> Result<Chain> {
        match &clause.kind {
            ClauseKind::Match(form) => self.match_clause(chain, form),
            ClauseKind::Unwind(form) => self.unwind(chain, form),
            ClauseKind::With(form) => self.with_clause(chain, form, clause.span),
            ClauseKind::Return(form) => self.return_clause(chain, form, clause.span),
            ClauseKind::Create(form) => self.create(chain, form),
            ClauseKind::Merge(form) => self.merge(chain, form, clause.span),
            ClauseKind::Set(items) => self.set(chain, items),
            ClauseKind::Remove(items) => self.remove(chain, items),
            ClauseKind::Delete(form) => self.delete(chain, form),
            ClauseKind::Foreach(form) => self.foreach(chain, form),
            ClauseKind::CallProcedure(form) => self.call_procedure(chain, form, clause.span),
            ClauseKind::CallSubquery(form) => self.call_subquery(chain, form),
            ClauseKind::LoadCsv(form) => self.load_csv(chain, form, clause.span),
            ClauseKind::Finish => Ok(Chain {
                operator: self.over(chain.operator, |input| OperatorKind::EmptyResult { input }),
                ..chain
            }),
        }
    }

    /// A clause within FOREACH.
    pub(crate) fn update_clause(&mut self, chain: Chain, clause: &Clause) -> Result<Chain> {
        match &clause.kind {
            ClauseKind::Create(_)
            | ClauseKind::Merge(_)
            | ClauseKind::Set(_)
            | ClauseKind::Remove(_)
            | ClauseKind::Delete(_)
            | ClauseKind::Foreach(_) => self.clause(chain, clause),
            _ => self.fail(
                SemanticFault::InvalidClauseComposition,
                clause.span,
                "FOREACH takes only clauses that change the graph",
            ),
        }
    }

    fn match_clause(&mut self, mut chain: Chain, form: &ast::Match) -> Result<Chain> {
        let parts = MatchParts {
            patterns: &form.patterns,
            predicate: form.predicate.as_ref(),
            new_names: NewNames::Allow,
        };
        if !form.optional {
            chain.operator = self.plan_match(chain.operator, &mut chain.scope, parts)?;
            return Ok(chain);
        }
        let known: SlotSet = chain.scope.slots().collect();
        let argument = self.argument(1.0);
        let inner = self.plan_match(argument, &mut chain.scope, parts)?;
        let all: SlotSet = chain.scope.slots().collect();
        let nullable = all.difference(&known).copied().collect();
        let rows = chain.operator.estimated_rows * inner.estimated_rows.max(1.0);
        let kind = OperatorKind::OptionalApply {
            input: Box::new(chain.operator),
            inner: Box::new(inner),
            nullable,
        };
        chain.operator = self.operator(kind, rows);
        Ok(chain)
    }

    fn unwind(&mut self, mut chain: Chain, form: &ast::Unwind) -> Result<Chain> {
        let list = self.translate(&form.list, &chain.scope)?;
        self.refuse_known(&chain.scope, &form.variable)?;
        let slot = self.new_slot();
        let item = if list.value_type.may_be_list() {
            list.value_type.item()
        } else {
            list.value_type.clone()
        };
        chain.scope.bind(Arc::clone(&form.variable.text), slot, item);
        let factor = match &form.list.kind {
            ast::ExpressionKind::List(items) => u32::try_from(items.len()).map_or(UNWIND_ROWS, f64::from),
            _ => UNWIND_ROWS,
        };
        let rows = chain.operator.estimated_rows * factor;
        let kind = OperatorKind::Unwind {
            input: Box::new(chain.operator),
            list: list.expression,
            slot,
        };
        chain.operator = self.operator(kind, rows);
        Ok(chain)
    }

    pub(crate) fn refuse_known(&self, scope: &Scope, name: &ast::Name) -> Result<()> {
        if scope.lookup(&name.text).is_none() {
            return Ok(());
        }
        self.fail(
            SemanticFault::VariableAlreadyBound,
            name.span,
            format!("variable `{name}` already declared"),
        )
    }
}

/// How many operators stand on one another along the main chain.
fn depth(operator: &Operator) -> usize {
    let mut count = 1;
    let mut current = operator;
    loop {
        let mut next = None;
        each_input(&current.kind, &mut |input| {
            next.get_or_insert(input);
        });
        match next {
            Some(input) => current = input,
            None => return count,
        }
        count += 1;
    }
}
