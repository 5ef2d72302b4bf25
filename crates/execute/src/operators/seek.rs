//! Seeks: entities by id, nodes by an ordered index. What is looked for may depend on the row.

use std::sync::Arc;

use bastide_model::order::Equivalent;
use bastide_model::{IndexId, NodeId, RelationshipId, Seek, SeekBound, Value};
use bastide_plan::expression::Slot;
use bastide_status::{Code, Status};
use rustc_hash::FxHashSet;

use super::entity::{failed, value_of};
use super::flat_map::RowSource;
use super::scan::RelationshipSlots;
use super::{Run, Shared};
use crate::batch::{Batch, BatchRow};
use crate::evaluate::{Compiled, RowView};

/// What entities are sought by.
pub(super) struct Identities {
    pub(super) ids: Compiled,
    pub(super) element_ids: bool,
}

impl Identities {
    /// Numbers of entities, each once, in the order given. Values that are no ids are passed over.
    fn numbers(&self, run: &Run<'_>, row: BatchRow<'_>, kind: char, numbers: &mut Vec<u64>) -> Result<(), Status> {
        numbers.clear();
        let value = value_of(&self.ids, &row, run)?;
        let items = match &value {
            Value::List(items) => items.as_ref(),
            single => std::slice::from_ref(single),
        };
        let mut seen = FxHashSet::default();
        for item in items {
            let number = if self.element_ids {
                element_number(item, kind, &run.shared.element_id_prefix)
            } else {
                id_number(item)
            };
            numbers.extend(number.filter(|number| items.len() == 1 || seen.insert(*number)));
        }
        Ok(())
    }
}

/// The number of an entity by `id()`: an integer, or a float that equals one.
fn id_number(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(id) => u64::try_from(*id).ok(),
        Value::Float(id) if id.trunc() == *id && (0.0..9.0e15).contains(id) => Some(*id as u64),
        _ => None,
    }
}

/// The number of an entity by `elementId()`: `4:<database>:<number>` for nodes, `5:…` for relationships.
fn element_number(value: &Value, kind: char, prefix: &str) -> Option<u64> {
    let rest = value.as_str()?.strip_prefix(kind)?;
    let database = prefix.trim_start_matches(|character: char| character.is_ascii_digit());
    rest.strip_prefix(database)?.parse().ok()
}

/// Nodes by id.
pub(super) struct NodeByIdSeek {
    pub(super) identities: Identities,
    pub(super) node: Option<Slot>,
    numbers: Vec<u64>,
    place: usize,
}

impl NodeByIdSeek {
    pub(super) fn new(identities: Identities, node: Option<Slot>) -> Self {
        Self {
            identities,
            node,
            numbers: Vec::new(),
            place: 0,
        }
    }
}

impl RowSource for NodeByIdSeek {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {}

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        self.place = 0;
        self.identities.numbers(run, row, '4', &mut self.numbers)
    }

    fn fill(&mut self, run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let mut count = 0;
        while count < limit {
            let Some(number) = self.numbers.get(self.place) else {
                break;
            };
            self.place += 1;
            let node = NodeId(*number);
            if run.graph().node_exists(node).map_err(failed)? {
                if let Some(slot) = self.node {
                    out.extend_nodes(slot, std::iter::once(node));
                }
                count += 1;
            }
        }
        Ok(count)
    }
}

/// Relationships by id.
pub(super) struct RelationshipByIdSeek {
    pub(super) identities: Identities,
    pub(super) slots: RelationshipSlots,
    numbers: Vec<u64>,
    place: usize,
}

impl RelationshipByIdSeek {
    pub(super) fn new(identities: Identities, slots: RelationshipSlots) -> Self {
        Self {
            identities,
            slots,
            numbers: Vec::new(),
            place: 0,
        }
    }
}

impl RowSource for RelationshipByIdSeek {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {}

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        self.place = 0;
        self.identities.numbers(run, row, '5', &mut self.numbers)
    }

    fn fill(&mut self, run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let mut count = 0;
        while count < limit {
            let Some(number) = self.numbers.get(self.place) else {
                break;
            };
            self.place += 1;
            let id = RelationshipId(*number);
            if let Some(record) = run.graph().relationship(id).map_err(failed)? {
                self.slots.push(out, id, record.start, record.end);
                count += 1;
            }
        }
        Ok(count)
    }
}

/// What is looked for in an index, prepared.
pub(super) enum PreparedSeek {
    /// Every entry.
    All,
    /// Leading properties equal these.
    Equal(Vec<Compiled>),
    /// The first property equals any item.
    AnyOf(Compiled),
    /// The first property lies between.
    Range {
        from: Option<(Compiled, bool)>,
        to: Option<(Compiled, bool)>,
    },
    /// The first property is a text that starts so.
    Prefix(Compiled),
}

impl PreparedSeek {
    /// The seeks to make, one after the other.
    fn seeks(&self, run: &Run<'_>, row: BatchRow<'_>) -> Result<Vec<Seek>, Status> {
        Ok(match self {
            Self::All => vec![Seek::All],
            Self::Equal(parts) => {
                let values: Vec<Value> = parts
                    .iter()
                    .map(|part| value_of(part, &row, run))
                    .collect::<Result<_, _>>()?;
                // What cannot be stored equals nothing that is.
                if values.iter().all(Value::is_storable) {
                    vec![Seek::Equal(values)]
                } else {
                    Vec::new()
                }
            }
            Self::AnyOf(list) => match value_of(list, &row, run)? {
                Value::List(items) => {
                    let mut seen = FxHashSet::default();
                    items
                        .iter()
                        .filter(|item| item.is_storable() && seen.insert(Equivalent((*item).clone())))
                        .map(|item| Seek::Equal(vec![item.clone()]))
                        .collect()
                }
                Value::Null => Vec::new(),
                other => {
                    return Err(Status::new(
                        Code::TypeError,
                        format!("expected a list after IN, got {}", other.kind().name()),
                    ));
                }
            },
            Self::Range { from, to } => {
                let (Some(from), Some(to)) = (bound(from.as_ref(), run, row)?, bound(to.as_ref(), run, row)?) else {
                    return Ok(Vec::new());
                };
                vec![Seek::Range { from, to }]
            }
            Self::Prefix(text) => match value_of(text, &row, run)? {
                Value::String(text) => vec![Seek::Prefix(text)],
                _ => Vec::new(),
            },
        })
    }
}

/// One end of a range; `None` if nothing can lie within.
fn bound(expression: Option<&(Compiled, bool)>, run: &Run<'_>, row: BatchRow<'_>) -> Result<Option<SeekBound>, Status> {
    let Some((expression, included)) = expression else {
        return Ok(Some(SeekBound::Unbounded));
    };
    let value = value_of(expression, &row, run)?;
    if !value.is_storable() {
        return Ok(None);
    }
    Ok(Some(if *included {
        SeekBound::Included(value)
    } else {
        SeekBound::Excluded(value)
    }))
}

/// Nodes by an ordered index.
pub(super) struct NodeIndexSeek {
    pub(super) name: Arc<str>,
    pub(super) seek: PreparedSeek,
    pub(super) node: Option<Slot>,
    /// The index's id, with the schema version it was found in.
    index: Option<(u64, IndexId)>,
    found: Vec<NodeId>,
    place: usize,
}

impl NodeIndexSeek {
    pub(super) fn new(name: Arc<str>, seek: PreparedSeek, node: Option<Slot>) -> Self {
        Self {
            name,
            seek,
            node,
            index: None,
            found: Vec::new(),
            place: 0,
        }
    }

    fn index(&mut self, run: &Run<'_>) -> Result<IndexId, Status> {
        let graph = run.graph();
        let version = graph.schema_version();
        if let Some((known, index)) = self.index
            && known == version
        {
            return Ok(index);
        }
        let found = graph.indexes().into_iter().find(|index| index.name == self.name);
        let index = found.map(|index| index.id).ok_or_else(|| {
            // The plan is older than the schema; planned again, the query does without the index.
            Status::new(
                Code::TransactionConflict,
                format!("index `{}` was dropped while the query was planned", self.name),
            )
        })?;
        self.index = Some((version, index));
        Ok(index)
    }
}

impl RowSource for NodeIndexSeek {
    fn reset(&mut self, _shared: &Shared, _argument: &dyn RowView) {}

    fn start(&mut self, run: &mut Run<'_>, row: BatchRow<'_>) -> Result<(), Status> {
        self.found.clear();
        self.place = 0;
        let seeks = self.seek.seeks(run, row)?;
        if seeks.is_empty() {
            return Ok(());
        }
        let index = self.index(run)?;
        for seek in &seeks {
            run.graph()
                .index_seek_nodes(index, seek, &mut self.found)
                .map_err(failed)?;
        }
        Ok(())
    }

    fn fill(&mut self, _run: &mut Run<'_>, _row: BatchRow<'_>, limit: usize, out: &mut Batch) -> Result<usize, Status> {
        let found = self.found.get(self.place..).unwrap_or_default();
        let count = found.len().min(limit);
        if let Some(slot) = self.node {
            out.extend_nodes(slot, found.iter().take(count).copied());
        }
        self.place += count;
        Ok(count)
    }
}
