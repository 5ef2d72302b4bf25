//! Patterns and label expressions.
//!
//! Owns arrows, lengths and the conditions inside parentheses and brackets.

use super::{Parsed, Parser};
use crate::ast::{
    Direction, Expression, ExpressionKind, LabelExpression, LabelExpressionKind, Name, NodePattern, PathKind,
    PathPattern, PathStep, PatternLength, RelationshipPattern,
};
use crate::error::{Fault, ParseErrorKind};
use crate::lexer::TokenKind;
use crate::literal;

/// What stands inside the parentheses of a node or the brackets of a relationship.
struct Filler {
    variable: Option<Name>,
    labels: Option<LabelExpression>,
    length: Option<PatternLength>,
    properties: Option<Expression>,
    predicate: Option<Expression>,
}

impl Parser<'_> {
    /// Patterns with commas between them; one or more.
    pub(super) fn patterns(&mut self) -> Parsed<Vec<PathPattern>> {
        let mut patterns = vec![self.path_pattern()?];
        while self.eat(",") {
            patterns.push(self.path_pattern()?);
        }
        Ok(patterns)
    }

    /// One path pattern with its variable.
    pub(super) fn path_pattern(&mut self) -> Parsed<PathPattern> {
        let outer = self.enter()?;
        let start = self.start();
        let variable = if self.name_ahead(0) && self.symbol_ahead(1, "=") {
            let variable = self.variable()?;
            self.expect("=")?;
            Some(variable)
        } else {
            None
        };
        if self.at_any_word(&["SHORTEST", "ANY", "ALL"]) {
            return Err(self.unsupported("path selectors such as `SHORTEST 1` and `ALL SHORTEST` are"));
        }
        let kind = if self.eat_word("shortestPath") {
            PathKind::ShortestPath
        } else if self.eat_word("allShortestPaths") {
            PathKind::AllShortestPaths
        } else {
            PathKind::Plain
        };
        let wrapped = kind != PathKind::Plain;
        if wrapped {
            self.expect("(")?;
        }
        let (node, steps) = self.path_elements()?;
        if wrapped {
            self.expect(")")?;
        }
        self.leave(outer)?;
        Ok(PathPattern {
            variable,
            kind,
            start: node,
            steps,
            span: self.span_from(start),
        })
    }

    fn path_elements(&mut self) -> Parsed<(NodePattern, Vec<PathStep>)> {
        let node = self.node_pattern()?;
        let mut steps = Vec::new();
        while self.at("-") || (self.at("<") && self.symbol_ahead(1, "-")) {
            let relationship = self.relationship_pattern()?;
            let node = self.node_pattern()?;
            steps.push(PathStep { relationship, node });
        }
        if self.at("(") {
            return Err(self.unsupported("quantified path patterns and nodes side by side are"));
        }
        Ok((node, steps))
    }

    fn node_pattern(&mut self) -> Parsed<NodePattern> {
        let start = self.start();
        self.expect("(")?;
        if self.at("(") {
            return Err(self.unsupported("quantified path patterns and paths in parentheses are"));
        }
        let filler = self.filler(")")?;
        self.expect(")")?;
        let Filler {
            variable,
            labels,
            length: _,
            properties,
            predicate,
        } = filler;
        Ok(NodePattern {
            variable,
            labels,
            properties,
            predicate,
            span: self.span_from(start),
        })
    }

    fn relationship_pattern(&mut self) -> Parsed<RelationshipPattern> {
        let start = self.start();
        let left = self.eat("<");
        self.expect("-")?;
        let filler = if self.eat("[") {
            let filler = self.filler("]")?;
            self.expect("]")?;
            filler
        } else {
            Filler {
                variable: None,
                labels: None,
                length: None,
                properties: None,
                predicate: None,
            }
        };
        self.expect("-")?;
        let right = self.eat(">");
        let direction = match (left, right) {
            (true, false) => Direction::Left,
            (false, true) => Direction::Right,
            _ => Direction::Both,
        };
        let Filler {
            variable,
            labels: types,
            mut length,
            properties,
            predicate,
        } = filler;
        if let Some(quantifier) = self.relationship_quantifier()?
            && length.replace(quantifier).is_some()
        {
            return Err(self.relationship_error("relationship has both a length and a quantifier"));
        }
        let span = self.span_from(start);
        Ok(RelationshipPattern {
            variable,
            direction,
            types,
            length,
            properties,
            predicate,
            span,
        })
    }

    /// Variable, labels or types, length (only before `]`), properties, predicate.
    fn filler(&mut self, close: &'static str) -> Parsed<Filler> {
        let starts_predicate = self.at_word("WHERE") && !self.symbol_ahead(1, close) && !self.symbol_ahead(1, ":");
        let starts_predicate = starts_predicate && !self.symbol_ahead(1, "{");
        let starts_labels = self.at_word("IS") && self.name_ahead(1);
        let variable = if self.name_ahead(0) && !starts_predicate && !starts_labels {
            Some(self.variable()?)
        } else {
            None
        };
        let labels = if self.eat(":") || (self.at_word("IS") && self.eat_word("IS")) {
            Some(self.label_expression(true)?)
        } else {
            None
        };
        let length = if close == "]" && self.eat("*") {
            Some(self.pattern_length()?)
        } else {
            None
        };
        let properties = self.pattern_properties()?;
        let predicate = if self.eat_word("WHERE") {
            Some(self.condition()?)
        } else {
            None
        };
        if length.is_some() && !self.at(close) {
            return Err(self.relationship_error("invalid relationship pattern"));
        }
        Ok(Filler {
            variable,
            labels,
            length,
            properties,
            predicate,
        })
    }

    fn pattern_properties(&mut self) -> Parsed<Option<Expression>> {
        let start = self.start();
        if self.at("{") {
            let outer = self.enter()?;
            let entries = self.map_entries()?;
            self.leave(outer)?;
            return Ok(Some(Expression::new(
                ExpressionKind::Map(entries),
                self.span_from(start),
            )));
        }
        let parameter = self.parameter()?;
        Ok(parameter.map(|name| Expression::new(ExpressionKind::Parameter(name), self.span_from(start))))
    }

    /// What follows the `*`.
    fn pattern_length(&mut self) -> Parsed<PatternLength> {
        let min = self.length_bound()?;
        if !self.eat("..") {
            return Ok(PatternLength { min, max: min });
        }
        let max = self.length_bound()?;
        Ok(PatternLength { min, max })
    }

    fn length_bound(&mut self) -> Parsed<Option<u64>> {
        if self.peek() != TokenKind::Integer {
            self.note("a number");
            return Ok(None);
        }
        let span = self.advance();
        literal::integer(span.text(self.text), span).map(Some)
    }

    /// `+`, `*`, `{2}`, `{1,3}` after a relationship: how often it is repeated.
    fn relationship_quantifier(&mut self) -> Parsed<Option<PatternLength>> {
        if self.eat("+") {
            return Ok(Some(PatternLength {
                min: Some(1),
                max: None,
            }));
        }
        if self.eat("*") {
            return Ok(Some(PatternLength {
                min: Some(0),
                max: None,
            }));
        }
        if !self.eat("{") {
            return Ok(None);
        }
        let min = self.length_bound()?;
        let length = if self.eat(",") {
            PatternLength {
                min: min.or(Some(0)),
                max: self.length_bound()?,
            }
        } else {
            PatternLength { min, max: min }
        };
        self.expect("}")?;
        Ok(Some(length))
    }

    fn relationship_error(&self, message: &str) -> Fault {
        let mut error = self.unexpected();
        error.message = format!("{message}: {}", error.message);
        error.kind = ParseErrorKind::InvalidRelationshipPattern;
        error
    }

    /// Labels or types after `:` or `IS`. Without `choices` a `|` is left alone.
    pub(super) fn label_expression(&mut self, choices: bool) -> Parsed<LabelExpression> {
        let outer = self.enter()?;
        let start = self.start();
        let mut parts = vec![self.label_conjunction()?];
        while choices && self.eat("|") {
            // `:A|:B` is the older way to write a choice of types.
            let _older = self.eat(":");
            parts.push(self.label_conjunction()?);
        }
        self.leave(outer)?;
        Ok(self.joined_labels(parts, start, LabelExpressionKind::Or))
    }

    fn label_conjunction(&mut self) -> Parsed<LabelExpression> {
        let start = self.start();
        let mut parts = vec![self.label_atom()?];
        while self.eat("&") || self.eat(":") {
            parts.push(self.label_atom()?);
        }
        Ok(self.joined_labels(parts, start, LabelExpressionKind::And))
    }

    fn joined_labels(
        &self,
        mut parts: Vec<LabelExpression>,
        start: u32,
        join: fn(Vec<LabelExpression>) -> LabelExpressionKind,
    ) -> LabelExpression {
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => {
                parts.extend(last);
                LabelExpression {
                    kind: join(parts),
                    span: self.span_from(start),
                }
            }
        }
    }

    fn label_atom(&mut self) -> Parsed<LabelExpression> {
        let start = self.start();
        let kind = if self.eat("!") {
            let outer = self.enter()?;
            let inner = self.label_atom()?;
            self.leave(outer)?;
            LabelExpressionKind::Not(Box::new(inner))
        } else if self.eat("%") {
            LabelExpressionKind::Wildcard
        } else if self.eat("(") {
            let inner = self.label_expression(true)?;
            self.expect(")")?;
            return Ok(inner);
        } else if self.at("$") {
            return Err(self.unsupported("labels and types given by an expression or a parameter are"));
        } else {
            LabelExpressionKind::Label(self.name("a label or type name")?)
        };
        Ok(LabelExpression {
            kind,
            span: self.span_from(start),
        })
    }
}
