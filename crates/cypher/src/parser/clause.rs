//! Queries and the clauses that read.
//!
//! Owns `UNION` and which clause may end a query.

use super::{PROPERTY_NAME, Parsed, Parser};
use crate::ast::{
    CallProcedure, Clause, ClauseKind, ExpressionKind, LoadCsv, Match, MatchHint, Name, Query, QueryBody, SingleQuery,
    Span, Unwind, UseGraph, YieldColumns,
};
use crate::error::{Fault, ParseError, ParseErrorKind};

impl Parser<'_> {
    /// A query up to what cannot be part of it. With `open_ended` it may end in a reading clause, as inside `EXISTS`.
    pub(super) fn query(&mut self, open_ended: bool) -> Parsed<Query> {
        let start = self.start();
        let mut parts = vec![self.single_query(open_ended)?];
        let mut keeps_duplicates = None;
        while self.at_word("UNION") {
            let span = self.advance();
            let all = self.eat_word("ALL");
            let _default = !all && self.eat_word("DISTINCT");
            if keeps_duplicates.replace(all).is_some_and(|before| before != all) {
                let message = "invalid combination of `UNION` and `UNION ALL`";
                return Err(ParseError::new(ParseErrorKind::InvalidClauseComposition, span, message));
            }
            parts.push(self.single_query(open_ended)?);
        }
        let span = self.span_from(start);
        let body = match (keeps_duplicates, parts.pop()) {
            (None, Some(only)) => QueryBody::Single(only),
            (all, last) => {
                parts.extend(last);
                QueryBody::Union {
                    all: all.unwrap_or_default(),
                    parts,
                }
            }
        };
        Ok(Query { body, span })
    }

    fn single_query(&mut self, open_ended: bool) -> Parsed<SingleQuery> {
        let start = self.start();
        let use_graph = if self.eat_word("USE") {
            Some(self.use_graph()?)
        } else {
            None
        };
        let mut clauses: Vec<Clause> = Vec::new();
        let mut closed = false;
        while !closed {
            let Some(clause) = self.clause()? else { break };
            closed = matches!(clause.kind, ClauseKind::Return(_) | ClauseKind::Finish);
            clauses.push(clause);
        }
        let Some(last) = clauses.last() else {
            return Err(self.unexpected());
        };
        let reads = match &last.kind {
            ClauseKind::Match(_) => Some("MATCH"),
            ClauseKind::With(_) => Some("WITH"),
            ClauseKind::Unwind(_) => Some("UNWIND"),
            ClauseKind::LoadCsv(_) => Some("LOAD CSV"),
            _ => None,
        };
        let last_span = last.span;
        self.check_end(closed)?;
        check_yields(&clauses)?;
        match reads {
            Some(name) if !open_ended => Err(unfinished(name, last_span)),
            _ => Ok(SingleQuery {
                use_graph,
                clauses,
                span: self.span_from(start),
            }),
        }
    }

    /// A query ends where the text, its braces or a `UNION` do.
    fn check_end(&mut self, closed: bool) -> Parsed<()> {
        use crate::lexer::TokenKind::{End, Symbol};
        if matches!(self.peek(), End | Symbol("}" | ";")) || self.at_word("UNION") {
            return Ok(());
        }
        let mut error = self.unexpected();
        if closed && self.at_any_word(&CLAUSE_WORDS) {
            error.kind = ParseErrorKind::InvalidClauseComposition;
            error.message = "`RETURN` can only be used at the end of the query".to_owned();
        }
        Err(error)
    }

    fn use_graph(&mut self) -> Parsed<UseGraph> {
        let _graph = self.at_word("GRAPH") && self.name_ahead(1) && self.eat_word("GRAPH");
        let mut parts = 1;
        while self.symbol_ahead(2 * parts - 1, ".") && self.name_ahead(2 * parts) {
            parts += 1;
        }
        if self.symbol_ahead(2 * parts - 1, "(") {
            return self.expression().map(UseGraph::Expression);
        }
        self.joined_name("a graph name").map(UseGraph::Name)
    }

    fn clause(&mut self) -> Parsed<Option<Clause>> {
        let start = self.start();
        let kind = match self.reading_clause()? {
            Some(kind) => Some(kind),
            None => self.updating_clause()?,
        };
        Ok(kind.map(|kind| Clause {
            kind,
            span: self.span_from(start),
        }))
    }

    fn reading_clause(&mut self) -> Parsed<Option<ClauseKind>> {
        Ok(Some(if self.at_word("MATCH") || self.at_word("OPTIONAL") {
            let optional = self.eat_word("OPTIONAL");
            if optional && self.eat_word("CALL") {
                self.call(true)?
            } else {
                self.match_clause(optional)?
            }
        } else if self.eat_word("UNWIND") {
            let list = self.expression()?;
            self.expect_word("AS")?;
            ClauseKind::Unwind(Unwind {
                list,
                variable: self.variable()?,
            })
        } else if self.eat_word("WITH") {
            ClauseKind::With(self.with_projection()?)
        } else if self.eat_word("RETURN") {
            ClauseKind::Return(self.return_projection()?)
        } else if self.eat_word("CALL") {
            self.call(false)?
        } else if self.eat_word("LOAD") {
            self.load_csv()?
        } else if self.eat_word("FINISH") {
            ClauseKind::Finish
        } else {
            self.note("OPTIONAL");
            return Ok(None);
        }))
    }

    fn match_clause(&mut self, optional: bool) -> Parsed<ClauseKind> {
        self.expect_word("MATCH")?;
        let patterns = self.patterns()?;
        let mut hints = Vec::new();
        while self.eat_word("USING") {
            hints.push(self.match_hint()?);
        }
        let predicate = if self.eat_word("WHERE") {
            Some(self.condition()?)
        } else {
            None
        };
        Ok(ClauseKind::Match(Match {
            optional,
            patterns,
            hints,
            predicate,
        }))
    }

    fn match_hint(&mut self) -> Parsed<MatchHint> {
        let start = self.start();
        if self.eat_words(&["JOIN", "ON"]) {
            let mut variable = vec![self.variable()?];
            while self.eat(",") {
                variable.push(self.variable()?);
            }
            let span = self.span_from(start);
            return Ok(MatchHint {
                kind: "JOIN ON",
                variable,
                labels: Vec::new(),
                properties: Vec::new(),
                span,
            });
        }
        let scans = self.eat_word("SCAN");
        let mut seeks = false;
        if !scans {
            let _kind = ["RANGE", "TEXT", "POINT", "BTREE"]
                .into_iter()
                .any(|kind| self.eat_word(kind));
            self.expect_word("INDEX")?;
            seeks = self.eat_word("SEEK");
        }
        let variable = vec![self.variable()?];
        self.expect(":")?;
        let labels = vec![self.name("a label or type name")?];
        let properties = if scans {
            Vec::new()
        } else {
            self.names_in_parentheses()?
        };
        let kind = match (scans, seeks) {
            (true, _) => "SCAN",
            (false, true) => "INDEX SEEK",
            (false, false) => "INDEX",
        };
        Ok(MatchHint {
            kind,
            variable,
            labels,
            properties,
            span: self.span_from(start),
        })
    }

    fn names_in_parentheses(&mut self) -> Parsed<Vec<Name>> {
        self.expect("(")?;
        let mut names = vec![self.name(PROPERTY_NAME)?];
        while self.eat(",") {
            names.push(self.name(PROPERTY_NAME)?);
        }
        self.expect(")")?;
        Ok(names)
    }

    /// What follows `CALL`.
    fn call(&mut self, optional: bool) -> Parsed<ClauseKind> {
        if self.at("{") || self.at("(") {
            return self.call_subquery(optional);
        }
        let mut namespace = self.dotted_name("a procedure name")?;
        let Some(name) = namespace.pop() else {
            return Err(self.unexpected());
        };
        let arguments = if self.eat("(") {
            Some(self.expressions_until(")")?)
        } else {
            None
        };
        let yields = if self.eat_word("YIELD") {
            Some(self.yield_columns()?)
        } else {
            None
        };
        let predicate = if yields.is_some() && self.eat_word("WHERE") {
            Some(self.condition()?)
        } else {
            None
        };
        Ok(ClauseKind::CallProcedure(CallProcedure {
            optional,
            namespace,
            name,
            arguments,
            yields,
            predicate,
        }))
    }

    fn load_csv(&mut self) -> Parsed<ClauseKind> {
        self.expect_word("CSV")?;
        let with_headers = self.eat_words(&["WITH", "HEADERS"]);
        self.expect_word("FROM")?;
        let url = self.expression()?;
        self.expect_word("AS")?;
        let variable = self.variable()?;
        let field_terminator = if self.eat_word("FIELDTERMINATOR") {
            Some(self.string("a string")?)
        } else {
            None
        };
        Ok(ClauseKind::LoadCsv(LoadCsv {
            with_headers,
            url,
            variable,
            field_terminator,
        }))
    }

    /// A map or a parameter.
    pub(super) fn map_or_parameter(&mut self) -> Parsed<crate::ast::Expression> {
        let expression = self.expression()?;
        match expression.kind {
            ExpressionKind::Map(_) | ExpressionKind::Parameter(_) => Ok(expression),
            _ => {
                let message = "invalid input, expected a map or a parameter";
                Err(ParseError::new(ParseErrorKind::InvalidInput, expression.span, message))
            }
        }
    }
}

/// Words that begin a clause.
const CLAUSE_WORDS: [&str; 16] = [
    "MATCH", "OPTIONAL", "UNWIND", "WITH", "RETURN", "CALL", "LOAD", "CREATE", "MERGE", "SET", "REMOVE", "DELETE",
    "DETACH", "FOREACH", "FINISH", "USE",
];

/// `YIELD *` hides which variables there are, so it stands only where nothing follows.
fn check_yields(clauses: &[Clause]) -> Parsed<()> {
    let hides_names = |clause: &&Clause| matches!(&clause.kind, ClauseKind::CallProcedure(call) if call.yields == Some(YieldColumns::All));
    match clauses.iter().find(hides_names) {
        Some(clause) if clauses.len() > 1 => {
            let message = "`YIELD *` can only be used when the call stands alone";
            Err(ParseError::new(ParseErrorKind::InvalidInput, clause.span, message))
        }
        _ => Ok(()),
    }
}

fn unfinished(clause: &str, span: Span) -> Fault {
    let message = format!("query cannot conclude with `{clause}`");
    let mut error = ParseError::new(ParseErrorKind::InvalidClauseComposition, span, message);
    error.advice = Some("it must end with a `RETURN`, `FINISH`, an update clause, a unit subquery call or a procedure call without `YIELD`".to_owned());
    error
}
