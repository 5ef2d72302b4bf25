//! `IN`: a walk over short lists; over long ones that come again, a set.

use std::sync::{Arc, Mutex, PoisonError};

use bastide_model::Value;
use bastide_model::order::{self, Equivalent};
use bastide_status::Status;
use rustc_hash::FxHashSet;

use super::error::type_error;

/// Shorter lists are walked.
const SET_LENGTH_MIN: usize = 16;

/// What is remembered of the list met last.
#[derive(Debug, Default)]
pub(super) struct Membership(Mutex<Memory>);

#[derive(Debug, Default)]
enum Memory {
    #[default]
    Nothing,
    /// Met once; a set would not have paid yet.
    Met(Arc<[Value]>),
    /// Its items, if all of them are scalars that equal themselves.
    Set(Arc<[Value]>, Option<FxHashSet<Equivalent>>),
}

impl Membership {
    /// `item IN list`.
    pub(super) fn test(&self, item: &Value, list: &Value) -> Result<Value, Status> {
        let items = match list {
            Value::Null => return Ok(Value::Null),
            Value::List(items) => items,
            other => return Err(type_error("`IN`", "a list", other)),
        };
        if items.len() < SET_LENGTH_MIN || !is_plain(item) {
            return Ok(walk(item, items));
        }
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*memory {
            Memory::Set(kept, set) if Arc::ptr_eq(kept, items) => {
                return Ok(match set {
                    Some(set) => Value::Boolean(set.contains(&Equivalent(item.clone()))),
                    None => walk(item, items),
                });
            }
            Memory::Met(kept) if Arc::ptr_eq(kept, items) => {
                let set = items
                    .iter()
                    .all(is_plain)
                    .then(|| items.iter().cloned().map(Equivalent).collect());
                *memory = Memory::Set(Arc::clone(items), set);
            }
            _ => *memory = Memory::Met(Arc::clone(items)),
        }
        Ok(walk(item, items))
    }
}

/// Whether equality of the value with others of its like is never null, and the same as equivalence.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Boolean(_) | Value::Integer(_) | Value::String(_) => true,
        Value::Float(float) => !float.is_nan(),
        _ => false,
    }
}

fn walk(item: &Value, items: &[Value]) -> Value {
    let mut certain = true;
    for candidate in items {
        match order::equals(item, candidate) {
            Some(true) => return Value::Boolean(true),
            Some(false) => {}
            None => certain = false,
        }
    }
    if certain { Value::Boolean(false) } else { Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_answers_the_same_with_and_without_a_set() {
        let numbers = Value::from((0..100).map(Value::Integer).collect::<Vec<_>>());
        let with_null = Value::from((0..100).map(Value::Integer).chain([Value::Null]).collect::<Vec<_>>());
        for (item, of_numbers, of_null) in [
            (Value::Integer(7), "Boolean(true)", "Boolean(true)"),
            (Value::Float(7.0), "Boolean(true)", "Boolean(true)"),
            (Value::Integer(100), "Boolean(false)", "Null"),
            (Value::from("7"), "Boolean(false)", "Null"),
            (Value::Float(f64::NAN), "Boolean(false)", "Null"),
            (Value::Null, "Null", "Null"),
        ] {
            for (list, answer) in [(&numbers, of_numbers), (&with_null, of_null)] {
                let membership = Membership::default();
                for _ in 0..3 {
                    assert_eq!(
                        format!("{:?}", membership.test(&item, list).unwrap()),
                        answer,
                        "{item:?}"
                    );
                }
            }
        }
    }
}
