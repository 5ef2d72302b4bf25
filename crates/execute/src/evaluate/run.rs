//! The walk over a compiled expression: one `match` a step, the work in leaves beside it.

use std::sync::Arc;

use bastide_model::{Map, Value, order};
use bastide_plan::expression::{Comparison, Offset, TextMatch};
use bastide_status::{Code, Status};
use smallvec::SmallVec;

use super::arithmetic;
use super::context::EvaluationContext;
use super::error::type_error;
use super::limits::check_items;
use super::pattern::{self, Pattern};
use super::scope::Scope;
use super::step::{Compiled, Step};
use super::{path, property, walk};
use crate::functions::Function;

/// The value of an expression for one row.
pub fn evaluate(
    expression: &Compiled,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    step(&expression.0, scope, context)
}

/// The truth of a predicate for one row; `None` stands for null. Any other value than a boolean is an error.
pub fn evaluate_predicate(
    expression: &Compiled,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Option<bool>, Status> {
    truth(&expression.0, scope, context)
}

pub(super) fn step(step: &Step, scope: &mut Scope<'_>, context: &EvaluationContext<'_>) -> Result<Value, Status> {
    match step {
        Step::Literal(value) => Ok(value.clone()),
        Step::Parameter(name) => Ok(context.parameter(*name)),
        Step::Slot(slot) => Ok(scope.value(*slot)),
        Step::Property { subject, key, offset } => {
            let subject = self::step(subject, scope, context)?;
            property::property(&subject, *key, *offset, context)
        }
        Step::Index {
            container,
            index,
            offset,
        } => {
            let container = self::step(container, scope, context)?;
            let index = self::step(index, scope, context)?;
            property::index(&container, &index, context).map_err(|status| context.at(status, *offset))
        }
        Step::Slice { list, from, to } => slice(list, from.as_deref(), to.as_deref(), scope, context),
        Step::List(items) => list(items, scope, context),
        Step::Map(entries) => map(entries, scope, context),
        Step::MapProjection {
            subject,
            all_properties,
            items,
        } => {
            let subject = self::step(subject, scope, context)?;
            project(&subject, *all_properties, items, scope, context)
        }
        Step::Not(_) | Step::And(_) | Step::Or(_) | Step::Xor(..) | Step::Compare { .. } => {
            Ok(logic(step, scope, context)?.map_or(Value::Null, Value::Boolean))
        }
        Step::Arithmetic {
            operator,
            left,
            right,
            offset,
        } => {
            let left = self::step(left, scope, context)?;
            let right = self::step(right, scope, context)?;
            arithmetic::apply(*operator, left, right).map_err(|status| context.at(status, *offset))
        }
        Step::Negate(inner, offset) => {
            let value = self::step(inner, scope, context)?;
            arithmetic::negate(&value).map_err(|status| context.at(status, *offset))
        }
        Step::MatchText {
            operator,
            text,
            pattern,
        } => {
            let text = self::step(text, scope, context)?;
            let pattern = self::step(pattern, scope, context)?;
            Ok(match_text(*operator, &text, &pattern))
        }
        Step::Regex { text, pattern } => regex(text, pattern, scope, context),
        Step::In { item, list, membership } => {
            let item = self::step(item, scope, context)?;
            let list = self::step(list, scope, context)?;
            membership.test(&item, &list)
        }
        Step::IsNull(inner) => Ok(Value::Boolean(self::step(inner, scope, context)?.is_null())),
        Step::IsNotNull(inner) => Ok(Value::Boolean(!self::step(inner, scope, context)?.is_null())),
        Step::IsTyped {
            subject,
            value_type,
            negated,
        } => {
            let value = self::step(subject, scope, context)?;
            Ok(Value::Boolean(value_type.holds(&value) != *negated))
        }
        Step::HasLabels { subject, labels } => {
            let subject = self::step(subject, scope, context)?;
            labels.test(&subject, context)
        }
        Step::Case {
            subject,
            arms,
            otherwise,
        } => case(subject.as_deref(), arms, otherwise.as_deref(), scope, context),
        Step::Coalesce(arguments) => coalesce(arguments, scope, context),
        Step::Function {
            function,
            arguments,
            offset,
        } => call(function, arguments, *offset, scope, context),
        Step::ListComprehension {
            slot,
            list,
            filter,
            map,
        } => walk::comprehension(*slot, list, filter.as_deref(), map.as_deref(), scope, context),
        Step::Quantifier {
            kind,
            slot,
            list,
            predicate,
        } => walk::quantifier(*kind, *slot, list, predicate, scope, context),
        Step::Reduce {
            accumulator,
            initial,
            slot,
            list,
            body,
        } => {
            let initial = self::step(initial, scope, context)?;
            walk::reduce((*accumulator, initial), *slot, list, body, scope, context)
        }
        Step::Path { start, steps } => path::path(*start, steps, scope, context),
        Step::Subquery { kind, plan } => context.subqueries.run(*kind, plan, scope, context),
        Step::DistinctRelationships(slots) => Ok(Value::Boolean(path::distinct_relationships(slots, scope))),
    }
}

/// The truth of a step; predicates do not take the way over [`Value`].
pub(super) fn truth(
    predicate: &Step,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Option<bool>, Status> {
    match predicate {
        Step::Not(_) | Step::And(_) | Step::Or(_) | Step::Xor(..) | Step::Compare { .. } => {
            logic(predicate, scope, context)
        }
        other => match step(other, scope, context)? {
            Value::Boolean(truth) => Ok(Some(truth)),
            Value::Null => Ok(None),
            value => Err(type_error("a predicate", "a boolean", &value)),
        },
    }
}

fn logic(predicate: &Step, scope: &mut Scope<'_>, context: &EvaluationContext<'_>) -> Result<Option<bool>, Status> {
    match predicate {
        Step::Not(inner) => Ok(truth(inner, scope, context)?.map(|truth| !truth)),
        Step::And(parts) => {
            let mut certain = true;
            for part in parts {
                match truth(part, scope, context)? {
                    Some(false) => return Ok(Some(false)),
                    Some(true) => {}
                    None => certain = false,
                }
            }
            Ok(certain.then_some(true))
        }
        Step::Or(parts) => {
            let mut certain = true;
            for part in parts {
                match truth(part, scope, context)? {
                    Some(true) => return Ok(Some(true)),
                    Some(false) => {}
                    None => certain = false,
                }
            }
            Ok(certain.then_some(false))
        }
        Step::Xor(left, right) => {
            let left = truth(left, scope, context)?;
            let right = truth(right, scope, context)?;
            Ok(left.zip(right).map(|(left, right)| left != right))
        }
        Step::Compare { operator, left, right } => {
            let left = step(left, scope, context)?;
            let right = step(right, scope, context)?;
            Ok(compare(*operator, &left, &right))
        }
        other => truth(other, scope, context),
    }
}

/// A comparison under three-valued logic.
pub(crate) fn compare(operator: Comparison, left: &Value, right: &Value) -> Option<bool> {
    let ordered = |holds: fn(std::cmp::Ordering) -> bool| match order::compare(left, right) {
        Some(order) => Some(holds(order)),
        // A number that is not a number is neither less nor greater than any; it is no unknown.
        None if is_number(left) && is_number(right) => Some(false),
        None => None,
    };
    match operator {
        Comparison::Equal => order::equals(left, right),
        Comparison::NotEqual => order::equals(left, right).map(|equal| !equal),
        Comparison::Less => ordered(std::cmp::Ordering::is_lt),
        Comparison::LessOrEqual => ordered(std::cmp::Ordering::is_le),
        Comparison::Greater => ordered(std::cmp::Ordering::is_gt),
        Comparison::GreaterOrEqual => ordered(std::cmp::Ordering::is_ge),
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Integer(_) | Value::Float(_))
}

#[inline(never)]
fn list(items: &[Step], scope: &mut Scope<'_>, context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let values = items
        .iter()
        .map(|item| step(item, scope, context))
        .collect::<Result<Vec<_>, _>>()?;
    check_items(&values)?;
    Ok(Value::from(values))
}

#[inline(never)]
fn map(entries: &[(Arc<str>, Step)], scope: &mut Scope<'_>, context: &EvaluationContext<'_>) -> Result<Value, Status> {
    let mut map = Map::with_capacity(entries.len());
    for (key, item) in entries {
        map.insert(Arc::clone(key), step(item, scope, context)?);
    }
    check_items(map.values())?;
    Ok(Value::map(map))
}

#[inline(never)]
fn project(
    subject: &Value,
    all_properties: bool,
    items: &[(Arc<str>, Step)],
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    if subject.is_null() {
        return Ok(Value::Null);
    }
    let mut map = if all_properties {
        property::properties(subject, context)?
    } else {
        Map::with_capacity(items.len())
    };
    for (key, item) in items {
        map.insert(Arc::clone(key), step(item, scope, context)?);
    }
    check_items(map.values())?;
    Ok(Value::map(map))
}

#[inline(never)]
fn slice(
    list: &Step,
    from: Option<&Step>,
    to: Option<&Step>,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    let list = step(list, scope, context)?;
    let mut bound = |bound: Option<&Step>| bound.map(|bound| step(bound, scope, context)).transpose();
    let from = bound(from)?;
    let to = bound(to)?;
    property::slice(&list, from.as_ref(), to.as_ref())
}

fn match_text(operator: TextMatch, text: &Value, pattern: &Value) -> Value {
    match (text, pattern) {
        (Value::String(text), Value::String(pattern)) => Value::Boolean(match operator {
            TextMatch::StartsWith => text.starts_with(pattern.as_ref()),
            TextMatch::EndsWith => text.ends_with(pattern.as_ref()),
            TextMatch::Contains | TextMatch::Regex => text.contains(pattern.as_ref()),
        }),
        _ => Value::Null,
    }
}

#[inline(never)]
fn regex(
    text: &Step,
    pattern: &Pattern,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    let text = step(text, scope, context)?;
    match pattern {
        Pattern::Constant(regex) => Ok(match &text {
            Value::String(text) => Value::Boolean(regex.is_match(text)),
            _ => Value::Null,
        }),
        Pattern::Dynamic { pattern, last } => match (&text, step(pattern, scope, context)?) {
            (Value::String(text), Value::String(pattern)) => pattern::matches(last, &pattern, text).map(Value::Boolean),
            (_, Value::Null | Value::String(_)) => Ok(Value::Null),
            (_, other) => Err(type_error("`=~`", "a string", &other)),
        },
    }
}

#[inline(never)]
fn case(
    subject: Option<&Step>,
    arms: &[(Step, Step)],
    otherwise: Option<&Step>,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    let subject = subject.map(|subject| step(subject, scope, context)).transpose()?;
    for (when, then) in arms {
        let taken = match &subject {
            Some(subject) => order::equals(subject, &step(when, scope, context)?) == Some(true),
            None => truth(when, scope, context)? == Some(true),
        };
        if taken {
            return step(then, scope, context);
        }
    }
    otherwise.map_or(Ok(Value::Null), |otherwise| step(otherwise, scope, context))
}

#[inline(never)]
fn coalesce(arguments: &[Step], scope: &mut Scope<'_>, context: &EvaluationContext<'_>) -> Result<Value, Status> {
    for argument in arguments {
        let value = step(argument, scope, context)?;
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(Value::Null)
}

#[inline(never)]
fn call(
    function: &Function,
    arguments: &[Step],
    offset: Offset,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    let mut values: SmallVec<[Value; 3]> = SmallVec::new();
    for argument in arguments {
        values.push(step(argument, scope, context)?);
    }
    if !function.takes_null && values.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    (function.run)(&values, context).map_err(|status| match status.code() {
        Code::EntityNotFound => status,
        _ => context.at(status, offset),
    })
}
