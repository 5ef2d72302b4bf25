//! A set of ids, compressed and copy-on-write.
//!
//! INVARIANT: piece `n` holds the low 16 bits of the members in `n * 65536 ..`; `length` is the number of members.

use std::sync::Arc;

use roaring::RoaringBitmap;

/// Low bits of an id that are the content of a piece.
const PIECE_BITS: u32 = 16;
const PIECE_MASK: u64 = (1 << PIECE_BITS) - 1;

/// A set of ids that clones in constant time.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdSet {
    pieces: Arc<Vec<Arc<RoaringBitmap>>>,
    length: u64,
}

fn place(id: u64) -> (usize, u32) {
    // Ids are below 2^36 (limit of the graph), and the mask leaves 16 bits.
    (
        usize::try_from(id >> PIECE_BITS).unwrap_or(usize::MAX),
        (id & PIECE_MASK) as u32,
    )
}

impl IdSet {
    /// How many members.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Adds a member; says whether it was new.
    pub(crate) fn insert(&mut self, id: u64) -> bool {
        let (piece, low) = place(id);
        let pieces = Arc::make_mut(&mut self.pieces);
        if pieces.len() <= piece {
            pieces.resize_with(piece + 1, Arc::default);
        }
        let is_new = pieces
            .get_mut(piece)
            .is_some_and(|piece| Arc::make_mut(piece).insert(low));
        self.length += u64::from(is_new);
        is_new
    }

    /// Takes a member out; says whether it was there.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let (piece, low) = place(id);
        if !self.pieces.get(piece).is_some_and(|piece| piece.contains(low)) {
            return false;
        }
        if let Some(piece) = Arc::make_mut(&mut self.pieces).get_mut(piece) {
            Arc::make_mut(piece).remove(low);
        }
        self.length -= 1;
        true
    }

    /// Members from `from` on, ascending.
    pub(crate) fn iter_from(&self, from: u64) -> impl Iterator<Item = u64> {
        let (first, low) = place(from);
        let pieces = self.pieces.iter().enumerate().skip(first);
        pieces.flat_map(move |(at, piece)| {
            let start = if at == first { low } else { 0 };
            piece
                .range(start..)
                .map(move |low| ((at as u64) << PIECE_BITS) | u64::from(low))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn behaves_as_a_set(operations in prop::collection::vec((any::<bool>(), 0u64..200_000), 0..300)) {
            let mut set = IdSet::default();
            let mut model = BTreeSet::new();
            for (insert, id) in operations {
                if insert {
                    prop_assert_eq!(set.insert(id), model.insert(id));
                } else {
                    prop_assert_eq!(set.remove(id), model.remove(&id));
                }
            }
            prop_assert_eq!(set.len(), model.len() as u64);
            for from in [0, 65_535, 65_536, 150_000] {
                prop_assert_eq!(set.iter_from(from).collect::<Vec<_>>(), model.range(from..).copied().collect::<Vec<_>>());
            }
        }
    }
}
