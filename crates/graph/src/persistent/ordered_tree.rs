//! An ordered set as a copy-on-write B+ tree.
//!
//! INVARIANT: every leaf is at the same depth, entries ascend strictly, and the `first` of a child is not greater than
//! any entry below it and greater than every entry of the child before. Only the root may be empty.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What an [`OrderedTree`] holds.
pub(crate) trait Entry: Clone {
    /// How many entries a leaf may have: the unit of copying.
    const LEAF_ENTRIES_MAX: usize;

    /// The order of the tree; entries that are equal under it replace each other.
    fn order(&self, other: &Self) -> Ordering;
}

/// Children of an inner node.
const CHILDREN_MAX: usize = 64;

/// An ordered set that clones in constant time.
#[derive(Clone, Debug)]
pub(crate) struct OrderedTree<E> {
    root: Arc<TreeNode<E>>,
    length: u64,
}

#[derive(Clone, Debug)]
enum TreeNode<E> {
    Leaf(Vec<E>),
    Inner(Vec<Child<E>>),
}

#[derive(Clone, Debug)]
struct Child<E> {
    first: E,
    node: Arc<TreeNode<E>>,
}

/// What an insertion did below a node.
struct Inserted<E> {
    is_new: bool,
    split: Option<Child<E>>,
}

impl<E> Default for OrderedTree<E> {
    fn default() -> Self {
        Self {
            root: Arc::new(TreeNode::Leaf(Vec::new())),
            length: 0,
        }
    }
}

impl<E: Entry> OrderedTree<E> {
    /// How many entries.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Whether there is no entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Puts an entry in and says whether it was new; an equal one is replaced.
    pub(crate) fn insert(&mut self, entry: E) -> bool {
        let inserted = insert_below(&mut self.root, entry);
        if let Some(right) = inserted.split {
            let left = self.root.clone();
            if let Some(first) = left.first() {
                let left = Child { first, node: left };
                self.root = Arc::new(TreeNode::Inner(vec![left, right]));
            }
        }
        self.length += u64::from(inserted.is_new);
        inserted.is_new
    }

    /// Takes out the entry for which `place`, the order of an entry relative to the wanted one, is `Equal`.
    pub(crate) fn remove(&mut self, place: &dyn Fn(&E) -> Ordering) -> Option<E> {
        // Asked first, so that a vain removal copies nothing.
        self.find(place)?;
        let removed = remove_below(&mut self.root, place)?;
        self.length = self.length.saturating_sub(1);
        let only_child = match self.root.as_ref() {
            TreeNode::Inner(children) => match children.as_slice() {
                [only] => Some(only.node.clone()),
                _ => None,
            },
            TreeNode::Leaf(_) => None,
        };
        if let Some(child) = only_child {
            self.root = child;
        }
        Some(removed)
    }

    /// The entry for which `place` is `Equal`.
    pub(crate) fn find(&self, place: &dyn Fn(&E) -> Ordering) -> Option<&E> {
        let mut node = &self.root;
        loop {
            match node.as_ref() {
                TreeNode::Leaf(entries) => {
                    let found = entries.binary_search_by(place).ok()?;
                    return entries.get(found);
                }
                TreeNode::Inner(children) => {
                    let next = children.partition_point(|child| place(&child.first) != Ordering::Greater);
                    node = &children.get(next.saturating_sub(1))?.node;
                }
            }
        }
    }

    /// Hands out the entries that are not `before` the start, leaf by leaf, until `visit` breaks.
    pub(crate) fn visit_from(
        &self,
        before: &impl Fn(&E) -> bool,
        visit: &mut impl FnMut(&[E]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.root.visit_from(before, visit)
    }

    /// Hands out all entries, leaf by leaf.
    pub(crate) fn visit(&self, visit: &mut impl FnMut(&[E])) {
        let _ = self.root.visit_from(&|_| false, &mut |entries| {
            visit(entries);
            ControlFlow::Continue(())
        });
    }

    /// How many leaves and inner nodes this tree does not share with `other`.
    #[cfg(test)]
    pub(crate) fn nodes_not_shared_with(&self, other: &Self) -> usize {
        fn collect<E>(node: &Arc<TreeNode<E>>, into: &mut std::collections::HashSet<*const TreeNode<E>>) {
            into.insert(Arc::as_ptr(node));
            if let TreeNode::Inner(children) = node.as_ref() {
                children.iter().for_each(|child| collect(&child.node, into));
            }
        }
        let (mut own, mut others) = Default::default();
        collect(&self.root, &mut own);
        collect(&other.root, &mut others);
        own.difference(&others).count()
    }
}

impl<E: Entry> TreeNode<E> {
    fn first(&self) -> Option<E> {
        match self {
            Self::Leaf(entries) => entries.first().cloned(),
            Self::Inner(children) => children.first().map(|child| child.first.clone()),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Leaf(entries) => entries.is_empty(),
            Self::Inner(children) => children.is_empty(),
        }
    }

    /// Whether the node is so small that it should be joined with a neighbour.
    fn is_sparse(&self) -> bool {
        match self {
            Self::Leaf(entries) => entries.len() < E::LEAF_ENTRIES_MAX / 4,
            Self::Inner(children) => children.len() < CHILDREN_MAX / 4,
        }
    }

    fn visit_from(
        &self,
        before: &impl Fn(&E) -> bool,
        visit: &mut impl FnMut(&[E]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self {
            Self::Leaf(entries) => {
                let start = count_before(entries, before);
                match entries.get(start..) {
                    Some(rest) if !rest.is_empty() => visit(rest),
                    _ => ControlFlow::Continue(()),
                }
            }
            Self::Inner(children) => {
                let start = count_before(children, &|child| before(&child.first)).saturating_sub(1);
                for child in children.iter().skip(start) {
                    child.node.visit_from(before, visit)?;
                }
                ControlFlow::Continue(())
            }
        }
    }
}

/// How many items are `before` a place, which the first ones are and then none: as `partition_point` finds it.
///
/// In two steps rather than by halves: the processor then fetches several items at once, where halving waits for each
/// before it knows the next.
#[inline]
fn count_before<T>(items: &[T], before: &impl Fn(&T) -> bool) -> usize {
    const STEP: usize = 8;
    let steps = items.iter().step_by(STEP).take_while(|item| before(item)).count();
    let Some(last) = steps.checked_sub(1) else { return 0 };
    let start = last * STEP + 1;
    let within = items.iter().skip(start).take(STEP - 1);
    start + within.take_while(|item| before(item)).count()
}

fn insert_below<E: Entry>(node: &mut Arc<TreeNode<E>>, entry: E) -> Inserted<E> {
    match Arc::make_mut(node) {
        TreeNode::Leaf(entries) => insert_in_leaf(entries, entry),
        TreeNode::Inner(children) => {
            let next = children.partition_point(|child| child.first.order(&entry) != Ordering::Greater);
            let place = next.saturating_sub(1);
            let Some(child) = children.get_mut(place) else {
                return Inserted {
                    is_new: false,
                    split: None,
                };
            };
            if entry.order(&child.first) == Ordering::Less {
                child.first = entry.clone();
            }
            let below = insert_below(&mut child.node, entry);
            let split = below.split.and_then(|right| {
                children.insert(place + 1, right);
                let appended = place + 2 == children.len();
                split_off(children, CHILDREN_MAX, appended).and_then(|right| {
                    let first = right.first()?.first.clone();
                    Some(Child {
                        first,
                        node: Arc::new(TreeNode::Inner(right)),
                    })
                })
            });
            Inserted {
                is_new: below.is_new,
                split,
            }
        }
    }
}

fn insert_in_leaf<E: Entry>(entries: &mut Vec<E>, entry: E) -> Inserted<E> {
    let place = match entries.binary_search_by(|present| present.order(&entry)) {
        Ok(place) => {
            if let Some(present) = entries.get_mut(place) {
                *present = entry;
            }
            return Inserted {
                is_new: false,
                split: None,
            };
        }
        Err(place) => place,
    };
    entries.insert(place, entry);
    let appended = place + 1 == entries.len();
    let split = split_off(entries, E::LEAF_ENTRIES_MAX, appended).and_then(|right| {
        let first = right.first()?.clone();
        Some(Child {
            first,
            node: Arc::new(TreeNode::Leaf(right)),
        })
    });
    Inserted { is_new: true, split }
}

/// The right part of a node that has become too large. What grows at its end, as ids do, is left full.
fn split_off<T>(items: &mut Vec<T>, limit: usize, appended: bool) -> Option<Vec<T>> {
    let length = items.len();
    (length > limit).then(|| items.split_off(if appended { length - 1 } else { length / 2 }))
}

fn remove_below<E: Entry>(node: &mut Arc<TreeNode<E>>, place: &dyn Fn(&E) -> Ordering) -> Option<E> {
    match Arc::make_mut(node) {
        TreeNode::Leaf(entries) => {
            let found = entries.binary_search_by(place).ok()?;
            Some(entries.remove(found))
        }
        TreeNode::Inner(children) => {
            let next = children.partition_point(|child| place(&child.first) != Ordering::Greater);
            let at = next.saturating_sub(1);
            let child = children.get_mut(at)?;
            let removed = remove_below(&mut child.node, place)?;
            if child.node.is_empty() {
                children.remove(at);
            } else if child.node.is_sparse() {
                join_with_neighbour(children, at);
            }
            Some(removed)
        }
    }
}

/// Joins a child with the one after it, or the one before it, if both fit into one.
fn join_with_neighbour<E: Entry>(children: &mut Vec<Child<E>>, at: usize) {
    let left = if at + 1 < children.len() {
        at
    } else {
        at.saturating_sub(1)
    };
    let fits = match (children.get(left), children.get(left + 1)) {
        (Some(a), Some(b)) => match (a.node.as_ref(), b.node.as_ref()) {
            (TreeNode::Leaf(a), TreeNode::Leaf(b)) => a.len() + b.len() <= E::LEAF_ENTRIES_MAX,
            (TreeNode::Inner(a), TreeNode::Inner(b)) => a.len() + b.len() <= CHILDREN_MAX,
            _ => false,
        },
        _ => false,
    };
    if !fits {
        return;
    }
    let right = children.remove(left + 1);
    if let Some(child) = children.get_mut(left) {
        match (Arc::make_mut(&mut child.node), right.node.as_ref()) {
            (TreeNode::Leaf(entries), TreeNode::Leaf(more)) => entries.extend_from_slice(more),
            (TreeNode::Inner(entries), TreeNode::Inner(more)) => entries.extend_from_slice(more),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    impl Entry for u32 {
        const LEAF_ENTRIES_MAX: usize = 8;

        fn order(&self, other: &Self) -> Ordering {
            self.cmp(other)
        }
    }

    fn content(tree: &OrderedTree<u32>) -> Vec<u32> {
        let mut all = Vec::new();
        tree.visit(&mut |entries| all.extend_from_slice(entries));
        all
    }

    #[test]
    fn counting_in_steps_finds_what_halving_finds() {
        for length in 0..70_u64 {
            let items: Vec<u64> = (0..length).collect();
            for place in 0..=length {
                assert_eq!(count_before(&items, &|item| *item < place) as u64, place);
            }
        }
    }

    proptest! {
        #[test]
        fn behaves_as_an_ordered_set(operations in prop::collection::vec((any::<bool>(), 0u32..600), 0..1500)) {
            let mut tree = OrderedTree::default();
            let mut model = BTreeSet::new();
            for (insert, number) in operations {
                if insert {
                    prop_assert_eq!(tree.insert(number), model.insert(number));
                } else {
                    let removed = tree.remove(&|entry: &u32| entry.cmp(&number)).is_some();
                    prop_assert_eq!(removed, model.remove(&number));
                }
            }
            prop_assert_eq!(tree.len(), model.len() as u64);
            prop_assert_eq!(content(&tree), model.iter().copied().collect::<Vec<_>>());
            for from in [0, 17, 300, 599] {
                let mut rest = Vec::new();
                let _ = tree.visit_from(&|entry| *entry < from, &mut |entries| {
                    rest.extend_from_slice(entries);
                    ControlFlow::Continue(())
                });
                prop_assert_eq!(rest, model.range(from..).copied().collect::<Vec<_>>());
                prop_assert_eq!(tree.find(&|entry| entry.cmp(&from)).is_some(), model.contains(&from));
            }
        }
    }

    #[test]
    fn a_clone_does_not_see_later_changes_and_shares_all_but_one_path() {
        let mut tree = OrderedTree::default();
        for number in 0..10_000u32 {
            tree.insert(number * 2);
        }
        let before = tree.clone();
        tree.insert(5_001);
        assert_eq!(before.len() + 1, tree.len());
        assert!(before.find(&|entry| entry.cmp(&5_001)).is_none());
        assert!(tree.nodes_not_shared_with(&before) <= 5);
    }
}
