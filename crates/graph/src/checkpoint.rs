//! Checkpoints: a state as chunks, and only those that changed.
//!
//! Owns the layout of chunks. Records of 256 ids in a row make a chunk; a record's adjacency, the label and type sets and
//! the content of indexes are not written, as they follow from the rest. What changed is found by comparing the leaves of
//! two states by identity, so that a checkpoint costs what was written since the last. INVARIANT: the chunks, read
//! together, are the state of one commit. Must not know logs or transactions.
//!
//! Keys: `m` for the meta chunk, `n` or `r` and the first id (8 bytes, big-endian) for nodes and relationships; each with
//! the number of a part (2 bytes, big-endian) behind it, as large chunks are cut. Each part begins with the number of
//! parts; what lies behind that number is a leftover.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use bastide_model::{CommitId, ConstraintDescription, GraphError, PropertyKeyId, Value};

use crate::change::{write_constraint, write_index, write_new_tokens};
use crate::codec::{Writer, write_value};
use crate::commit::{NextIds, Shared};
use crate::durability::ChunkUpdate;
use crate::graph::Graph;
use crate::index::IndexDefinition;
use crate::persistent::LEAF_SLOTS;
use crate::records::{NodeRecord, RelationshipEntry};
use crate::root::Root;
use crate::tokens::{TokenCounts, Tokens};

/// Version of the chunk layout; another one is refused.
pub(crate) const CHUNK_VERSION: u8 = 1;
/// Leaves that make a chunk, and the ids in it.
pub(crate) const GROUP_LEAVES: usize = 8;
pub(crate) const GROUP_IDS: u64 = (GROUP_LEAVES * LEAF_SLOTS) as u64;
/// Bytes of a part.
const PART_BYTES_MAX: usize = 8 << 20;

pub(crate) const META: u8 = b'm';
pub(crate) const NODES: u8 = b'n';
pub(crate) const RELATIONSHIPS: u8 = b'r';

/// What the last checkpoint stands for.
#[derive(Debug, Default)]
pub(crate) struct CheckpointState {
    /// Its state; `None` before the first. Holding it keeps replaced leaves in memory until the next checkpoint.
    pub(crate) last: Option<Arc<Root>>,
}

impl Graph {
    /// Writes what changed since the last checkpoint, while transactions go on, and lets the log drop what came before.
    /// Returns the commit that the checkpoint stands for. Blocks the thread.
    ///
    /// # Errors
    /// [`GraphError::Store`]; the former checkpoint and the log are still whole then.
    pub fn checkpoint(&self) -> Result<CommitId, GraphError> {
        self.shared.write_checkpoint()
    }

    /// Bytes logged since the last checkpoint or since opening, by which to decide when the next one is due.
    #[must_use]
    pub fn bytes_since_checkpoint(&self) -> u64 {
        self.shared.logged_bytes.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn write_checkpoint(&self) -> Result<CommitId, GraphError> {
        let mut state = self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
        let logged_bytes = self.logged_bytes.load(Ordering::Relaxed);
        let root = self.published();
        let commit = root.commit_id();
        let former = state.last.clone().unwrap_or_default();
        if former.commit_id() == commit {
            return Ok(commit);
        }
        // Names and ids after the state: they may be ahead of it, never behind.
        let tokens = self.interner.current();
        let next = NextIds {
            node: self.node_ids.load(Ordering::Relaxed),
            relationship: self.relationship_ids.load(Ordering::Relaxed),
            index: self.index_ids.load(Ordering::Relaxed),
            constraint: self.constraint_ids.load(Ordering::Relaxed),
        };
        let mut updates = chunk_updates(&root, &former, &tokens, next);
        let written = self.durability.checkpoint(commit, &mut updates);
        drop(updates);
        written.map_err(|error| GraphError::Store(error.0))?;
        state.last = Some(root);
        // Commits may have come meanwhile; their bytes stay counted.
        self.logged_bytes.fetch_sub(logged_bytes, Ordering::Relaxed);
        Ok(commit)
    }
}

/// The chunks that differ between two states, and the meta chunk.
pub(crate) fn chunk_updates<'a>(
    root: &'a Root,
    former: &'a Root,
    tokens: &Tokens,
    next: NextIds,
) -> impl Iterator<Item = ChunkUpdate> + 'a {
    let meta = parts(META, None, meta_chunk(root, tokens, next));
    let node_groups = root.nodes.changed_groups(&former.nodes, GROUP_LEAVES);
    let relationship_groups = root.relationships.changed_groups(&former.relationships, GROUP_LEAVES);
    let nodes = node_groups
        .into_iter()
        .map(move |first| (NODES, first, node_chunk(root, first)));
    let relationships = relationship_groups
        .into_iter()
        .map(move |first| (RELATIONSHIPS, first, relationship_chunk(root, first)));
    let groups = nodes.chain(relationships).flat_map(|(kind, first, chunk)| match chunk {
        Some(chunk) => parts(kind, Some(first), chunk),
        None => vec![(chunk_key(kind, Some(first), 0), None)],
    });
    meta.into_iter().chain(groups)
}

fn chunk_key(kind: u8, first: Option<u64>, part: usize) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend(first.into_iter().flat_map(u64::to_be_bytes));
    // A chunk of 65,536 parts would be larger than the memory of any machine.
    key.extend(u16::try_from(part).unwrap_or(u16::MAX).to_be_bytes());
    key
}

pub(crate) fn parts(kind: u8, first: Option<u64>, chunk: Vec<u8>) -> Vec<ChunkUpdate> {
    let count = chunk.len().div_ceil(PART_BYTES_MAX).max(1) as u64;
    let pieces = chunk.chunks(PART_BYTES_MAX).enumerate();
    let with_count = pieces.map(|(part, piece)| {
        let mut bytes = Vec::with_capacity(piece.len() + 4);
        bytes.unsigned(count);
        bytes.bytes(piece);
        (chunk_key(kind, first, part), Some(bytes))
    });
    with_count.collect()
}

pub(crate) fn meta_chunk(root: &Root, tokens: &Tokens, next: NextIds) -> Vec<u8> {
    let mut chunk = vec![CHUNK_VERSION];
    chunk.unsigned(root.commit_id().0);
    [
        next.node,
        next.relationship,
        next.index.into(),
        next.constraint.into(),
        root.schema_version,
    ]
    .into_iter()
    .for_each(|number| chunk.unsigned(number));
    write_new_tokens(&mut chunk, tokens, TokenCounts::default());
    let definitions: Vec<&IndexDefinition> = root.indexes.iter().map(|index| index.definition.as_ref()).collect();
    chunk.unsigned(definitions.len() as u64);
    definitions
        .into_iter()
        .for_each(|definition| write_index(&mut chunk, definition));
    let constraints: &[ConstraintDescription] = &root.constraints;
    chunk.unsigned(constraints.len() as u64);
    constraints
        .iter()
        .for_each(|constraint| write_constraint(&mut chunk, constraint));
    chunk
}

fn write_properties(to: &mut Vec<u8>, properties: &[(PropertyKeyId, Value)]) {
    to.unsigned(properties.len() as u64);
    for (key, value) in properties {
        to.unsigned(key.0.into());
        write_value(to, value);
    }
}

/// The nodes from `first` on; `None` if there are none.
pub(crate) fn node_chunk(root: &Root, first: u64) -> Option<Vec<u8>> {
    let mut chunk = vec![CHUNK_VERSION];
    for (id, NodeRecord { labels, properties, .. }) in root
        .nodes
        .iter_from(first)
        .take_while(|(id, _)| *id < first + GROUP_IDS)
    {
        chunk.unsigned(id - first);
        chunk.unsigned(labels.len() as u64);
        labels.iter().for_each(|label| chunk.unsigned(label.0.into()));
        write_properties(&mut chunk, properties.as_slice());
    }
    (chunk.len() > 1).then_some(chunk)
}

/// The relationships from `first` on; `None` if there are none.
pub(crate) fn relationship_chunk(root: &Root, first: u64) -> Option<Vec<u8>> {
    let mut chunk = vec![CHUNK_VERSION];
    let all = root
        .relationships
        .iter_from(first)
        .take_while(|(id, _)| *id < first + GROUP_IDS);
    for (
        id,
        RelationshipEntry {
            relationship_type,
            start,
            end,
            properties,
        },
    ) in all
    {
        [id - first, relationship_type.0.into(), start.0, end.0]
            .into_iter()
            .for_each(|number| chunk.unsigned(number));
        write_properties(&mut chunk, properties.as_slice());
    }
    (chunk.len() > 1).then_some(chunk)
}
