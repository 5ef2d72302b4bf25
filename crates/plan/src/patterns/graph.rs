//! A pattern as a graph of slots, with its conditions taken apart.
//!
//! Owns the rules on names in patterns: which may be known already, and as what.

use std::sync::Arc;

use bastide_cypher::ast::{self, ExpressionKind, LabelExpression, Name, NodePattern, PathKind, PathPattern, PathStep};
use bastide_model::Direction;
use rustc_hash::FxHashMap;

use super::{MatchParts, NewNames};
use crate::expression::{Comparison, Expression, PathPart, Slot};
use crate::fault::{Result, SemanticFault};
use crate::planner::{Planner, offset};
use crate::scope::Scope;
use crate::types::Type;
use crate::walk::{SlotSet, free_slots};

#[derive(Default)]
pub(super) struct PatternGraph {
    pub(super) nodes: Vec<Slot>,
    pub(super) relationships: Vec<GraphRelationship>,
    pub(super) paths: Vec<Conjunct>,
    pub(super) path_slots: Vec<Slot>,
    pub(super) conjuncts: Vec<Conjunct>,
}

/// A relationship, seen from `from` to `to` as written from left to right.
pub(super) struct GraphRelationship {
    pub(super) slot: Slot,
    pub(super) from: Slot,
    pub(super) to: Slot,
    pub(super) direction: Direction,
    pub(super) types: Vec<Arc<str>>,
    pub(super) length: Option<(u64, Option<u64>)>,
    pub(super) filter: Option<(Slot, Expression)>,
    /// Its value is known before the search.
    pub(super) bound: bool,
    pub(super) shortest: Option<Shortest>,
}

#[derive(Clone, Copy)]
pub(super) struct Shortest {
    pub(super) all: bool,
    pub(super) path: Option<Slot>,
}

/// A condition and the slots it reads.
#[derive(Clone)]
pub(super) struct Conjunct {
    pub(super) expression: Expression,
    pub(super) slots: SlotSet,
}

impl Conjunct {
    pub(super) fn new(expression: Expression) -> Self {
        let slots = free_slots(&expression);
        Self { expression, slots }
    }
}

/// What a name stands for within one pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Node,
    Relationship,
    Path,
}

struct Builder<'p> {
    graph: PatternGraph,
    roles: FxHashMap<Arc<str>, Role>,
    new_names: NewNames,
    nodes: Vec<(Slot, &'p NodePattern)>,
    relationships: Vec<(usize, &'p PathStep)>,
}

impl Planner<'_> {
    pub(super) fn pattern_graph(&mut self, scope: &mut Scope, parts: MatchParts<'_>) -> Result<PatternGraph> {
        let mut builder = Builder {
            graph: PatternGraph::default(),
            roles: FxHashMap::default(),
            new_names: parts.new_names,
            nodes: Vec::new(),
            relationships: Vec::new(),
        };
        for pattern in parts.patterns {
            self.declare_pattern(&mut builder, scope, pattern)?;
        }
        for (slot, node) in std::mem::take(&mut builder.nodes) {
            self.node_conditions(&mut builder.graph, slot, node, scope)?;
        }
        for (place, step) in std::mem::take(&mut builder.relationships) {
            self.relationship_conditions(&mut builder.graph, place, step, scope)?;
        }
        add_uniqueness(&mut builder.graph);
        if let Some(predicate) = parts.predicate {
            let condition = self.condition(predicate, scope)?;
            add_conjuncts(&mut builder.graph, condition);
        }
        Ok(builder.graph)
    }

    fn declare_pattern<'p>(
        &mut self,
        builder: &mut Builder<'p>,
        scope: &mut Scope,
        pattern: &'p PathPattern,
    ) -> Result<()> {
        let start = self.declare_node(builder, scope, &pattern.start)?;
        let mut from = start;
        let mut parts = Vec::new();
        let first = builder.graph.relationships.len();
        for step in &pattern.steps {
            let place = self.declare_relationship(builder, scope, step, from)?;
            let to = self.declare_node(builder, scope, &step.node)?;
            let Some(relationship) = builder.graph.relationships.get_mut(place) else {
                continue;
            };
            relationship.to = to;
            parts.push(match relationship.length {
                None => PathPart::Single {
                    relationship: relationship.slot,
                    node: to,
                },
                Some(_) => PathPart::Multiple {
                    relationships: relationship.slot,
                    node: to,
                    direction: relationship.direction,
                },
            });
            from = to;
        }
        let path = match &pattern.variable {
            Some(name) => Some(self.declare_path(builder, scope, name)?),
            None => None,
        };
        if pattern.kind != PathKind::Plain {
            return self.declare_shortest(builder, pattern, first, path);
        }
        if let Some(slot) = path {
            builder
                .graph
                .paths
                .push(Conjunct::new(Expression::Path { start, steps: parts }));
            builder.graph.path_slots.push(slot);
        }
        Ok(())
    }

    fn declare_shortest(
        &mut self,
        builder: &mut Builder<'_>,
        pattern: &PathPattern,
        first: usize,
        path: Option<Slot>,
    ) -> Result<()> {
        let all = pattern.kind == PathKind::AllShortestPaths;
        match (pattern.steps.as_slice(), builder.graph.relationships.get_mut(first)) {
            ([step], Some(relationship)) => {
                if step.relationship.length.is_none() {
                    relationship.length = Some((1, Some(1)));
                }
                relationship.shortest = Some(Shortest { all, path });
                Ok(())
            }
            _ => self.fail(
                SemanticFault::InvalidArgumentType,
                pattern.span,
                "a search for shortest paths takes a pattern with exactly one relationship",
            ),
        }
    }

    fn declare_node<'p>(
        &mut self,
        builder: &mut Builder<'p>,
        scope: &mut Scope,
        node: &'p NodePattern,
    ) -> Result<Slot> {
        let slot = match &node.variable {
            None => self.new_slot(),
            Some(name) => self.node_slot(builder, scope, name)?,
        };
        if !builder.graph.nodes.contains(&slot) {
            builder.graph.nodes.push(slot);
        }
        builder.nodes.push((slot, node));
        Ok(slot)
    }

    fn node_slot(&mut self, builder: &mut Builder<'_>, scope: &mut Scope, name: &Name) -> Result<Slot> {
        if let Some(known) = scope.lookup(&name.text) {
            let slot = known.slot;
            let as_node = match builder.roles.get(&name.text) {
                Some(role) => *role == Role::Node,
                None => known.value_type.may_be_node(),
            };
            if !as_node {
                return self.type_conflict(name, &known.value_type, "a node");
            }
            if !builder.roles.contains_key(&name.text) {
                // A known node that is null matches nothing.
                let present = Expression::IsNotNull(Box::new(Expression::Slot(slot)));
                builder.graph.conjuncts.push(Conjunct::new(present));
                builder.roles.insert(Arc::clone(&name.text), Role::Node);
            }
            return Ok(slot);
        }
        if builder.new_names != NewNames::Allow {
            return Err(self.undefined(scope, name));
        }
        let slot = self.new_slot();
        scope.bind(Arc::clone(&name.text), slot, Type::Node);
        builder.roles.insert(Arc::clone(&name.text), Role::Node);
        Ok(slot)
    }

    fn type_conflict<T>(&self, name: &Name, known: &Type, wanted: &str) -> Result<T> {
        self.fail(
            SemanticFault::VariableTypeConflict,
            name.span,
            format!("`{name}` is already known as {} and cannot be {wanted}", known.name()),
        )
    }

    fn declare_relationship<'p>(
        &mut self,
        builder: &mut Builder<'p>,
        scope: &mut Scope,
        step: &'p PathStep,
        from: Slot,
    ) -> Result<usize> {
        let pattern = &step.relationship;
        let length = pattern.length.map(|length| (length.min.unwrap_or(1), length.max));
        let (slot, bound) = match &pattern.variable {
            None => (self.new_slot(), false),
            Some(name) => self.relationship_slot(builder, scope, name, length.is_some())?,
        };
        let slot = if bound && length.is_some() {
            // A known list of relationships: walk, then compare.
            let walked = self.new_slot();
            builder.graph.conjuncts.push(Conjunct::new(Expression::Compare {
                operator: Comparison::Equal,
                left: Box::new(Expression::Slot(walked)),
                right: Box::new(Expression::Slot(slot)),
            }));
            walked
        } else {
            slot
        };
        let direction = match pattern.direction {
            ast::Direction::Left => Direction::Incoming,
            ast::Direction::Right => Direction::Outgoing,
            ast::Direction::Both => Direction::Both,
        };
        let place = builder.graph.relationships.len();
        builder.graph.relationships.push(GraphRelationship {
            slot,
            from,
            to: from,
            direction,
            types: plain_types(pattern.types.as_ref()).unwrap_or_default(),
            length,
            filter: None,
            bound: bound && length.is_none(),
            shortest: None,
        });
        builder.relationships.push((place, step));
        Ok(place)
    }

    fn relationship_slot(
        &mut self,
        builder: &mut Builder<'_>,
        scope: &mut Scope,
        name: &Name,
        is_list: bool,
    ) -> Result<(Slot, bool)> {
        if let Some(known) = scope.lookup(&name.text) {
            match builder.roles.get(&name.text) {
                Some(Role::Relationship) => {
                    return self.fail(
                        SemanticFault::RelationshipUniquenessViolation,
                        name.span,
                        format!("relationship `{name}` cannot stand twice in one pattern"),
                    );
                }
                Some(_) => return self.type_conflict(name, &known.value_type, "a relationship"),
                None => {}
            }
            let fits = if is_list {
                known.value_type.may_be_relationships()
            } else {
                known.value_type.may_be_relationship()
            };
            if !fits {
                return self.type_conflict(name, &known.value_type, "a relationship");
            }
            let slot = known.slot;
            builder.roles.insert(Arc::clone(&name.text), Role::Relationship);
            return Ok((slot, true));
        }
        if builder.new_names == NewNames::Refuse {
            return Err(self.undefined(scope, name));
        }
        let slot = self.new_slot();
        let value_type = if is_list {
            Type::list(Type::Relationship)
        } else {
            Type::Relationship
        };
        scope.bind(Arc::clone(&name.text), slot, value_type);
        builder.roles.insert(Arc::clone(&name.text), Role::Relationship);
        Ok((slot, false))
    }

    fn declare_path(&mut self, builder: &mut Builder<'_>, scope: &mut Scope, name: &Name) -> Result<Slot> {
        if scope.lookup(&name.text).is_some() {
            return self.fail(
                SemanticFault::VariableAlreadyBound,
                name.span,
                format!("variable `{name}` already declared"),
            );
        }
        let slot = self.new_slot();
        scope.bind(Arc::clone(&name.text), slot, Type::Path);
        builder.roles.insert(Arc::clone(&name.text), Role::Path);
        Ok(slot)
    }

    fn node_conditions(
        &mut self,
        graph: &mut PatternGraph,
        slot: Slot,
        node: &NodePattern,
        scope: &Scope,
    ) -> Result<()> {
        if let Some(labels) = &node.labels {
            self.warn_unknown_labels(labels);
            add_conjuncts(graph, labels_of(slot, labels));
        }
        if let Some(properties) = &node.properties {
            let condition = self.property_conditions(slot, properties, scope)?;
            add_conjuncts(graph, condition);
        }
        if let Some(predicate) = &node.predicate {
            let condition = self.condition(predicate, scope)?;
            add_conjuncts(graph, condition);
        }
        Ok(())
    }

    fn relationship_conditions(
        &mut self,
        graph: &mut PatternGraph,
        place: usize,
        step: &PathStep,
        scope: &Scope,
    ) -> Result<()> {
        let pattern = &step.relationship;
        let Some((slot, is_list)) = graph
            .relationships
            .get(place)
            .map(|relationship| (relationship.slot, relationship.length.is_some()))
        else {
            return Ok(());
        };
        let subject = if is_list { self.new_slot() } else { slot };
        let mut conditions = Vec::new();
        if let Some(types) = &pattern.types {
            self.warn_unknown_types(types);
            if plain_types(Some(types)).is_none() {
                conditions.push(labels_of(subject, types));
            }
        }
        if let Some(properties) = &pattern.properties {
            conditions.push(self.property_conditions(subject, properties, scope)?);
        }
        if let Some(predicate) = &pattern.predicate {
            let mut inner = scope.clone();
            if let (true, Some(name)) = (is_list, &pattern.variable) {
                inner.bind(Arc::clone(&name.text), subject, Type::Relationship);
            }
            conditions.push(self.condition(predicate, &inner)?);
        }
        if !is_list {
            for condition in conditions {
                add_conjuncts(graph, condition);
            }
        } else if !conditions.is_empty()
            && let Some(relationship) = graph.relationships.get_mut(place)
        {
            relationship.filter = Some((subject, all_of(conditions)));
        }
        Ok(())
    }

    fn property_conditions(&mut self, slot: Slot, properties: &ast::Expression, scope: &Scope) -> Result<Expression> {
        let ExpressionKind::Map(entries) = &properties.kind else {
            return self.fail(
                SemanticFault::InvalidParameterUse,
                properties.span,
                "a parameter cannot stand for the properties of a pattern that is looked for",
            );
        };
        let mut conditions = Vec::with_capacity(entries.len());
        for entry in entries {
            let value = self.translate(&entry.value, scope)?;
            let key = self.key(&entry.key.text);
            self.warn_unknown_key(&entry.key);
            conditions.push(Expression::Compare {
                operator: Comparison::Equal,
                left: Box::new(Expression::Property {
                    subject: Box::new(Expression::Slot(slot)),
                    key,
                    offset: offset(entry.span),
                }),
                right: Box::new(value.expression),
            });
        }
        Ok(all_of(conditions))
    }
}

fn labels_of(slot: Slot, labels: &LabelExpression) -> Expression {
    if let Some(names) = labels.conjunction() {
        return all_of(names.into_iter().map(|name| has_label(slot, &name.text)).collect());
    }
    Expression::HasLabels {
        subject: Box::new(Expression::Slot(slot)),
        labels: crate::translate::label_condition(labels),
    }
}

fn has_label(slot: Slot, name: &Arc<str>) -> Expression {
    Expression::HasLabels {
        subject: Box::new(Expression::Slot(slot)),
        labels: crate::expression::Labels::Name(Arc::clone(name)),
    }
}

/// The names of a plain choice of types; an empty one stands for every type. `None` if it is more than that.
fn plain_types(types: Option<&LabelExpression>) -> Option<Vec<Arc<str>>> {
    let Some(types) = types else {
        return Some(Vec::new());
    };
    let mut names: Vec<Arc<str>> = Vec::new();
    for name in types.disjunction()? {
        if !names.contains(&name.text) {
            names.push(Arc::clone(&name.text));
        }
    }
    Some(names)
}

pub(super) fn all_of(mut conditions: Vec<Expression>) -> Expression {
    match conditions.len() {
        1 => conditions.swap_remove(0),
        _ => Expression::And(conditions),
    }
}

fn add_conjuncts(graph: &mut PatternGraph, condition: Expression) {
    match condition {
        Expression::And(parts) => parts.into_iter().for_each(|part| add_conjuncts(graph, part)),
        other => graph.conjuncts.push(Conjunct::new(other)),
    }
}

/// No relationship of one pattern is met twice; asked only of those that could be the same.
fn add_uniqueness(graph: &mut PatternGraph) {
    let mut pairs = Vec::new();
    for (place, left) in graph.relationships.iter().enumerate() {
        for right in graph.relationships.iter().skip(place + 1) {
            let disjoint = !left.types.is_empty()
                && !right.types.is_empty()
                && left.types.iter().all(|name| !right.types.contains(name));
            if !disjoint && left.shortest.is_none() && right.shortest.is_none() {
                pairs.push(vec![left.slot, right.slot]);
            }
        }
    }
    for pair in pairs {
        graph
            .conjuncts
            .push(Conjunct::new(Expression::DistinctRelationships(pair)));
    }
}
