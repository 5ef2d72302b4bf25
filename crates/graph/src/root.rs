//! One state of a graph, and reading it.
//!
//! Owns everything that a snapshot sees but the names. INVARIANT: the adjacency of nodes, the label and type sets and the
//! indexes say the same as the records. A clone costs a few counters at any size.

use std::sync::Arc;

use bastide_model::{
    Adjacent, CommitId, ConstraintDescription, Direction, IndexDescription, IndexId, IndexKind, IndexState, LabelId,
    NodeId, PropertyKeyId, RelationshipId, RelationshipRecord, RelationshipTypeId, Seek, Value,
};

use crate::index::Index;
use crate::persistent::{IdSet, SparseArray};
use crate::records::{NodeRecord, RelationshipEntry};

/// The index of all labels, which is always there; its name is the one that Neo4j gives it.
const LABEL_LOOKUP: (IndexId, &str) = (IndexId(0), "index_343aff4e");
/// The index of all relationship types.
const TYPE_LOOKUP: (IndexId, &str) = (IndexId(1), "index_f7700477");
/// The first id of an index that is made by a statement.
pub(crate) const FIRST_INDEX_ID: u32 = 2;

/// One state of a graph.
#[derive(Clone, Debug, Default)]
pub(crate) struct Root {
    /// The last commit that is in it; for a transaction's own root, the one it began with.
    pub(crate) commit_id: CommitIdOrZero,
    pub(crate) nodes: SparseArray<NodeRecord>,
    pub(crate) relationships: SparseArray<RelationshipEntry>,
    /// By label id.
    pub(crate) labels: Arc<Vec<IdSet>>,
    /// By relationship type id.
    pub(crate) types: Arc<Vec<IdSet>>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) constraints: Arc<Vec<ConstraintDescription>>,
    pub(crate) schema_version: u64,
}

/// A commit id that starts at the empty graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CommitIdOrZero(pub(crate) CommitId);

impl Default for CommitIdOrZero {
    fn default() -> Self {
        Self(CommitId(0))
    }
}

/// The set of a label or type in its table.
fn set_of(sets: &[IdSet], id: u32) -> Option<&IdSet> {
    sets.get(usize::try_from(id).ok()?)
}

/// The set of a label or type, made if need be.
pub(crate) fn set_of_mut(sets: &mut Arc<Vec<IdSet>>, id: u32) -> Option<&mut IdSet> {
    let place = usize::try_from(id).ok()?;
    let sets = Arc::make_mut(sets);
    if sets.len() <= place {
        sets.resize_with(place + 1, IdSet::default);
    }
    sets.get_mut(place)
}

impl Root {
    pub(crate) fn commit_id(&self) -> CommitId {
        self.commit_id.0
    }

    #[inline]
    pub(crate) fn node(&self, node: NodeId) -> Option<&NodeRecord> {
        self.nodes.get(node.0)
    }

    #[inline]
    pub(crate) fn relationship_entry(&self, relationship: RelationshipId) -> Option<&RelationshipEntry> {
        self.relationships.get(relationship.0)
    }

    pub(crate) fn has_label(&self, node: NodeId, label: LabelId) -> bool {
        self.node(node).is_some_and(|record| record.labels.contains(&label))
    }

    #[inline]
    pub(crate) fn node_property(&self, node: NodeId, key: PropertyKeyId) -> Value {
        self.node(node)
            .and_then(|record| record.properties.get(key))
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn node_labels(&self, node: NodeId, labels: &mut Vec<LabelId>) {
        labels.extend(
            self.node(node)
                .into_iter()
                .flat_map(|record| record.labels.iter().copied()),
        );
    }

    pub(crate) fn node_properties(&self, node: NodeId, properties: &mut Vec<(PropertyKeyId, Value)>) {
        if let Some(record) = self.node(node) {
            properties.extend_from_slice(record.properties.as_slice());
        }
    }

    pub(crate) fn relationship_properties(
        &self,
        relationship: RelationshipId,
        properties: &mut Vec<(PropertyKeyId, Value)>,
    ) {
        if let Some(entry) = self.relationship_entry(relationship) {
            properties.extend_from_slice(entry.properties.as_slice());
        }
    }

    #[inline]
    pub(crate) fn relationship_property(&self, relationship: RelationshipId, key: PropertyKeyId) -> Value {
        let entry = self.relationship_entry(relationship);
        entry
            .and_then(|entry| entry.properties.get(key))
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn relationship(&self, relationship: RelationshipId) -> Option<RelationshipRecord> {
        self.relationship_entry(relationship).map(|entry| RelationshipRecord {
            relationship_type: entry.relationship_type,
            start: entry.start,
            end: entry.end,
        })
    }

    #[inline]
    pub(crate) fn expand(
        &self,
        node: NodeId,
        direction: Direction,
        types: &[RelationshipTypeId],
        adjacent: &mut Vec<Adjacent>,
    ) {
        if let Some(record) = self.node(node) {
            record.adjacency.expand(node, direction, types, adjacent);
        }
    }

    pub(crate) fn degree(&self, node: NodeId, direction: Direction, types: &[RelationshipTypeId]) -> u64 {
        self.node(node)
            .map_or(0, |record| record.adjacency.degree(node, direction, types))
    }

    pub(crate) fn scan_nodes(&self, from: NodeId, limit: usize, nodes: &mut Vec<NodeId>) {
        nodes.extend(self.nodes.iter_from(from.0).take(limit).map(|(id, _)| NodeId(id)));
    }

    pub(crate) fn scan_label(&self, label: LabelId, from: NodeId, limit: usize, nodes: &mut Vec<NodeId>) {
        if let Some(set) = set_of(&self.labels, label.0) {
            nodes.extend(set.iter_from(from.0).take(limit).map(NodeId));
        }
    }

    pub(crate) fn scan_relationships(
        &self,
        relationship_type: Option<RelationshipTypeId>,
        from: RelationshipId,
        limit: usize,
        relationships: &mut Vec<RelationshipId>,
    ) {
        match relationship_type {
            None => {
                let all = self.relationships.iter_from(from.0).take(limit);
                relationships.extend(all.map(|(id, _)| RelationshipId(id)));
            }
            Some(id) => {
                if let Some(set) = set_of(&self.types, id.0) {
                    relationships.extend(set.iter_from(from.0).take(limit).map(RelationshipId));
                }
            }
        }
    }

    pub(crate) fn node_count(&self, label: Option<LabelId>) -> u64 {
        match label {
            None => self.nodes.len(),
            Some(label) => set_of(&self.labels, label.0).map_or(0, IdSet::len),
        }
    }

    pub(crate) fn relationship_count(&self, relationship_type: Option<RelationshipTypeId>) -> u64 {
        match relationship_type {
            None => self.relationships.len(),
            Some(id) => set_of(&self.types, id.0).map_or(0, IdSet::len),
        }
    }

    pub(crate) fn index(&self, id: IndexId) -> Option<&Index> {
        self.indexes.iter().find(|index| index.definition.id == id)
    }

    pub(crate) fn index_descriptions(&self) -> Vec<IndexDescription> {
        let lookup = |(id, name): (IndexId, &str), kind, sets: &[IdSet]| IndexDescription {
            id,
            name: name.into(),
            kind,
            target: None,
            properties: Vec::new(),
            state: IndexState::Online,
            owner: None,
            entries: sets.iter().map(IdSet::len).sum(),
            distinct_keys: sets.iter().filter(|set| set.len() > 0).count() as u64,
        };
        let mut all = vec![
            lookup(LABEL_LOOKUP, IndexKind::LabelLookup, &self.labels),
            lookup(TYPE_LOOKUP, IndexKind::TypeLookup, &self.types),
        ];
        all.extend(self.indexes.iter().map(describe_index));
        all
    }

    pub(crate) fn is_lookup_index_name(name: &str) -> bool {
        name == LABEL_LOOKUP.1 || name == TYPE_LOOKUP.1
    }

    pub(crate) fn seek(&self, index: IndexId, seek: &Seek, found: &mut dyn FnMut(u64)) {
        if let Some(index) = self.index(index) {
            index.seek(seek, found);
        }
    }
}

/// What an index looks like from outside.
pub(crate) fn describe_index(index: &Index) -> IndexDescription {
    let definition = &index.definition;
    IndexDescription {
        id: definition.id,
        name: definition.name.clone(),
        kind: IndexKind::Range,
        target: Some(definition.target),
        properties: definition.properties.clone(),
        state: IndexState::Online,
        owner: definition.owner,
        entries: index.len(),
        distinct_keys: index.distinct(),
    }
}
