//! A map with a fixed capacity that forgets the entry least recently touched.
//!
//! Owns the bound on what strangers can make the server remember. Knows nothing of what is kept.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// The map; every operation costs the logarithm of its size at most.
pub(crate) struct BoundedMap<K, V> {
    capacity: usize,
    /// The value and the tick of its last touch.
    entries: HashMap<K, (u64, V)>,
    /// INVARIANT: holds exactly one tick for each entry.
    order: BTreeMap<u64, K>,
    tick: u64,
}

impl<K: Hash + Eq + Clone, V> BoundedMap<K, V> {
    /// An empty map for at most `capacity` entries (at least one).
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            entries: HashMap::new(),
            order: BTreeMap::new(),
            tick: 0,
        }
    }

    /// Looks without touching.
    pub(crate) fn peek(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// Puts `value` in and makes it the most recent.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.tick += 1;
        if let Some((tick, _)) = self.entries.insert(key.clone(), (self.tick, value)) {
            self.order.remove(&tick);
        }
        self.order.insert(self.tick, key);
        while self.entries.len() > self.capacity {
            match self.order.pop_first() {
                Some((_, oldest)) => self.entries.remove(&oldest),
                None => break,
            };
        }
    }

    /// Takes the entry out.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let (tick, value) = self.entries.remove(key)?;
        self.order.remove(&tick);
        Some(value)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        assert_eq!(self.entries.len(), self.order.len());
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_least_recently_touched() {
        let mut map = BoundedMap::new(2);
        map.insert("a", 1);
        map.insert("b", 2);
        map.insert("a", 3);
        map.insert("c", 4);
        assert_eq!(
            (map.peek(&"a"), map.peek(&"b"), map.peek(&"c")),
            (Some(&3), None, Some(&4))
        );
        assert_eq!(map.remove(&"a"), Some(3));
        assert_eq!(map.len(), 1);
    }
}
