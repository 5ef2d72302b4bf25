//! Rows in batches of typed columns, one column a slot.
//!
//! Owns the layout and nothing of what operators do with it. INVARIANT: a column holds either no entry (the slot is absent,
//! read as null in every row) or one entry for each row pushed so far.

use std::ops::Range;

use bastide_model::{NodeId, RelationshipId, Value};
use bastide_plan::expression::Slot;

use crate::evaluate::RowView;

/// How many rows an operator asks for once a query has shown that it wants many.
pub(crate) const BATCH_ROWS: usize = 1024;

/// The values of one slot.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    /// Nodes, none of them null.
    Nodes(Vec<NodeId>),
    /// Relationships, none of them null.
    Relationships(Vec<RelationshipId>),
    /// Integers, none of them null.
    Integers(Vec<i64>),
    /// Anything.
    Values(Vec<Value>),
}

impl Default for Column {
    fn default() -> Self {
        Self::Values(Vec::new())
    }
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Nodes(entries) => entries.len(),
            Self::Relationships(entries) => entries.len(),
            Self::Integers(entries) => entries.len(),
            Self::Values(entries) => entries.len(),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Nodes(entries) => entries.clear(),
            Self::Relationships(entries) => entries.clear(),
            Self::Integers(entries) => entries.clear(),
            Self::Values(entries) => entries.clear(),
        }
    }

    fn value(&self, row: usize) -> Value {
        match self {
            Self::Nodes(entries) => entries.get(row).map_or(Value::Null, |id| Value::Node(*id)),
            Self::Relationships(entries) => entries.get(row).map_or(Value::Null, |id| Value::Relationship(*id)),
            Self::Integers(entries) => entries.get(row).map_or(Value::Null, |integer| Value::Integer(*integer)),
            Self::Values(entries) => entries.get(row).cloned().unwrap_or_default(),
        }
    }

    /// Appends a value; the first one decides the column's type, a later one of another type makes it one of `Values`.
    pub(crate) fn push(&mut self, value: Value) {
        match (&mut *self, value) {
            (Self::Nodes(entries), Value::Node(id)) => entries.push(id),
            (Self::Relationships(entries), Value::Relationship(id)) => entries.push(id),
            (Self::Integers(entries), Value::Integer(integer)) => entries.push(integer),
            (Self::Values(entries), value) if !entries.is_empty() => entries.push(value),
            (_, value) => self.push_otherwise(value),
        }
    }

    #[cold]
    fn push_otherwise(&mut self, value: Value) {
        if self.len() == 0 {
            *self = match value {
                Value::Node(id) => Self::Nodes(vec![id]),
                Value::Relationship(id) => Self::Relationships(vec![id]),
                Value::Integer(integer) => Self::Integers(vec![integer]),
                other => match std::mem::take(self) {
                    Self::Values(mut entries) => {
                        entries.push(other);
                        Self::Values(entries)
                    }
                    _ => Self::Values(vec![other]),
                },
            };
            return;
        }
        self.extend_values(std::iter::once(value));
    }

    /// Makes this a column of values and appends to it.
    fn extend_values(&mut self, more: impl Iterator<Item = Value>) {
        let mut values: Vec<Value> = match std::mem::take(self) {
            Self::Values(values) => values,
            other => (0..other.len()).map(|row| other.value(row)).collect(),
        };
        values.extend(more);
        *self = Self::Values(values);
    }

    /// Appends the entries of `source` at `rows`. `present` is how many rows this column's batch had before.
    fn gather(&mut self, source: &Column, rows: &[u32], present: usize) {
        if source.len() == 0 {
            if self.len() > 0 {
                self.extend_values(rows.iter().map(|_| Value::Null));
            }
            return;
        }
        if self.len() == 0 && present > 0 {
            *self = Self::Values(vec![Value::Null; present]);
        } else if self.len() == 0 {
            self.become_like(source);
        }
        match (&mut *self, source) {
            (Self::Nodes(into), Self::Nodes(from)) => into.extend(picked(from, rows)),
            (Self::Relationships(into), Self::Relationships(from)) => into.extend(picked(from, rows)),
            (Self::Integers(into), Self::Integers(from)) => into.extend(picked(from, rows)),
            (Self::Values(into), Self::Values(from)) => {
                into.extend(
                    rows.iter()
                        .map(|row| from.get(*row as usize).cloned().unwrap_or_default()),
                );
            }
            (_, source) => self.extend_values(rows.iter().map(|row| source.value(*row as usize))),
        }
    }

    fn append(&mut self, source: &Column, rows: Range<usize>) {
        if self.len() == 0 {
            self.become_like(source);
        }
        match (&mut *self, source) {
            (Self::Nodes(into), Self::Nodes(from)) => into.extend_from_slice(from.get(rows).unwrap_or_default()),
            (Self::Relationships(into), Self::Relationships(from)) => {
                into.extend_from_slice(from.get(rows).unwrap_or_default());
            }
            (Self::Integers(into), Self::Integers(from)) => into.extend_from_slice(from.get(rows).unwrap_or_default()),
            (Self::Values(into), Self::Values(from)) => into.extend_from_slice(from.get(rows).unwrap_or_default()),
            (_, source) => self.extend_values(rows.map(|row| source.value(row))),
        }
    }

    /// Takes the type of `other`, empty; keeps the allocation where the type is the same.
    fn become_like(&mut self, other: &Column) {
        match (&mut *self, other) {
            (Self::Nodes(_), Self::Nodes(_))
            | (Self::Relationships(_), Self::Relationships(_))
            | (Self::Integers(_), Self::Integers(_))
            | (Self::Values(_), Self::Values(_)) => self.clear(),
            (_, Self::Nodes(_)) => *self = Self::Nodes(Vec::new()),
            (_, Self::Relationships(_)) => *self = Self::Relationships(Vec::new()),
            (_, Self::Integers(_)) => *self = Self::Integers(Vec::new()),
            (_, Self::Values(_)) => *self = Self::Values(Vec::new()),
        }
    }

    /// Keeps only the entries whose flag is set.
    fn retain(&mut self, kept: &[bool]) {
        match self {
            Self::Nodes(entries) => retain_flagged(entries, kept),
            Self::Relationships(entries) => retain_flagged(entries, kept),
            Self::Integers(entries) => retain_flagged(entries, kept),
            Self::Values(entries) => retain_flagged(entries, kept),
        }
    }

    fn drop_front(&mut self, rows: usize) {
        let rows = rows.min(self.len());
        match self {
            Self::Nodes(entries) => drop(entries.drain(..rows)),
            Self::Relationships(entries) => drop(entries.drain(..rows)),
            Self::Integers(entries) => drop(entries.drain(..rows)),
            Self::Values(entries) => drop(entries.drain(..rows)),
        }
    }

    fn memory_size(&self) -> usize {
        match self {
            Self::Nodes(entries) => entries.len() * 8,
            Self::Relationships(entries) => entries.len() * 8,
            Self::Integers(entries) => entries.len() * 8,
            Self::Values(entries) => entries.iter().map(Value::memory_size).sum(),
        }
    }
}

fn picked<'a, T: Copy>(from: &'a [T], rows: &'a [u32]) -> impl Iterator<Item = T> + 'a {
    rows.iter().filter_map(|row| from.get(*row as usize).copied())
}

fn retain_flagged<T>(entries: &mut Vec<T>, kept: &[bool]) {
    let mut flags = kept.iter();
    entries.retain(|_| flags.next().copied().unwrap_or(false));
}

/// Rows of typed columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    columns: Vec<Column>,
    rows: usize,
}

impl Batch {
    /// No rows. Columns come into being as they are written.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Takes every row out and keeps the allocations.
    pub(crate) fn clear(&mut self) {
        self.rows = 0;
        self.columns.iter_mut().for_each(Column::clear);
    }

    /// Says that `rows` rows have been written column by column.
    pub(crate) fn add_rows(&mut self, rows: usize) {
        self.rows += rows;
    }

    /// The value of a slot in a row; null if the slot is absent.
    pub(crate) fn value(&self, slot: Slot, row: usize) -> Value {
        self.columns
            .get(slot.0 as usize)
            .map_or(Value::Null, |column| column.value(row))
    }

    /// One row, for expressions.
    pub(crate) fn row(&self, row: usize) -> BatchRow<'_> {
        BatchRow { batch: self, row }
    }

    /// The slots that are present.
    pub(crate) fn present(&self) -> impl Iterator<Item = Slot> + '_ {
        (0u32..)
            .zip(&self.columns)
            .filter(|(_, column)| column.len() > 0)
            .map(|(slot, _)| Slot(slot))
    }

    #[expect(clippy::indexing_slicing, reason = "the columns are made long enough first")]
    fn column(&mut self, slot: Slot) -> &mut Column {
        let place = slot.0 as usize;
        if place >= self.columns.len() {
            self.columns.resize_with(place + 1, Column::default);
        }
        &mut self.columns[place]
    }

    /// Appends nodes to a column that holds nodes only, or nothing yet.
    pub(crate) fn extend_nodes(&mut self, slot: Slot, nodes: impl Iterator<Item = NodeId>) {
        match self.column(slot) {
            Column::Nodes(present) => present.extend(nodes),
            column if column.len() == 0 => *column = Column::Nodes(nodes.collect()),
            column => column.extend_values(nodes.map(Value::Node)),
        }
    }

    /// Appends relationships to a column that holds relationships only, or nothing yet.
    pub(crate) fn extend_relationships(&mut self, slot: Slot, relationships: impl Iterator<Item = RelationshipId>) {
        match self.column(slot) {
            Column::Relationships(present) => present.extend(relationships),
            column if column.len() == 0 => *column = Column::Relationships(relationships.collect()),
            column => column.extend_values(relationships.map(Value::Relationship)),
        }
    }

    /// Appends a value to a column. The caller does so for every row, and then says [`Batch::add_rows`].
    pub(crate) fn push(&mut self, slot: Slot, value: Value) {
        self.column(slot).push(value);
    }

    /// Empties a column before it is written anew.
    pub(crate) fn start(&mut self, slot: Slot) {
        self.column(slot).clear();
    }

    /// Puts a column of as many rows as the batch has.
    pub(crate) fn put_column(&mut self, slot: Slot, column: Column) {
        *self.column(slot) = column;
    }

    /// Makes `to` hold what `from` holds.
    pub(crate) fn copy_column(&mut self, from: Slot, to: Slot) {
        if from != to {
            let column = self.column(from).clone();
            *self.column(to) = column;
        }
    }

    /// Appends the given slots of `rows` of `source`, without counting them as rows.
    pub(crate) fn gather(&mut self, source: &Batch, slots: &[Slot], rows: &[u32]) {
        let present = self.rows;
        for slot in slots {
            if let Some(from) = source.columns.get(slot.0 as usize) {
                self.column(*slot).gather(from, rows, present);
            }
        }
    }

    /// Appends the given slots of `rows` of `source`, without counting them as rows; absent slots as nulls, so that the columns
    /// stay aligned whatever was appended before.
    pub(crate) fn append(&mut self, source: &Batch, slots: &[Slot], rows: Range<usize>) {
        for slot in slots {
            let into = self.column(*slot);
            match source.columns.get(slot.0 as usize) {
                Some(from) if from.len() > 0 => into.append(from, rows.clone()),
                _ => into.extend_values(rows.clone().map(|_| Value::Null)),
            }
        }
    }

    /// Keeps only the rows whose flag is set.
    pub(crate) fn retain(&mut self, kept: &[bool]) {
        let rows = kept.iter().filter(|kept| **kept).count();
        for column in &mut self.columns {
            column.retain(kept);
        }
        self.rows = rows;
    }

    /// Drops the first rows.
    pub(crate) fn drop_front(&mut self, rows: usize) {
        let rows = rows.min(self.rows);
        self.columns.iter_mut().for_each(|column| column.drop_front(rows));
        self.rows -= rows;
    }

    /// An estimate of the memory held, in bytes. Walks the values.
    pub(crate) fn memory_size(&self) -> usize {
        self.columns.iter().map(Column::memory_size).sum()
    }
}

/// One row of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchRow<'a> {
    batch: &'a Batch,
    row: usize,
}

impl<'a> BatchRow<'a> {
    /// The slots that are present.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + 'a {
        self.batch.present()
    }
}

impl RowView for BatchRow<'_> {
    fn value(&self, slot: Slot) -> Value {
        self.batch.value(slot, self.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Slot = Slot(0);
    const B: Slot = Slot(3);

    #[test]
    fn a_column_of_nodes_takes_a_null_and_an_absent_slot_is_null() {
        let mut batch = Batch::new();
        batch.push(A, Value::Node(NodeId(7)));
        batch.push(A, Value::Null);
        batch.add_rows(2);
        assert!(matches!(batch.value(A, 0), Value::Node(NodeId(7))));
        assert!(batch.value(A, 1).is_null());
        assert!(batch.value(B, 0).is_null());
    }

    #[test]
    fn rows_stay_aligned_when_batches_of_different_types_are_gathered() {
        let mut nodes = Batch::new();
        nodes.extend_nodes(A, std::iter::once(NodeId(1)));
        nodes.add_rows(1);
        let mut without = Batch::new();
        without.push(B, Value::Integer(5));
        without.add_rows(1);
        let mut out = Batch::new();
        for source in [&nodes, &without, &nodes] {
            out.gather(source, &[A, B], &[0]);
            out.add_rows(1);
        }
        let of = |slot| (0..3).map(|row| out.value(slot, row).is_null()).collect::<Vec<_>>();
        assert_eq!(of(A), [false, true, false]);
        assert_eq!(of(B), [true, false, true]);
    }

    #[test]
    fn retains_and_cuts_every_column_alike() {
        let mut batch = Batch::new();
        for integer in 0..4 {
            batch.push(A, Value::Integer(integer));
            batch.push(B, Value::string(integer.to_string()));
            batch.add_rows(1);
        }
        batch.retain(&[false, true, true, true]);
        batch.drop_front(1);
        assert_eq!(batch.rows(), 2);
        assert_eq!(batch.value(A, 0).as_integer(), Some(2));
        assert_eq!(batch.value(B, 0).as_str(), Some("2"));
    }
}
