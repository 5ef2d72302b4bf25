//! What a transaction has written, and what it has read.
//!
//! Owns the test whether two transactions collide. INVARIANT: two transactions that do not collide give the same result
//! in either order. Sets may be coarser than the truth (a false conflict costs a retry), never finer. Must not know how
//! commits are ordered.

use bastide_model::{IndexId, LabelId, NodeId, RelationshipId, RelationshipTypeId, Seek};
use roaring::RoaringTreemap;
use rustc_hash::FxHashSet;

use crate::index::{IndexKey, key_hash, seek_matches};

/// Index keys of one transaction that are kept one by one; beyond, whole indexes stand for them.
const INDEX_KEYS_MAX: usize = 65_536;
/// Index seeks of one transaction, other than for equality, that are kept one by one.
const INDEX_SEEKS_MAX: usize = 1_024;

/// What a transaction has changed.
#[derive(Debug, Default)]
pub(crate) struct Footprint {
    /// Nodes created, deleted or changed in labels or properties.
    pub(crate) nodes: RoaringTreemap,
    /// Nodes whose relationships changed.
    pub(crate) adjacency: RoaringTreemap,
    pub(crate) relationships: RoaringTreemap,
    /// Labels whose nodes changed.
    pub(crate) labels: FxHashSet<LabelId>,
    /// Types whose relationships changed.
    pub(crate) types: FxHashSet<RelationshipTypeId>,
    /// Whether a node was created or deleted.
    pub(crate) node_set: bool,
    /// Whether a relationship was created or deleted.
    pub(crate) relationship_set: bool,
    index_keys: Vec<(IndexId, u64, IndexKey)>,
    whole_indexes: FxHashSet<IndexId>,
}

impl Footprint {
    /// Notes that a key came into an index or left it.
    pub(crate) fn index_key(&mut self, index: IndexId, key: IndexKey) {
        if self.whole_indexes.contains(&index) {
            return;
        }
        if self.index_keys.len() >= INDEX_KEYS_MAX {
            self.whole_indexes
                .extend(self.index_keys.drain(..).map(|(index, _, _)| index));
            self.whole_indexes.insert(index);
            return;
        }
        self.index_keys.push((index, key_hash(&key), key));
    }

    /// A measure of its size, in entries.
    pub(crate) fn weight(&self) -> u64 {
        self.nodes.len() + self.adjacency.len() + self.relationships.len() + self.index_keys.len() as u64 * 8 + 16
    }

    /// An entity that both have changed.
    pub(crate) fn overwrites(&self, other: &Self) -> Option<String> {
        if let Some(node) = first_common(&self.nodes, &other.nodes) {
            return Some(NodeId(node).to_string()).map(|node| format!("node {node}"));
        }
        first_common(&self.relationships, &other.relationships)
            .map(|relationship| format!("relationship {}", RelationshipId(relationship)))
    }
}

fn first_common(left: &RoaringTreemap, right: &RoaringTreemap) -> Option<u64> {
    if left.is_disjoint(right) {
        None
    } else {
        (left & right).min()
    }
}

/// What a transaction has read.
#[derive(Debug, Default)]
pub(crate) struct ReadSet {
    nodes: RoaringTreemap,
    adjacency: RoaringTreemap,
    relationships: RoaringTreemap,
    labels: FxHashSet<LabelId>,
    types: FxHashSet<RelationshipTypeId>,
    all_nodes: bool,
    all_relationships: bool,
    equal_keys: FxHashSet<(IndexId, u64)>,
    seeks: Vec<(IndexId, Seek)>,
    whole_indexes: FxHashSet<IndexId>,
    last_node: Option<NodeId>,
}

impl ReadSet {
    #[inline]
    pub(crate) fn node(&mut self, node: NodeId) {
        // Several properties of one node are read in a row.
        if self.last_node != Some(node) {
            self.last_node = Some(node);
            self.nodes.insert(node.0);
        }
    }

    #[inline]
    pub(crate) fn adjacency(&mut self, node: NodeId) {
        self.adjacency.insert(node.0);
    }

    #[inline]
    pub(crate) fn relationship(&mut self, relationship: RelationshipId) {
        self.relationships.insert(relationship.0);
    }

    pub(crate) fn label(&mut self, label: Option<LabelId>) {
        match label {
            Some(label) => drop(self.labels.insert(label)),
            None => self.all_nodes = true,
        }
    }

    pub(crate) fn relationship_type(&mut self, relationship_type: Option<RelationshipTypeId>) {
        match relationship_type {
            Some(id) => drop(self.types.insert(id)),
            None => self.all_relationships = true,
        }
    }

    /// Notes a seek; `width` is the number of properties of the index.
    pub(crate) fn seek(&mut self, index: IndexId, width: usize, seek: &Seek) {
        if self.whole_indexes.contains(&index) {
            return;
        }
        match seek {
            Seek::Equal(values) if values.len() == width => {
                self.equal_keys.insert((index, key_hash(values)));
            }
            Seek::All => drop(self.whole_indexes.insert(index)),
            _ if self.seeks.len() >= INDEX_SEEKS_MAX => {
                self.whole_indexes.extend(self.seeks.drain(..).map(|(index, _)| index));
                self.whole_indexes.insert(index);
            }
            other => self.seeks.push((index, other.clone())),
        }
    }

    /// What of this was changed by `footprint`, in words.
    pub(crate) fn outdated_by(&self, footprint: &Footprint) -> Option<String> {
        if let Some(node) = first_common(&self.nodes, &footprint.nodes) {
            return Some(format!("node {node}"));
        }
        if let Some(node) = first_common(&self.adjacency, &footprint.adjacency) {
            return Some(format!("the relationships of node {node}"));
        }
        if let Some(relationship) = first_common(&self.relationships, &footprint.relationships) {
            return Some(format!("relationship {relationship}"));
        }
        if (self.all_nodes && footprint.node_set) || !self.labels.is_disjoint(&footprint.labels) {
            return Some("the nodes with a label".to_owned());
        }
        if (self.all_relationships && footprint.relationship_set) || !self.types.is_disjoint(&footprint.types) {
            return Some("the relationships of a type".to_owned());
        }
        self.index_outdated_by(footprint)
            .then(|| "the range of an index".to_owned())
    }

    fn index_outdated_by(&self, footprint: &Footprint) -> bool {
        let reads = |index: &IndexId| {
            self.whole_indexes.contains(index)
                || self.equal_keys.iter().any(|(read, _)| read == index)
                || self.seeks.iter().any(|(read, _)| read == index)
        };
        footprint.whole_indexes.iter().any(reads)
            || footprint.index_keys.iter().any(|(index, hash, key)| {
                self.whole_indexes.contains(index)
                    || self.equal_keys.contains(&(*index, *hash))
                    || self
                        .seeks
                        .iter()
                        .any(|(read, seek)| read == index && seek_matches(seek, key))
            })
    }
}
