//! Expressions that walk a list: comprehensions, quantifiers and `reduce`.

use bastide_model::Value;
use bastide_plan::expression::{Quantifier, Slot};
use bastide_status::Status;
use std::sync::Arc;

use super::context::EvaluationContext;
use super::error::type_error;
use super::run::{step, truth};
use super::scope::Scope;
use super::step::Step;

/// Items between two questions whether to stop.
const CANCELLATION_INTERVAL: usize = 1024;

fn items(list: &Step, scope: &mut Scope<'_>, context: &EvaluationContext<'_>) -> Result<Option<Arc<[Value]>>, Status> {
    match step(list, scope, context)? {
        Value::Null => Ok(None),
        Value::List(items) => Ok(Some(items)),
        other => Err(type_error("walking a list", "a list", &other)),
    }
}

/// Runs `body` for each item, bound to `slot`, until it answers a value.
fn each<T>(
    items: &[Value],
    slot: Slot,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
    mut body: impl FnMut(&mut Scope<'_>, &Value) -> Result<Option<T>, Status>,
) -> Result<Option<T>, Status> {
    scope.bind(slot, Value::Null);
    let mut found = Ok(None);
    for (place, item) in items.iter().enumerate() {
        if place % CANCELLATION_INTERVAL == CANCELLATION_INTERVAL - 1
            && let Err(status) = context.cancellation.check()
        {
            found = Err(status);
            break;
        }
        scope.rebind(slot, item.clone());
        found = body(scope, item);
        if !matches!(found, Ok(None)) {
            break;
        }
    }
    scope.unbind();
    found
}

#[inline(never)]
pub(super) fn comprehension(
    slot: Slot,
    list: &Step,
    filter: Option<&Step>,
    map: Option<&Step>,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    let Some(items) = items(list, scope, context)? else {
        return Ok(Value::Null);
    };
    let mut answer = Vec::with_capacity(if filter.is_none() { items.len() } else { 0 });
    each(&items, slot, scope, context, |scope, item| {
        if let Some(filter) = filter
            && truth(filter, scope, context)? != Some(true)
        {
            return Ok(None::<()>);
        }
        answer.push(match map {
            Some(map) => step(map, scope, context)?,
            None => item.clone(),
        });
        Ok(None)
    })?;
    Ok(Value::from(answer))
}

#[inline(never)]
pub(super) fn quantifier(
    kind: Quantifier,
    slot: Slot,
    list: &Step,
    predicate: &Step,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    let Some(items) = items(list, scope, context)? else {
        return Ok(Value::Null);
    };
    let mut holding = 0usize;
    let mut unknown = false;
    let decided = each(&items, slot, scope, context, |scope, _| {
        match (kind, truth(predicate, scope, context)?) {
            (_, None) => unknown = true,
            (Quantifier::All, Some(false)) | (Quantifier::None, Some(true)) => return Ok(Some(false)),
            (Quantifier::Any, Some(true)) => return Ok(Some(true)),
            (Quantifier::Single, Some(true)) => {
                holding += 1;
                if holding > 1 {
                    return Ok(Some(false));
                }
            }
            _ => {}
        }
        Ok(None)
    })?;
    Ok(match decided {
        Some(truth) => Value::Boolean(truth),
        None if unknown => Value::Null,
        None => Value::Boolean(match kind {
            Quantifier::All | Quantifier::None => true,
            Quantifier::Any => false,
            Quantifier::Single => holding == 1,
        }),
    })
}

#[inline(never)]
pub(super) fn reduce(
    (accumulator, initial): (Slot, Value),
    slot: Slot,
    list: &Step,
    body: &Step,
    scope: &mut Scope<'_>,
    context: &EvaluationContext<'_>,
) -> Result<Value, Status> {
    let Some(items) = items(list, scope, context)? else {
        return Ok(Value::Null);
    };
    scope.bind(accumulator, initial);
    let walked = each(&items, slot, scope, context, |scope, _| {
        let next = step(body, scope, context)?;
        scope.rebind(accumulator, next);
        Ok(None::<()>)
    });
    let answer = scope.value(accumulator);
    scope.unbind();
    walked.map(|_| answer)
}
