//! Where an expression finds its variables: a row of a batch, and over it what comprehensions bind.

use bastide_model::Value;
use bastide_plan::expression::Slot;
use smallvec::SmallVec;

/// A row, by slot. A slot that holds nothing is null.
pub trait RowView {
    /// The value in `slot`. Cloning a value never copies its content.
    fn value(&self, slot: Slot) -> Value;
}

/// The row without slots.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyRow;

impl RowView for EmptyRow {
    fn value(&self, _slot: Slot) -> Value {
        Value::Null
    }
}

impl RowView for [Value] {
    fn value(&self, slot: Slot) -> Value {
        usize::try_from(slot.0)
            .ok()
            .and_then(|place| self.get(place))
            .cloned()
            .unwrap_or_default()
    }
}

/// A row as slots in order.
impl RowView for Vec<Value> {
    fn value(&self, slot: Slot) -> Value {
        self.as_slice().value(slot)
    }
}

/// A row with the variables of the comprehensions, quantifiers and `reduce` that are being walked.
pub struct Scope<'a> {
    row: &'a dyn RowView,
    locals: SmallVec<[(Slot, Value); 2]>,
}

impl<'a> Scope<'a> {
    /// The scope of `row` alone.
    pub fn new(row: &'a dyn RowView) -> Self {
        Self {
            row,
            locals: SmallVec::new(),
        }
    }

    /// The value in `slot`: the innermost binding, else the row's.
    pub fn value(&self, slot: Slot) -> Value {
        match self.local(slot) {
            Some(value) => value.clone(),
            None => self.row.value(slot),
        }
    }

    /// The bindings over the row, outermost first.
    pub fn locals(&self) -> &[(Slot, Value)] {
        &self.locals
    }

    /// The row beneath.
    pub fn row(&self) -> &'a dyn RowView {
        self.row
    }

    /// Binds `slot` until [`Scope::unbind`].
    pub(crate) fn bind(&mut self, slot: Slot, value: Value) {
        self.locals.push((slot, value));
    }

    /// Gives the innermost binding of `slot` another value.
    pub(crate) fn rebind(&mut self, slot: Slot, value: Value) {
        if let Some((_, present)) = self.locals.iter_mut().rev().find(|(bound, _)| *bound == slot) {
            *present = value;
        }
    }

    /// Takes the innermost binding away.
    pub(crate) fn unbind(&mut self) {
        self.locals.pop();
    }

    fn local(&self, slot: Slot) -> Option<&Value> {
        self.locals
            .iter()
            .rev()
            .find(|(bound, _)| *bound == slot)
            .map(|(_, value)| value)
    }
}

impl RowView for Scope<'_> {
    fn value(&self, slot: Slot) -> Value {
        Scope::value(self, slot)
    }
}
