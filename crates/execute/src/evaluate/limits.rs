//! How large a value an expression may make.

use bastide_model::Value;
use bastide_status::Status;

use super::error::too_large;

/// The longest text an expression may make, in bytes.
pub(crate) const TEXT_LENGTH_MAX: usize = 256 << 20;
/// The longest list an expression may make, in items, those of lists and maps within it included.
pub(crate) const LIST_LENGTH_MAX: usize = 32 << 20;

/// Refuses lists that hold too much. Values are shared, so that `[a, a]` said forty times over costs nothing to build and
/// everything to send.
pub(super) fn check_items<'a>(items: impl IntoIterator<Item = &'a Value>) -> Result<(), Status> {
    let mut left = LIST_LENGTH_MAX;
    let fits = items
        .into_iter()
        .filter(|item| matches!(item, Value::List(_) | Value::Map(_)))
        .all(|item| take(item, &mut left));
    if fits {
        Ok(())
    } else {
        Err(too_large("the list or map", LIST_LENGTH_MAX, "items"))
    }
}

/// Takes the items of a value off what is left; false once nothing is.
fn take(value: &Value, left: &mut usize) -> bool {
    let Some(next) = left.checked_sub(1) else { return false };
    *left = next;
    match value {
        Value::List(items) => items.iter().all(|item| take(item, left)),
        Value::Map(map) => map.values().all(|item| take(item, left)),
        _ => true,
    }
}
