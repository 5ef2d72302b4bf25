//! CREATE, MERGE, SET, REMOVE, DELETE and FOREACH.

use std::sync::Arc;

use bastide_cypher::ast::{self, ExpressionKind, MergeAction, Name, RemoveItem, SetItem, Span};
use bastide_model::Value;

use crate::expression::Expression;
use crate::fault::{Result, SemanticFault};
use crate::operator::{OperatorKind, Update};
use crate::patterns::{MatchParts, NewNames};
use crate::planner::{Planner, offset};
use crate::query::Chain;
use crate::scope::Scope;
use crate::types::Type;

mod create;

impl Planner<'_> {
    pub(crate) fn merge(&mut self, mut chain: Chain, form: &ast::Merge, span: Span) -> Result<Chain> {
        self.check_created(&form.pattern, &chain.scope, "MERGE")?;
        let before = chain.scope.clone();
        let (pattern, hidden) = create::with_names(&form.pattern);
        let parts = MatchParts {
            patterns: std::slice::from_ref(&pattern),
            predicate: None,
            new_names: NewNames::Allow,
        };
        let argument = self.argument(1.0);
        let matching = Box::new(self.plan_match(argument, &mut chain.scope, parts)?);
        let made = self.created_parts(&pattern, Some(&before), &mut chain.scope)?;
        if made.nodes.is_empty() && made.relationships.is_empty() {
            return self.fail(
                SemanticFault::VariableAlreadyBound,
                span,
                "MERGE has nothing to create: all of its pattern is known already",
            );
        }
        chain.scope.forget(&hidden);
        let path = match &form.pattern.variable {
            Some(name) => {
                self.refuse_known(&before, name)?;
                let slot = self.new_slot();
                chain.scope.bind(Arc::clone(&name.text), slot, Type::Path);
                Some(slot)
            }
            None => None,
        };
        let (mut on_create, mut on_match) = (Vec::new(), Vec::new());
        for action in &form.actions {
            match action {
                MergeAction::OnCreate(items) => on_create.extend(self.set_items(items, &chain.scope)?),
                MergeAction::OnMatch(items) => on_match.extend(self.set_items(items, &chain.scope)?),
            }
        }
        chain.operator = self.over(chain.operator, |input| OperatorKind::Merge {
            input,
            matching,
            nodes: made.nodes,
            relationships: made.relationships,
            on_create,
            on_match,
        });
        if let Some(slot) = path {
            chain.operator = self.project(chain.operator, vec![(slot, made.path)]);
        }
        Ok(chain)
    }

    pub(crate) fn set(&mut self, mut chain: Chain, items: &[SetItem]) -> Result<Chain> {
        let updates = self.set_items(items, &chain.scope)?;
        chain.operator = self.over(chain.operator, |input| OperatorKind::Update { input, updates });
        Ok(chain)
    }

    fn set_items(&mut self, items: &[SetItem], scope: &Scope) -> Result<Vec<Update>> {
        items.iter().map(|item| self.set_item(item, scope)).collect()
    }

    fn set_item(&mut self, item: &SetItem, scope: &Scope) -> Result<Update> {
        match item {
            SetItem::Property { target, key, value } => Ok(Update::SetProperty {
                subject: self.subject(target, scope)?,
                key: Arc::clone(&key.text),
                value: self.translate(value, scope)?.expression,
                offset: offset(target.span),
            }),
            SetItem::DynamicProperty { target, key, value } => Ok(Update::SetDynamicProperty {
                subject: self.subject(target, scope)?,
                key: self.translate(key, scope)?.expression,
                value: self.translate(value, scope)?.expression,
                offset: offset(target.span),
            }),
            SetItem::ReplaceProperties { variable, value } => Ok(Update::ReplaceProperties {
                subject: self.known_subject(variable, scope)?,
                value: self.map_value(value, scope)?,
                offset: offset(variable.span),
            }),
            SetItem::MergeProperties { variable, value } => Ok(Update::MergeProperties {
                subject: self.known_subject(variable, scope)?,
                value: self.map_value(value, scope)?,
                offset: offset(variable.span),
            }),
            SetItem::Labels { variable, labels } => Ok(Update::AddLabels {
                subject: self.known_subject(variable, scope)?,
                labels: labels.iter().map(|label| self.label(&label.text)).collect(),
                offset: offset(variable.span),
            }),
        }
    }

    fn map_value(&mut self, value: &ast::Expression, scope: &Scope) -> Result<Expression> {
        let typed = self.translate(value, scope)?;
        match typed.value_type {
            Type::Any | Type::Null | Type::Map | Type::Node | Type::Relationship => Ok(typed.expression),
            other => self.wrong_type(value.span, "MAP, NODE or RELATIONSHIP", &other),
        }
    }

    fn subject(&mut self, target: &ast::Expression, scope: &Scope) -> Result<Expression> {
        let typed = self.translate(target, scope)?;
        if typed.value_type.may_be_node() || typed.value_type.may_be_relationship() {
            return Ok(typed.expression);
        }
        self.wrong_type(target.span, "NODE or RELATIONSHIP", &typed.value_type)
    }

    fn known_subject(&mut self, variable: &Name, scope: &Scope) -> Result<Expression> {
        let target = ast::Expression::new(ExpressionKind::Variable(variable.clone()), variable.span);
        self.subject(&target, scope)
    }

    pub(crate) fn remove(&mut self, mut chain: Chain, items: &[RemoveItem]) -> Result<Chain> {
        let mut updates = Vec::with_capacity(items.len());
        for item in items {
            updates.push(match item {
                RemoveItem::Property { target, key } => Update::SetProperty {
                    subject: self.subject(target, &chain.scope)?,
                    key: Arc::clone(&key.text),
                    value: Expression::Literal(Value::Null),
                    offset: offset(target.span),
                },
                RemoveItem::DynamicProperty { target, key } => Update::SetDynamicProperty {
                    subject: self.subject(target, &chain.scope)?,
                    key: self.translate(key, &chain.scope)?.expression,
                    value: Expression::Literal(Value::Null),
                    offset: offset(target.span),
                },
                RemoveItem::Labels { variable, labels } => Update::RemoveLabels {
                    subject: self.known_subject(variable, &chain.scope)?,
                    labels: labels.iter().map(|label| self.label(&label.text)).collect(),
                    offset: offset(variable.span),
                },
            });
        }
        chain.operator = self.over(chain.operator, |input| OperatorKind::Update { input, updates });
        Ok(chain)
    }

    pub(crate) fn delete(&mut self, mut chain: Chain, form: &ast::Delete) -> Result<Chain> {
        let mut subjects = Vec::with_capacity(form.expressions.len());
        for expression in &form.expressions {
            if matches!(expression.kind, ExpressionKind::HasLabels { .. }) {
                return self.fail(
                    SemanticFault::InvalidDelete,
                    expression.span,
                    "DELETE takes nodes, relationships and paths; use REMOVE to take a label away",
                );
            }
            let typed = self.translate(expression, &chain.scope)?;
            let deletable =
                typed.value_type.is_open() || matches!(typed.value_type, Type::Node | Type::Relationship | Type::Path);
            if !deletable {
                return self.wrong_type(expression.span, "NODE, RELATIONSHIP or PATH", &typed.value_type);
            }
            subjects.push((typed.expression, offset(expression.span)));
        }
        chain.operator = self.over(chain.operator, |input| OperatorKind::Delete {
            input,
            subjects,
            detach: form.detach,
        });
        Ok(chain)
    }

    pub(crate) fn foreach(&mut self, mut chain: Chain, form: &ast::Foreach) -> Result<Chain> {
        let list = self.translate(&form.list, &chain.scope)?;
        if !list.value_type.may_be_list() {
            return self.wrong_type(form.list.span, "LIST<ANY>", &list.value_type);
        }
        let slot = self.new_slot();
        let mut scope = chain.scope.clone();
        scope.bind(Arc::clone(&form.variable.text), slot, list.value_type.item());
        let mut body = Chain {
            operator: self.argument(1.0),
            scope,
            columns: None,
        };
        for clause in &form.clauses {
            body = self.update_clause(body, clause)?;
        }
        chain.operator = self.over(chain.operator, |input| OperatorKind::Foreach {
            input,
            list: list.expression,
            slot,
            body: Box::new(body.operator),
        });
        Ok(chain)
    }
}
