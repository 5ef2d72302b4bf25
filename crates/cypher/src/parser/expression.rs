//! Operators of expressions.
//!
//! Owns precedence, worked out with two stacks in place of recursion so that depth counts only real nesting. From loose to tight:
//! `OR`, `XOR`, `AND`, `NOT`, comparisons (which chain), string, list and null predicates, `+ - ||`, `* / %`, `^`, unary signs.

use super::{PROPERTY_NAME, Parsed, Parser};
use crate::ast::{
    BinaryOperator, ComparisonOperator, Expression, ExpressionKind, Literal, Name, PathKind, Span, UnaryOperator,
};
use crate::error::{ParseError, ParseErrorKind};
use crate::lexer::TokenKind;
use crate::literal;

const LEVEL_OR: u8 = 1;
const LEVEL_XOR: u8 = 2;
const LEVEL_AND: u8 = 3;
const LEVEL_NOT: u8 = 4;
const LEVEL_COMPARISON: u8 = 5;
const LEVEL_PREDICATE: u8 = 6;
const LEVEL_ADDITION: u8 = 7;
const LEVEL_MULTIPLICATION: u8 = 8;
const LEVEL_POWER: u8 = 9;
const LEVEL_SIGN: u8 = 10;

/// An operator waiting for its right side.
#[derive(Clone, Copy)]
enum Operator {
    Or,
    Xor,
    And,
    Prefix(UnaryOperator, Span),
    Comparison(ComparisonOperator),
    Binary(BinaryOperator, u8),
}

impl Operator {
    fn level(self) -> u8 {
        match self {
            Self::Or => LEVEL_OR,
            Self::Xor => LEVEL_XOR,
            Self::And => LEVEL_AND,
            Self::Prefix(UnaryOperator::Not, _) => LEVEL_NOT,
            Self::Prefix(..) => LEVEL_SIGN,
            Self::Comparison(_) => LEVEL_COMPARISON,
            Self::Binary(_, level) => level,
        }
    }
}

/// A finished side.
struct Operand {
    expression: Expression,
    height: u32,
    /// Made of operators here and not in parentheses, so that a chain may go on.
    chain: bool,
}

/// The two stacks.
#[derive(Default)]
struct Stacks {
    operands: Vec<Operand>,
    operators: Vec<Operator>,
}

impl Parser<'_> {
    /// An expression for its value, which a bare pattern has not.
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        let expression = self.condition()?;
        refuse_bare_pattern(expression)
    }

    /// An expression where a condition is expected, so that a bare pattern may stand for its existence.
    pub(super) fn condition(&mut self) -> Parsed<Expression> {
        let outer = self.enter()?;
        let expression = self.operators()?;
        self.leave(outer)?;
        Ok(expression)
    }

    /// A list that a `|` ends: labels in it are joined by `|` only inside parentheses.
    pub(super) fn expression_before_bar(&mut self) -> Parsed<Expression> {
        let expression = self.condition_before_bar()?;
        refuse_bare_pattern(expression)
    }

    /// A condition that a `|` ends: labels in it are joined by `|` only inside parentheses.
    pub(super) fn condition_before_bar(&mut self) -> Parsed<Expression> {
        let outer = self.enter()?;
        self.bar_ends = true;
        let expression = self.operators()?;
        self.leave(outer)?;
        Ok(expression)
    }

    fn operators(&mut self) -> Parsed<Expression> {
        let mut stacks = Stacks::default();
        loop {
            self.prefixes(&mut stacks)?;
            self.height = 0;
            let expression = self.postfix_expression()?;
            stacks.operands.push(Operand {
                expression,
                height: self.height,
                chain: false,
            });
            while self.null_or_type_predicate(&mut stacks)? {}
            let Some(operator) = self.binary_operator() else { break };
            self.reduce(&mut stacks, operator.level())?;
            stacks.operators.push(operator);
        }
        self.reduce(&mut stacks, 0)?;
        match stacks.operands.pop() {
            Some(operand) => {
                self.height = operand.height;
                Ok(operand.expression)
            }
            None => Err(self.unexpected()),
        }
    }

    /// `NOT` and signs before an operand.
    fn prefixes(&mut self, stacks: &mut Stacks) -> Parsed<()> {
        loop {
            let level = stacks.operators.last().map_or(0, |operator| operator.level());
            let operator = if level <= LEVEL_NOT && self.at_word("NOT") {
                UnaryOperator::Not
            } else if self.at("-") && !matches!(self.ahead(1), TokenKind::Integer | TokenKind::Float) {
                UnaryOperator::Minus
            } else if self.at("+") {
                UnaryOperator::Plus
            } else {
                return Ok(());
            };
            let span = self.advance();
            stacks.operators.push(Operator::Prefix(operator, span));
        }
    }

    /// `IS NULL` and its kin, which stand behind their operand; false when none does.
    fn null_or_type_predicate(&mut self, stacks: &mut Stacks) -> Parsed<bool> {
        if !self.at_word("IS") {
            return Ok(false);
        }
        self.reduce(stacks, LEVEL_PREDICATE)?;
        let Some(operand) = stacks.operands.pop() else {
            return Err(self.unexpected());
        };
        let start = operand.expression.span.start;
        self.advance();
        let negated = self.eat_word("NOT");
        let inner = Box::new(operand.expression);
        let kind = if self.eat_word("NULL") {
            ExpressionKind::IsNull {
                operand: inner,
                negated,
            }
        } else if self.eat("::") || self.eat_word("TYPED") {
            let value_type = Box::new(self.value_type()?);
            ExpressionKind::IsTyped {
                operand: inner,
                value_type,
                negated,
            }
        } else if !negated && !self.at_word("NORMALIZED") {
            let labels = Box::new(self.label_expression(!self.bar_ends)?);
            ExpressionKind::HasLabels { operand: inner, labels }
        } else if self.at_any_word(&["NORMALIZED", "NFC", "NFD", "NFKC", "NFKD"]) {
            return Err(self.unsupported("`IS NORMALIZED` is"));
        } else {
            return Err(self.unexpected());
        };
        let height = self.taller(operand.height.max(self.height))?;
        let expression = Expression::new(kind, self.span_from(start));
        stacks.operands.push(Operand {
            expression,
            height,
            chain: false,
        });
        Ok(true)
    }

    fn binary_operator(&mut self) -> Option<Operator> {
        let operator = match self.peek() {
            TokenKind::Symbol(symbol) => Some((symbol_operator(symbol)?, 1)),
            TokenKind::Word => self.word_operator(),
            _ => None,
        };
        let Some((operator, tokens)) = operator else {
            self.note("an operator");
            return None;
        };
        self.advance_by(tokens);
        Some(operator)
    }

    fn word_operator(&self) -> Option<(Operator, usize)> {
        let word = self.span().text(self.text);
        let predicate = |operator| Operator::Binary(operator, LEVEL_PREDICATE);
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        Some(match word.len() {
            2 if is("OR") => (Operator::Or, 1),
            2 if is("IN") => (predicate(BinaryOperator::In), 1),
            3 if is("AND") => (Operator::And, 1),
            3 if is("XOR") => (Operator::Xor, 1),
            8 if is("CONTAINS") => (predicate(BinaryOperator::Contains), 1),
            6 if is("STARTS") && self.word_ahead(1, "WITH") => (predicate(BinaryOperator::StartsWith), 2),
            4 if is("ENDS") && self.word_ahead(1, "WITH") => (predicate(BinaryOperator::EndsWith), 2),
            _ => return None,
        })
    }

    /// Applies every waiting operator that binds at least as tightly as `level`.
    fn reduce(&self, stacks: &mut Stacks, level: u8) -> Parsed<()> {
        while let Some(operator) = stacks.operators.pop_if(|operator| operator.level() >= level) {
            let Some(right) = stacks.operands.pop() else {
                return Err(self.unexpected());
            };
            let operand = if let Operator::Prefix(operator, span) = operator {
                let height = self.taller(right.height)?;
                let span = span.to(right.expression.span);
                let kind = ExpressionKind::Unary {
                    operator,
                    operand: Box::new(right.expression),
                };
                Operand {
                    expression: Expression::new(kind, span),
                    height,
                    chain: false,
                }
            } else {
                let Some(left) = stacks.operands.pop() else {
                    return Err(self.unexpected());
                };
                self.combine(left, operator, right)?
            };
            stacks.operands.push(operand);
        }
        Ok(())
    }

    /// Joins two sides, adding to the left one when it is a chain of the same operator.
    fn combine(&self, left: Operand, operator: Operator, right: Operand) -> Parsed<Operand> {
        let span = left.expression.span.to(right.expression.span);
        let right_height = self.taller(right.height)?;
        let mut height = left.height.max(right_height);
        let mut fresh = |left_height: u32| -> Parsed<()> {
            height = self.taller(left_height)?.max(right_height);
            Ok(())
        };
        let kind = match (operator, left.expression.kind, left.chain) {
            (Operator::Or, ExpressionKind::Or(parts), true) => ExpressionKind::Or(extended(parts, right.expression)),
            (Operator::And, ExpressionKind::And(parts), true) => ExpressionKind::And(extended(parts, right.expression)),
            (Operator::Xor, ExpressionKind::Xor(parts), true) => ExpressionKind::Xor(extended(parts, right.expression)),
            (Operator::Comparison(operator), ExpressionKind::Comparison { first, mut rest }, true) => {
                rest.push((operator, right.expression));
                ExpressionKind::Comparison { first, rest }
            }
            (operator, kind, _) => {
                fresh(left.height)?;
                fresh_kind(operator, Expression::new(kind, left.expression.span), right.expression)
            }
        };
        Ok(Operand {
            expression: Expression::new(kind, span),
            height,
            chain: true,
        })
    }

    /// An operand with what stands behind it: properties, indexes, labels.
    pub(super) fn postfix_expression(&mut self) -> Parsed<Expression> {
        let mut expression = self.atom()?;
        loop {
            let start = expression.span.start;
            let kind = if self.eat(".") {
                let key = self.name(PROPERTY_NAME)?;
                ExpressionKind::Property {
                    base: Box::new(expression),
                    key,
                }
            } else if self.at("[") {
                self.index_or_slice(expression)?
            } else if self.at(":") && !matches!(expression.kind, ExpressionKind::Literal(_)) {
                self.advance();
                let labels = Box::new(self.label_expression(!self.bar_ends)?);
                ExpressionKind::HasLabels {
                    operand: Box::new(expression),
                    labels,
                }
            } else {
                return Ok(expression);
            };
            self.height = self.taller(self.height)?;
            expression = Expression::new(kind, self.span_from(start));
        }
    }

    fn index_or_slice(&mut self, base: Expression) -> Parsed<ExpressionKind> {
        self.expect("[")?;
        let base = Box::new(base);
        let first = if self.at("..") {
            None
        } else {
            Some(Box::new(self.expression()?))
        };
        if self.eat("..") {
            let to = if self.at("]") {
                None
            } else {
                Some(Box::new(self.expression()?))
            };
            self.expect("]")?;
            return Ok(ExpressionKind::Slice { base, from: first, to });
        }
        self.expect("]")?;
        match first {
            Some(index) => Ok(ExpressionKind::Index { base, index }),
            None => Err(self.unexpected()),
        }
    }

    /// A number, with the minus before it when there is one.
    pub(super) fn number(&mut self) -> Parsed<Expression> {
        let start = self.start();
        let negative = self.eat("-");
        let kind = self.peek();
        let span = self.advance();
        let text = span.text(self.text);
        let literal = if kind == TokenKind::Float {
            let value = literal::float(text, span)?;
            Literal::Float(if negative { -value } else { value })
        } else {
            let magnitude = literal::integer(text, span)?;
            let value = if negative {
                0_i64.checked_sub_unsigned(magnitude)
            } else {
                i64::try_from(magnitude).ok()
            };
            Literal::Integer(value.ok_or_else(|| literal::overflow(text, span))?)
        };
        Ok(Expression::new(ExpressionKind::Literal(literal), self.span_from(start)))
    }

    /// A variable with exactly this name, standing alone.
    pub(super) fn variable(&mut self) -> Parsed<Name> {
        self.name("a variable name")
    }
}

fn refuse_bare_pattern(expression: Expression) -> Parsed<Expression> {
    match &expression.kind {
        ExpressionKind::Pattern(pattern) if pattern.kind == PathKind::Plain => {
            let message = "a pattern has no value here, only where a condition is expected";
            let mut error = ParseError::new(ParseErrorKind::InvalidInput, expression.span, message);
            error.advice = Some("use `EXISTS { … }`, `COUNT { … }` or a pattern comprehension".to_owned());
            Err(error)
        }
        _ => Ok(expression),
    }
}

fn extended(mut parts: Vec<Expression>, next: Expression) -> Vec<Expression> {
    parts.push(next);
    parts
}

/// Two sides joined for the first time.
fn fresh_kind(operator: Operator, left: Expression, right: Expression) -> ExpressionKind {
    match operator {
        Operator::Or => ExpressionKind::Or(vec![left, right]),
        Operator::Xor => ExpressionKind::Xor(vec![left, right]),
        Operator::And => ExpressionKind::And(vec![left, right]),
        Operator::Comparison(operator) => ExpressionKind::Comparison {
            first: Box::new(left),
            rest: vec![(operator, right)],
        },
        Operator::Binary(operator, _) => ExpressionKind::Binary {
            operator,
            left: Box::new(left),
            right: Box::new(right),
        },
        Operator::Prefix(operator, _) => ExpressionKind::Unary {
            operator,
            operand: Box::new(right),
        },
    }
}

fn symbol_operator(symbol: &str) -> Option<Operator> {
    Some(match symbol {
        "=" => Operator::Comparison(ComparisonOperator::Equal),
        "<>" | "!=" => Operator::Comparison(ComparisonOperator::NotEqual),
        "<" => Operator::Comparison(ComparisonOperator::Less),
        "<=" => Operator::Comparison(ComparisonOperator::LessOrEqual),
        ">" => Operator::Comparison(ComparisonOperator::Greater),
        ">=" => Operator::Comparison(ComparisonOperator::GreaterOrEqual),
        "=~" => Operator::Binary(BinaryOperator::RegularExpression, LEVEL_PREDICATE),
        "+" => Operator::Binary(BinaryOperator::Add, LEVEL_ADDITION),
        "-" => Operator::Binary(BinaryOperator::Subtract, LEVEL_ADDITION),
        "||" => Operator::Binary(BinaryOperator::Concatenate, LEVEL_ADDITION),
        "*" => Operator::Binary(BinaryOperator::Multiply, LEVEL_MULTIPLICATION),
        "/" => Operator::Binary(BinaryOperator::Divide, LEVEL_MULTIPLICATION),
        "%" => Operator::Binary(BinaryOperator::Modulo, LEVEL_MULTIPLICATION),
        "^" => Operator::Binary(BinaryOperator::Power, LEVEL_POWER),
        _ => return None,
    })
}
