//! The steps of a compiled expression.

use std::sync::Arc;

use bastide_model::Value;
use bastide_plan::Operator;
use bastide_plan::expression::{
    Arithmetic, Comparison, KeyName, Offset, ParameterName, PathPart, Quantifier, Slot, Subquery, TextMatch,
};

use super::labels::CompiledLabels;
use super::membership::Membership;
use super::pattern::Pattern;
use super::value_type::ValueType;
use crate::functions::Function;

/// An expression that is ready to be evaluated. Made by [`super::compile`], once a statement.
#[derive(Debug)]
pub struct Compiled(pub(super) Step);

/// One step of a [`Compiled`] expression. Variants mirror [`bastide_plan::Expression`], where their meaning is told.
#[derive(Debug)]
pub(super) enum Step {
    Literal(Value),
    Parameter(ParameterName),
    /// A column of the row, or a variable bound over it.
    Slot(Slot),
    Property {
        subject: Box<Step>,
        key: KeyName,
        offset: Offset,
    },
    Index {
        container: Box<Step>,
        index: Box<Step>,
        offset: Offset,
    },
    Slice {
        list: Box<Step>,
        from: Option<Box<Step>>,
        to: Option<Box<Step>>,
    },
    List(Vec<Step>),
    Map(Vec<(Arc<str>, Step)>),
    MapProjection {
        subject: Box<Step>,
        all_properties: bool,
        items: Vec<(Arc<str>, Step)>,
    },
    Not(Box<Step>),
    And(Vec<Step>),
    Or(Vec<Step>),
    Xor(Box<Step>, Box<Step>),
    Compare {
        operator: Comparison,
        left: Box<Step>,
        right: Box<Step>,
    },
    Arithmetic {
        operator: Arithmetic,
        left: Box<Step>,
        right: Box<Step>,
        offset: Offset,
    },
    Negate(Box<Step>, Offset),
    MatchText {
        operator: TextMatch,
        text: Box<Step>,
        pattern: Box<Step>,
    },
    Regex {
        text: Box<Step>,
        pattern: Pattern,
    },
    In {
        item: Box<Step>,
        list: Box<Step>,
        membership: Membership,
    },
    IsNull(Box<Step>),
    IsNotNull(Box<Step>),
    IsTyped {
        subject: Box<Step>,
        value_type: ValueType,
        negated: bool,
    },
    HasLabels {
        subject: Box<Step>,
        labels: CompiledLabels,
    },
    Case {
        subject: Option<Box<Step>>,
        arms: Vec<(Step, Step)>,
        otherwise: Option<Box<Step>>,
    },
    Coalesce(Vec<Step>),
    Function {
        function: Function,
        arguments: Vec<Step>,
        offset: Offset,
    },
    ListComprehension {
        slot: Slot,
        list: Box<Step>,
        filter: Option<Box<Step>>,
        map: Option<Box<Step>>,
    },
    Quantifier {
        kind: Quantifier,
        slot: Slot,
        list: Box<Step>,
        predicate: Box<Step>,
    },
    Reduce {
        accumulator: Slot,
        initial: Box<Step>,
        slot: Slot,
        list: Box<Step>,
        body: Box<Step>,
    },
    Path {
        start: Slot,
        steps: Vec<PathPart>,
    },
    Subquery {
        kind: Subquery,
        plan: Arc<Operator>,
    },
    DistinctRelationships(Vec<Slot>),
}
