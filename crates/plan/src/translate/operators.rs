//! Operators with two sides, comparisons, labels and types.

use std::sync::Arc;

use bastide_cypher::ast::{
    self, BinaryOperator, ComparisonOperator, LabelExpression, LabelExpressionKind, Span, ValueType, ValueTypeKind,
};

use super::Typed;
use crate::expression::{Arithmetic, Comparison, Expression, Labels, TextMatch};
use crate::fault::Result;
use crate::planner::{Planner, offset};
use crate::scope::Scope;
use crate::types::Type;

impl Planner<'_> {
    pub(super) fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &ast::Expression,
        right: &ast::Expression,
        span: Span,
        scope: &Scope,
    ) -> Result<Typed> {
        let text = |operator| BinaryForm::Text(operator);
        let form = match operator {
            BinaryOperator::Add => BinaryForm::Arithmetic(Arithmetic::Add),
            BinaryOperator::Subtract => BinaryForm::Arithmetic(Arithmetic::Subtract),
            BinaryOperator::Multiply => BinaryForm::Arithmetic(Arithmetic::Multiply),
            BinaryOperator::Divide => BinaryForm::Arithmetic(Arithmetic::Divide),
            BinaryOperator::Modulo => BinaryForm::Arithmetic(Arithmetic::Modulo),
            BinaryOperator::Power => BinaryForm::Arithmetic(Arithmetic::Power),
            BinaryOperator::Concatenate => BinaryForm::Arithmetic(Arithmetic::Concatenate),
            BinaryOperator::RegularExpression => text(TextMatch::Regex),
            BinaryOperator::StartsWith => text(TextMatch::StartsWith),
            BinaryOperator::EndsWith => text(TextMatch::EndsWith),
            BinaryOperator::Contains => text(TextMatch::Contains),
            BinaryOperator::In => BinaryForm::In,
        };
        let left_typed = self.translate(left, scope)?;
        let right_typed = self.translate(right, scope)?;
        match form {
            BinaryForm::In => {
                if !right_typed.value_type.may_be_list() {
                    return self.wrong_type(right.span, "LIST<ANY>", &right_typed.value_type);
                }
                let expression = Expression::In {
                    item: left_typed.boxed(),
                    list: right_typed.boxed(),
                };
                Ok(Typed::new(expression, Type::Boolean))
            }
            BinaryForm::Text(operator) => {
                let expression = Expression::MatchText {
                    operator,
                    text: left_typed.boxed(),
                    pattern: right_typed.boxed(),
                };
                Ok(Typed::new(expression, Type::Boolean))
            }
            BinaryForm::Arithmetic(operator) => {
                for (side, typed) in [(left, &left_typed), (right, &right_typed)] {
                    self.check_arithmetic(operator, side.span, &typed.value_type)?;
                }
                let value_type = arithmetic_type(operator, &left_typed.value_type, &right_typed.value_type);
                let expression = Expression::Arithmetic {
                    operator,
                    left: left_typed.boxed(),
                    right: right_typed.boxed(),
                    offset: offset(span),
                };
                Ok(Typed::new(expression, value_type))
            }
        }
    }

    fn check_arithmetic(&self, operator: Arithmetic, span: Span, given: &Type) -> Result<()> {
        let fits = match operator {
            Arithmetic::Add | Arithmetic::Concatenate => true,
            _ => given.may_be_arithmetic(),
        };
        if fits {
            return Ok(());
        }
        self.wrong_type(span, "INTEGER, FLOAT or DURATION", given)
    }

    pub(super) fn comparison(
        &mut self,
        first: &ast::Expression,
        rest: &[(ComparisonOperator, ast::Expression)],
        scope: &Scope,
    ) -> Result<Typed> {
        let mut left = self.translate(first, scope)?.expression;
        let mut parts = Vec::with_capacity(rest.len());
        for (operator, right) in rest {
            let right = self.translate(right, scope)?.expression;
            parts.push(Expression::Compare {
                operator: comparison_operator(*operator),
                left: Box::new(left),
                right: Box::new(right.clone()),
            });
            left = right;
        }
        let expression = match parts.len() {
            1 => parts.swap_remove(0),
            _ => Expression::And(parts),
        };
        Ok(Typed::new(expression, Type::Boolean))
    }

    pub(super) fn has_labels(
        &mut self,
        operand: &ast::Expression,
        labels: &LabelExpression,
        scope: &Scope,
    ) -> Result<Typed> {
        let subject = self.translate(operand, scope)?;
        if !subject.value_type.may_be_node() && !subject.value_type.may_be_relationship() {
            return self.wrong_type(operand.span, "NODE or RELATIONSHIP", &subject.value_type);
        }
        let expression = Expression::HasLabels {
            subject: subject.boxed(),
            labels: label_condition(labels),
        };
        Ok(Typed::new(expression, Type::Boolean))
    }
}

enum BinaryForm {
    Arithmetic(Arithmetic),
    Text(TextMatch),
    In,
}

fn arithmetic_type(operator: Arithmetic, left: &Type, right: &Type) -> Type {
    match (operator, left, right) {
        (Arithmetic::Add, Type::List(left), Type::List(right)) => Type::list((**left).clone().join((**right).clone())),
        (Arithmetic::Add, Type::List(item), other) | (Arithmetic::Add, other, Type::List(item)) => {
            if other.is_open() {
                Type::Any
            } else {
                Type::list((**item).clone().join(other.clone()))
            }
        }
        (Arithmetic::Power, ..) => Type::Float,
        (_, Type::Integer, Type::Integer) => Type::Integer,
        (_, Type::Integer | Type::Float | Type::Number, Type::Integer | Type::Float | Type::Number) => {
            if *left == Type::Float || *right == Type::Float {
                Type::Float
            } else {
                Type::Number
            }
        }
        (Arithmetic::Add, Type::String, Type::String) => Type::String,
        _ => Type::Any,
    }
}

pub(crate) fn comparison_operator(operator: ComparisonOperator) -> Comparison {
    match operator {
        ComparisonOperator::Equal => Comparison::Equal,
        ComparisonOperator::NotEqual => Comparison::NotEqual,
        ComparisonOperator::Less => Comparison::Less,
        ComparisonOperator::LessOrEqual => Comparison::LessOrEqual,
        ComparisonOperator::Greater => Comparison::Greater,
        ComparisonOperator::GreaterOrEqual => Comparison::GreaterOrEqual,
    }
}

pub(crate) fn label_condition(labels: &LabelExpression) -> Labels {
    match &labels.kind {
        LabelExpressionKind::Label(name) => Labels::Name(Arc::clone(&name.text)),
        LabelExpressionKind::Wildcard => Labels::Any,
        LabelExpressionKind::Not(inner) => Labels::Not(Box::new(label_condition(inner))),
        LabelExpressionKind::And(parts) => Labels::And(parts.iter().map(label_condition).collect()),
        LabelExpressionKind::Or(parts) => Labels::Or(parts.iter().map(label_condition).collect()),
    }
}

/// A type in its normalised text form, such as `LIST<INTEGER NOT NULL> NOT NULL`.
pub(super) fn type_text(value_type: &ValueType) -> String {
    let name = match &value_type.kind {
        ValueTypeKind::Nothing => "NOTHING".to_owned(),
        ValueTypeKind::Null => "NULL".to_owned(),
        ValueTypeKind::Any => "ANY".to_owned(),
        ValueTypeKind::Boolean => "BOOLEAN".to_owned(),
        ValueTypeKind::String => "STRING".to_owned(),
        ValueTypeKind::Integer => "INTEGER".to_owned(),
        ValueTypeKind::Float => "FLOAT".to_owned(),
        ValueTypeKind::Date => "DATE".to_owned(),
        ValueTypeKind::LocalTime => "LOCAL TIME".to_owned(),
        ValueTypeKind::ZonedTime => "ZONED TIME".to_owned(),
        ValueTypeKind::LocalDateTime => "LOCAL DATETIME".to_owned(),
        ValueTypeKind::ZonedDateTime => "ZONED DATETIME".to_owned(),
        ValueTypeKind::Duration => "DURATION".to_owned(),
        ValueTypeKind::Point => "POINT".to_owned(),
        ValueTypeKind::Node => "NODE".to_owned(),
        ValueTypeKind::Relationship => "RELATIONSHIP".to_owned(),
        ValueTypeKind::Map => "MAP".to_owned(),
        ValueTypeKind::Path => "PATH".to_owned(),
        ValueTypeKind::PropertyValue => "PROPERTY VALUE".to_owned(),
        ValueTypeKind::List(item) => format!("LIST<{}>", type_text(item)),
        ValueTypeKind::Union(parts) => parts.iter().map(type_text).collect::<Vec<_>>().join(" | "),
    };
    if value_type.not_null && !matches!(value_type.kind, ValueTypeKind::Union(_)) {
        format!("{name} NOT NULL")
    } else {
        name
    }
}
