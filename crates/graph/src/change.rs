//! Changes as they are logged.
//!
//! Owns the layout of a commit in the log: a version, the names that are new since the last record, then one change after
//! another to the end. A transaction keeps its changes in this form, so that a commit, a repeated commit on a newer state
//! and recovery all read the same bytes. Must not know what a change does to a graph.

use std::sync::Arc;

use bastide_model::{
    ConstraintDescription, ConstraintId, ConstraintKind, IndexId, LabelId, NodeId, PropertyKeyId, RelationshipId,
    RelationshipTypeId, SchemaTarget, Value,
};

use crate::codec::{CodecError, Reader, Writer, read_value, write_value};
use crate::index::IndexDefinition;
use crate::records::Labels;
use crate::tokens::{TokenCounts, TokenKind, Tokens};

/// Version of a record; another one is refused.
const RECORD_VERSION: u8 = 1;

const CREATE_NODE: u8 = 1;
const DELETE_NODE: u8 = 2;
const CREATE_RELATIONSHIP: u8 = 3;
const DELETE_RELATIONSHIP: u8 = 4;
const SET_NODE_PROPERTY: u8 = 5;
const SET_RELATIONSHIP_PROPERTY: u8 = 6;
const ADD_LABEL: u8 = 7;
const REMOVE_LABEL: u8 = 8;
const CREATE_INDEX: u8 = 9;
const DROP_INDEX: u8 = 10;
const CREATE_CONSTRAINT: u8 = 11;
const DROP_CONSTRAINT: u8 = 12;

/// One change.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    CreateNode {
        node: NodeId,
        labels: Labels,
    },
    DeleteNode {
        node: NodeId,
    },
    CreateRelationship {
        relationship: RelationshipId,
        relationship_type: RelationshipTypeId,
        start: NodeId,
        end: NodeId,
    },
    DeleteRelationship {
        relationship: RelationshipId,
    },
    /// Null takes the property out.
    SetNodeProperty {
        node: NodeId,
        key: PropertyKeyId,
        value: Value,
    },
    /// Null takes the property out.
    SetRelationshipProperty {
        relationship: RelationshipId,
        key: PropertyKeyId,
        value: Value,
    },
    AddLabel {
        node: NodeId,
        label: LabelId,
    },
    RemoveLabel {
        node: NodeId,
        label: LabelId,
    },
    CreateIndex(IndexDefinition),
    DropIndex(IndexId),
    /// Its index, if it has one, is made with it.
    CreateConstraint(ConstraintDescription),
    DropConstraint(ConstraintId),
}

impl Change {
    /// Appends the change.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::CreateNode { node, labels } => {
                to.byte(CREATE_NODE);
                to.unsigned(node.0);
                to.unsigned(labels.len() as u64);
                labels.iter().for_each(|label| to.unsigned(label.0.into()));
            }
            Self::DeleteNode { node } => write_ids(to, DELETE_NODE, &[node.0]),
            Self::CreateRelationship {
                relationship,
                relationship_type,
                start,
                end,
            } => {
                let ids = [relationship.0, relationship_type.0.into(), start.0, end.0];
                write_ids(to, CREATE_RELATIONSHIP, &ids);
            }
            Self::DeleteRelationship { relationship } => write_ids(to, DELETE_RELATIONSHIP, &[relationship.0]),
            Self::SetNodeProperty { node, key, value } => {
                write_ids(to, SET_NODE_PROPERTY, &[node.0, key.0.into()]);
                write_value(to, value);
            }
            Self::SetRelationshipProperty {
                relationship,
                key,
                value,
            } => {
                write_ids(to, SET_RELATIONSHIP_PROPERTY, &[relationship.0, key.0.into()]);
                write_value(to, value);
            }
            Self::AddLabel { node, label } => write_ids(to, ADD_LABEL, &[node.0, label.0.into()]),
            Self::RemoveLabel { node, label } => write_ids(to, REMOVE_LABEL, &[node.0, label.0.into()]),
            Self::CreateIndex(definition) => {
                to.byte(CREATE_INDEX);
                write_index(to, definition);
            }
            Self::DropIndex(index) => write_ids(to, DROP_INDEX, &[index.0.into()]),
            Self::CreateConstraint(constraint) => {
                to.byte(CREATE_CONSTRAINT);
                write_constraint(to, constraint);
            }
            Self::DropConstraint(constraint) => write_ids(to, DROP_CONSTRAINT, &[constraint.0.into()]),
        }
    }

    /// Reads the next change.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(match reader.byte()? {
            CREATE_NODE => Self::CreateNode {
                node: NodeId(reader.unsigned()?),
                labels: read_labels(reader)?,
            },
            DELETE_NODE => Self::DeleteNode {
                node: NodeId(reader.unsigned()?),
            },
            CREATE_RELATIONSHIP => Self::CreateRelationship {
                relationship: RelationshipId(reader.unsigned()?),
                relationship_type: RelationshipTypeId(reader.unsigned_32()?),
                start: NodeId(reader.unsigned()?),
                end: NodeId(reader.unsigned()?),
            },
            DELETE_RELATIONSHIP => Self::DeleteRelationship {
                relationship: RelationshipId(reader.unsigned()?),
            },
            SET_NODE_PROPERTY => Self::SetNodeProperty {
                node: NodeId(reader.unsigned()?),
                key: PropertyKeyId(reader.unsigned_32()?),
                value: read_value(reader)?,
            },
            SET_RELATIONSHIP_PROPERTY => Self::SetRelationshipProperty {
                relationship: RelationshipId(reader.unsigned()?),
                key: PropertyKeyId(reader.unsigned_32()?),
                value: read_value(reader)?,
            },
            ADD_LABEL => Self::AddLabel {
                node: NodeId(reader.unsigned()?),
                label: LabelId(reader.unsigned_32()?),
            },
            REMOVE_LABEL => Self::RemoveLabel {
                node: NodeId(reader.unsigned()?),
                label: LabelId(reader.unsigned_32()?),
            },
            CREATE_INDEX => Self::CreateIndex(read_index(reader)?),
            DROP_INDEX => Self::DropIndex(IndexId(reader.unsigned_32()?)),
            CREATE_CONSTRAINT => Self::CreateConstraint(read_constraint(reader)?),
            DROP_CONSTRAINT => Self::DropConstraint(ConstraintId(reader.unsigned_32()?)),
            tag => return Err(CodecError::UnknownTag { what: "a change", tag }),
        })
    }
}

fn write_ids(to: &mut Vec<u8>, tag: u8, ids: &[u64]) {
    to.byte(tag);
    ids.iter().for_each(|id| to.unsigned(*id));
}

/// Reads labels and puts them in order.
pub(crate) fn read_labels(reader: &mut Reader<'_>) -> Result<Labels, CodecError> {
    let mut labels = Labels::new();
    for _ in 0..reader.count()? {
        labels.push(LabelId(reader.unsigned_32()?));
    }
    labels.sort_unstable();
    labels.dedup();
    Ok(labels)
}

fn write_target(to: &mut Vec<u8>, target: SchemaTarget) {
    let (tag, id) = match target {
        SchemaTarget::Label(label) => (0, label.0),
        SchemaTarget::RelationshipType(id) => (1, id.0),
    };
    to.byte(tag);
    to.unsigned(id.into());
}

fn read_target(reader: &mut Reader<'_>) -> Result<SchemaTarget, CodecError> {
    match reader.byte()? {
        0 => Ok(SchemaTarget::Label(LabelId(reader.unsigned_32()?))),
        1 => Ok(SchemaTarget::RelationshipType(RelationshipTypeId(
            reader.unsigned_32()?,
        ))),
        tag => Err(CodecError::UnknownTag {
            what: "a schema target",
            tag,
        }),
    }
}

fn write_keys(to: &mut Vec<u8>, keys: &[PropertyKeyId]) {
    to.unsigned(keys.len() as u64);
    keys.iter().for_each(|key| to.unsigned(key.0.into()));
}

fn read_keys(reader: &mut Reader<'_>) -> Result<Vec<PropertyKeyId>, CodecError> {
    let count = reader.count()?;
    (0..count).map(|_| reader.unsigned_32().map(PropertyKeyId)).collect()
}

/// An optional id, as zero or one more than the id.
fn write_optional(to: &mut Vec<u8>, id: Option<u32>) {
    to.unsigned(id.map_or(0, |id| u64::from(id) + 1));
}

fn read_optional(reader: &mut Reader<'_>) -> Result<Option<u32>, CodecError> {
    match reader.unsigned()?.checked_sub(1) {
        None => Ok(None),
        Some(id) => u32::try_from(id).map(Some).map_err(|_| CodecError::OutOfRange("an id")),
    }
}

/// Appends an index.
pub(crate) fn write_index(to: &mut Vec<u8>, index: &IndexDefinition) {
    to.unsigned(index.id.0.into());
    to.text(&index.name);
    write_target(to, index.target);
    write_keys(to, &index.properties);
    write_optional(to, index.owner.map(|owner| owner.0));
}

/// Reads an index.
pub(crate) fn read_index(reader: &mut Reader<'_>) -> Result<IndexDefinition, CodecError> {
    Ok(IndexDefinition {
        id: IndexId(reader.unsigned_32()?),
        name: reader.text()?.into(),
        target: read_target(reader)?,
        properties: read_keys(reader)?,
        owner: read_optional(reader)?.map(ConstraintId),
    })
}

/// Appends a constraint.
pub(crate) fn write_constraint(to: &mut Vec<u8>, constraint: &ConstraintDescription) {
    to.unsigned(constraint.id.0.into());
    to.text(&constraint.name);
    to.byte(match constraint.kind {
        ConstraintKind::Unique => 0,
        ConstraintKind::Exists => 1,
        ConstraintKind::Key => 2,
    });
    write_target(to, constraint.target);
    write_keys(to, &constraint.properties);
    write_optional(to, constraint.index.map(|index| index.0));
}

/// Reads a constraint.
pub(crate) fn read_constraint(reader: &mut Reader<'_>) -> Result<ConstraintDescription, CodecError> {
    Ok(ConstraintDescription {
        id: ConstraintId(reader.unsigned_32()?),
        name: Arc::from(reader.text()?),
        kind: match reader.byte()? {
            0 => ConstraintKind::Unique,
            1 => ConstraintKind::Exists,
            2 => ConstraintKind::Key,
            tag => {
                return Err(CodecError::UnknownTag {
                    what: "a constraint",
                    tag,
                });
            }
        },
        target: read_target(reader)?,
        properties: read_keys(reader)?,
        index: read_optional(reader)?.map(IndexId),
    })
}

/// Appends the names from `logged` on.
pub(crate) fn write_new_tokens(to: &mut Vec<u8>, tokens: &Tokens, logged: TokenCounts) {
    for (kind, first) in TokenKind::ALL.into_iter().zip(logged.0) {
        let new = tokens.of(kind).all().get(first..).unwrap_or_default();
        to.unsigned(first as u64);
        to.unsigned(new.len() as u64);
        new.iter().for_each(|name| to.text(name));
    }
}

/// Reads names and adds those to `tokens` that are not there yet: a checkpoint may hold names that a later record logs.
pub(crate) fn read_new_tokens(reader: &mut Reader<'_>, tokens: &mut Tokens) -> Result<(), CodecError> {
    for kind in TokenKind::ALL {
        let first = usize::try_from(reader.unsigned()?).map_err(|_| CodecError::OutOfRange("an id"))?;
        for place in 0..reader.count()? {
            let name = reader.text()?;
            let id = first.saturating_add(place);
            match tokens.of(kind).all().get(id) {
                Some(present) if present.as_ref() == name => {}
                None if id == tokens.of(kind).all().len() => {
                    tokens.push(kind, name).map_err(|_| CodecError::OutOfRange("a name"))?;
                }
                _ => return Err(CodecError::OutOfRange("the id of a name")),
            }
        }
    }
    Ok(())
}

/// The record of a commit.
pub(crate) fn write_record(tokens: &Tokens, logged: TokenCounts, changes: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(changes.len() + 16);
    record.byte(RECORD_VERSION);
    write_new_tokens(&mut record, tokens, logged);
    record.bytes(changes);
    record
}

/// Reads the head of a record, adds its names to `tokens` and leaves the changes.
pub(crate) fn read_record<'a>(record: &'a [u8], tokens: &mut Tokens) -> Result<Reader<'a>, CodecError> {
    let mut reader = Reader::new(record);
    let found = reader.byte()?;
    if found != RECORD_VERSION {
        return Err(CodecError::Version {
            found,
            supported: RECORD_VERSION,
        });
    }
    read_new_tokens(&mut reader, tokens)?;
    Ok(reader)
}
