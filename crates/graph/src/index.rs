//! One range index: the keys of its entities in order.
//!
//! INVARIANT: an entity is in the tree exactly if it is of the target and has all properties; `distinct` is the number of
//! keys that differ under the total order, so that 1 and 1.0 are one. Must not know where entities are kept.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use bastide_model::order::{compare, hash_value, total_order};
use bastide_model::{ConstraintId, IndexId, PropertyKeyId, SchemaTarget, Seek, SeekBound, Value};
use rustc_hash::FxHasher;
use smallvec::SmallVec;

use crate::adjacency::GO_ON;
use crate::persistent::{Entry, OrderedTree};
use crate::records::Properties;

/// The values of the indexed properties, in the order of the index.
pub(crate) type IndexKey = SmallVec<[Value; 1]>;

/// What an index is, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexDefinition {
    pub(crate) id: IndexId,
    pub(crate) name: Arc<str>,
    pub(crate) target: SchemaTarget,
    pub(crate) properties: Vec<PropertyKeyId>,
    /// The constraint it serves; then its keys are unique.
    pub(crate) owner: Option<ConstraintId>,
}

/// An index.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) definition: Arc<IndexDefinition>,
    entries: OrderedTree<IndexEntry>,
    distinct: u64,
}

#[derive(Clone, Debug)]
struct IndexEntry {
    key: IndexKey,
    entity: u64,
}

impl Entry for IndexEntry {
    const LEAF_ENTRIES_MAX: usize = 64;

    fn order(&self, other: &Self) -> Ordering {
        key_order(&self.key, &other.key).then(self.entity.cmp(&other.entity))
    }
}

/// The order of keys.
#[inline]
pub(crate) fn key_order(left: &[Value], right: &[Value]) -> Ordering {
    // The usual key, without a call: a seek compares some twenty times.
    if let ([Value::Integer(left)], [Value::Integer(right)]) = (left, right) {
        return left.cmp(right);
    }
    let mut pairs = left.iter().zip(right).map(|(left, right)| total_order(left, right));
    pairs
        .find(|order| order.is_ne())
        .unwrap_or_else(|| left.len().cmp(&right.len()))
}

/// Equal keys hash alike.
pub(crate) fn key_hash(key: &[Value]) -> u64 {
    let mut hasher = FxHasher::default();
    key.len().hash(&mut hasher);
    key.iter().for_each(|value| hash_value(value, &mut hasher));
    hasher.finish()
}

/// Whether a value equals itself: NaN does not, nor does a list or point that holds it.
fn equals_itself(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Float(float) => !float.is_nan(),
        Value::Point(point) => ![point.x, point.y, point.z].iter().any(|coordinate| coordinate.is_nan()),
        Value::List(items) => items.iter().all(equals_itself),
        _ => true,
    }
}

impl Index {
    pub(crate) fn new(definition: Arc<IndexDefinition>) -> Self {
        Self {
            definition,
            entries: OrderedTree::default(),
            distinct: 0,
        }
    }

    /// The key of an entity with these properties, if it has all that are indexed.
    pub(crate) fn key_of(&self, properties: &Properties) -> Option<IndexKey> {
        let keys = self.definition.properties.iter();
        keys.map(|key| properties.get(*key).cloned()).collect()
    }

    /// How many entities.
    pub(crate) fn len(&self) -> u64 {
        self.entries.len()
    }

    /// How many keys that differ.
    pub(crate) fn distinct(&self) -> u64 {
        self.distinct
    }

    pub(crate) fn insert(&mut self, key: IndexKey, entity: u64) {
        let is_first = self.first_with(&key).is_none();
        if self.entries.insert(IndexEntry { key, entity }) {
            self.distinct += u64::from(is_first);
        }
    }

    pub(crate) fn remove(&mut self, key: &IndexKey, entity: u64) {
        let place = |entry: &IndexEntry| key_order(&entry.key, key).then(entry.entity.cmp(&entity));
        if self.entries.remove(&place).is_some() && self.first_with(key).is_none() {
            self.distinct -= 1;
        }
    }

    /// An entity other than `own` whose key equals `key`, where a key with NaN equals none.
    pub(crate) fn other_holder(&self, key: &IndexKey, own: Option<u64>) -> Option<u64> {
        if !key.iter().all(equals_itself) {
            return None;
        }
        let mut holder = None;
        let _ = self
            .entries
            .visit_from(&|entry| key_order(&entry.key, key).is_lt(), &mut |entries| {
                for entry in entries {
                    if key_order(&entry.key, key).is_ne() {
                        return ControlFlow::Break(());
                    }
                    if Some(entry.entity) != own {
                        holder = Some(entry.entity);
                        return ControlFlow::Break(());
                    }
                }
                GO_ON
            });
        holder
    }

    fn first_with(&self, key: &IndexKey) -> Option<u64> {
        let mut first = None;
        let _ = self
            .entries
            .visit_from(&|entry| key_order(&entry.key, key).is_lt(), &mut |entries| {
                first = entries
                    .first()
                    .filter(|entry| key_order(&entry.key, key).is_eq())
                    .map(|entry| entry.entity);
                ControlFlow::Break(())
            });
        first
    }

    /// Adds the entities that a seek finds to `found`, in the order of the index.
    pub(crate) fn seek(&self, seek: &Seek, found: &mut dyn FnMut(u64)) {
        let bounds = Bounds::of(seek);
        if bounds.is_empty() {
            return;
        }
        let _ = self
            .entries
            .visit_from(&|entry| bounds.is_before(&entry.key), &mut |entries| {
                for entry in entries {
                    match bounds.place(&entry.key) {
                        Place::Inside => found(entry.entity),
                        Place::Skipped => {}
                        Place::Beyond => return ControlFlow::Break(()),
                    }
                }
                GO_ON
            });
    }
}

/// Whether a key would be found by a seek; for validating what a transaction has read.
pub(crate) fn seek_matches(seek: &Seek, key: &[Value]) -> bool {
    let bounds = Bounds::of(seek);
    !bounds.is_empty() && !bounds.is_before(key) && matches!(bounds.place(key), Place::Inside)
}

/// Where a key lies relative to the end of a seek.
enum Place {
    Inside,
    /// Within the bounds of the order, but of another type or not comparable.
    Skipped,
    Beyond,
}

/// A seek as seen by the ordered keys.
enum Bounds<'a> {
    Nothing,
    All,
    Equal(&'a [Value]),
    Range { from: &'a SeekBound, to: &'a SeekBound },
    Prefix(&'a str),
}

impl<'a> Bounds<'a> {
    fn of(seek: &'a Seek) -> Self {
        match seek {
            Seek::All => Self::All,
            Seek::Equal(values) if values.iter().all(equals_itself) => Self::Equal(values),
            Seek::Equal(_) => Self::Nothing,
            Seek::Range {
                from: SeekBound::Unbounded,
                to: SeekBound::Unbounded,
            } => Self::All,
            Seek::Range { from, to } => Self::Range { from, to },
            Seek::Prefix(prefix) => Self::Prefix(prefix),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Whether a key lies before the first that may be found.
    fn is_before(&self, key: &[Value]) -> bool {
        let first = key.first().unwrap_or(&Value::Null);
        match self {
            Self::Nothing | Self::All => false,
            Self::Equal(values) => leading(key, values).is_lt(),
            Self::Prefix(prefix) => match first {
                Value::String(text) => text.as_ref() < *prefix,
                other => total_order(other, &Value::Boolean(false)).is_lt() && !matches!(other, Value::String(_)),
            },
            Self::Range {
                from: SeekBound::Included(bound),
                ..
            } => total_order(first, bound).is_lt(),
            // What equals the bound is skipped later, so that a key of more properties keeps its place.
            Self::Range {
                from: SeekBound::Excluded(bound),
                ..
            } => total_order(first, bound).is_lt(),
            Self::Range {
                from: SeekBound::Unbounded,
                to,
            } => match to {
                SeekBound::Included(bound) | SeekBound::Excluded(bound) => is_of_lesser_type(first, bound),
                SeekBound::Unbounded => false,
            },
        }
    }

    fn place(&self, key: &[Value]) -> Place {
        let first = key.first().unwrap_or(&Value::Null);
        match self {
            Self::Nothing => Place::Beyond,
            Self::All => Place::Inside,
            Self::Equal(values) => match leading(key, values) {
                Ordering::Equal => Place::Inside,
                _ => Place::Beyond,
            },
            Self::Prefix(prefix) => match first {
                Value::String(text) if text.starts_with(*prefix) => Place::Inside,
                _ => Place::Beyond,
            },
            Self::Range { from, to } => range_place(first, from, to),
        }
    }
}

fn range_place(first: &Value, from: &SeekBound, to: &SeekBound) -> Place {
    match to {
        SeekBound::Included(bound) if total_order(first, bound).is_gt() => return Place::Beyond,
        SeekBound::Excluded(bound) if total_order(first, bound).is_ge() => return Place::Beyond,
        SeekBound::Unbounded => match from {
            SeekBound::Included(bound) | SeekBound::Excluded(bound) if is_of_lesser_type(bound, first) => {
                return Place::Beyond;
            }
            _ => {}
        },
        _ => {}
    }
    let above = match from {
        SeekBound::Unbounded => true,
        SeekBound::Included(bound) => compare(first, bound).is_some_and(Ordering::is_ge),
        SeekBound::Excluded(bound) => compare(first, bound).is_some_and(Ordering::is_gt),
    };
    let below = match to {
        SeekBound::Unbounded => true,
        SeekBound::Included(bound) => compare(first, bound).is_some_and(Ordering::is_le),
        SeekBound::Excluded(bound) => compare(first, bound).is_some_and(Ordering::is_lt),
    };
    if above && below { Place::Inside } else { Place::Skipped }
}

/// How the leading values of a key compare with `values`; a key of fewer values cannot equal them.
fn leading(key: &[Value], values: &[Value]) -> Ordering {
    key_order(key.get(..values.len()).unwrap_or(key), values)
}

/// Whether `left` is of a type that comes before that of `right`.
fn is_of_lesser_type(left: &Value, right: &Value) -> bool {
    let number = |value: &Value| matches!(value, Value::Integer(_) | Value::Float(_));
    left.kind() != right.kind() && !(number(left) && number(right)) && total_order(left, right).is_lt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(values: &[Value]) -> Index {
        let mut index = Index::new(Arc::new(IndexDefinition {
            id: IndexId(2),
            name: "i".into(),
            target: SchemaTarget::Label(bastide_model::LabelId(0)),
            properties: vec![PropertyKeyId(0)],
            owner: None,
        }));
        for (entity, value) in values.iter().enumerate() {
            index.insert(IndexKey::from_iter([value.clone()]), entity as u64);
        }
        index
    }

    fn seek(index: &Index, seek: &Seek) -> Vec<u64> {
        let mut found = Vec::new();
        index.seek(seek, &mut |entity| found.push(entity));
        for (entity, value) in values().iter().enumerate() {
            assert_eq!(
                seek_matches(seek, std::slice::from_ref(value)),
                found.contains(&(entity as u64)),
                "{value:?} {seek:?}"
            );
        }
        found
    }

    fn values() -> Vec<Value> {
        vec![
            Value::Integer(1),
            Value::Float(1.0),
            Value::Float(2.5),
            Value::Float(f64::NAN),
            Value::from("ab"),
            Value::from("abc"),
            Value::from("b"),
            Value::Boolean(true),
            Value::list([Value::Integer(1)]),
            Value::from(""),
        ]
    }

    #[test]
    fn one_finds_one_point_zero_and_nan_finds_nothing() {
        let index = index(&values());
        assert_eq!(seek(&index, &Seek::Equal(vec![Value::Float(1.0)])), [0, 1]);
        assert_eq!(seek(&index, &Seek::Equal(vec![Value::Integer(1)])), [0, 1]);
        assert!(seek(&index, &Seek::Equal(vec![Value::Float(f64::NAN)])).is_empty());
        assert!(seek(&index, &Seek::Equal(vec![Value::Null])).is_empty());
        assert_eq!(index.distinct(), 9);
        assert_eq!(
            index.other_holder(&IndexKey::from_iter([Value::Float(f64::NAN)]), None),
            None
        );
    }

    #[test]
    fn ranges_stay_within_one_type_and_leave_nan_out() {
        let index = index(&values());
        let range = |from, to| Seek::Range { from, to };
        use SeekBound::{Excluded, Included, Unbounded};
        assert_eq!(seek(&index, &range(Excluded(Value::Integer(1)), Unbounded)), [2]);
        assert_eq!(seek(&index, &range(Included(Value::Integer(1)), Unbounded)), [0, 1, 2]);
        assert_eq!(seek(&index, &range(Unbounded, Included(Value::Integer(9)))), [0, 1, 2]);
        assert_eq!(seek(&index, &range(Unbounded, Excluded(Value::from("b")))), [9, 4, 5]);
        assert_eq!(
            seek(&index, &range(Included(Value::from("ab")), Included(Value::from("b")))),
            [4, 5, 6]
        );
        assert!(seek(&index, &range(Included(Value::from("a")), Included(Value::Integer(3)))).is_empty());
        assert_eq!(seek(&index, &Seek::All).len(), 10);
    }

    #[test]
    fn prefixes_find_texts_only() {
        let index = index(&values());
        assert_eq!(seek(&index, &Seek::Prefix("ab".into())), [4, 5]);
        assert_eq!(seek(&index, &Seek::Prefix("".into())), [9, 4, 5, 6]);
        assert!(seek(&index, &Seek::Prefix("abcd".into())).is_empty());
    }
}
