//! Plans by database and text.
//!
//! INVARIANT: never more than the capacity; a plan is used only with the schema version that it was made for, and not once
//! the graph has grown out of the size it was made for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bastide_plan::Plan;

/// A graph this many times larger or smaller is planned for anew.
const GROWTH_MAX: u64 = 4;
/// Graphs below this size count as of this size, so that the first nodes do not cause planning over and over.
const SIZE_MIN: u64 = 1_000;
/// Longer texts are not kept, in bytes: they are bulk loads with literals, seen once.
const TEXT_BYTES_MAX: usize = 64 << 10;

struct Entry {
    plan: Arc<Plan>,
    node_count: u64,
    used: AtomicU64,
}

/// Database and text.
type Key = (Arc<str>, Arc<str>);

/// The cache.
pub struct PlanCache {
    capacity: usize,
    clock: AtomicU64,
    entries: RwLock<HashMap<Key, Entry>>,
}

impl PlanCache {
    /// An empty cache; a capacity of 0 keeps nothing.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            clock: AtomicU64::new(0),
            entries: RwLock::default(),
        }
    }

    /// The plan for a text, if it still fits.
    pub fn find(
        &self,
        database: &Arc<str>,
        text: &Arc<str>,
        schema_version: u64,
        node_count: u64,
    ) -> Option<Arc<Plan>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&(Arc::clone(database), Arc::clone(text)))?;
        if entry.plan.schema_version != schema_version || !is_similar(entry.node_count, node_count) {
            return None;
        }
        entry
            .used
            .store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Some(Arc::clone(&entry.plan))
    }

    /// Keeps a plan, in place of the one that was not used for the longest time if the cache is full.
    pub fn insert(&self, database: &Arc<str>, text: &Arc<str>, node_count: u64, plan: Arc<Plan>) {
        if self.capacity == 0 || text.len() > TEXT_BYTES_MAX {
            return;
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity {
            // An eighth at a time, so that a full cache is not searched at every insert.
            let mut ages: Vec<u64> = entries
                .values()
                .map(|entry| entry.used.load(Ordering::Relaxed))
                .collect();
            let place = ages.len() / 8;
            let (_, limit, _) = ages.select_nth_unstable(place);
            let limit = *limit;
            entries.retain(|_, entry| entry.used.load(Ordering::Relaxed) > limit);
        }
        let used = AtomicU64::new(self.clock.fetch_add(1, Ordering::Relaxed));
        entries.insert(
            (Arc::clone(database), Arc::clone(text)),
            Entry { plan, node_count, used },
        );
    }
}

fn is_similar(planned_for: u64, now: u64) -> bool {
    let (planned_for, now) = (planned_for.max(SIZE_MIN), now.max(SIZE_MIN));
    planned_for.saturating_mul(GROWTH_MAX) >= now && now.saturating_mul(GROWTH_MAX) >= planned_for
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grown_graph_is_planned_for_anew() {
        assert!(is_similar(0, 900));
        assert!(is_similar(1_000, 4_000));
        assert!(!is_similar(1_000, 4_001));
        assert!(!is_similar(40_000, 9_999));
    }
}
