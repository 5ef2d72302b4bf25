//! Which names can be seen, and where their values are.
//!
//! Besides variables a scope holds expressions that stand for a slot after grouping (`n.x` once `n.x` is a grouping key),
//! variables of an enclosing query that no `WITH` can hide, and names that were in sight before grouping, for a better error.

use std::sync::Arc;

use bastide_cypher::ast;
use rustc_hash::FxHashMap;

use crate::expression::Slot;
use crate::fault::SemanticFault;
use crate::types::Type;

/// A variable: its slot and what is known of its type.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) slot: Slot,
    pub(crate) value_type: Type,
}

/// The names in sight at one place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    variables: FxHashMap<Arc<str>, Variable>,
    /// Variables of enclosing queries, seen everywhere inside.
    outer: FxHashMap<Arc<str>, Variable>,
    /// Expressions that are read from a slot.
    substitutions: Vec<(ast::Expression, Variable)>,
    /// Names that are out of sight, and what is wrong with using them.
    hidden: FxHashMap<Arc<str>, SemanticFault>,
}

impl Scope {
    pub(crate) fn lookup(&self, name: &str) -> Option<&Variable> {
        self.variables.get(name).or_else(|| self.outer.get(name))
    }

    pub(crate) fn bind(&mut self, name: impl Into<Arc<str>>, slot: Slot, value_type: Type) {
        self.variables.insert(name.into(), Variable { slot, value_type });
    }

    pub(crate) fn forget(&mut self, names: &[Arc<str>]) {
        for name in names {
            self.variables.remove(name);
        }
    }

    /// Own variables by name, as `*` lists them.
    pub(crate) fn sorted(&self) -> Vec<(Arc<str>, Variable)> {
        let mut all: Vec<_> = self
            .variables
            .iter()
            .map(|(name, variable)| (Arc::clone(name), variable.clone()))
            .collect();
        all.sort_by(|left, right| left.0.cmp(&right.0));
        all
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.variables.is_empty()
    }

    /// All slots that can be read here.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.variables
            .values()
            .chain(self.outer.values())
            .chain(self.substitutions.iter().map(|(_, variable)| variable))
            .map(|variable| variable.slot)
    }

    pub(crate) fn outer_slots(&self) -> Vec<Slot> {
        self.outer.values().map(|variable| variable.slot).collect()
    }

    /// Names in sight, for suggestions.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + '_ {
        self.variables.keys().chain(self.outer.keys()).map(AsRef::as_ref)
    }

    /// An empty scope from which the same enclosing variables are seen.
    pub(crate) fn next(&self) -> Self {
        Self {
            outer: self.outer.clone(),
            ..Self::default()
        }
    }

    /// The scope of a subquery in which all of these variables are seen throughout.
    pub(crate) fn enclosed(&self) -> Self {
        let mut outer = self.outer.clone();
        outer.extend(
            self.variables
                .iter()
                .map(|(name, variable)| (Arc::clone(name), variable.clone())),
        );
        Self {
            outer,
            substitutions: self.substitutions.clone(),
            hidden: self.hidden.clone(),
            variables: FxHashMap::default(),
        }
    }

    pub(crate) fn bind_outer(&mut self, name: Arc<str>, variable: Variable) {
        self.outer.insert(name, variable);
    }

    pub(crate) fn substitute(&mut self, expression: ast::Expression, slot: Slot, value_type: Type) {
        self.substitutions.push((expression, Variable { slot, value_type }));
    }

    pub(crate) fn substitution(&self, expression: &ast::Expression) -> Option<&Variable> {
        self.substitutions
            .iter()
            .find(|(known, _)| known == expression)
            .map(|(_, variable)| variable)
    }

    /// Says that the names of `other` are out of sight here.
    pub(crate) fn hide(&mut self, other: &Scope, fault: impl Fn(&str) -> SemanticFault) {
        for name in other.variables.keys() {
            self.hidden.insert(Arc::clone(name), fault(name));
        }
    }

    pub(crate) fn hidden(&self, name: &str) -> Option<SemanticFault> {
        self.hidden.get(name).copied()
    }
}
