//! Rebuilding the newest state from the chunks of the last checkpoint and the log after it.
//!
//! INVARIANT: what cannot be read or does not fit is named and refused, never skipped. Adjacency, label and type sets and
//! indexes are built from the records. Must not know files or keys.

use std::sync::Arc;

use bastide_model::{CommitId, GraphError, LabelId, NodeId, PropertyKeyId, RelationshipId, RelationshipTypeId, Value};
use thiserror::Error;

use crate::change::{Change, read_constraint, read_index, read_labels, read_new_tokens, read_record};
use crate::checkpoint::{CHUNK_VERSION, CheckpointState, GROUP_IDS, META, NODES, RELATIONSHIPS};
use crate::codec::{CodecError, Reader, read_value};
use crate::commit::{NextIds, Shared};
use crate::durability::Durability;
use crate::graph::Graph;
use crate::records::Properties;
use crate::root::CommitIdOrZero;
use crate::tokens::{TokenKind, Tokens};
use crate::working_graph::WorkingGraph;

/// Why a graph could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store could not be read.
    #[error("the store of the graph cannot be read")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The record of a commit does not hold what was written.
    #[error("the log record of commit {commit} is not valid: {fault}")]
    Record {
        /// The commit.
        commit: CommitId,
        /// What is wrong.
        fault: String,
    },
    /// A chunk does not hold what was written.
    #[error("chunk `{chunk}` of the last checkpoint is not valid: {fault}")]
    Chunk {
        /// Its kind and first id.
        chunk: String,
        /// What is wrong.
        fault: String,
    },
    /// A commit is missing.
    #[error("commit {expected} is missing, the log goes on with commit {found}")]
    MissingCommit {
        /// The one that should be there.
        expected: CommitId,
        /// The one that is there.
        found: CommitId,
    },
}

/// A chunk part by part, as a store hands them out in the order of their keys.
pub(crate) type Parts<'a> = Box<dyn Iterator<Item = Result<(Vec<u8>, Vec<u8>), OpenError>> + 'a>;

/// Takes the first id of a chunk and its content.
type Visit<'a> = dyn FnMut(u64, &[u8]) -> Result<(), Fault> + 'a;

/// What a graph is rebuilt from.
pub(crate) trait RecoverySource {
    /// The chunks of a kind.
    fn chunks(&self, kind: u8) -> Result<Parts<'_>, OpenError>;
    /// The commit of the last checkpoint.
    fn checkpoint(&self) -> Option<CommitId>;
}

/// A commit of the log.
pub(crate) struct LoggedCommit {
    pub(crate) commit_id: CommitId,
    pub(crate) record: Vec<u8>,
}

impl Graph {
    /// Rebuilds the graph.
    pub(crate) fn recover(
        source: &dyn RecoverySource,
        log: &mut dyn Iterator<Item = Result<LoggedCommit, OpenError>>,
        into_durability: impl FnOnce() -> Box<dyn Durability>,
    ) -> Result<Self, OpenError> {
        let mut rebuilt = Rebuilt::default();
        let mut state = CheckpointState::default();
        if let Some(commit) = source.checkpoint() {
            rebuilt.load(source, commit)?;
            state.last = Some(Arc::new(rebuilt.work.root.clone()));
        }
        let mut logged_bytes = 0;
        for logged in log {
            let logged = logged?;
            logged_bytes += logged.record.len() as u64;
            rebuilt.replay(&logged)?;
        }
        let shared = Shared::new(
            rebuilt.work.root,
            rebuilt.tokens,
            rebuilt.next,
            into_durability(),
            state,
        );
        shared
            .logged_bytes
            .store(logged_bytes, std::sync::atomic::Ordering::Relaxed);
        Ok(Self {
            shared: Arc::new(shared),
        })
    }
}

/// A graph while it is rebuilt.
#[derive(Default)]
struct Rebuilt {
    work: WorkingGraph,
    tokens: Tokens,
    next: NextIds,
}

/// What is wrong with a chunk or a record.
enum Fault {
    Codec(CodecError),
    Graph(GraphError),
    Other(&'static str),
}

impl From<CodecError> for Fault {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

impl From<GraphError> for Fault {
    fn from(error: GraphError) -> Self {
        Self::Graph(error)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Codec(error) => error.fmt(formatter),
            Self::Graph(error) => error.fmt(formatter),
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

impl Rebuilt {
    fn load(&mut self, source: &dyn RecoverySource, commit: CommitId) -> Result<(), OpenError> {
        let mut meta = None;
        for_each_chunk(source.chunks(META)?, &mut |_, chunk| {
            meta = Some(chunk.to_vec());
            Ok(())
        })?;
        let in_meta = |fault: Fault| OpenError::Chunk {
            chunk: "m".to_owned(),
            fault: fault.to_string(),
        };
        let meta = meta.ok_or_else(|| in_meta(Fault::Other("it is missing")))?;
        let schema = self.read_head(&mut Reader::new(&meta), commit).map_err(in_meta)?;
        for_each_chunk(source.chunks(NODES)?, &mut |first, chunk| self.read_nodes(first, chunk))?;
        for_each_chunk(source.chunks(RELATIONSHIPS)?, &mut |first, chunk| {
            self.read_relationships(first, chunk)
        })?;
        self.read_schema(&mut Reader::new(meta.get(schema..).unwrap_or_default()))
            .map_err(in_meta)?;
        self.work.root.commit_id = CommitIdOrZero(commit);
        self.work = WorkingGraph::new(std::mem::take(&mut self.work.root));
        Ok(())
    }

    /// Reads the meta chunk up to the schema, whose place it returns.
    fn read_head(&mut self, reader: &mut Reader<'_>, commit: CommitId) -> Result<usize, Fault> {
        let length = reader.left();
        check_version(reader)?;
        if reader.unsigned()? != commit.0 {
            return Err(Fault::Other("it is of another commit"));
        }
        self.next = NextIds {
            node: reader.unsigned()?,
            relationship: reader.unsigned()?,
            index: reader.unsigned_32()?,
            constraint: reader.unsigned_32()?,
        };
        self.work.root.schema_version = reader.unsigned()?;
        read_new_tokens(reader, &mut self.tokens)?;
        Ok(length - reader.left())
    }

    /// Builds the indexes; the data must be there already.
    fn read_schema(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        for _ in 0..reader.count()? {
            self.work.add_index(&self.tokens, read_index(reader)?)?;
        }
        for _ in 0..reader.count()? {
            let constraint = read_constraint(reader)?;
            Arc::make_mut(&mut self.work.root.constraints).push(constraint);
        }
        Ok(())
    }

    fn read_nodes(&mut self, first: u64, chunk: &[u8]) -> Result<(), Fault> {
        let mut reader = Reader::new(chunk);
        check_version(&mut reader)?;
        while !reader.is_empty() {
            let node = NodeId(member_id(first, &mut reader)?);
            let labels = read_labels(&mut reader)?;
            labels
                .iter()
                .try_for_each(|label: &LabelId| self.check_name(TokenKind::Label, label.0))?;
            let properties = self.read_properties(&mut reader)?;
            self.work.create_node(node, labels)?;
            if let Some(record) = self.work.root.nodes.get_mut(node.0) {
                record.properties = properties;
            }
            self.next.node = self.next.node.max(node.0 + 1);
        }
        Ok(())
    }

    fn read_relationships(&mut self, first: u64, chunk: &[u8]) -> Result<(), Fault> {
        let mut reader = Reader::new(chunk);
        check_version(&mut reader)?;
        while !reader.is_empty() {
            let relationship = RelationshipId(member_id(first, &mut reader)?);
            let relationship_type = RelationshipTypeId(reader.unsigned_32()?);
            self.check_name(TokenKind::RelationshipType, relationship_type.0)?;
            let (start, end) = (NodeId(reader.unsigned()?), NodeId(reader.unsigned()?));
            let properties = self.read_properties(&mut reader)?;
            self.work
                .create_relationship(relationship, relationship_type, start, end)?;
            if let Some(entry) = self.work.root.relationships.get_mut(relationship.0) {
                entry.properties = properties;
            }
            self.next.relationship = self.next.relationship.max(relationship.0 + 1);
        }
        Ok(())
    }

    fn read_properties(&self, reader: &mut Reader<'_>) -> Result<Properties, Fault> {
        let mut properties: Vec<(PropertyKeyId, Value)> = Vec::new();
        for _ in 0..reader.count()? {
            let key = PropertyKeyId(reader.unsigned_32()?);
            self.check_name(TokenKind::PropertyKey, key.0)?;
            if properties.last().is_some_and(|(last, _)| *last >= key) {
                return Err(Fault::Other("property keys are not in order"));
            }
            properties.push((key, read_value(reader)?));
        }
        Ok(Properties::from_ascending(properties))
    }

    fn check_name(&self, kind: TokenKind, id: u32) -> Result<(), Fault> {
        let name = self.tokens.of(kind).name(id);
        name.map(drop).ok_or(Fault::Other("it uses a name that is not known"))
    }

    fn replay(&mut self, logged: &LoggedCommit) -> Result<(), OpenError> {
        let expected = CommitId(self.work.root.commit_id().0 + 1);
        if logged.commit_id != expected {
            return Err(OpenError::MissingCommit {
                expected,
                found: logged.commit_id,
            });
        }
        let in_record = |fault: Fault| OpenError::Record {
            commit: expected,
            fault: fault.to_string(),
        };
        self.replay_changes(&logged.record).map_err(in_record)?;
        self.work = WorkingGraph::new(std::mem::take(&mut self.work.root));
        self.work.root.commit_id = CommitIdOrZero(expected);
        Ok(())
    }

    fn replay_changes(&mut self, record: &[u8]) -> Result<(), Fault> {
        let mut reader = read_record(record, &mut self.tokens)?;
        while !reader.is_empty() {
            let change = Change::read(&mut reader)?;
            self.check_change(&change)?;
            self.work.apply(&self.tokens, change)?;
        }
        if !self.work.dangling.is_empty() {
            return Err(Fault::Other("it deletes a node that still has relationships"));
        }
        Ok(())
    }

    /// Checks the names of a change and keeps the counters ahead of its ids.
    fn check_change(&mut self, change: &Change) -> Result<(), Fault> {
        match change {
            Change::CreateNode { node, labels } => {
                labels
                    .iter()
                    .try_for_each(|label: &LabelId| self.check_name(TokenKind::Label, label.0))?;
                self.next.node = self.next.node.max(node.0.saturating_add(1));
            }
            Change::CreateRelationship {
                relationship,
                relationship_type,
                ..
            } => {
                self.check_name(TokenKind::RelationshipType, relationship_type.0)?;
                self.next.relationship = self.next.relationship.max(relationship.0.saturating_add(1));
            }
            Change::SetNodeProperty { key, .. } | Change::SetRelationshipProperty { key, .. } => {
                self.check_name(TokenKind::PropertyKey, key.0)?;
            }
            Change::AddLabel { label, .. } => self.check_name(TokenKind::Label, label.0)?,
            Change::CreateIndex(index) => self.next.index = self.next.index.max(index.id.0.saturating_add(1)),
            Change::CreateConstraint(constraint) => {
                self.next.constraint = self.next.constraint.max(constraint.id.0.saturating_add(1));
                let index = constraint.index.map_or(0, |index| index.0.saturating_add(1));
                self.next.index = self.next.index.max(index);
            }
            _ => {}
        }
        Ok(())
    }
}

fn check_version(reader: &mut Reader<'_>) -> Result<(), Fault> {
    let found = reader.byte()?;
    if found == CHUNK_VERSION {
        return Ok(());
    }
    Err(CodecError::Version {
        found,
        supported: CHUNK_VERSION,
    }
    .into())
}

/// The id of the next record of a chunk.
fn member_id(first: u64, reader: &mut Reader<'_>) -> Result<u64, Fault> {
    let offset = reader.unsigned()?;
    if offset >= GROUP_IDS {
        return Err(CodecError::OutOfRange("the place of a record in its chunk").into());
    }
    Ok(first.saturating_add(offset))
}

/// Puts the parts of each chunk together and hands it out with its first id.
fn for_each_chunk(parts: Parts<'_>, visit: &mut Visit<'_>) -> Result<(), OpenError> {
    // The chunk being put together: its key without the part, how many parts it has and how many came.
    let mut current: Option<(Vec<u8>, u64, u64)> = None;
    let mut chunk = Vec::new();
    for part in parts {
        let (key, bytes) = part?;
        let fault = |fault: Fault| OpenError::Chunk {
            chunk: chunk_in_words(&key),
            fault: fault.to_string(),
        };
        let (Some((place, [high, low])), mut reader) = (key.split_last_chunk::<2>(), Reader::new(&bytes)) else {
            return Err(fault(Fault::Other("its key is too short")));
        };
        let part = u64::from(u16::from_be_bytes([*high, *low]));
        let count = reader.unsigned().map_err(|error| fault(error.into()))?;
        if part == 0 {
            if current.is_some() {
                return Err(fault(Fault::Other("the chunk before it lacks a part")));
            }
            current = Some((place.to_vec(), count, 0));
            chunk.clear();
        }
        let Some((of, count, came)) = &mut current else {
            // A leftover of a larger chunk that had this key before.
            continue;
        };
        if of.as_slice() != place || part != *came {
            return Err(fault(Fault::Other("a part is missing")));
        }
        *came += 1;
        chunk.extend_from_slice(reader.bytes(reader.left()).map_err(|error| fault(error.into()))?);
        if came == count {
            let first = place
                .get(1..)
                .and_then(|first| <[u8; 8]>::try_from(first).ok())
                .map(u64::from_be_bytes);
            visit(first.unwrap_or_default(), &chunk).map_err(fault)?;
            current = None;
        }
    }
    match current {
        None => Ok(()),
        Some((place, _, _)) => {
            let fault = "a part is missing".to_owned();
            Err(OpenError::Chunk {
                chunk: chunk_in_words(&place),
                fault,
            })
        }
    }
}

/// A key for a message: the kind, then hexadecimal digits.
fn chunk_in_words(key: &[u8]) -> String {
    let Some((kind, rest)) = key.split_first() else {
        return String::new();
    };
    let digits: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}{digits}", char::from(*kind))
}
