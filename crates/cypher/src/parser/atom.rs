//! The smallest parts of expressions: literals, names, calls, and everything in brackets.
//!
//! Owns telling a pattern from arithmetic, a comprehension from a list, a keyword from a variable.

use super::{PROPERTY_NAME, Parsed, Parser};
use crate::ast::{
    Case, CaseBranch, Expression, ExpressionKind, FunctionCall, ListComprehension, Literal, MapEntry,
    MapProjectionItem, Name, PathPattern, PatternComprehension, Quantifier, QuantifierKind, Reduce, SubqueryKind,
};
use crate::error::ParseErrorKind;
use crate::lexer::TokenKind;

/// Words that begin or join something else and are no variables unless in back quotes.
const RESERVED: [&str; 32] = [
    "MATCH", "RETURN", "WHERE", "WITH", "UNWIND", "CREATE", "MERGE", "SET", "DELETE", "DETACH", "REMOVE", "UNION",
    "OPTIONAL", "FOREACH", "AND", "OR", "XOR", "NOT", "IN", "IS", "STARTS", "ENDS", "CONTAINS", "CASE", "WHEN", "THEN",
    "ELSE", "AS", "DISTINCT", "LIMIT", "SKIP", "YIELD",
];

impl Parser<'_> {
    /// An operand without anything before or behind it.
    pub(super) fn atom(&mut self) -> Parsed<Expression> {
        let start = self.start();
        let kind = match self.peek() {
            TokenKind::Integer | TokenKind::Float | TokenKind::Symbol("-") => return self.number_or_error(),
            TokenKind::String => ExpressionKind::Literal(Literal::String(self.string("a string")?.into())),
            TokenKind::Symbol("$") => match self.parameter()? {
                Some(name) => ExpressionKind::Parameter(name),
                None => return Err(self.unexpected()),
            },
            TokenKind::Symbol("(") => return self.parenthesized(),
            TokenKind::Symbol("[") => self.list_or_comprehension()?,
            TokenKind::Symbol("{") => ExpressionKind::Map(self.map_entries()?),
            TokenKind::Word => self.word()?,
            TokenKind::QuotedName => self.name_or_call()?,
            _ => {
                self.note("an expression");
                return Err(self.unexpected());
            }
        };
        Ok(Expression::new(kind, self.span_from(start)))
    }

    fn number_or_error(&mut self) -> Parsed<Expression> {
        if self.at("-") && !matches!(self.ahead(1), TokenKind::Integer | TokenKind::Float) {
            self.note("an expression");
            return Err(self.unexpected());
        }
        self.number()
    }

    /// What begins with a plain word: a literal, a keyword's form, a call, a variable.
    fn word(&mut self) -> Parsed<ExpressionKind> {
        let word = self.span().text(self.text).to_ascii_uppercase();
        let called = self.symbol_ahead(1, "(");
        let literal = match word.as_str() {
            "NULL" => Some(Literal::Null),
            "TRUE" => Some(Literal::Boolean(true)),
            "FALSE" => Some(Literal::Boolean(false)),
            "INF" | "INFINITY" => Some(Literal::Float(f64::INFINITY)),
            "NAN" => Some(Literal::Float(f64::NAN)),
            _ => None,
        };
        if let Some(literal) = literal.filter(|_| !called) {
            self.advance();
            return Ok(ExpressionKind::Literal(literal));
        }
        if let Some(form) = keyword_form(&word)
            && let Some(kind) = self.keyword_form(form)?
        {
            return Ok(kind);
        }
        if !called && RESERVED.contains(&word.as_str()) {
            self.note("an expression");
            return Err(self.unexpected());
        }
        self.name_or_call()
    }

    /// A form with a grammar of its own, none when what follows shows that the word is only a name.
    fn keyword_form(&mut self, form: KeywordForm) -> Parsed<Option<ExpressionKind>> {
        let called = self.symbol_ahead(1, "(");
        match form {
            KeywordForm::Case => self.case().map(Some),
            KeywordForm::Subquery(kind) if self.symbol_ahead(1, "{") => self.subquery(kind).map(Some),
            KeywordForm::Subquery(SubqueryKind::Count)
                if called && self.symbol_ahead(2, "*") && self.symbol_ahead(3, ")") =>
            {
                self.advance_by(4);
                Ok(Some(ExpressionKind::CountStar))
            }
            KeywordForm::Quantifier(kind) if called && self.name_ahead(2) && self.word_ahead(3, "IN") => {
                self.quantifier(kind).map(Some)
            }
            KeywordForm::Reduce if called && self.name_ahead(2) && self.symbol_ahead(3, "=") => {
                self.reduction().map(Some)
            }
            KeywordForm::ShortestPath if called && self.symbol_ahead(2, "(") => {
                let pattern = self.path_pattern()?;
                Ok(Some(ExpressionKind::Pattern(Box::new(pattern))))
            }
            _ => Ok(None),
        }
    }

    /// A variable, a map projection, or a call of a function with or without a namespace.
    fn name_or_call(&mut self) -> Parsed<ExpressionKind> {
        let start = self.start();
        let mut parts = 1;
        while self.symbol_ahead(2 * parts - 1, ".") && self.name_ahead(2 * parts) {
            parts += 1;
        }
        if self.symbol_ahead(2 * parts - 1, "(") {
            let mut namespace = self.dotted_name("a function name")?;
            let Some(name) = namespace.pop() else {
                return Err(self.unexpected());
            };
            self.expect("(")?;
            let distinct = self.eat_word("DISTINCT");
            if !distinct {
                self.all_of_arguments();
            }
            let arguments = if namespace.is_empty() && name.text.eq_ignore_ascii_case("exists") {
                let argument = self.condition()?;
                self.expect(")")?;
                vec![argument]
            } else {
                self.expressions_until(")")?
            };
            let span = self.span_from(start);
            return Ok(ExpressionKind::Function(Box::new(FunctionCall {
                namespace,
                name,
                distinct,
                arguments,
                span,
            })));
        }
        let variable = self.variable()?;
        if self.at("{") {
            return self.map_projection(variable);
        }
        Ok(ExpressionKind::Variable(variable))
    }

    /// `ALL` as in `count(ALL x)` is the default: taken when an operand follows.
    fn all_of_arguments(&mut self) {
        let operand_follows = match self.ahead(1) {
            TokenKind::Word => !self.binary_word_ahead(1),
            TokenKind::QuotedName | TokenKind::Integer | TokenKind::Float | TokenKind::String => true,
            _ => false,
        };
        if operand_follows && self.at_word("ALL") {
            self.advance();
        }
    }

    /// Whether a word stands `ahead` that joins two operands.
    fn binary_word_ahead(&self, ahead: usize) -> bool {
        ["AND", "OR", "XOR", "IN", "IS", "STARTS", "ENDS", "CONTAINS"]
            .iter()
            .any(|word| self.word_ahead(ahead, word))
    }

    /// Expressions with commas up to and with `close`; none is fine.
    pub(super) fn expressions_until(&mut self, close: &'static str) -> Parsed<Vec<Expression>> {
        let mut expressions = Vec::new();
        if self.eat(close) {
            return Ok(expressions);
        }
        loop {
            expressions.push(self.expression()?);
            if !self.eat(",") {
                self.expect(close)?;
                return Ok(expressions);
            }
        }
    }

    /// A pattern when one stands here, else an expression in parentheses.
    fn parenthesized(&mut self) -> Parsed<Expression> {
        let start = self.start();
        if let Some(pattern) = self.try_pattern(false)? {
            return Ok(Expression::new(
                ExpressionKind::Pattern(Box::new(pattern)),
                self.span_from(start),
            ));
        }
        self.expect("(")?;
        let expression = self.condition()?;
        self.expect(")")?;
        Ok(expression)
    }

    /// A pattern with at least one relationship, or none and the position unchanged. With `in_comprehension` a path variable may
    /// stand first and `WHERE` or `|` must follow.
    fn try_pattern(&mut self, in_comprehension: bool) -> Parsed<Option<PathPattern>> {
        let opening = if in_comprehension && self.symbol_ahead(1, "=") {
            self.position + 2
        } else {
            self.position
        };
        let Some(after) = self.after_closing.get(&opening).copied() else {
            return Ok(None);
        };
        let follows = |ahead: usize| match self.token_at(after + ahead).kind {
            TokenKind::Symbol(symbol) => symbol,
            _ => "",
        };
        let has_arrow = match follows(0) {
            "-" => matches!(follows(1), "-" | "["),
            "<" => follows(1) == "-" && matches!(follows(2), "-" | "["),
            _ => false,
        };
        let key = (self.position, in_comprehension);
        let known = self.patterns_tried.get(&key).copied();
        if !has_arrow || known == Some(false) {
            return Ok(None);
        }
        let mark = self.mark();
        let attempt = self.path_pattern().and_then(|pattern| {
            let complete = !in_comprehension || self.at("|") || self.at_word("WHERE");
            if complete && !pattern.steps.is_empty() {
                Ok(pattern)
            } else {
                Err(self.unexpected())
            }
        });
        self.patterns_tried.insert(key, attempt.is_ok());
        match attempt {
            Ok(pattern) => Ok(Some(pattern)),
            Err(error) if error.kind == ParseErrorKind::NestingTooDeep => Err(error),
            Err(_) => {
                self.reset(&mark);
                Ok(None)
            }
        }
    }

    fn list_or_comprehension(&mut self) -> Parsed<ExpressionKind> {
        self.expect("[")?;
        if self.name_ahead(0) && self.word_ahead(1, "IN") {
            return self.list_comprehension();
        }
        let names_path = self.name_ahead(0) && self.symbol_ahead(1, "=") && self.symbol_ahead(2, "(");
        if (names_path || self.at("("))
            && let Some(pattern) = self.try_pattern(true)?
        {
            return self.pattern_comprehension(pattern);
        }
        Ok(ExpressionKind::List(self.expressions_until("]")?))
    }

    fn list_comprehension(&mut self) -> Parsed<ExpressionKind> {
        let variable = self.variable()?;
        self.expect_word("IN")?;
        let list = self.expression_before_bar()?;
        let predicate = if self.eat_word("WHERE") {
            Some(self.condition_before_bar()?)
        } else {
            None
        };
        let result = if self.eat("|") { Some(self.expression()?) } else { None };
        self.expect("]")?;
        Ok(ExpressionKind::ListComprehension(Box::new(ListComprehension {
            variable,
            list,
            predicate,
            result,
        })))
    }

    fn pattern_comprehension(&mut self, pattern: PathPattern) -> Parsed<ExpressionKind> {
        let predicate = if self.eat_word("WHERE") {
            Some(self.condition_before_bar()?)
        } else {
            None
        };
        self.expect("|")?;
        let result = self.expression()?;
        self.expect("]")?;
        Ok(ExpressionKind::PatternComprehension(Box::new(PatternComprehension {
            pattern,
            predicate,
            result,
        })))
    }

    fn quantifier(&mut self, kind: QuantifierKind) -> Parsed<ExpressionKind> {
        self.advance();
        self.expect("(")?;
        let variable = self.variable()?;
        self.expect_word("IN")?;
        let list = self.expression()?;
        let predicate = if self.eat_word("WHERE") {
            Some(self.condition()?)
        } else {
            None
        };
        self.expect(")")?;
        Ok(ExpressionKind::Quantifier(Box::new(Quantifier {
            kind,
            variable,
            list,
            predicate,
        })))
    }

    fn reduction(&mut self) -> Parsed<ExpressionKind> {
        self.advance();
        self.expect("(")?;
        let accumulator = self.variable()?;
        self.expect("=")?;
        let initial = self.expression()?;
        self.expect(",")?;
        let variable = self.variable()?;
        self.expect_word("IN")?;
        let list = self.expression_before_bar()?;
        self.expect("|")?;
        let step = self.expression()?;
        self.expect(")")?;
        Ok(ExpressionKind::Reduce(Box::new(Reduce {
            accumulator,
            initial,
            variable,
            list,
            step,
        })))
    }

    fn case(&mut self) -> Parsed<ExpressionKind> {
        self.advance();
        let subject = if self.at_word("WHEN") {
            None
        } else {
            Some(self.expression()?)
        };
        let mut branches = Vec::new();
        self.expect_word("WHEN")?;
        loop {
            let mut when = vec![self.condition()?];
            while subject.is_some() && self.eat(",") {
                when.push(self.expression()?);
            }
            self.expect_word("THEN")?;
            let then = self.expression()?;
            branches.push(CaseBranch { when, then });
            if !self.eat_word("WHEN") {
                break;
            }
        }
        let otherwise = if self.eat_word("ELSE") {
            Some(self.expression()?)
        } else {
            None
        };
        self.expect_word("END")?;
        Ok(ExpressionKind::Case(Box::new(Case {
            subject,
            branches,
            otherwise,
        })))
    }

    /// `{key: value, …}`.
    pub(super) fn map_entries(&mut self) -> Parsed<Vec<MapEntry>> {
        self.expect("{")?;
        let mut entries = Vec::new();
        if self.eat("}") {
            return Ok(entries);
        }
        loop {
            entries.push(self.map_entry()?);
            if !self.eat(",") {
                self.expect("}")?;
                return Ok(entries);
            }
        }
    }

    fn map_entry(&mut self) -> Parsed<MapEntry> {
        let start = self.start();
        let key = self.name(PROPERTY_NAME)?;
        self.expect(":")?;
        let value = self.expression()?;
        Ok(MapEntry {
            key,
            value,
            span: self.span_from(start),
        })
    }

    fn map_projection(&mut self, variable: Name) -> Parsed<ExpressionKind> {
        self.expect("{")?;
        let mut items = Vec::new();
        if self.eat("}") {
            return Ok(ExpressionKind::MapProjection { variable, items });
        }
        loop {
            items.push(if self.eat(".") {
                if self.eat("*") {
                    MapProjectionItem::AllProperties
                } else {
                    MapProjectionItem::Property(self.name(PROPERTY_NAME)?)
                }
            } else if self.symbol_ahead(1, ":") {
                MapProjectionItem::Entry(self.map_entry()?)
            } else {
                MapProjectionItem::Variable(self.variable()?)
            });
            if !self.eat(",") {
                self.expect("}")?;
                return Ok(ExpressionKind::MapProjection { variable, items });
            }
        }
    }
}

/// Words that may begin a form with a grammar of its own.
#[derive(Clone, Copy)]
enum KeywordForm {
    Case,
    Subquery(SubqueryKind),
    Quantifier(QuantifierKind),
    Reduce,
    ShortestPath,
}

/// The form that a word in capitals may begin.
fn keyword_form(word: &str) -> Option<KeywordForm> {
    Some(match word {
        "CASE" => KeywordForm::Case,
        "EXISTS" => KeywordForm::Subquery(SubqueryKind::Exists),
        "COUNT" => KeywordForm::Subquery(SubqueryKind::Count),
        "COLLECT" => KeywordForm::Subquery(SubqueryKind::Collect),
        "ALL" => KeywordForm::Quantifier(QuantifierKind::All),
        "ANY" => KeywordForm::Quantifier(QuantifierKind::Any),
        "NONE" => KeywordForm::Quantifier(QuantifierKind::None),
        "SINGLE" => KeywordForm::Quantifier(QuantifierKind::Single),
        "REDUCE" => KeywordForm::Reduce,
        "SHORTESTPATH" | "ALLSHORTESTPATHS" => KeywordForm::ShortestPath,
        _ => return None,
    })
}
