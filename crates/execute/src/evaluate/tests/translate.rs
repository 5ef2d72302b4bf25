//! From syntax to resolved expressions without the planner, for tests: only what needs no graph pattern.

use std::sync::Arc;

use bastide_cypher::ast::{self, ExpressionKind as Kind, LabelExpression, LabelExpressionKind};
use bastide_model::Value;
use bastide_plan::Expression;
use bastide_plan::expression::{Arithmetic, Comparison, KeyName, Labels, Offset, Quantifier, Slot, TextMatch};

/// Names of columns and local variables by slot, and property keys by number. Fails with the name of what it cannot do.
#[derive(Default)]
pub(crate) struct Translator {
    pub(crate) variables: Vec<(String, Slot)>,
    pub(crate) slots: u32,
    pub(crate) keys: Vec<Arc<str>>,
}

type Translated = Result<Expression, String>;

impl Translator {
    pub(crate) fn bind(&mut self, name: &str) -> Slot {
        let slot = Slot(self.slots);
        self.slots += 1;
        self.variables.push((name.to_owned(), slot));
        slot
    }

    pub(crate) fn key(&mut self, name: &str) -> KeyName {
        let place = self
            .keys
            .iter()
            .position(|key| key.as_ref() == name)
            .unwrap_or_else(|| {
                self.keys.push(name.into());
                self.keys.len() - 1
            });
        KeyName(u32::try_from(place).unwrap())
    }

    fn boxed(&mut self, expression: &ast::Expression) -> Result<Box<Expression>, String> {
        self.expression(expression).map(Box::new)
    }

    fn optional(&mut self, expression: Option<&ast::Expression>) -> Result<Option<Box<Expression>>, String> {
        expression.map(|expression| self.boxed(expression)).transpose()
    }

    fn all(&mut self, expressions: &[ast::Expression]) -> Result<Vec<Expression>, String> {
        expressions
            .iter()
            .map(|expression| self.expression(expression))
            .collect()
    }

    pub(crate) fn expression(&mut self, expression: &ast::Expression) -> Translated {
        let offset = Offset(expression.span.start);
        Ok(match &expression.kind {
            Kind::Literal(literal) => Expression::Literal(match literal {
                ast::Literal::Null => Value::Null,
                ast::Literal::Boolean(boolean) => Value::Boolean(*boolean),
                ast::Literal::Integer(integer) => Value::Integer(*integer),
                ast::Literal::Float(float) => Value::Float(*float),
                ast::Literal::String(text) => Value::String(Arc::clone(text)),
            }),
            Kind::Variable(name) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name.as_str());
                Expression::Slot(found.ok_or_else(|| format!("variable {}", name.as_str()))?.1)
            }
            Kind::Property { base, key } => Expression::Property {
                subject: self.boxed(base)?,
                key: self.key(key.as_str()),
                offset,
            },
            Kind::Index { base, index } => Expression::Index {
                container: self.boxed(base)?,
                index: self.boxed(index)?,
                offset,
            },
            Kind::Slice { base, from, to } => Expression::Slice {
                list: self.boxed(base)?,
                from: self.optional(from.as_deref())?,
                to: self.optional(to.as_deref())?,
            },
            Kind::List(items) => Expression::List(self.all(items)?),
            Kind::Map(entries) => Expression::Map(
                entries
                    .iter()
                    .map(|entry| Ok((Arc::clone(&entry.key.text), self.expression(&entry.value)?)))
                    .collect::<Result<_, String>>()?,
            ),
            Kind::MapProjection { variable, items } => self.map_projection(variable, items, offset)?,
            Kind::ListComprehension(inner) => {
                let list = self.boxed(&inner.list)?;
                let slot = self.bind(inner.variable.as_str());
                let filter = self.optional(inner.predicate.as_ref())?;
                let map = self.optional(inner.result.as_ref())?;
                self.variables.pop();
                Expression::ListComprehension {
                    slot,
                    list,
                    filter,
                    map,
                }
            }
            Kind::Quantifier(inner) => {
                let list = self.boxed(&inner.list)?;
                let slot = self.bind(inner.variable.as_str());
                let predicate = self.boxed(inner.predicate.as_ref().ok_or("quantifier without WHERE")?)?;
                self.variables.pop();
                Expression::Quantifier {
                    kind: match inner.kind {
                        ast::QuantifierKind::All => Quantifier::All,
                        ast::QuantifierKind::Any => Quantifier::Any,
                        ast::QuantifierKind::None => Quantifier::None,
                        ast::QuantifierKind::Single => Quantifier::Single,
                    },
                    slot,
                    list,
                    predicate,
                }
            }
            Kind::Reduce(inner) => {
                let initial = self.boxed(&inner.initial)?;
                let list = self.boxed(&inner.list)?;
                let accumulator = self.bind(inner.accumulator.as_str());
                let slot = self.bind(inner.variable.as_str());
                let body = self.boxed(&inner.step)?;
                self.variables.truncate(self.variables.len() - 2);
                Expression::Reduce {
                    accumulator,
                    initial,
                    slot,
                    list,
                    body,
                }
            }
            Kind::Case(case) => self.case(case)?,
            Kind::Function(call) => {
                let name = call.full_name();
                let known = bastide_functions(&name)?;
                Expression::Function {
                    name: known.into(),
                    arguments: self.all(&call.arguments)?,
                    offset,
                }
            }
            _ => self.operator(expression)?,
        })
    }

    fn map_projection(&mut self, variable: &ast::Name, items: &[ast::MapProjectionItem], offset: Offset) -> Translated {
        let variable = ast::Expression::new(Kind::Variable(variable.clone()), variable.span);
        let mut all_properties = false;
        let mut entries = Vec::new();
        for item in items {
            match item {
                ast::MapProjectionItem::AllProperties => all_properties = true,
                ast::MapProjectionItem::Property(key) => {
                    let subject = self.boxed(&variable)?;
                    let property = Expression::Property {
                        subject,
                        key: self.key(key.as_str()),
                        offset,
                    };
                    entries.push((Arc::clone(&key.text), property));
                }
                ast::MapProjectionItem::Entry(entry) => {
                    entries.push((Arc::clone(&entry.key.text), self.expression(&entry.value)?));
                }
                ast::MapProjectionItem::Variable(name) => {
                    let value = ast::Expression::new(Kind::Variable(name.clone()), name.span);
                    entries.push((Arc::clone(&name.text), self.expression(&value)?));
                }
            }
        }
        Ok(Expression::MapProjection {
            subject: self.boxed(&variable)?,
            all_properties,
            items: entries,
        })
    }

    fn case(&mut self, case: &ast::Case) -> Translated {
        let mut arms = Vec::new();
        for branch in &case.branches {
            for when in &branch.when {
                arms.push((self.expression(when)?, self.expression(&branch.then)?));
            }
        }
        Ok(Expression::Case {
            subject: self.optional(case.subject.as_ref())?,
            arms,
            otherwise: self.optional(case.otherwise.as_ref())?,
        })
    }

    fn operator(&mut self, expression: &ast::Expression) -> Translated {
        let offset = Offset(expression.span.start);
        Ok(match &expression.kind {
            Kind::Unary { operator, operand } => {
                let operand = self.boxed(operand)?;
                match operator {
                    ast::UnaryOperator::Not => Expression::Not(operand),
                    ast::UnaryOperator::Plus => *operand,
                    ast::UnaryOperator::Minus => Expression::Negate(operand, offset),
                }
            }
            Kind::Binary { operator, left, right } => {
                let (left, right) = (self.boxed(left)?, self.boxed(right)?);
                binary(*operator, left, right, offset)
            }
            Kind::And(parts) => Expression::And(self.all(parts)?),
            Kind::Or(parts) => Expression::Or(self.all(parts)?),
            Kind::Xor(parts) => self
                .all(parts)?
                .into_iter()
                .reduce(|left, right| Expression::Xor(Box::new(left), Box::new(right)))
                .ok_or("empty XOR")?,
            Kind::Comparison { first, rest } => {
                let mut left = first.as_ref();
                let mut parts = Vec::new();
                for (operator, right) in rest {
                    parts.push(Expression::Compare {
                        operator: comparison(*operator),
                        left: self.boxed(left)?,
                        right: self.boxed(right)?,
                    });
                    left = right;
                }
                if parts.len() == 1 {
                    parts.remove(0)
                } else {
                    Expression::And(parts)
                }
            }
            Kind::IsNull {
                operand,
                negated: false,
            } => Expression::IsNull(self.boxed(operand)?),
            Kind::IsNull { operand, negated: true } => Expression::IsNotNull(self.boxed(operand)?),
            Kind::HasLabels { operand, labels } => Expression::HasLabels {
                subject: self.boxed(operand)?,
                labels: label_expression(labels),
            },
            other => return Err(format!("{other:?}").chars().take(30).collect()),
        })
    }
}

fn bastide_functions(name: &str) -> Result<String, String> {
    let name = name.to_lowercase();
    let canonical = match name.as_str() {
        "rels" => "relationships",
        "ceiling" => "ceil",
        "ln" => "log",
        "lower" => "tolower",
        "upper" => "toupper",
        "distance" => "point.distance",
        "character_length" => "char_length",
        other => other,
    };
    if crate::aggregate::AggregateFunction::from_name(canonical).is_some() {
        return Err(format!("aggregate {canonical}"));
    }
    Ok(canonical.to_owned())
}

fn binary(operator: ast::BinaryOperator, left: Box<Expression>, right: Box<Expression>, offset: Offset) -> Expression {
    use ast::BinaryOperator as Operator;
    let arithmetic = |operator, left, right| Expression::Arithmetic {
        operator,
        left,
        right,
        offset,
    };
    let text = |operator, text, pattern| Expression::MatchText {
        operator,
        text,
        pattern,
    };
    match operator {
        Operator::Add => arithmetic(Arithmetic::Add, left, right),
        Operator::Subtract => arithmetic(Arithmetic::Subtract, left, right),
        Operator::Multiply => arithmetic(Arithmetic::Multiply, left, right),
        Operator::Divide => arithmetic(Arithmetic::Divide, left, right),
        Operator::Modulo => arithmetic(Arithmetic::Modulo, left, right),
        Operator::Power => arithmetic(Arithmetic::Power, left, right),
        Operator::Concatenate => arithmetic(Arithmetic::Concatenate, left, right),
        Operator::RegularExpression => text(TextMatch::Regex, left, right),
        Operator::StartsWith => text(TextMatch::StartsWith, left, right),
        Operator::EndsWith => text(TextMatch::EndsWith, left, right),
        Operator::Contains => text(TextMatch::Contains, left, right),
        Operator::In => Expression::In {
            item: left,
            list: right,
        },
    }
}

fn comparison(operator: ast::ComparisonOperator) -> Comparison {
    match operator {
        ast::ComparisonOperator::Equal => Comparison::Equal,
        ast::ComparisonOperator::NotEqual => Comparison::NotEqual,
        ast::ComparisonOperator::Less => Comparison::Less,
        ast::ComparisonOperator::LessOrEqual => Comparison::LessOrEqual,
        ast::ComparisonOperator::Greater => Comparison::Greater,
        ast::ComparisonOperator::GreaterOrEqual => Comparison::GreaterOrEqual,
    }
}

fn label_expression(labels: &LabelExpression) -> Labels {
    match &labels.kind {
        LabelExpressionKind::Label(name) => Labels::Name(Arc::clone(&name.text)),
        LabelExpressionKind::Wildcard => Labels::Any,
        LabelExpressionKind::Not(inner) => Labels::Not(Box::new(label_expression(inner))),
        LabelExpressionKind::And(parts) => Labels::And(parts.iter().map(label_expression).collect()),
        LabelExpressionKind::Or(parts) => Labels::Or(parts.iter().map(label_expression).collect()),
    }
}
