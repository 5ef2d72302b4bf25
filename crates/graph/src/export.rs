//! One committed state as a stream of chunks, for backups.
//!
//! The chunks are those of a checkpoint ([`crate::checkpoint`]), all of them, in ascending order of their keys, so that a
//! reader that knows the last key it has can go on from there. INVARIANT: an export holds one root and the names and
//! counters that go with it; whatever is asked of it, and when, the bytes are the same. Writers are never held back: what
//! they change is copied, and the memory of it is the price of an export that lives long.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bastide_model::CommitId;
use bastide_security::ReadPermit;

use crate::checkpoint::{GROUP_LEAVES, META, NODES, RELATIONSHIPS, meta_chunk, node_chunk, parts, relationship_chunk};
use crate::commit::NextIds;
use crate::graph::Graph;
use crate::persistent::SparseArray;
use crate::root::Root;

/// A key and the content of a chunk's part.
pub type ExportedChunk = (Vec<u8>, Vec<u8>);

/// One committed state, to be read chunk by chunk.
#[derive(Debug)]
pub struct Export {
    root: Arc<Root>,
    meta: Vec<ExportedChunk>,
    /// First ids of the chunks, ascending.
    nodes: Vec<u64>,
    relationships: Vec<u64>,
}

impl Graph {
    /// The newest durable state, held for as long as the export lives. Takes time in proportion to the number of chunks,
    /// not to what is in them.
    #[must_use]
    pub fn export(&self, _permit: &ReadPermit) -> Export {
        let root = self.shared.published();
        // Names and counters after the state: they may be ahead of it, never behind.
        let tokens = self.shared.interner.current();
        let next = NextIds {
            node: self.shared.node_ids.load(Ordering::Relaxed),
            relationship: self.shared.relationship_ids.load(Ordering::Relaxed),
            index: self.shared.index_ids.load(Ordering::Relaxed),
            constraint: self.shared.constraint_ids.load(Ordering::Relaxed),
        };
        let meta = parts(META, None, meta_chunk(&root, &tokens, next));
        Export {
            meta: filled(meta),
            nodes: root.nodes.changed_groups(&SparseArray::default(), GROUP_LEAVES),
            relationships: root.relationships.changed_groups(&SparseArray::default(), GROUP_LEAVES),
            root,
        }
    }
}

impl Export {
    /// The commit whose state this is; 0 for the empty graph.
    pub fn commit_id(&self) -> CommitId {
        self.root.commit_id()
    }

    /// How many chunks there are at most.
    pub fn chunks_max(&self) -> u64 {
        (self.meta.len() + self.nodes.len() + self.relationships.len()) as u64
    }

    /// How many chunks lie at or before `key`, to tell how far a reader is; zero for a key of no chunk.
    pub fn chunks_up_to(&self, key: &[u8]) -> u64 {
        let Some((kind, first)) = place(key) else { return 0 };
        let up_to = |groups: &[u64]| groups.partition_point(|group| *group <= first);
        let passed = match kind {
            META => self.meta.len(),
            NODES => self.meta.len() + up_to(&self.nodes),
            RELATIONSHIPS => self.meta.len() + self.nodes.len() + up_to(&self.relationships),
            _ => 0,
        };
        passed as u64
    }

    /// The chunks that follow the key `after` (or the first ones), until they have `bytes` together; at least one, and
    /// none only at the end. At most one chunk goes beyond `bytes`.
    pub fn chunks_after(&self, after: Option<&[u8]>, bytes: usize) -> Vec<ExportedChunk> {
        let mut chunks = Vec::new();
        let mut held = 0;
        for (key, content) in self.follow(after) {
            held += key.len() + content.len();
            chunks.push((key, content));
            if held >= bytes {
                break;
            }
        }
        chunks
    }

    fn follow<'a>(&'a self, after: Option<&'a [u8]>) -> impl Iterator<Item = ExportedChunk> + 'a {
        let from = |kind: u8, groups: &'a [u64]| {
            let start = match after.and_then(place) {
                Some((reached, first)) if reached == kind => groups.partition_point(|group| *group < first),
                Some((reached, _)) if reached > kind => groups.len(),
                _ => 0,
            };
            groups.get(start..).unwrap_or_default().iter().copied()
        };
        let nodes = from(NODES, &self.nodes).map(|first| (NODES, first, node_chunk(&self.root, first)));
        let relationships = from(RELATIONSHIPS, &self.relationships)
            .map(|first| (RELATIONSHIPS, first, relationship_chunk(&self.root, first)));
        let groups = nodes.chain(relationships).flat_map(|(kind, first, chunk)| {
            chunk.map_or_else(Vec::new, |chunk| filled(parts(kind, Some(first), chunk)))
        });
        let is_passed = move |key: &[u8]| after.is_some_and(|after| key <= after);
        let meta = self.meta.iter().filter(move |(key, _)| !is_passed(key)).cloned();
        meta.chain(groups.skip_while(move |(key, _)| is_passed(key)))
    }
}

fn filled(parts: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Vec<ExportedChunk> {
    let kept = parts.into_iter().filter_map(|(key, chunk)| Some((key, chunk?)));
    kept.collect()
}

/// The kind and the first id in a key.
fn place(key: &[u8]) -> Option<(u8, u64)> {
    let (kind, rest) = key.split_first()?;
    let first = rest.first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first));
    Some((*kind, first))
}
