//! Patterns that are made: CREATE, and the second half of MERGE.

use std::sync::Arc;

use bastide_cypher::ast::{self, Direction, LabelExpression, Name, NodePattern, PathKind, PathPattern, PathStep};

use crate::expression::{Expression, LabelName, PathPart, Slot};
use crate::fault::{Result, SemanticFault};
use crate::operator::{CreateNode, CreateRelationship, Operator, OperatorKind};
use crate::planner::{Planner, offset};
use crate::query::Chain;
use crate::scope::Scope;
use crate::types::Type;
use crate::walk::free_slots;

/// What one pattern makes.
pub(super) struct CreatedParts {
    pub(super) nodes: Vec<CreateNode>,
    pub(super) relationships: Vec<CreateRelationship>,
    /// The path through known and made parts.
    pub(super) path: Expression,
}

impl Planner<'_> {
    pub(crate) fn create(&mut self, mut chain: Chain, form: &ast::Create) -> Result<Chain> {
        for pattern in &form.patterns {
            self.check_created(pattern, &chain.scope, "CREATE")?;
            if let Some(name) = &pattern.variable {
                self.refuse_known(&chain.scope, name)?;
            }
            let made = self.created_parts(pattern, None, &mut chain.scope)?;
            for node in made.nodes {
                chain.operator = self.add_node(chain.operator, node);
            }
            for relationship in made.relationships {
                chain.operator = self.add_relationship(chain.operator, relationship);
            }
            if let Some(name) = &pattern.variable {
                let slot = self.new_slot();
                chain.scope.bind(Arc::clone(&name.text), slot, Type::Path);
                chain.operator = self.project(chain.operator, vec![(slot, made.path)]);
            }
        }
        Ok(chain)
    }

    /// Adds to the operator at the top if that is a CREATE of whose making nothing is read, so that long scripts stay flat.
    fn add_node(&self, operator: Operator, node: CreateNode) -> Operator {
        let mut operator = self.open_create(operator, node.properties.as_ref());
        if let OperatorKind::Create { nodes, .. } = &mut operator.kind {
            nodes.push(node);
        }
        operator
    }

    fn add_relationship(&self, operator: Operator, relationship: CreateRelationship) -> Operator {
        let mut operator = self.open_create(operator, relationship.properties.as_ref());
        if let OperatorKind::Create { relationships, .. } = &mut operator.kind {
            relationships.push(relationship);
        }
        operator
    }

    fn open_create(&self, operator: Operator, properties: Option<&Expression>) -> Operator {
        let reads = properties.map(free_slots).unwrap_or_default();
        // A subquery may find what the same operator has just made.
        let looks = properties.is_some_and(crate::walk::holds_subquery);
        let makes_what_is_read = || {
            !reads.is_empty()
                && crate::walk::introduced(&operator.kind)
                    .iter()
                    .any(|slot| reads.contains(slot))
        };
        if matches!(operator.kind, OperatorKind::Create { .. }) && !looks && !makes_what_is_read() {
            return operator;
        }
        self.over(operator, |input| OperatorKind::Create {
            input,
            nodes: Vec::new(),
            relationships: Vec::new(),
        })
    }

    /// Refuses patterns that cannot be made.
    pub(super) fn check_created(&self, pattern: &PathPattern, scope: &Scope, clause: &str) -> Result<()> {
        if pattern.kind != PathKind::Plain {
            return self.fail(
                SemanticFault::UnexpectedSyntax,
                pattern.span,
                format!("a search for shortest paths cannot stand in {clause}"),
            );
        }
        self.check_node(&pattern.start, scope, pattern.steps.is_empty())?;
        for step in &pattern.steps {
            self.check_relationship(step, scope, clause)?;
            self.check_node(&step.node, scope, false)?;
        }
        Ok(())
    }

    fn check_node(&self, node: &NodePattern, scope: &Scope, alone: bool) -> Result<()> {
        if let Some(predicate) = &node.predicate {
            return self.fail(
                SemanticFault::UnexpectedSyntax,
                predicate.span,
                "WHERE cannot stand in a pattern that is made",
            );
        }
        let Some(name) = &node.variable else {
            return Ok(());
        };
        let Some(known) = scope.lookup(&name.text) else {
            return Ok(());
        };
        if alone || node.labels.is_some() || node.properties.is_some() {
            return self.refuse_known(scope, name);
        }
        if known.value_type.may_be_node() {
            return Ok(());
        }
        self.fail(
            SemanticFault::VariableTypeConflict,
            name.span,
            format!(
                "`{name}` is already known as {} and cannot be a node",
                known.value_type.name()
            ),
        )
    }

    fn check_relationship(&self, step: &PathStep, scope: &Scope, clause: &str) -> Result<()> {
        let pattern = &step.relationship;
        if let Some(predicate) = &pattern.predicate {
            return self.fail(
                SemanticFault::UnexpectedSyntax,
                predicate.span,
                "WHERE cannot stand in a pattern that is made",
            );
        }
        if let Some(name) = &pattern.variable {
            self.refuse_known(scope, name)?;
        }
        if pattern.length.is_some() {
            return self.fail(
                SemanticFault::CreatingVarLength,
                pattern.span,
                format!("a relationship of variable length cannot stand in {clause}"),
            );
        }
        if pattern.types.as_ref().and_then(LabelExpression::single).is_none() {
            return self.fail(
                SemanticFault::NoSingleRelationshipType,
                pattern.span,
                format!("exactly one relationship type must be specified for {clause}"),
            );
        }
        if pattern.direction == Direction::Both && clause == "CREATE" {
            return self.fail(
                SemanticFault::RequiresDirectedRelationship,
                pattern.span,
                "only directed relationships can be created",
            );
        }
        Ok(())
    }

    /// What is made of a pattern: everything whose name is not in `before`, or without it in `scope`. Names come to be in `scope`.
    pub(super) fn created_parts(
        &mut self,
        pattern: &PathPattern,
        before: Option<&Scope>,
        scope: &mut Scope,
    ) -> Result<CreatedParts> {
        let mut made = CreatedParts {
            nodes: Vec::new(),
            relationships: Vec::new(),
            path: Expression::Literal(bastide_model::Value::Null),
        };
        let start = self.created_node(&pattern.start, before, scope, &mut made)?;
        let mut from = start;
        let mut steps = Vec::with_capacity(pattern.steps.len());
        for step in &pattern.steps {
            let to = self.created_node(&step.node, before, scope, &mut made)?;
            let relationship = self.created_relationship(step, from, to, scope)?;
            steps.push(PathPart::Single {
                relationship: relationship.slot,
                node: to,
            });
            made.relationships.push(relationship);
            from = to;
        }
        made.path = Expression::Path { start, steps };
        Ok(made)
    }

    fn created_node(
        &mut self,
        node: &NodePattern,
        before: Option<&Scope>,
        scope: &mut Scope,
        made: &mut CreatedParts,
    ) -> Result<Slot> {
        if let Some(name) = &node.variable {
            if let Some(known) = scope.lookup(&name.text).map(|known| known.slot)
                && made.nodes.iter().any(|node| node.slot == known)
            {
                if node.labels.is_some() || node.properties.is_some() {
                    self.refuse_known(scope, name)?;
                }
                return Ok(known);
            }
            if let Some(known) = before.unwrap_or(scope).lookup(&name.text) {
                return Ok(known.slot);
            }
        }
        let labels = self.created_labels(node)?;
        let properties = self.created_properties(node.properties.as_ref(), scope)?;
        let slot = self.name_slot(node.variable.as_ref(), scope, Type::Node);
        made.nodes.push(CreateNode {
            slot,
            labels,
            properties,
        });
        Ok(slot)
    }

    fn created_relationship(
        &mut self,
        step: &PathStep,
        from: Slot,
        to: Slot,
        scope: &mut Scope,
    ) -> Result<CreateRelationship> {
        let pattern = &step.relationship;
        let Some(type_name) = pattern.types.as_ref().and_then(LabelExpression::single) else {
            return self.fail(
                SemanticFault::NoSingleRelationshipType,
                pattern.span,
                "exactly one relationship type must be specified",
            );
        };
        let properties = self.created_properties(pattern.properties.as_ref(), scope)?;
        let (start, end) = match pattern.direction {
            Direction::Left => (to, from),
            Direction::Right | Direction::Both => (from, to),
        };
        Ok(CreateRelationship {
            slot: self.name_slot(pattern.variable.as_ref(), scope, Type::Relationship),
            relationship_type: self.relationship_type(&type_name.text),
            start,
            end,
            properties,
            offset: offset(pattern.span),
        })
    }

    /// The slot of a name, made if it has none yet (the matching half of MERGE may have made it).
    fn name_slot(&mut self, name: Option<&Name>, scope: &mut Scope, value_type: Type) -> Slot {
        let Some(name) = name else {
            return self.new_slot();
        };
        if let Some(known) = scope.lookup(&name.text) {
            return known.slot;
        }
        let slot = self.new_slot();
        scope.bind(Arc::clone(&name.text), slot, value_type);
        slot
    }

    fn created_labels(&mut self, node: &NodePattern) -> Result<Vec<LabelName>> {
        let Some(labels) = &node.labels else {
            return Ok(Vec::new());
        };
        match labels.conjunction() {
            Some(names) => Ok(names.into_iter().map(|name| self.label(&name.text)).collect()),
            None => self.fail(
                SemanticFault::UnexpectedSyntax,
                labels.span,
                "a node to create takes a list of labels, not a condition",
            ),
        }
    }

    fn created_properties(
        &mut self,
        properties: Option<&ast::Expression>,
        scope: &Scope,
    ) -> Result<Option<Expression>> {
        let Some(properties) = properties else {
            return Ok(None);
        };
        let typed = self.translate(properties, scope)?;
        match typed.value_type {
            Type::Any | Type::Null | Type::Map | Type::Node | Type::Relationship => Ok(Some(typed.expression)),
            other => self.wrong_type(properties.span, "MAP", &other),
        }
    }
}

/// The pattern without a path variable and with a name for every part, so that parts have the same slots whether they are found or
/// made; and the names that were added.
pub(super) fn with_names(pattern: &PathPattern) -> (PathPattern, Vec<Arc<str>>) {
    let mut named = pattern.clone();
    named.variable = None;
    let mut added: Vec<Arc<str>> = Vec::new();
    let mut name = |variable: &mut Option<Name>, span: ast::Span| {
        if variable.is_none() {
            // White space keeps it apart from every name that can be written without quotes and is likely within them.
            let text: Arc<str> = Arc::from(format!("  part {}", added.len()));
            added.push(Arc::clone(&text));
            *variable = Some(Name::new(text, span));
        }
    };
    name(&mut named.start.variable, pattern.start.span);
    for step in &mut named.steps {
        name(&mut step.relationship.variable, step.relationship.span);
        name(&mut step.node.variable, step.node.span);
    }
    (named, added)
}
