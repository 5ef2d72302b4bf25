//! Lists, maps, comprehensions, quantifiers, `reduce` and `CASE`.

use std::sync::Arc;

use bastide_cypher::ast::{self, MapEntry, MapProjectionItem, Name, QuantifierKind, Span};
use bastide_model::{Map, Value};

use super::Typed;
use crate::expression::{Expression, Quantifier, Slot};
use crate::fault::{Result, SemanticFault};
use crate::planner::{Planner, offset};
use crate::scope::Scope;
use crate::types::Type;

impl Planner<'_> {
    pub(super) fn index(
        &mut self,
        base: &ast::Expression,
        index: &ast::Expression,
        span: Span,
        scope: &Scope,
    ) -> Result<Typed> {
        let container = self.translate(base, scope)?;
        match container.value_type {
            Type::Boolean | Type::Integer | Type::Float | Type::Number | Type::String | Type::Path => {
                return self.fail(
                    SemanticFault::InvalidOperandType,
                    base.span,
                    format!("a value of type {} has no items", container.value_type.name()),
                );
            }
            _ => {}
        }
        let value_type = container.value_type.item();
        let index = self.translate(index, scope)?;
        let expression = Expression::Index {
            container: container.boxed(),
            index: index.boxed(),
            offset: offset(span),
        };
        Ok(Typed::new(expression, value_type))
    }

    pub(super) fn slice(
        &mut self,
        base: &ast::Expression,
        from: Option<&ast::Expression>,
        to: Option<&ast::Expression>,
        scope: &Scope,
    ) -> Result<Typed> {
        let list = self.translate(base, scope)?;
        if !list.value_type.may_be_list() && list.value_type != Type::String {
            return self.wrong_type(base.span, "LIST<ANY>", &list.value_type);
        }
        let value_type = list.value_type.clone();
        let from = from.map(|from| self.translate(from, scope)).transpose()?;
        let to = to.map(|to| self.translate(to, scope)).transpose()?;
        let expression = Expression::Slice {
            list: list.boxed(),
            from: from.map(Typed::boxed),
            to: to.map(Typed::boxed),
        };
        Ok(Typed::new(expression, value_type))
    }

    pub(super) fn list(&mut self, items: &[ast::Expression], scope: &Scope) -> Result<Typed> {
        let mut expressions = Vec::with_capacity(items.len());
        let mut item_type: Option<Type> = None;
        for item in items {
            let typed = self.translate(item, scope)?;
            expressions.push(typed.expression);
            item_type = Some(match item_type {
                None => typed.value_type,
                Some(known) => known.join(typed.value_type),
            });
        }
        let constants: Option<Vec<Value>> = expressions.iter().map(constant).collect();
        let expression = match constants {
            Some(values) => Expression::Literal(Value::list(values)),
            None => Expression::List(expressions),
        };
        Ok(Typed::new(expression, Type::list(item_type.unwrap_or(Type::Any))))
    }

    pub(super) fn map(&mut self, entries: &[MapEntry], scope: &Scope) -> Result<Typed> {
        let mut items: Vec<(Arc<str>, Expression)> = Vec::with_capacity(entries.len());
        for entry in entries {
            let value = self.translate(&entry.value, scope)?.expression;
            items.push((Arc::clone(&entry.key.text), value));
        }
        let constants: Option<Vec<(Arc<str>, Value)>> = items
            .iter()
            .map(|(key, item)| Some((Arc::clone(key), constant(item)?)))
            .collect();
        let expression = match constants {
            Some(values) => Expression::Literal(Value::map(values.into_iter().collect::<Map>())),
            None => Expression::Map(items),
        };
        Ok(Typed::new(expression, Type::Map))
    }

    pub(super) fn map_projection(
        &mut self,
        variable: &Name,
        items: &[MapProjectionItem],
        scope: &Scope,
    ) -> Result<Typed> {
        let subject = self.variable(variable, scope)?;
        if !matches!(
            subject.value_type,
            Type::Any | Type::Null | Type::Map | Type::Node | Type::Relationship
        ) {
            return self.wrong_type(variable.span, "MAP, NODE or RELATIONSHIP", &subject.value_type);
        }
        let mut all_properties = false;
        let mut projected = Vec::new();
        for item in items {
            match item {
                MapProjectionItem::AllProperties => all_properties = true,
                MapProjectionItem::Property(name) => {
                    let key = self.key(&name.text);
                    let property = Expression::Property {
                        subject: Box::new(subject.expression.clone()),
                        key,
                        offset: offset(name.span),
                    };
                    projected.push((Arc::clone(&name.text), property));
                }
                MapProjectionItem::Entry(entry) => {
                    let value = self.translate(&entry.value, scope)?.expression;
                    projected.push((Arc::clone(&entry.key.text), value));
                }
                MapProjectionItem::Variable(name) => {
                    projected.push((Arc::clone(&name.text), self.variable(name, scope)?.expression));
                }
            }
        }
        let expression = Expression::MapProjection {
            subject: subject.boxed(),
            all_properties,
            items: projected,
        };
        Ok(Typed::new(expression, Type::Map))
    }

    /// Translates what walks over a list; aggregates are refused inside it.
    fn within<T>(
        &mut self,
        scope: &Scope,
        variable: &Name,
        item: Type,
        body: impl FnOnce(&mut Self, &Scope) -> Result<T>,
    ) -> Result<(Slot, T)> {
        let slot = self.new_slot();
        let mut inner = scope.clone();
        inner.bind(Arc::clone(&variable.text), slot, item);
        let collector = self.collector.take();
        let made = body(self, &inner);
        self.collector = collector;
        Ok((slot, made?))
    }

    fn walked_list(&mut self, list: &ast::Expression, scope: &Scope) -> Result<Typed> {
        let typed = self.translate(list, scope)?;
        if !typed.value_type.may_be_list() {
            return self.wrong_type(list.span, "LIST<ANY>", &typed.value_type);
        }
        Ok(typed)
    }

    pub(super) fn list_comprehension(&mut self, form: &ast::ListComprehension, scope: &Scope) -> Result<Typed> {
        let list = self.walked_list(&form.list, scope)?;
        let item = list.value_type.item();
        let (slot, (filter, map, value_type)) =
            self.within(scope, &form.variable, item.clone(), |planner, inner| {
                let filter = match &form.predicate {
                    Some(predicate) => Some(Box::new(planner.condition(predicate, inner)?)),
                    None => None,
                };
                let (map, value_type) = match &form.result {
                    Some(result) => {
                        let typed = planner.translate(result, inner)?;
                        (Some(Box::new(typed.expression)), typed.value_type)
                    }
                    None => (None, item),
                };
                Ok((filter, map, value_type))
            })?;
        let expression = Expression::ListComprehension {
            slot,
            list: list.boxed(),
            filter,
            map,
        };
        Ok(Typed::new(expression, Type::list(value_type)))
    }

    pub(super) fn quantifier(&mut self, form: &ast::Quantifier, scope: &Scope) -> Result<Typed> {
        let list = self.walked_list(&form.list, scope)?;
        let (slot, predicate) = self.within(
            scope,
            &form.variable,
            list.value_type.item(),
            |planner, inner| match &form.predicate {
                Some(predicate) => planner.condition(predicate, inner),
                None => Ok(planner.variable(&form.variable, inner)?.expression),
            },
        )?;
        let expression = Expression::Quantifier {
            kind: match form.kind {
                QuantifierKind::All => Quantifier::All,
                QuantifierKind::Any => Quantifier::Any,
                QuantifierKind::None => Quantifier::None,
                QuantifierKind::Single => Quantifier::Single,
            },
            slot,
            list: list.boxed(),
            predicate: Box::new(predicate),
        };
        Ok(Typed::new(expression, Type::Boolean))
    }

    pub(super) fn reduce(&mut self, form: &ast::Reduce, scope: &Scope) -> Result<Typed> {
        let initial = self.translate(&form.initial, scope)?;
        let list = self.walked_list(&form.list, scope)?;
        let accumulator = self.new_slot();
        let mut outer = scope.clone();
        outer.bind(Arc::clone(&form.accumulator.text), accumulator, Type::Any);
        let (slot, body) = self.within(&outer, &form.variable, list.value_type.item(), |planner, inner| {
            planner.translate(&form.step, inner)
        })?;
        let expression = Expression::Reduce {
            accumulator,
            initial: initial.boxed(),
            slot,
            list: list.boxed(),
            body: body.boxed(),
        };
        Ok(Typed::new(expression, Type::Any))
    }

    pub(super) fn case(&mut self, form: &ast::Case, scope: &Scope) -> Result<Typed> {
        let subject = match &form.subject {
            Some(subject) => Some(self.translate(subject, scope)?.boxed()),
            None => None,
        };
        let mut arms = Vec::new();
        let mut value_type = Type::Null;
        for branch in &form.branches {
            let then = self.translate(&branch.then, scope)?;
            value_type = value_type.join(then.value_type);
            for when in &branch.when {
                let when = if subject.is_some() {
                    self.translate(when, scope)?.expression
                } else {
                    self.condition(when, scope)?
                };
                arms.push((when, then.expression.clone()));
            }
        }
        let otherwise = match &form.otherwise {
            Some(otherwise) => {
                let typed = self.translate(otherwise, scope)?;
                value_type = value_type.join(typed.value_type.clone());
                Some(typed.boxed())
            }
            None => None,
        };
        let expression = Expression::Case {
            subject,
            arms,
            otherwise,
        };
        Ok(Typed::new(expression, value_type))
    }
}

fn constant(expression: &Expression) -> Option<Value> {
    match expression {
        Expression::Literal(value) => Some(value.clone()),
        _ => None,
    }
}
