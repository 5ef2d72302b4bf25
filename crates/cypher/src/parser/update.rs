//! Clauses that change the graph.
//!
//! Owns which expressions may stand left of an assignment.

use super::{Parsed, Parser};
use crate::ast::{
    Clause, ClauseKind, Create, Delete, Expression, ExpressionKind, Foreach, Merge, MergeAction, Name, RemoveItem,
    SetItem,
};
use crate::error::{Fault, ParseError, ParseErrorKind};

impl Parser<'_> {
    pub(super) fn create(&mut self) -> Parsed<ClauseKind> {
        self.expect_word("CREATE")?;
        Ok(ClauseKind::Create(Create {
            patterns: self.patterns()?,
        }))
    }

    pub(super) fn merge(&mut self) -> Parsed<ClauseKind> {
        self.expect_word("MERGE")?;
        let pattern = self.path_pattern()?;
        let mut actions = Vec::new();
        while self.eat_word("ON") {
            if self.eat_word("MATCH") {
                self.expect_word("SET")?;
                actions.push(MergeAction::OnMatch(self.set_items()?));
            } else {
                self.expect_word("CREATE")?;
                self.expect_word("SET")?;
                actions.push(MergeAction::OnCreate(self.set_items()?));
            }
        }
        Ok(ClauseKind::Merge(Merge { pattern, actions }))
    }

    pub(super) fn set(&mut self) -> Parsed<ClauseKind> {
        self.expect_word("SET")?;
        Ok(ClauseKind::Set(self.set_items()?))
    }

    fn set_items(&mut self) -> Parsed<Vec<SetItem>> {
        let mut items = vec![self.set_item()?];
        while self.eat(",") {
            items.push(self.set_item()?);
        }
        Ok(items)
    }

    fn set_item(&mut self) -> Parsed<SetItem> {
        let target = self.target()?;
        let span = target.span;
        match target.kind {
            ExpressionKind::Property { base, key } => {
                self.expect("=")?;
                Ok(SetItem::Property {
                    target: *base,
                    key,
                    value: self.expression()?,
                })
            }
            ExpressionKind::Index { base, index } => {
                self.expect("=")?;
                Ok(SetItem::DynamicProperty {
                    target: *base,
                    key: *index,
                    value: self.expression()?,
                })
            }
            ExpressionKind::Variable(variable) if self.at("+=") => {
                self.advance();
                Ok(SetItem::MergeProperties {
                    variable,
                    value: self.expression()?,
                })
            }
            ExpressionKind::Variable(variable) => {
                self.expect("=")?;
                Ok(SetItem::ReplaceProperties {
                    variable,
                    value: self.expression()?,
                })
            }
            kind => match labels_of(kind) {
                Some((variable, labels)) => Ok(SetItem::Labels { variable, labels }),
                None => Err(not_assignable(span)),
            },
        }
    }

    pub(super) fn remove(&mut self) -> Parsed<ClauseKind> {
        self.expect_word("REMOVE")?;
        let mut items = vec![self.remove_item()?];
        while self.eat(",") {
            items.push(self.remove_item()?);
        }
        Ok(ClauseKind::Remove(items))
    }

    fn remove_item(&mut self) -> Parsed<RemoveItem> {
        let target = self.target()?;
        let span = target.span;
        match target.kind {
            ExpressionKind::Property { base, key } => Ok(RemoveItem::Property { target: *base, key }),
            ExpressionKind::Index { base, index } => Ok(RemoveItem::DynamicProperty {
                target: *base,
                key: *index,
            }),
            kind => match labels_of(kind) {
                Some((variable, labels)) => Ok(RemoveItem::Labels { variable, labels }),
                None => Err(not_assignable(span)),
            },
        }
    }

    /// What is set or removed: an operand with properties, an index or labels behind it.
    fn target(&mut self) -> Parsed<Expression> {
        let outer = self.enter()?;
        let start = self.start();
        let target = self.postfix_expression()?;
        self.leave(outer)?;
        if matches!(target.kind, ExpressionKind::Variable(_)) && self.eat_word("IS") {
            let labels = Box::new(self.label_expression(false)?);
            let kind = ExpressionKind::HasLabels {
                operand: Box::new(target),
                labels,
            };
            return Ok(Expression::new(kind, self.span_from(start)));
        }
        Ok(target)
    }

    pub(super) fn delete(&mut self) -> Parsed<ClauseKind> {
        let detach = self.eat_word("DETACH");
        let _default = !detach && self.eat_word("NODETACH");
        self.expect_word("DELETE")?;
        let mut expressions = vec![self.expression()?];
        while self.eat(",") {
            expressions.push(self.expression()?);
        }
        Ok(ClauseKind::Delete(Delete { detach, expressions }))
    }

    pub(super) fn foreach(&mut self) -> Parsed<ClauseKind> {
        self.expect_word("FOREACH")?;
        let outer = self.enter()?;
        self.expect("(")?;
        let variable = self.variable()?;
        self.expect_word("IN")?;
        let list = self.expression_before_bar()?;
        self.expect("|")?;
        let mut clauses: Vec<Clause> = Vec::new();
        while clauses.is_empty() || !self.at(")") {
            let start = self.start();
            let Some(kind) = self.updating_clause()? else {
                return Err(self.unexpected());
            };
            clauses.push(Clause {
                kind,
                span: self.span_from(start),
            });
        }
        self.expect(")")?;
        self.leave(outer)?;
        Ok(ClauseKind::Foreach(Foreach {
            variable,
            list,
            clauses,
        }))
    }

    /// A clause that changes the graph, when one begins here.
    pub(super) fn updating_clause(&mut self) -> Parsed<Option<ClauseKind>> {
        let kind = if self.at_word("CREATE") {
            self.create()?
        } else if self.at_word("MERGE") {
            self.merge()?
        } else if self.at_word("SET") {
            self.set()?
        } else if self.at_word("REMOVE") {
            self.remove()?
        } else if self.at_any_word(&["DELETE", "DETACH", "NODETACH"]) {
            self.delete()?
        } else if self.at_word("FOREACH") {
            self.foreach()?
        } else {
            ["CREATE", "MERGE", "SET", "REMOVE", "DELETE", "DETACH", "FOREACH"]
                .into_iter()
                .for_each(|word| self.note(word));
            return Ok(None);
        };
        Ok(Some(kind))
    }
}

/// The variable and labels when the form is `variable:A:B`.
fn labels_of(kind: ExpressionKind) -> Option<(Name, Vec<Name>)> {
    let ExpressionKind::HasLabels { operand, labels } = kind else {
        return None;
    };
    let ExpressionKind::Variable(variable) = operand.kind else {
        return None;
    };
    let labels = labels.conjunction()?.into_iter().cloned().collect();
    Some((variable, labels))
}

fn not_assignable(span: crate::ast::Span) -> Fault {
    let message = "invalid input, expected a property such as `n.name` or labels such as `n:Person`";
    ParseError::new(ParseErrorKind::InvalidInput, span, message)
}
