//! From expressions to steps: names resolved to pointers, constants folded.

use std::sync::Arc;

use bastide_model::{Map, Value};
use bastide_plan::Expression;
use bastide_plan::expression::{Offset, TextMatch};
use bastide_status::{Code, Status};

use super::context::position;
use super::labels::CompiledLabels;
use super::membership::Membership;
use super::pattern::Pattern;
use super::step::{Compiled, Step};
use super::value_type::ValueType;
use crate::functions;

/// Prepares an expression. `text` is the query text, for the places of errors; unknown functions and types, and constant
/// patterns that are no regular expressions, are errors.
pub fn compile(expression: &Expression, text: &str) -> Result<Compiled, Status> {
    Compiler { text }.step(expression).map(Compiled)
}

struct Compiler<'a> {
    text: &'a str,
}

impl Compiler<'_> {
    fn boxed(&self, expression: &Expression) -> Result<Box<Step>, Status> {
        self.step(expression).map(Box::new)
    }

    fn optional(&self, expression: Option<&Expression>) -> Result<Option<Box<Step>>, Status> {
        expression.map(|expression| self.boxed(expression)).transpose()
    }

    fn steps(&self, expressions: &[Expression]) -> Result<Vec<Step>, Status> {
        expressions.iter().map(|expression| self.step(expression)).collect()
    }

    fn entries(&self, entries: &[(Arc<str>, Expression)]) -> Result<Vec<(Arc<str>, Step)>, Status> {
        entries
            .iter()
            .map(|(key, expression)| Ok((Arc::clone(key), self.step(expression)?)))
            .collect()
    }

    fn step(&self, expression: &Expression) -> Result<Step, Status> {
        Ok(match expression {
            Expression::Literal(value) => Step::Literal(value.clone()),
            Expression::Parameter(name) => Step::Parameter(*name),
            Expression::Slot(slot) => Step::Slot(*slot),
            Expression::Property { subject, key, offset } => Step::Property {
                subject: self.boxed(subject)?,
                key: *key,
                offset: *offset,
            },
            Expression::Index {
                container,
                index,
                offset,
            } => Step::Index {
                container: self.boxed(container)?,
                index: self.boxed(index)?,
                offset: *offset,
            },
            Expression::Slice { list, from, to } => Step::Slice {
                list: self.boxed(list)?,
                from: self.optional(from.as_deref())?,
                to: self.optional(to.as_deref())?,
            },
            Expression::List(items) => constant_list(self.steps(items)?),
            Expression::Map(entries) => constant_map(self.entries(entries)?),
            Expression::MapProjection {
                subject,
                all_properties,
                items,
            } => Step::MapProjection {
                subject: self.boxed(subject)?,
                all_properties: *all_properties,
                items: self.entries(items)?,
            },
            Expression::Case {
                subject,
                arms,
                otherwise,
            } => Step::Case {
                subject: self.optional(subject.as_deref())?,
                arms: arms
                    .iter()
                    .map(|(when, then)| Ok((self.step(when)?, self.step(then)?)))
                    .collect::<Result<_, Status>>()?,
                otherwise: self.optional(otherwise.as_deref())?,
            },
            Expression::Function {
                name,
                arguments,
                offset,
            } => self.function(name, arguments, *offset)?,
            Expression::Path { start, steps } => Step::Path {
                start: *start,
                steps: steps.clone(),
            },
            Expression::Subquery { kind, plan } => Step::Subquery {
                kind: *kind,
                plan: Arc::new(plan.as_ref().clone()),
            },
            Expression::DistinctRelationships(slots) => Step::DistinctRelationships(slots.clone()),
            Expression::ListComprehension { .. } | Expression::Quantifier { .. } | Expression::Reduce { .. } => {
                self.walk(expression)?
            }
            _ => self.operator(expression)?,
        })
    }

    /// Operators and predicates.
    fn operator(&self, expression: &Expression) -> Result<Step, Status> {
        Ok(match expression {
            Expression::Not(inner) => Step::Not(self.boxed(inner)?),
            Expression::And(parts) => Step::And(self.steps(parts)?),
            Expression::Or(parts) => Step::Or(self.steps(parts)?),
            Expression::Xor(left, right) => Step::Xor(self.boxed(left)?, self.boxed(right)?),
            Expression::Compare { operator, left, right } => Step::Compare {
                operator: *operator,
                left: self.boxed(left)?,
                right: self.boxed(right)?,
            },
            Expression::Arithmetic {
                operator,
                left,
                right,
                offset,
            } => Step::Arithmetic {
                operator: *operator,
                left: self.boxed(left)?,
                right: self.boxed(right)?,
                offset: *offset,
            },
            Expression::Negate(inner, offset) => Step::Negate(self.boxed(inner)?, *offset),
            Expression::MatchText {
                operator: TextMatch::Regex,
                text,
                pattern,
            } => Step::Regex {
                text: self.boxed(text)?,
                pattern: Pattern::new(self.step(pattern)?)?,
            },
            Expression::MatchText {
                operator,
                text,
                pattern,
            } => Step::MatchText {
                operator: *operator,
                text: self.boxed(text)?,
                pattern: self.boxed(pattern)?,
            },
            Expression::In { item, list } => Step::In {
                item: self.boxed(item)?,
                list: self.boxed(list)?,
                membership: Membership::default(),
            },
            Expression::IsNull(inner) => Step::IsNull(self.boxed(inner)?),
            Expression::IsNotNull(inner) => Step::IsNotNull(self.boxed(inner)?),
            Expression::IsTyped {
                subject,
                value_type,
                negated,
            } => Step::IsTyped {
                subject: self.boxed(subject)?,
                value_type: ValueType::parse(value_type)?,
                negated: *negated,
            },
            Expression::HasLabels { subject, labels } => Step::HasLabels {
                subject: self.boxed(subject)?,
                labels: CompiledLabels::new(labels),
            },
            _ => {
                return Err(Status::new(
                    Code::UnknownError,
                    "an expression of an unknown kind cannot be evaluated",
                ));
            }
        })
    }

    /// Expressions that bind variables while they walk a list.
    fn walk(&self, expression: &Expression) -> Result<Step, Status> {
        Ok(match expression {
            Expression::ListComprehension {
                slot,
                list,
                filter,
                map,
            } => {
                let list = self.boxed(list)?;
                let filter = self.optional(filter.as_deref())?;
                let map = self.optional(map.as_deref())?;
                Step::ListComprehension {
                    slot: *slot,
                    list,
                    filter,
                    map,
                }
            }
            Expression::Quantifier {
                kind,
                slot,
                list,
                predicate,
            } => {
                let list = self.boxed(list)?;
                let predicate = self.boxed(predicate)?;
                Step::Quantifier {
                    kind: *kind,
                    slot: *slot,
                    list,
                    predicate,
                }
            }
            Expression::Reduce {
                accumulator,
                initial,
                slot,
                list,
                body,
            } => {
                let initial = self.boxed(initial)?;
                let list = self.boxed(list)?;
                let body = self.boxed(body)?;
                Step::Reduce {
                    accumulator: *accumulator,
                    initial,
                    slot: *slot,
                    list,
                    body,
                }
            }
            _ => Step::Literal(Value::Null),
        })
    }

    fn function(&self, name: &str, arguments: &[Expression], offset: Offset) -> Result<Step, Status> {
        let arguments = self.steps(arguments)?;
        if name == "coalesce" {
            return Ok(Step::Coalesce(arguments));
        }
        let function = functions::find(name).ok_or_else(|| {
            Status::new(Code::SyntaxError, format!("unknown function `{name}`"))
                .with_position(position(self.text, offset))
        })?;
        Ok(Step::Function {
            function,
            arguments,
            offset,
        })
    }
}

fn constant_list(items: Vec<Step>) -> Step {
    if !items.iter().all(|item| matches!(item, Step::Literal(_))) {
        return Step::List(items);
    }
    let values: Vec<Value> = items
        .into_iter()
        .map(|item| match item {
            Step::Literal(value) => value,
            _ => Value::Null,
        })
        .collect();
    Step::Literal(Value::from(values))
}

fn constant_map(entries: Vec<(Arc<str>, Step)>) -> Step {
    if !entries.iter().all(|(_, item)| matches!(item, Step::Literal(_))) {
        return Step::Map(entries);
    }
    let map: Map = entries
        .into_iter()
        .map(|(key, item)| match item {
            Step::Literal(value) => (key, value),
            _ => (key, Value::Null),
        })
        .collect();
    Step::Literal(Value::map(map))
}
