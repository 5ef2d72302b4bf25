//! Copy-on-write collections.
//!
//! Owns the three shapes from which a root is made: an array by dense id, an ordered tree and a set of ids. INVARIANT: a
//! clone costs the same at any size, and a change to a clone copies the pieces on its way and no others. Must not know
//! what a node or an index is.

mod id_set;
mod ordered_tree;
mod sparse_array;

pub(crate) use id_set::IdSet;
pub(crate) use ordered_tree::{Entry, OrderedTree};
pub(crate) use sparse_array::{LEAF_SLOTS, SparseArray};
