//! A node's relationships while they are few: one block of memory, sorted into groups of one direction and type.
//!
//! INVARIANT: groups ascend by direction (outgoing first) and type and have at least one entry; the last one ends at
//! `length`; entries from there on are room to grow and mean nothing. Must not know what comes when a node has more.

use std::sync::Arc;

use bastide_model::{Adjacent, Direction, NodeId, RelationshipId, RelationshipTypeId};
use smallvec::SmallVec;

use super::{Incident, is_wanted};

/// Up to this many are one block.
pub(super) const FEW_MAX: usize = 64;

/// What fills the room to grow.
const NO_ENTRY: Adjacent = Adjacent {
    relationship: RelationshipId(0),
    neighbour: NodeId(0),
};

/// The block. With the counters of its `Arc`, what precedes the entries is as long as a cache line.
#[derive(Debug)]
pub(crate) struct Few<Entries: ?Sized = [Adjacent]> {
    groups: SmallVec<[Group; 4]>,
    length: u16,
    /// Where the incoming ones start.
    outgoing: u16,
    /// How many loops there are, each counted once.
    loops: u16,
    entries: Entries,
}

/// The entries of one direction and type: from the end of the group before to `end`.
#[derive(Clone, Copy, Debug)]
struct Group {
    relationship_type: RelationshipTypeId,
    end: u16,
    incoming: bool,
}

impl Group {
    fn key(&self) -> (bool, RelationshipTypeId) {
        (self.incoming, self.relationship_type)
    }
}

impl Few {
    /// The block of the first relationship of the node `own`.
    pub(super) fn of(own: NodeId, incident: Incident) -> Arc<Self> {
        let none = Few {
            groups: SmallVec::new(),
            length: 0,
            outgoing: 0,
            loops: 0,
            entries: [],
        };
        let none: &Self = &none;
        let mut one = none.copied(1);
        if let Some(block) = Arc::get_mut(&mut one) {
            block.insert_unshared(own, incident);
        }
        one
    }

    pub(super) fn len(&self) -> usize {
        self.length.into()
    }

    /// Adds one side of a relationship to a block of fewer than [`FEW_MAX`]; in place if nobody shares the block.
    pub(super) fn insert(block: &mut Arc<Self>, own: NodeId, incident: Incident) {
        let needed = block.len() + 1;
        if block.entries.len() < needed || Arc::get_mut(block).is_none() {
            *block = block.copied(needed);
        }
        if let Some(block) = Arc::get_mut(block) {
            block.insert_unshared(own, incident);
        }
    }

    /// Takes out one side of a relationship; in place if nobody shares the block.
    pub(super) fn remove(
        block: &mut Arc<Self>,
        own: NodeId,
        relationship: RelationshipId,
        key: (bool, RelationshipTypeId),
    ) {
        let Ok(group) = block.groups.binary_search_by_key(&key, Group::key) else {
            return;
        };
        let entries = block.entries_of(group).iter();
        let Some(place) = entries.clone().position(|entry| entry.relationship == relationship) else {
            return;
        };
        if Arc::get_mut(block).is_none() {
            *block = block.copied(block.len());
        }
        if let Some(block) = Arc::get_mut(block) {
            block.remove_unshared(own, group, place);
        }
    }

    /// Adds the relationships in a direction to `found`; no `types` stand for all.
    #[inline]
    pub(super) fn expand(
        &self,
        own: NodeId,
        direction: Direction,
        types: &[RelationshipTypeId],
        found: &mut Vec<Adjacent>,
    ) {
        self.visit(direction, types, |entries, skip_loops| {
            if skip_loops {
                found.extend(entries.iter().filter(|entry| entry.neighbour != own));
            } else {
                found.extend_from_slice(entries);
            }
        });
    }

    /// How many [`Few::expand`] finds.
    pub(super) fn degree(&self, own: NodeId, direction: Direction, types: &[RelationshipTypeId]) -> u64 {
        let mut count = 0;
        self.visit(direction, types, |entries, skip_loops| {
            count += if skip_loops {
                entries.iter().filter(|entry| entry.neighbour != own).count()
            } else {
                entries.len()
            };
        });
        count as u64
    }

    /// All of them.
    pub(super) fn incidents(&self) -> impl Iterator<Item = Incident> {
        self.groups.iter().enumerate().flat_map(|(place, group)| {
            let (incoming, relationship_type) = group.key();
            self.entries_of(place).iter().map(move |adjacent| Incident {
                adjacent: *adjacent,
                relationship_type,
                incoming,
            })
        })
    }

    /// Hands out what is asked for, slice by slice, and whether loops in the slice are to be passed over because they
    /// were in a slice before.
    #[inline]
    fn visit(&self, direction: Direction, types: &[RelationshipTypeId], mut visit: impl FnMut(&[Adjacent], bool)) {
        let (length, outgoing) = (usize::from(self.length), usize::from(self.outgoing));
        let skip_loops = direction == Direction::Both && self.loops > 0;
        let mut visit_range = |range, skip_loops| visit(self.entries.get(range).unwrap_or_default(), skip_loops);
        if types.is_empty() {
            match direction {
                Direction::Outgoing => visit_range(0..outgoing, false),
                Direction::Incoming => visit_range(outgoing..length, false),
                Direction::Both if skip_loops => {
                    visit_range(0..outgoing, false);
                    visit_range(outgoing..length, true);
                }
                Direction::Both => visit_range(0..length, false),
            }
            return;
        }
        let mut start = 0;
        for group in &self.groups {
            let end = usize::from(group.end);
            if is_wanted(group.key(), direction, types) {
                visit_range(start..end, skip_loops && group.incoming);
            }
            start = end;
        }
    }

    /// Where a group starts.
    fn start_of(&self, group: usize) -> usize {
        let before = group.checked_sub(1).and_then(|before| self.groups.get(before));
        before.map_or(0, |before| before.end.into())
    }

    fn entries_of(&self, group: usize) -> &[Adjacent] {
        let end = self.groups.get(group).map_or(0, |group| group.end.into());
        self.entries.get(self.start_of(group)..end).unwrap_or_default()
    }

    /// A copy that nobody shares, with room for at least `needed` entries.
    fn copied(&self, needed: usize) -> Arc<Self> {
        // Sizes as an allocator likes them, at most half of it room to grow.
        match needed {
            0..=2 => self.copied_to::<2>(),
            3..=4 => self.copied_to::<4>(),
            5..=8 => self.copied_to::<8>(),
            9..=16 => self.copied_to::<16>(),
            17..=24 => self.copied_to::<24>(),
            25..=32 => self.copied_to::<32>(),
            33..=48 => self.copied_to::<48>(),
            _ => self.copied_to::<FEW_MAX>(),
        }
    }

    fn copied_to<const ROOM: usize>(&self) -> Arc<Self> {
        let mut entries = [NO_ENTRY; ROOM];
        entries
            .iter_mut()
            .zip(&self.entries)
            .for_each(|(to, entry)| *to = *entry);
        Arc::new(Few {
            groups: self.groups.clone(),
            length: self.length,
            outgoing: self.outgoing,
            loops: self.loops,
            entries,
        })
    }

    /// Adds one where there is room.
    fn insert_unshared(&mut self, own: NodeId, incident: Incident) {
        let Incident {
            adjacent,
            relationship_type,
            incoming,
        } = incident;
        let group = match self
            .groups
            .binary_search_by_key(&(incoming, relationship_type), Group::key)
        {
            Ok(group) => group,
            Err(group) => {
                let end = group.checked_sub(1).and_then(|before| self.groups.get(before));
                let end = end.map_or(0, |before| before.end);
                let empty = Group {
                    relationship_type,
                    end,
                    incoming,
                };
                self.groups.insert(group, empty);
                group
            }
        };
        let place = self.groups.get(group).map_or(self.length, |group| group.end);
        if let Some(moved) = self.entries.get_mut(place.into()..=self.length.into()) {
            moved.rotate_right(1);
            moved.iter_mut().take(1).for_each(|entry| *entry = adjacent);
        }
        self.groups.iter_mut().skip(group).for_each(|group| group.end += 1);
        self.length += 1;
        self.outgoing += u16::from(!incoming);
        self.loops += u16::from(incoming && adjacent.neighbour == own);
    }

    /// Takes out the entry at `place` of a group.
    fn remove_unshared(&mut self, own: NodeId, group: usize, place: usize) {
        let start = self.start_of(group);
        let Some(Group { incoming, .. }) = self.groups.get(group).copied() else {
            return;
        };
        if let Some(moved) = self.entries.get_mut(start + place..self.length.into()) {
            let is_loop = moved.first().is_some_and(|entry| entry.neighbour == own);
            self.loops -= u16::from(incoming && is_loop);
            moved.rotate_left(1);
        }
        self.groups.iter_mut().skip(group).for_each(|group| group.end -= 1);
        self.length -= 1;
        self.outgoing -= u16::from(!incoming);
        if self.entries_of(group).is_empty() {
            self.groups.remove(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(relationship: u64, neighbour: u64, relationship_type: u32, incoming: bool) -> Incident {
        Incident {
            adjacent: Adjacent {
                relationship: RelationshipId(relationship),
                neighbour: NodeId(neighbour),
            },
            relationship_type: RelationshipTypeId(relationship_type),
            incoming,
        }
    }

    fn found(few: &Few, direction: Direction, types: &[u32]) -> Vec<u64> {
        let types: Vec<_> = types.iter().copied().map(RelationshipTypeId).collect();
        let mut found = Vec::new();
        few.expand(NodeId(1), direction, &types, &mut found);
        assert_eq!(few.degree(NodeId(1), direction, &types), found.len() as u64);
        found.iter().map(|adjacent| adjacent.relationship.0).collect()
    }

    #[test]
    fn a_block_shared_with_a_copy_changes_in_one_of_them_only() {
        let own = NodeId(1);
        let mut block = Few::of(own, incident(1, 2, 0, false));
        Few::insert(&mut block, own, incident(2, 3, 0, true));
        let copy = block.clone();
        Few::remove(&mut block, own, RelationshipId(1), (false, RelationshipTypeId(0)));
        Few::insert(&mut block, own, incident(3, 4, 0, false));
        assert_eq!(found(&copy, Direction::Both, &[]), [1, 2]);
        assert_eq!(found(&block, Direction::Both, &[]), [3, 2]);
    }

    #[test]
    fn groups_of_more_types_than_fit_inline_are_found_each() {
        let own = NodeId(1);
        let mut block = Few::of(own, incident(0, 2, 9, true));
        for number in 1..32_u32 {
            Few::insert(&mut block, own, incident(number.into(), 2, number % 7, number % 2 == 0));
        }
        let odd_of_type_three: Vec<u64> = (1..32).filter(|number| number % 7 == 3 && number % 2 == 1).collect();
        assert_eq!(found(&block, Direction::Outgoing, &[3]), odd_of_type_three);
        assert_eq!(found(&block, Direction::Incoming, &[9]), [0]);
        assert_eq!(found(&block, Direction::Outgoing, &[]).len(), 16);
        assert_eq!(found(&block, Direction::Both, &[]).len(), 32);
        assert!(found(&block, Direction::Outgoing, &[9]).is_empty());
    }

    #[test]
    fn a_loop_is_met_once_in_both_directions_and_is_gone_when_removed() {
        let own = NodeId(1);
        let mut block = Few::of(own, incident(5, 1, 0, false));
        Few::insert(&mut block, own, incident(5, 1, 0, true));
        Few::insert(&mut block, own, incident(6, 2, 0, true));
        assert_eq!(found(&block, Direction::Both, &[]), [5, 6]);
        assert_eq!(found(&block, Direction::Both, &[0]), [5, 6]);
        assert_eq!(found(&block, Direction::Incoming, &[]), [5, 6]);
        Few::remove(&mut block, own, RelationshipId(5), (true, RelationshipTypeId(0)));
        Few::remove(&mut block, own, RelationshipId(5), (false, RelationshipTypeId(0)));
        assert_eq!(found(&block, Direction::Both, &[]), [6]);
    }

    #[test]
    fn what_precedes_the_entries_is_a_cache_line_with_the_counters() {
        assert_eq!(size_of::<Few<[Adjacent; 0]>>() + 2 * size_of::<usize>(), 64);
    }
}
