//! The best way to find the nodes of one slot: by id, by index, by label, or all of them.

use std::sync::Arc;

use super::cardinality;
use super::graph::Conjunct;
use crate::context::NodeIndex;
use crate::expression::{Comparison, Expression, Labels, Slot, TextMatch};
use crate::operator::{IndexSeek, Operator, OperatorKind};
use crate::planner::Planner;
use crate::walk::{SlotSet, free_slots};

/// A way to find nodes.
pub(super) struct Leaf {
    pub(super) node: Slot,
    pub(super) form: LeafForm,
    pub(super) rows: f64,
    /// Places of conditions that then hold by themselves.
    pub(super) consumed: Vec<usize>,
    /// Whether it looks something up that the row names, and so is run for each row.
    pub(super) reads_row: bool,
}

pub(super) enum LeafForm {
    All,
    Label(Arc<str>),
    Ids {
        ids: Expression,
        element_ids: bool,
    },
    Index {
        label: Arc<str>,
        index: NodeIndex,
        seek: IndexSeek,
    },
}

/// Part of a predicate that an index can answer.
enum Usable {
    Equal(Expression),
    AnyOf(Expression),
    From(Expression, bool),
    To(Expression, bool),
    Prefix(Expression),
    Present,
}

impl Leaf {
    pub(super) fn place(self, planner: &mut Planner<'_>, input: Operator) -> Operator {
        let rows = input.estimated_rows * self.rows;
        let input = Box::new(input);
        let node = self.node;
        let kind = match self.form {
            LeafForm::All => OperatorKind::AllNodesScan { input, node },
            LeafForm::Label(label) => OperatorKind::NodeByLabelScan {
                input,
                node,
                label: planner.label(&label),
            },
            LeafForm::Ids { ids, element_ids } => OperatorKind::NodeByIdSeek {
                input,
                node,
                ids,
                element_ids,
            },
            LeafForm::Index { label, index, seek } => {
                let name = Arc::clone(&index.name);
                planner
                    .indexes_used
                    .insert(Arc::clone(&name), (label, index.properties));
                OperatorKind::NodeIndexSeek {
                    input,
                    node,
                    index: name,
                    seek,
                }
            }
        };
        planner.operator(kind, rows)
    }
}

/// The way with the fewest rows to find the nodes of `node`, given that the slots of `available` are known.
pub(super) fn best_leaf(planner: &Planner<'_>, node: Slot, conjuncts: &[Conjunct], available: &SlotSet) -> Leaf {
    let context = planner.context;
    let mut best = Leaf {
        node,
        form: LeafForm::All,
        rows: cardinality::node_count(context),
        consumed: Vec::new(),
        reads_row: false,
    };
    let mut consider = |leaf: Leaf| {
        if leaf.rows < best.rows || (leaf.rows <= best.rows && matches!(best.form, LeafForm::All)) {
            best = leaf;
        }
    };
    for (place, conjunct) in conjuncts.iter().enumerate() {
        if let Some(label) = label_of(node, &conjunct.expression) {
            consider(Leaf {
                node,
                rows: cardinality::label_count(context, label),
                form: LeafForm::Label(Arc::clone(label)),
                consumed: vec![place],
                reads_row: false,
            });
        }
    }
    for (place, conjunct) in conjuncts.iter().enumerate() {
        if let Some(label) = label_of(node, &conjunct.expression) {
            for index in context.node_indexes(label) {
                if let Some(leaf) = index_leaf(planner, node, (place, label), &index, conjuncts, available) {
                    consider(leaf);
                }
            }
        }
        if let Some((ids, element_ids, many)) = ids_of(node, &conjunct.expression, available) {
            let reads_row = !free_slots(&ids).is_empty();
            consider(Leaf {
                node,
                rows: if many { 10.0 } else { 0.9 },
                form: LeafForm::Ids { ids, element_ids },
                consumed: vec![place],
                reads_row,
            });
        }
    }
    best
}

fn label_of(node: Slot, condition: &Expression) -> Option<&Arc<str>> {
    match condition {
        Expression::HasLabels {
            subject,
            labels: Labels::Name(label),
        } if is_slot(subject, node) => Some(label),
        _ => None,
    }
}

pub(super) fn is_slot(expression: &Expression, slot: Slot) -> bool {
    matches!(expression, Expression::Slot(read) if *read == slot)
}

/// Ids asked for: the value or list, whether they are element ids, and whether it is a list.
pub(super) fn ids_of(entity: Slot, condition: &Expression, available: &SlotSet) -> Option<(Expression, bool, bool)> {
    let is_id = |expression: &Expression| match expression {
        Expression::Function { name, arguments, .. } => match (name.as_ref(), arguments.as_slice()) {
            ("id", [subject]) if is_slot(subject, entity) => Some(false),
            ("elementid", [subject]) if is_slot(subject, entity) => Some(true),
            _ => None,
        },
        _ => None,
    };
    let known = |expression: &Expression| free_slots(expression).is_subset(available);
    match condition {
        Expression::Compare {
            operator: Comparison::Equal,
            left,
            right,
        } => [(left, right), (right, left)].into_iter().find_map(|(asked, given)| {
            let element_ids = is_id(asked)?;
            known(given).then(|| {
                // One id that is a list by itself equals nothing, so it must not be taken for a list of ids.
                (Expression::List(vec![(**given).clone()]), element_ids, false)
            })
        }),
        Expression::In { item, list } => {
            let element_ids = is_id(item)?;
            known(list).then(|| ((**list).clone(), element_ids, true))
        }
        _ => None,
    }
}

fn index_leaf(
    planner: &Planner<'_>,
    node: Slot,
    label: (usize, &Arc<str>),
    index: &NodeIndex,
    conjuncts: &[Conjunct],
    available: &SlotSet,
) -> Option<Leaf> {
    let usable = |key: &str| -> Vec<(usize, Usable)> {
        conjuncts
            .iter()
            .enumerate()
            .filter_map(|(place, conjunct)| {
                usable_for(planner, node, key, &conjunct.expression, available).map(|part| (place, part))
            })
            .collect()
    };
    let entries = cardinality::rows(index.entries);
    let mut consumed = vec![label.0];
    let mut equal = Vec::new();
    for key in &index.properties {
        let found = usable(key).into_iter().find_map(|(place, part)| match part {
            Usable::Equal(value) => Some((place, value)),
            _ => None,
        });
        let Some((place, value)) = found else { break };
        consumed.push(place);
        equal.push(value);
    }
    if !equal.is_empty() {
        let whole = equal.len() == index.properties.len();
        let rows = if whole && index.unique {
            1.0
        } else {
            (entries / cardinality::rows(index.distinct_keys.max(1))).clamp(1.0, entries.max(1.0))
        };
        return Some(index_form(
            node,
            (label.1, index),
            IndexSeek::Equal(equal),
            rows * 0.95,
            consumed,
        ));
    }
    let parts = usable(index.properties.first()?);
    first_property(node, (label.1, index), label.0, parts, entries)
}

/// A seek by the first property alone, other than for equality.
fn first_property(
    node: Slot,
    (label, index): (&Arc<str>, &NodeIndex),
    label_place: usize,
    parts: Vec<(usize, Usable)>,
    entries: f64,
) -> Option<Leaf> {
    let (mut from, mut to, mut present) = (None, None, None);
    for (place, part) in parts {
        match part {
            Usable::AnyOf(list) => {
                let distinct = cardinality::rows(index.distinct_keys.max(1));
                let rows = (10.0 * entries / distinct).clamp(1.0, entries.max(1.0));
                let consumed = vec![label_place, place];
                return Some(index_form(
                    node,
                    (label, index),
                    IndexSeek::AnyOf(list),
                    rows * 0.95,
                    consumed,
                ));
            }
            Usable::Prefix(text) => {
                let consumed = vec![label_place, place];
                return Some(index_form(
                    node,
                    (label, index),
                    IndexSeek::Prefix(text),
                    entries * 0.05,
                    consumed,
                ));
            }
            Usable::From(value, inside) => from = Some((value, inside)),
            Usable::To(value, inside) => to = Some((value, inside)),
            Usable::Present => present = Some(place),
            Usable::Equal(_) => {}
        }
    }
    if from.is_some() || to.is_some() {
        // The comparison stays as a filter: it may have been one of several on this side.
        let part = if from.is_some() && to.is_some() { 0.1 } else { 0.3 };
        let seek = IndexSeek::Range { from, to };
        return Some(index_form(
            node,
            (label, index),
            seek,
            entries * part,
            vec![label_place],
        ));
    }
    // Entries of a composite index have all its properties, so only a single one answers "is there a value".
    let place = present.filter(|_| index.properties.len() == 1)?;
    Some(index_form(
        node,
        (label, index),
        IndexSeek::All,
        entries * 0.95,
        vec![label_place, place],
    ))
}

fn index_form(
    node: Slot,
    (label, index): (&Arc<str>, &NodeIndex),
    seek: IndexSeek,
    rows: f64,
    consumed: Vec<usize>,
) -> Leaf {
    let reads_row = crate::walk::seek_expressions(&seek)
        .into_iter()
        .any(|expression| !free_slots(expression).is_empty());
    Leaf {
        node,
        form: LeafForm::Index {
            label: Arc::clone(label),
            index: index.clone(),
            seek,
        },
        rows,
        consumed,
        reads_row,
    }
}

fn usable_for(
    planner: &Planner<'_>,
    node: Slot,
    key: &str,
    condition: &Expression,
    available: &SlotSet,
) -> Option<Usable> {
    let asked = |expression: &Expression| match expression {
        Expression::Property { subject, key: name, .. } => is_slot(subject, node) && *planner.keys.name(name.0) == *key,
        _ => false,
    };
    let known = |expression: &Expression| free_slots(expression).is_subset(available);
    match condition {
        Expression::Compare { operator, left, right } => {
            if asked(left) && known(right) {
                compared(*operator, right)
            } else if asked(right) && known(left) {
                compared(turned(*operator), left)
            } else {
                None
            }
        }
        Expression::In { item, list } if asked(item) && known(list) => Some(Usable::AnyOf((**list).clone())),
        Expression::MatchText {
            operator: TextMatch::StartsWith,
            text,
            pattern,
        } if asked(text) && known(pattern) => Some(Usable::Prefix((**pattern).clone())),
        Expression::IsNotNull(inner) if asked(inner) => Some(Usable::Present),
        _ => None,
    }
}

fn compared(operator: Comparison, value: &Expression) -> Option<Usable> {
    let value = value.clone();
    match operator {
        Comparison::Equal => Some(Usable::Equal(value)),
        Comparison::NotEqual => None,
        Comparison::Less => Some(Usable::To(value, false)),
        Comparison::LessOrEqual => Some(Usable::To(value, true)),
        Comparison::Greater => Some(Usable::From(value, false)),
        Comparison::GreaterOrEqual => Some(Usable::From(value, true)),
    }
}

fn turned(operator: Comparison) -> Comparison {
    match operator {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}
