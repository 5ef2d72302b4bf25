//! What is kept of a node and of a relationship.
//!
//! Owns the layout in memory. INVARIANT: labels and property keys ascend and are unique; a stored value is storable. Must
//! not know how records are found or logged.

use std::sync::Arc;

use bastide_model::{LabelId, NodeId, PropertyKeyId, RelationshipTypeId, Value};
use smallvec::SmallVec;

use crate::adjacency::Adjacency;

/// Labels of a node, ascending. Two fit without an allocation.
pub(crate) type Labels = SmallVec<[LabelId; 2]>;

/// A node.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeRecord {
    pub(crate) labels: Labels,
    pub(crate) properties: Properties,
    pub(crate) adjacency: Adjacency,
}

/// A relationship.
#[derive(Clone, Debug)]
pub(crate) struct RelationshipEntry {
    pub(crate) relationship_type: RelationshipTypeId,
    pub(crate) start: NodeId,
    pub(crate) end: NodeId,
    pub(crate) properties: Properties,
}

/// Properties of one entity, ascending by key. A clone shares them; a change makes a new slice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Properties(Option<Arc<[(PropertyKeyId, Value)]>>);

impl Properties {
    /// Properties from pairs that ascend by key.
    pub(crate) fn from_ascending(pairs: Vec<(PropertyKeyId, Value)>) -> Self {
        Self((!pairs.is_empty()).then(|| pairs.into()))
    }

    /// All, ascending by key.
    pub(crate) fn as_slice(&self) -> &[(PropertyKeyId, Value)] {
        self.0.as_deref().unwrap_or_default()
    }

    /// The value under a key.
    #[inline]
    pub(crate) fn get(&self, key: PropertyKeyId) -> Option<&Value> {
        let properties = self.0.as_deref()?;
        let place = properties.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        properties.get(place).map(|(_, value)| value)
    }

    /// The same with one value changed; null takes it out.
    pub(crate) fn with(&self, key: PropertyKeyId, value: Value) -> Self {
        let properties = self.as_slice();
        let (Ok(place) | Err(place)) = properties.binary_search_by_key(&key, |(key, _)| *key);
        let present = usize::from(properties.get(place).is_some_and(|(at, _)| *at == key));
        let before = properties.get(..place).unwrap_or_default();
        let after = properties.get(place + present..).unwrap_or_default();
        let added = (!value.is_null()).then_some((key, value));
        if before.is_empty() && after.is_empty() && added.is_none() {
            return Self(None);
        }
        Self(Some(
            before
                .iter()
                .cloned()
                .chain(added)
                .chain(after.iter().cloned())
                .collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_sorted_and_null_takes_out() {
        let key = PropertyKeyId;
        let properties = Properties::default()
            .with(key(3), Value::Integer(3))
            .with(key(1), Value::Integer(1))
            .with(key(2), Value::Integer(2))
            .with(key(1), Value::Integer(9))
            .with(key(3), Value::Null)
            .with(key(7), Value::Null);
        let keys: Vec<_> = properties
            .as_slice()
            .iter()
            .map(|(key, value)| (key.0, value.as_integer()))
            .collect();
        assert_eq!(keys, [(1, Some(9)), (2, Some(2))]);
        assert!(
            properties
                .with(key(1), Value::Null)
                .with(key(2), Value::Null)
                .as_slice()
                .is_empty()
        );
    }

    #[test]
    fn a_node_fits_a_cache_line() {
        assert!(size_of::<Option<NodeRecord>>() <= 64);
    }
}
