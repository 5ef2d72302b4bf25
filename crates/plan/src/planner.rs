//! The state of planning one statement: name tables, slots, notifications, what is being aggregated.

use std::sync::Arc;

use bastide_cypher::ast::{self, Span};
use bastide_status::{Position, Status};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::aggregation::Collector;
use crate::context::PlanContext;
use crate::expression::{Expression, KeyName, LabelName, Offset, ParameterName, Slot, TypeName};
use crate::fault::{PlanError, Result, SemanticFault};
use crate::function;
use crate::operator::{Notification, Operator, OperatorKind, Types};
use crate::scope::Scope;

/// Names in the order they were first met.
#[derive(Default)]
pub(crate) struct NameTable {
    names: Vec<Arc<str>>,
    places: FxHashMap<Arc<str>, u32>,
}

impl NameTable {
    fn place(&mut self, name: &Arc<str>) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(Arc::clone(name));
        self.places.insert(Arc::clone(name), place);
        place
    }

    pub(crate) fn into_names(self) -> Vec<Arc<str>> {
        self.names
    }

    pub(crate) fn name(&self, place: u32) -> Arc<str> {
        self.names.get(place as usize).map_or_else(|| Arc::from(""), Arc::clone)
    }
}

/// The label of an index and its properties.
pub(crate) type IndexTarget = (Arc<str>, Vec<Arc<str>>);

pub(crate) struct Planner<'a> {
    pub(crate) text: &'a str,
    pub(crate) context: &'a dyn PlanContext,
    pub(crate) labels: NameTable,
    pub(crate) types: NameTable,
    pub(crate) keys: NameTable,
    pub(crate) parameters: NameTable,
    pub(crate) slot_count: u32,
    /// What slots are called, for showing plans.
    pub(crate) variables: std::collections::BTreeMap<Slot, Arc<str>>,
    pub(crate) notifications: Vec<Notification>,
    pub(crate) warned: FxHashSet<(&'static str, Arc<str>)>,
    /// Gathers aggregates while the items of an aggregating projection are translated; `None` where they are not allowed.
    pub(crate) collector: Option<Collector>,
    /// Whether the arguments of an aggregate are being translated.
    pub(crate) inside_aggregate: bool,
    /// Whether a procedure that changes the graph is called.
    pub(crate) calls_writer: bool,
    pub(crate) calls_schema: bool,
    /// Label and properties of the indexes that the plan seeks in, by name.
    pub(crate) indexes_used: FxHashMap<Arc<str>, IndexTarget>,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(text: &'a str, context: &'a dyn PlanContext) -> Self {
        Self {
            text,
            context,
            labels: NameTable::default(),
            types: NameTable::default(),
            keys: NameTable::default(),
            parameters: NameTable::default(),
            slot_count: 0,
            variables: std::collections::BTreeMap::new(),
            notifications: Vec::new(),
            warned: FxHashSet::default(),
            collector: None,
            inside_aggregate: false,
            calls_writer: false,
            calls_schema: false,
            indexes_used: FxHashMap::default(),
        }
    }

    pub(crate) fn new_slot(&mut self) -> Slot {
        let slot = Slot(self.slot_count);
        self.slot_count += 1;
        slot
    }

    /// Remembers what slots are called. The first name stays; names made up by the planner begin with white space.
    pub(crate) fn remember_names(&mut self, scope: &Scope) {
        for (name, variable) in scope.sorted() {
            if !name.starts_with(' ') {
                self.variables.entry(variable.slot).or_insert(name);
            }
        }
    }

    pub(crate) fn label(&mut self, name: &Arc<str>) -> LabelName {
        LabelName(self.labels.place(name))
    }

    pub(crate) fn relationship_type(&mut self, name: &Arc<str>) -> TypeName {
        TypeName(self.types.place(name))
    }

    pub(crate) fn relationship_types(&mut self, names: &[Arc<str>]) -> Types {
        names.iter().map(|name| self.relationship_type(name)).collect()
    }

    pub(crate) fn key(&mut self, name: &Arc<str>) -> KeyName {
        KeyName(self.keys.place(name))
    }

    pub(crate) fn parameter(&mut self, name: &Arc<str>) -> ParameterName {
        ParameterName(self.parameters.place(name))
    }

    /// An operator; ids and live slots are filled in when the plan is complete.
    pub(crate) fn operator(&self, kind: OperatorKind, estimated_rows: f64) -> Operator {
        Operator {
            id: 0,
            kind,
            estimated_rows,
            live: Vec::new(),
        }
    }

    pub(crate) fn argument(&self, estimated_rows: f64) -> Operator {
        self.operator(OperatorKind::Argument, estimated_rows)
    }

    /// The operator over `input`, which answers about as many rows.
    pub(crate) fn over(&self, input: Operator, kind: impl FnOnce(Box<Operator>) -> OperatorKind) -> Operator {
        let rows = input.estimated_rows;
        self.operator(kind(Box::new(input)), rows)
    }

    pub(crate) fn project(&self, input: Operator, items: Vec<(Slot, Expression)>) -> Operator {
        if items.is_empty() {
            return input;
        }
        self.over(input, |input| OperatorKind::Project { input, items })
    }

    pub(crate) fn fault(&self, fault: SemanticFault, span: Span, message: impl Into<String>) -> PlanError {
        PlanError {
            status: Status::new(fault.code(), message).with_position(self.position(span)),
            fault,
        }
    }

    pub(crate) fn fail<T>(&self, fault: SemanticFault, span: Span, message: impl Into<String>) -> Result<T> {
        Err(self.fault(fault, span, message))
    }

    fn position(&self, span: Span) -> Position {
        let (line, column) = ast::line_column(self.text, span.start);
        let offset = self
            .text
            .char_indices()
            .take_while(|(place, _)| *place < span.start as usize)
            .count();
        Position {
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            line,
            column,
        }
    }

    pub(crate) fn undefined(&self, scope: &Scope, name: &ast::Name) -> PlanError {
        match scope.hidden(&name.text) {
            Some(fault @ SemanticFault::AmbiguousAggregationExpression) => self.fault(
                fault,
                name.span,
                format!(
                    "`{name}` is used beside an aggregate and is no grouping key; put it into a column of its own first"
                ),
            ),
            Some(fault) => self.fault(
                fault,
                name.span,
                format!("variable `{name}` cannot be seen after DISTINCT or aggregation"),
            ),
            None => {
                let mut error = self.fault(
                    SemanticFault::UndefinedVariable,
                    name.span,
                    format!("variable `{name}` not defined"),
                );
                if let Some(near) = function::nearest(&name.text, scope.names()) {
                    error.status = error.status.with_advice(format!("did you mean `{near}`?"));
                }
                error
            }
        }
    }
}

pub(crate) fn offset(span: Span) -> Offset {
    Offset(span.start)
}
