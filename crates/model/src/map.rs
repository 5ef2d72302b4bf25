//! A map value: text keys, sorted, each once.

use std::sync::Arc;

use crate::Value;

/// A Cypher map. INVARIANT: keys are sorted and unique.
///
/// Small maps are the rule (a row of parameters), so keys lie in one sorted slice and are found by binary search.
#[derive(Clone, Debug, Default)]
pub struct Map {
    entries: Vec<(Arc<str>, Value)>,
}

impl Map {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty map with room for `capacity` entries.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            entries: Vec::with_capacity(capacity),
        }
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let place = self.place(key).ok()?;
        self.entries.get(place).map(|(_, value)| value)
    }

    /// Puts `value` under `key` and returns what was there.
    pub fn insert(&mut self, key: impl Into<Arc<str>>, value: Value) -> Option<Value> {
        let key = key.into();
        match self.place(&key) {
            Ok(place) => self
                .entries
                .get_mut(place)
                .map(|entry| std::mem::replace(&mut entry.1, value)),
            Err(place) => {
                self.entries.insert(place, (key, value));
                None
            }
        }
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.place(key).ok().map(|place| self.entries.remove(place).1)
    }

    /// Whether `key` is present, even with a null value.
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_ok()
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Keys in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// Values in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.entries.iter().map(|(_, value)| value)
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|(present, _)| present.as_ref().cmp(key))
    }
}

impl<K: Into<Arc<str>>> FromIterator<(K, Value)> for Map {
    /// A later entry replaces an earlier one with the same key.
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl IntoIterator for Map {
    type Item = (Arc<str>, Value);
    type IntoIter = std::vec::IntoIter<(Arc<str>, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_each_key_once_and_sorted() {
        let map: Map = [
            ("b", Value::Integer(1)),
            ("a", Value::Integer(2)),
            ("b", Value::Integer(3)),
        ]
        .into_iter()
        .collect();
        let entries: Vec<_> = map
            .iter()
            .map(|(key, value)| (key.to_string(), value.clone()))
            .collect();
        assert!(matches!(entries.as_slice(), [(a, Value::Integer(2)), (b, Value::Integer(3))] if a == "a" && b == "b"));
    }
}
