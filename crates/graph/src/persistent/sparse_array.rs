//! An array by dense id, as a copy-on-write radix tree.
//!
//! Fan-out is small because a write copies one node of every level, and copying a node touches the counters of all its
//! children. INVARIANT: `length` is the number of filled slots; children at the same depth are of the same kind; an id
//! that does not fit the height is absent.

use std::sync::Arc;

/// Slots of a leaf, and children of an inner node: the unit of copying.
pub(crate) const LEAF_SLOTS: usize = 1 << BITS;
const BITS: u32 = 5;
const MASK: u64 = (1 << BITS) - 1;

type Leaf<T> = [Option<T>; LEAF_SLOTS];
type Inner<T> = [Option<Child<T>>; LEAF_SLOTS];

#[derive(Debug)]
enum Child<T> {
    Leaf(Arc<Leaf<T>>),
    Inner(Arc<Inner<T>>),
}

impl<T> Clone for Child<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Leaf(leaf) => Self::Leaf(leaf.clone()),
            Self::Inner(inner) => Self::Inner(inner.clone()),
        }
    }
}

/// An array of optional values that clones in constant time.
#[derive(Clone, Debug)]
pub(crate) struct SparseArray<T> {
    root: Option<Child<T>>,
    /// Inner nodes above a leaf.
    height: u32,
    length: u64,
}

impl<T> Default for SparseArray<T> {
    fn default() -> Self {
        Self {
            root: None,
            height: 0,
            length: 0,
        }
    }
}

/// The place of an id in a node `level` above the leaves.
fn place(id: u64, level: u32) -> usize {
    // The mask leaves five bits.
    ((id >> (BITS * level)) & MASK) as usize
}

impl<T> Child<T> {
    fn empty(level: u32) -> Self {
        if level == 0 {
            Self::Leaf(Arc::new(std::array::from_fn(|_| None)))
        } else {
            Self::Inner(Arc::new(std::array::from_fn(|_| None)))
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Leaf(own), Self::Leaf(other)) => Arc::ptr_eq(own, other),
            (Self::Inner(own), Self::Inner(other)) => Arc::ptr_eq(own, other),
            _ => false,
        }
    }

    fn child(&self, place: usize) -> Option<&Self> {
        match self {
            Self::Leaf(_) => None,
            Self::Inner(inner) => inner.get(place)?.as_ref(),
        }
    }

    /// The first leaf at or below here that holds ids from `from` on, with its first id.
    fn leaf_from(&self, level: u32, base: u64, from: u64) -> Option<(u64, &Leaf<T>)> {
        let inner = match self {
            Self::Leaf(leaf) => return Some((base, leaf)),
            Self::Inner(inner) => inner,
        };
        let start = from.saturating_sub(base) >> (BITS * level);
        let rest = inner
            .iter()
            .enumerate()
            .skip(usize::try_from(start).unwrap_or(usize::MAX));
        rest.filter_map(|(at, child)| Some((at, child.as_ref()?)))
            .find_map(|(at, child)| child.leaf_from(level - 1, base + ((at as u64) << (BITS * level)), from))
    }
}

impl<T: Clone> SparseArray<T> {
    /// How many slots are filled.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Whether an id lies beyond what the tree can hold at its height.
    fn is_beyond(&self, id: u64) -> bool {
        id.checked_shr(BITS * (self.height + 1)).is_some_and(|rest| rest != 0)
    }

    /// The value in a slot.
    #[inline]
    pub(crate) fn get(&self, id: u64) -> Option<&T> {
        if self.is_beyond(id) {
            return None;
        }
        let mut child = self.root.as_ref()?;
        let mut level = self.height;
        loop {
            match child {
                Child::Leaf(leaf) => return leaf.get(place(id, 0))?.as_ref(),
                Child::Inner(inner) => child = inner.get(place(id, level))?.as_ref()?,
            }
            level = level.saturating_sub(1);
        }
    }

    /// The slot of an id whose way is there; what is shared on the way is copied.
    fn slot_mut(&mut self, id: u64) -> Option<&mut Option<T>> {
        let mut child = self.root.as_mut()?;
        let mut level = self.height;
        loop {
            match child {
                Child::Leaf(leaf) => return Arc::make_mut(leaf).get_mut(place(id, 0)),
                Child::Inner(inner) => child = Arc::make_mut(inner).get_mut(place(id, level))?.as_mut()?,
            }
            level = level.saturating_sub(1);
        }
    }

    /// The value in a slot, to change; what is shared on the way is copied.
    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        // Asked first, so that a vain attempt copies nothing.
        self.get(id)?;
        self.slot_mut(id)?.as_mut()
    }

    /// Fills a slot and returns what was there.
    pub(crate) fn insert(&mut self, id: u64, value: T) -> Option<T> {
        while self.is_beyond(id) {
            self.height += 1;
            self.root = self.root.take().map(|root| raised(root, self.height));
        }
        let mut level = self.height;
        let mut child = self.root.get_or_insert_with(|| Child::empty(level));
        loop {
            match child {
                Child::Leaf(leaf) => {
                    let former = Arc::make_mut(leaf).get_mut(place(id, 0))?.replace(value);
                    self.length += u64::from(former.is_none());
                    return former;
                }
                Child::Inner(inner) => {
                    let below = Arc::make_mut(inner).get_mut(place(id, level))?;
                    level = level.saturating_sub(1);
                    child = below.get_or_insert_with(|| Child::empty(level));
                }
            }
        }
    }

    /// Empties a slot and returns what was there.
    pub(crate) fn remove(&mut self, id: u64) -> Option<T> {
        self.get(id)?;
        let former = self.slot_mut(id)?.take();
        self.length -= u64::from(former.is_some());
        former
    }

    /// The filled slots from `from` on, ascending.
    pub(crate) fn iter_from(&self, from: u64) -> impl Iterator<Item = (u64, &T)> {
        let mut next = Some(from);
        let leaves = std::iter::from_fn(move || {
            let wanted = next.filter(|id| !self.is_beyond(*id))?;
            let (start, leaf) = self.root.as_ref()?.leaf_from(self.height, 0, wanted)?;
            next = start.checked_add(LEAF_SLOTS as u64);
            Some((start, leaf))
        });
        leaves.flat_map(move |(start, leaf)| {
            let skip = from.saturating_sub(start);
            let slots = leaf
                .iter()
                .enumerate()
                .skip(usize::try_from(skip).unwrap_or(usize::MAX));
            slots.filter_map(move |(slot, value)| Some((start + slot as u64, value.as_ref()?)))
        })
    }

    /// The first ids of the groups of `leaves_per_group` leaves that are not the same leaves as in `former`, ascending.
    /// What is shared is passed over, so that the cost follows the changes and not the size.
    pub(crate) fn changed_groups(&self, former: &Self, leaves_per_group: usize) -> Vec<u64> {
        let height = self.height.max(former.height);
        let at_height = |array: &Self| {
            let root = array.root.clone();
            (array.height + 1..=height).fold(root, |root, level| root.map(|root| raised(root, level)))
        };
        let mut groups = Vec::new();
        let group_ids = (leaves_per_group * LEAF_SLOTS) as u64;
        let (own, other) = (at_height(self), at_height(former));
        compare(own.as_ref(), other.as_ref(), height, 0, &mut |leaf| {
            let group = leaf / group_ids * group_ids;
            if groups.last() != Some(&group) {
                groups.push(group);
            }
        });
        groups
    }
}

/// A node of the level above, whose first child is `root`.
fn raised<T>(root: Child<T>, level: u32) -> Child<T> {
    let Child::Inner(mut inner) = Child::empty(level) else {
        return root;
    };
    if let Some(first) = Arc::get_mut(&mut inner).and_then(|children| children.first_mut()) {
        *first = Some(root);
    }
    Child::Inner(inner)
}

/// Hands out the first ids of the leaves that two trees of the same height do not share.
fn compare<T>(own: Option<&Child<T>>, other: Option<&Child<T>>, level: u32, base: u64, differs: &mut dyn FnMut(u64)) {
    match (own, other) {
        (None, None) => return,
        (Some(own), Some(other)) if own.is_same(other) => return,
        _ => {}
    }
    if level == 0 {
        differs(base);
        return;
    }
    for at in 0..LEAF_SLOTS {
        let base = base + ((at as u64) << (BITS * level));
        compare(
            own.and_then(|own| own.child(at)),
            other.and_then(|other| other.child(at)),
            level - 1,
            base,
            differs,
        );
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
            for from in [0, 31, 32, 1_023, 1_024, 32_768, 39_999, 5_000_000, u64::MAX] {
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
        assert!(array.changed_groups(&former, 8).is_empty());
        array.insert(70_000, 1);
        array.remove(300);
        assert_eq!(array.changed_groups(&former, 8), [256, 70_000 / 256 * 256]);
        assert_eq!(former.get(300), Some(&300));
    }
}
