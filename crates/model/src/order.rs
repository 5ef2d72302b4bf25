//! The three ways in which Cypher compares values.
//!
//! * [`equals`]: `=`; null when either side is or holds null.
//! * [`compare`]: `<` and its kin; null across types.
//! * [`total_order`] and [`hash_value`]: `ORDER BY`, `DISTINCT` and grouping; every value has a place, null is last.
//!
//! Source: openCypher 9, "Equality" and "Orderability and equivalence".

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use crate::{Map, Value};

/// `left = right`; `None` stands for null.
pub fn equals(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Integer(a), Value::Float(b)) | (Value::Float(b), Value::Integer(a)) => {
            Some(integer_to_float_order(*a, *b) == Some(Ordering::Equal))
        }
        (Value::Float(a), Value::Float(b)) => Some(a == b),
        (Value::List(a), Value::List(b)) => list_equals(a, b),
        (Value::Map(a), Value::Map(b)) => map_equals(a, b),
        (Value::Point(a), Value::Point(b)) => Some(a == b),
        _ => Some(left.kind() == right.kind() && total_order(left, right) == Ordering::Equal),
    }
}

fn list_equals(left: &[Value], right: &[Value]) -> Option<bool> {
    if left.len() != right.len() {
        return Some(false);
    }
    all_equal(left.iter().zip(right))
}

fn map_equals(left: &Map, right: &Map) -> Option<bool> {
    if left.len() != right.len() || left.keys().ne(right.keys()) {
        return Some(false);
    }
    all_equal(left.values().zip(right.values()))
}

fn all_equal<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Option<bool> {
    let mut certain = true;
    for (a, b) in pairs {
        match equals(a, b) {
            Some(false) => return Some(false),
            None => certain = false,
            Some(true) => {}
        }
    }
    certain.then_some(true)
}

/// How `left` and `right` compare under `<`; `None` stands for null (different types, null, NaN).
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Integer(a), Value::Integer(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Integer(a), Value::Float(b)) => integer_to_float_order(*a, *b),
        (Value::Float(a), Value::Integer(b)) => integer_to_float_order(*b, *a).map(Ordering::reverse),
        (Value::Duration(_), Value::Duration(_)) | (Value::Point(_), Value::Point(_)) => None,
        (Value::Map(_), Value::Map(_)) | (Value::Path(_), Value::Path(_)) => None,
        (Value::Node(_), Value::Node(_)) | (Value::Relationship(_), Value::Relationship(_)) => None,
        (Value::List(a), Value::List(b)) => list_compare(a, b),
        (a, b) if a.kind() == b.kind() && !a.is_null() => Some(total_order(a, b)),
        _ => None,
    }
}

fn list_compare(left: &[Value], right: &[Value]) -> Option<Ordering> {
    for (a, b) in left.iter().zip(right) {
        match compare(a, b)? {
            Ordering::Equal => {}
            other => return Some(other),
        }
    }
    Some(left.len().cmp(&right.len()))
}

/// Compares an integer with a float without rounding the integer; `None` for NaN.
fn integer_to_float_order(integer: i64, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    // 2^63 is the first float above every i64, -2^63 the least i64.
    if float >= 9_223_372_036_854_775_808.0 {
        return Some(Ordering::Less);
    }
    if float < -9_223_372_036_854_775_808.0 {
        return Some(Ordering::Greater);
    }
    let whole = float.trunc();
    // Within range by the two tests above, so the conversion is exact.
    let order = integer.cmp(&(whole as i64));
    Some(order.then_with(|| whole.partial_cmp(&float).unwrap_or(Ordering::Equal)))
}

/// The place of a type in `ORDER BY`, ascending; null comes last.
fn type_rank(value: &Value) -> u8 {
    match value {
        Value::Map(_) => 0,
        Value::Node(_) => 1,
        Value::Relationship(_) => 2,
        Value::List(_) => 3,
        Value::Path(_) => 4,
        Value::DateTime(_) => 5,
        Value::LocalDateTime(_) => 6,
        Value::Date(_) => 7,
        Value::Time(_) => 8,
        Value::LocalTime(_) => 9,
        Value::Duration(_) => 10,
        Value::Point(_) => 11,
        Value::Bytes(_) => 12,
        Value::String(_) => 13,
        Value::Boolean(_) => 14,
        Value::Integer(_) | Value::Float(_) => 15,
        Value::Null => 16,
    }
}

/// The total order of `ORDER BY`, under which equivalent values (`DISTINCT`, grouping) are `Equal`. NaN is the greatest number.
pub fn total_order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => float_order(*a, *b),
        (Value::Integer(a), Value::Float(b)) => integer_to_float_order(*a, *b).unwrap_or(Ordering::Less),
        (Value::Float(a), Value::Integer(b)) => {
            integer_to_float_order(*b, *a).map_or(Ordering::Greater, Ordering::reverse)
        }
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => sequence_order(a.iter(), b.iter()),
        (Value::Map(a), Value::Map(b)) => a
            .keys()
            .cmp(b.keys())
            .then_with(|| sequence_order(a.values(), b.values())),
        (Value::Node(a), Value::Node(b)) => a.cmp(b),
        (Value::Relationship(a), Value::Relationship(b)) => a.cmp(b),
        (Value::Path(a), Value::Path(b)) => a
            .nodes()
            .cmp(b.nodes())
            .then_with(|| a.relationships().cmp(b.relationships())),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::LocalTime(a), Value::LocalTime(b)) => a.cmp(b),
        (Value::LocalDateTime(a), Value::LocalDateTime(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a
            .utc_nanoseconds()
            .cmp(&b.utc_nanoseconds())
            .then(a.offset_seconds.cmp(&b.offset_seconds)),
        (Value::DateTime(a), Value::DateTime(b)) => (a.epoch_seconds, a.nanoseconds, a.zone.offset_seconds())
            .cmp(&(b.epoch_seconds, b.nanoseconds, b.zone.offset_seconds()))
            .then_with(|| zone_name(a).cmp(zone_name(b))),
        (Value::Duration(a), Value::Duration(b)) => a
            .average_length()
            .cmp(&b.average_length())
            .then((a.months, a.days).cmp(&(b.months, b.days))),
        (Value::Point(a), Value::Point(b)) => a
            .system
            .srid()
            .cmp(&b.system.srid())
            .then(float_order(a.x, b.x))
            .then(float_order(a.y, b.y))
            .then(float_order(a.z, b.z)),
        _ => type_rank(left).cmp(&type_rank(right)),
    }
}

fn zone_name(value: &crate::DateTime) -> &str {
    match &value.zone {
        crate::Zone::Offset(_) => "",
        crate::Zone::Named { name, .. } => name,
    }
}

fn float_order(left: f64, right: f64) -> Ordering {
    match (left.is_nan(), right.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
    }
}

fn sequence_order<'a>(
    mut left: impl Iterator<Item = &'a Value>,
    mut right: impl Iterator<Item = &'a Value>,
) -> Ordering {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match total_order(a, b) {
                Ordering::Equal => {}
                other => return other,
            },
        }
    }
}

/// Feeds `value` to `hasher` such that values which are `Equal` under [`total_order`] hash alike.
pub fn hash_value<H: Hasher>(value: &Value, hasher: &mut H) {
    type_rank(value).hash(hasher);
    match value {
        Value::Null => {}
        Value::Boolean(a) => a.hash(hasher),
        Value::Integer(a) => hash_integer(*a, hasher),
        Value::Float(a) => hash_float(*a, hasher),
        Value::String(a) => a.hash(hasher),
        Value::Bytes(a) => a.hash(hasher),
        Value::List(items) => {
            items.len().hash(hasher);
            items.iter().for_each(|item| hash_value(item, hasher));
        }
        Value::Map(map) => {
            map.len().hash(hasher);
            for (key, item) in map.iter() {
                key.hash(hasher);
                hash_value(item, hasher);
            }
        }
        Value::Node(a) => a.hash(hasher),
        Value::Relationship(a) => a.hash(hasher),
        Value::Path(a) => a.hash(hasher),
        Value::Date(a) => a.hash(hasher),
        Value::Time(a) => a.hash(hasher),
        Value::LocalTime(a) => a.hash(hasher),
        Value::DateTime(a) => (a.epoch_seconds, a.nanoseconds).hash(hasher),
        Value::LocalDateTime(a) => a.hash(hasher),
        Value::Duration(a) => a.average_length().hash(hasher),
        Value::Point(a) => {
            a.system.hash(hasher);
            hash_float(a.x, hasher);
            hash_float(a.y, hasher);
        }
    }
}

fn hash_integer<H: Hasher>(integer: i64, hasher: &mut H) {
    integer.hash(hasher);
}

fn hash_float<H: Hasher>(float: f64, hasher: &mut H) {
    // A float that equals an integer must hash like it; 2^63 itself is no i64.
    if float.trunc() == float && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float) {
        hash_integer(float as i64, hasher);
    } else if float.is_nan() {
        u64::MAX.hash(hasher);
    } else {
        float.to_bits().hash(hasher);
    }
}

/// A value wrapped so that it can be a key of a map or set, under the rules of `DISTINCT`.
#[derive(Clone, Debug)]
pub struct Equivalent(pub Value);

impl PartialEq for Equivalent {
    fn eq(&self, other: &Self) -> bool {
        total_order(&self.0, &other.0) == Ordering::Equal
    }
}

impl Eq for Equivalent {}

impl PartialOrd for Equivalent {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Equivalent {
    fn cmp(&self, other: &Self) -> Ordering {
        total_order(&self.0, &other.0)
    }
}

impl Hash for Equivalent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_value(&self.0, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::hash_map::DefaultHasher;

    fn hash_of(value: &Value) -> u64 {
        let mut hasher = DefaultHasher::new();
        hash_value(value, &mut hasher);
        hasher.finish()
    }

    #[test]
    fn large_integers_do_not_equal_the_float_they_round_to() {
        let integer = Value::Integer(9_007_199_254_740_993);
        let float = Value::Float(9_007_199_254_740_992.0);
        assert_eq!(equals(&integer, &float), Some(false));
        assert_eq!(compare(&integer, &float), Some(Ordering::Greater));
        assert_eq!(
            compare(&Value::Integer(i64::MAX), &Value::Float(9.3e18)),
            Some(Ordering::Less)
        );
    }

    #[test]
    fn null_inside_a_list_makes_equality_unknown_unless_it_is_false_anyway() {
        let with_null = Value::list([Value::Integer(1), Value::Null]);
        assert_eq!(equals(&with_null, &with_null), None);
        assert_eq!(
            equals(&with_null, &Value::list([Value::Integer(2), Value::Integer(1)])),
            Some(false)
        );
        assert_eq!(equals(&with_null, &Value::list([Value::Integer(1)])), Some(false));
    }

    #[test]
    fn nan_equals_nothing_and_groups_with_itself() {
        let nan = Value::Float(f64::NAN);
        assert_eq!(equals(&nan, &nan), Some(false));
        assert_eq!(total_order(&nan, &nan), Ordering::Equal);
        assert_eq!(compare(&nan, &Value::Integer(1)), None);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Boolean),
            (-5i64..5).prop_map(Value::Integer),
            any::<i64>().prop_map(Value::Integer),
            (-5i64..5).prop_map(|integer| Value::Float(integer as f64 / 2.0)),
            any::<f64>().prop_map(Value::Float),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop::collection::vec(inner, 0..4).prop_map(Value::from)
        })
    }

    proptest! {
        #[test]
        fn the_total_order_is_one(a in any_value(), b in any_value(), c in any_value()) {
            prop_assert_eq!(total_order(&a, &a), Ordering::Equal);
            prop_assert_eq!(total_order(&a, &b), total_order(&b, &a).reverse());
            if total_order(&a, &b) != Ordering::Greater && total_order(&b, &c) != Ordering::Greater {
                prop_assert_ne!(total_order(&a, &c), Ordering::Greater);
            }
        }

        #[test]
        fn equivalent_values_hash_alike(a in any_value(), b in any_value()) {
            if total_order(&a, &b) == Ordering::Equal {
                prop_assert_eq!(hash_of(&a), hash_of(&b));
            }
        }
    }
}
