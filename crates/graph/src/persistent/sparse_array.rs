//! An array by dense id, as a copy-on-write tree of fixed depth.
//!
//! INVARIANT: `length` is the number of filled slots; a leaf or branch that is there may be empty.

use std::sync::Arc;

/// Slots of a leaf: the unit of copying.
pub(crate) const LEAF_SLOTS: usize = 64;
/// Leaves of a branch.
const BRANCH_LEAVES: usize = 256;
/// Slots below a branch.
const BRANCH_SLOTS: usize = LEAF_SLOTS * BRANCH_LEAVES;

/// A leaf of a [`SparseArray`].
pub(crate) type Leaf<T> = [Option<T>; LEAF_SLOTS];
type Branch<T> = [Option<Arc<Leaf<T>>>; BRANCH_LEAVES];

/// An array of optional values that clones in constant time.
#[derive(Clone, Debug)]
pub(crate) struct SparseArray<T> {
    branches: Arc<Vec<Option<Arc<Branch<T>>>>>,
    length: u64,
}

impl<T> Default for SparseArray<T> {
    fn default() -> Self {
        Self {
            branches: Arc::default(),
            length: 0,
        }
    }
}

/// Branch, leaf and slot of an id.
fn place(id: u64) -> (usize, usize, usize) {
    // Ids are below 2^36 (limit of the graph), so that they fit an address.
    let id = usize::try_from(id).unwrap_or(usize::MAX);
    (id / BRANCH_SLOTS, id / LEAF_SLOTS % BRANCH_LEAVES, id % LEAF_SLOTS)
}

impl<T: Clone> SparseArray<T> {
    /// How many slots are filled.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// The value in a slot.
    #[inline]
    pub(crate) fn get(&self, id: u64) -> Option<&T> {
        let (branch, leaf, slot) = place(id);
        let branch = self.branches.get(branch)?.as_ref()?;
        branch.get(leaf)?.as_ref()?.get(slot)?.as_ref()
    }

    /// The value in a slot, to change; what is shared on the way is copied.
    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        // Asked first, so that a vain attempt copies nothing.
        self.get(id)?;
        let (branch, leaf, slot) = place(id);
        let branch = Arc::make_mut(&mut self.branches).get_mut(branch)?.as_mut()?;
        let leaf = Arc::make_mut(branch).get_mut(leaf)?.as_mut()?;
        Arc::make_mut(leaf).get_mut(slot)?.as_mut()
    }

    /// Fills a slot and returns what was there.
    pub(crate) fn insert(&mut self, id: u64, value: T) -> Option<T> {
        let (branch, leaf, slot) = place(id);
        let branches = Arc::make_mut(&mut self.branches);
        if branches.len() <= branch {
            branches.resize(branch + 1, None);
        }
        let branch = branches.get_mut(branch)?;
        let branch = branch.get_or_insert_with(|| Arc::new(std::array::from_fn(|_| None)));
        let leaf = Arc::make_mut(branch).get_mut(leaf)?;
        let leaf = leaf.get_or_insert_with(|| Arc::new(std::array::from_fn(|_| None)));
        let former = Arc::make_mut(leaf).get_mut(slot)?.replace(value);
        self.length += u64::from(former.is_none());
        former
    }

    /// Empties a slot and returns what was there.
    pub(crate) fn remove(&mut self, id: u64) -> Option<T> {
        self.get(id)?;
        let (branch, leaf, slot) = place(id);
        let branch = Arc::make_mut(&mut self.branches).get_mut(branch)?.as_mut()?;
        let leaf = Arc::make_mut(branch).get_mut(leaf)?.as_mut()?;
        let former = Arc::make_mut(leaf).get_mut(slot)?.take();
        self.length -= u64::from(former.is_some());
        former
    }

    /// The filled slots from `from` on, ascending.
    pub(crate) fn iter_from(&self, from: u64) -> impl Iterator<Item = (u64, &T)> {
        let (first_branch, first_leaf, first_slot) = place(from);
        self.leaves_from(first_branch, first_leaf)
            .flat_map(move |(start, leaf)| {
                let skip = if start <= from { first_slot } else { 0 };
                let slots = leaf.iter().enumerate().skip(skip);
                slots.filter_map(move |(slot, value)| Some((start + slot as u64, value.as_ref()?)))
            })
    }

    fn leaves_from(&self, branch: usize, leaf: usize) -> impl Iterator<Item = (u64, &Leaf<T>)> {
        let branches = self.branches.iter().enumerate().skip(branch);
        branches
            .filter_map(|(at, branch)| Some((at, branch.as_ref()?)))
            .flat_map(move |(at, content)| {
                let skip = if at == branch { leaf } else { 0 };
                let leaves = content.iter().enumerate().skip(skip);
                leaves.filter_map(move |(leaf, slots)| {
                    let start = at * BRANCH_SLOTS + leaf * LEAF_SLOTS;
                    Some((start as u64, slots.as_deref()?))
                })
            })
    }

    /// The first ids of the groups of `leaves_per_group` leaves that are not the same leaves as in `former`, ascending.
    /// Shared branches are passed over, so that the cost follows the changes and not the size.
    pub(crate) fn changed_groups(&self, former: &Self, leaves_per_group: usize) -> Vec<u64> {
        let mut groups = Vec::new();
        for at in 0..self.branches.len().max(former.branches.len()) {
            let own = self.branches.get(at).and_then(Option::as_ref);
            let other = former.branches.get(at).and_then(Option::as_ref);
            let shared = match (own, other) {
                (Some(own), Some(other)) => Arc::ptr_eq(own, other),
                (None, None) => true,
                _ => false,
            };
            if shared {
                continue;
            }
            for leaf in 0..BRANCH_LEAVES {
                let own = own.and_then(|branch| branch.get(leaf)?.as_ref());
                let other = other.and_then(|branch| branch.get(leaf)?.as_ref());
                let shared = match (own, other) {
                    (Some(own), Some(other)) => Arc::ptr_eq(own, other),
                    (None, None) => true,
                    _ => false,
                };
                let group = (at * BRANCH_SLOTS + leaf / leaves_per_group * leaves_per_group * LEAF_SLOTS) as u64;
                if !shared && groups.last() != Some(&group) {
                    groups.push(group);
                }
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn behaves_as_a_map(operations in prop::collection::vec((0u8..4, 0u64..40_000, any::<u8>()), 0..400)) {
            let mut array = SparseArray::default();
            let mut model = BTreeMap::new();
            for (kind, id, value) in operations {
                match kind {
                    0 => prop_assert_eq!(array.remove(id), model.remove(&id)),
                    1 => prop_assert_eq!(array.get_mut(id).map(|slot| *slot = value), model.get_mut(&id).map(|slot| *slot = value)),
                    _ => prop_assert_eq!(array.insert(id, value), model.insert(id, value)),
                }
            }
            prop_assert_eq!(array.len(), model.len() as u64);
            for from in [0, 63, 64, 16_383, 16_384, 39_999] {
                let found: Vec<_> = array.iter_from(from).map(|(id, value)| (id, *value)).collect();
                prop_assert_eq!(found, model.range(from..).map(|(id, value)| (*id, *value)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn changed_groups_are_those_written_since() {
        let mut array = SparseArray::default();
        for id in 0..100_000u64 {
            array.insert(id, id);
        }
        let former = array.clone();
        assert!(array.changed_groups(&former, 4).is_empty());
        array.insert(70_000, 1);
        array.remove(300);
        assert_eq!(array.changed_groups(&former, 4), [256, 70_000 / 256 * 256]);
        assert_eq!(former.get(300), Some(&300));
    }
}
