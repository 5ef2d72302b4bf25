//! From expressions of the tree to expressions of the plan: names become slots, types are followed as far as they are known.

use std::sync::Arc;

use bastide_cypher::ast::{self, ExpressionKind, Literal, Name, Span, UnaryOperator};
use bastide_model::Value;

use crate::aggregation::is_aggregate;
use crate::expression::{Expression, Slot};
use crate::fault::{Result, SemanticFault};
use crate::planner::{Planner, offset};
use crate::scope::Scope;
use crate::types::Type;

mod calls;
mod lists;
mod operators;
pub(crate) use operators::label_condition;
mod subqueries;

/// An expression and what is known of its type.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub(crate) expression: Expression,
    pub(crate) value_type: Type,
}

impl Typed {
    pub(crate) fn new(expression: Expression, value_type: Type) -> Self {
        Self { expression, value_type }
    }

    pub(crate) fn slot(slot: Slot, value_type: Type) -> Self {
        Self::new(Expression::Slot(slot), value_type)
    }

    fn boxed(self) -> Box<Expression> {
        Box::new(self.expression)
    }
}

impl Planner<'_> {
    /// Translates an expression whose value may be anything.
    pub(crate) fn translate(&mut self, expression: &ast::Expression, scope: &Scope) -> Result<Typed> {
        if let Some(known) = scope.substitution(expression) {
            return Ok(Typed::slot(known.slot, known.value_type.clone()));
        }
        if is_aggregate(expression) {
            return self.aggregate(expression);
        }
        match &expression.kind {
            ExpressionKind::Literal(literal) => Ok(literal_value(literal)),
            ExpressionKind::Parameter(name) => {
                let parameter = self.parameter(&name.text);
                Ok(Typed::new(Expression::Parameter(parameter), Type::Any))
            }
            ExpressionKind::Variable(name) => self.variable(name, scope),
            ExpressionKind::Property { base, key } => self.property(base, key, expression.span, scope),
            ExpressionKind::Index { base, index } => self.index(base, index, expression.span, scope),
            ExpressionKind::Slice { base, from, to } => self.slice(base, from.as_deref(), to.as_deref(), scope),
            ExpressionKind::List(items) => self.list(items, scope),
            ExpressionKind::Map(entries) => self.map(entries, scope),
            ExpressionKind::MapProjection { variable, items } => self.map_projection(variable, items, scope),
            ExpressionKind::ListComprehension(comprehension) => self.list_comprehension(comprehension, scope),
            ExpressionKind::PatternComprehension(comprehension) => self.pattern_comprehension(comprehension, scope),
            ExpressionKind::Quantifier(quantifier) => self.quantifier(quantifier, scope),
            ExpressionKind::Reduce(reduce) => self.reduce(reduce, scope),
            ExpressionKind::Case(case) => self.case(case, scope),
            ExpressionKind::Function(call) => self.call(call, scope),
            ExpressionKind::CountStar => self.aggregate(expression),
            ExpressionKind::Unary { operator, operand } => self.unary(*operator, operand, expression.span, scope),
            ExpressionKind::Binary { operator, left, right } => {
                self.binary(*operator, left, right, expression.span, scope)
            }
            ExpressionKind::And(parts) => {
                let parts = self.conditions(parts, scope)?;
                Ok(Typed::new(Expression::And(parts), Type::Boolean))
            }
            ExpressionKind::Or(parts) => {
                let parts = self.conditions(parts, scope)?;
                Ok(Typed::new(Expression::Or(parts), Type::Boolean))
            }
            ExpressionKind::Xor(parts) => {
                let parts = self.conditions(parts, scope)?;
                let folded = parts
                    .into_iter()
                    .reduce(|left, right| Expression::Xor(Box::new(left), Box::new(right)));
                Ok(Typed::new(
                    folded.unwrap_or(Expression::Literal(Value::Null)),
                    Type::Boolean,
                ))
            }
            ExpressionKind::Comparison { first, rest } => self.comparison(first, rest, scope),
            ExpressionKind::IsNull { operand, negated } => {
                let operand = self.translate(operand, scope)?.boxed();
                let expression = if *negated {
                    Expression::IsNotNull(operand)
                } else {
                    Expression::IsNull(operand)
                };
                Ok(Typed::new(expression, Type::Boolean))
            }
            ExpressionKind::IsTyped {
                operand,
                value_type,
                negated,
            } => {
                let subject = self.translate(operand, scope)?.boxed();
                let expression = Expression::IsTyped {
                    subject,
                    value_type: Arc::from(operators::type_text(value_type)),
                    negated: *negated,
                };
                Ok(Typed::new(expression, Type::Boolean))
            }
            ExpressionKind::HasLabels { operand, labels } => self.has_labels(operand, labels, scope),
            ExpressionKind::Subquery { kind, body } => self.subquery(*kind, body, expression.span, scope),
            ExpressionKind::Pattern(pattern) => self.pattern_value(pattern, scope),
        }
    }

    /// Translates an expression that has to be true or false; here patterns can stand for their existence.
    pub(crate) fn condition(&mut self, expression: &ast::Expression, scope: &Scope) -> Result<Expression> {
        if let ExpressionKind::Pattern(pattern) = &expression.kind
            && pattern.kind == ast::PathKind::Plain
        {
            return self.pattern_predicate(pattern, scope);
        }
        let typed = self.translate(expression, scope)?;
        if typed.value_type.may_be_boolean() || matches!(typed.value_type, Type::List(_) if is_pattern_list(expression))
        {
            return Ok(typed.expression);
        }
        self.wrong_type(expression.span, "BOOLEAN", &typed.value_type)
    }

    fn conditions(&mut self, parts: &[ast::Expression], scope: &Scope) -> Result<Vec<Expression>> {
        parts.iter().map(|part| self.condition(part, scope)).collect()
    }

    pub(crate) fn wrong_type<T>(&self, span: Span, wanted: &str, given: &Type) -> Result<T> {
        self.fail(
            SemanticFault::InvalidArgumentType,
            span,
            format!("type mismatch: expected {wanted}, got {}", given.name()),
        )
    }

    fn variable(&self, name: &Name, scope: &Scope) -> Result<Typed> {
        match scope.lookup(&name.text) {
            Some(variable) => Ok(Typed::slot(variable.slot, variable.value_type.clone())),
            None => Err(self.undefined(scope, name)),
        }
    }

    fn property(&mut self, base: &ast::Expression, key: &Name, span: Span, scope: &Scope) -> Result<Typed> {
        let subject = self.translate(base, scope)?;
        match subject.value_type {
            Type::Path => return self.wrong_type(base.span, "MAP, NODE or RELATIONSHIP", &subject.value_type),
            Type::Boolean | Type::Integer | Type::Float | Type::Number | Type::String | Type::List(_) => {
                return self.fail(
                    SemanticFault::InvalidOperandType,
                    base.span,
                    format!("a value of type {} has no properties", subject.value_type.name()),
                );
            }
            _ => {}
        }
        let value_type = match subject.value_type {
            Type::Temporal => Type::Any,
            Type::Duration => Type::Integer,
            _ => Type::Any,
        };
        let key = self.key(&key.text);
        let property = Expression::Property {
            subject: subject.boxed(),
            key,
            offset: offset(span),
        };
        Ok(Typed::new(property, value_type))
    }

    fn unary(
        &mut self,
        operator: UnaryOperator,
        operand: &ast::Expression,
        span: Span,
        scope: &Scope,
    ) -> Result<Typed> {
        if operator == UnaryOperator::Not {
            let inner = self.condition(operand, scope)?;
            return Ok(Typed::new(Expression::Not(Box::new(inner)), Type::Boolean));
        }
        let inner = self.translate(operand, scope)?;
        if !inner.value_type.may_be_arithmetic() {
            return self.wrong_type(operand.span, "INTEGER, FLOAT or DURATION", &inner.value_type);
        }
        if operator == UnaryOperator::Plus {
            return Ok(inner);
        }
        let value_type = inner.value_type.clone();
        Ok(Typed::new(Expression::Negate(inner.boxed(), offset(span)), value_type))
    }
}

/// `[p]` lists of shortest paths are conditions of old: true if there is any.
fn is_pattern_list(expression: &ast::Expression) -> bool {
    matches!(expression.kind, ExpressionKind::Pattern(_))
}

fn literal_value(literal: &Literal) -> Typed {
    let (value, value_type) = match literal {
        Literal::Null => (Value::Null, Type::Null),
        Literal::Boolean(value) => (Value::Boolean(*value), Type::Boolean),
        Literal::Integer(value) => (Value::Integer(*value), Type::Integer),
        Literal::Float(value) => (Value::Float(*value), Type::Float),
        Literal::String(value) => (Value::String(Arc::clone(value)), Type::String),
    };
    Typed::new(Expression::Literal(value), value_type)
}
