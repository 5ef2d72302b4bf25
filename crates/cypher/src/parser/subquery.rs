//! Queries inside braces: in expressions and after `CALL`.
//!
//! Owns telling a pattern from a query in `EXISTS { … }`, and how `CALL { … }` runs.

use super::{Parsed, Parser};
use crate::ast::{
    CallSubquery, Clause, ClauseKind, ExpressionKind, ImportedVariables, InTransactions, OnErrorBehaviour, Query,
    QueryBody, SubqueryBody, SubqueryKind,
};
use crate::error::{ParseError, ParseErrorKind};

impl Parser<'_> {
    /// `EXISTS { … }` and its sisters; the word is next.
    pub(super) fn subquery(&mut self, kind: SubqueryKind) -> Parsed<ExpressionKind> {
        self.advance();
        self.expect("{")?;
        let names_path = self.name_ahead(0) && self.symbol_ahead(1, "=");
        let searches_path = self.symbol_ahead(1, "(") && self.at_any_word(&["shortestPath", "allShortestPaths"]);
        let body = if kind != SubqueryKind::Collect && (self.at("(") || names_path || searches_path) {
            let patterns = self.patterns()?;
            let predicate = if self.eat_word("WHERE") {
                Some(self.condition()?)
            } else {
                None
            };
            SubqueryBody::Pattern { patterns, predicate }
        } else {
            let query = self.nested_query(kind != SubqueryKind::Collect)?;
            check_reads_only(&query)?;
            SubqueryBody::Query(query)
        };
        self.expect("}")?;
        Ok(ExpressionKind::Subquery {
            kind,
            body: Box::new(body),
        })
    }

    /// A query that is part of another. With `open_ended` it may end in a reading clause.
    fn nested_query(&mut self, open_ended: bool) -> Parsed<Query> {
        let outer = self.enter()?;
        self.depth += QUERY_DEPTH_EXTRA;
        let query = self.query(open_ended)?;
        self.depth = self.depth.saturating_sub(QUERY_DEPTH_EXTRA);
        self.leave(outer)?;
        Ok(query)
    }

    /// What follows `CALL` when it is no procedure.
    pub(super) fn call_subquery(&mut self, optional: bool) -> Parsed<ClauseKind> {
        let imports = if self.eat("(") {
            self.imported_variables()?
        } else {
            ImportedVariables::Unstated
        };
        self.expect("{")?;
        let query = self.nested_query(false)?;
        self.expect("}")?;
        let in_transactions = if self.at_word("IN") {
            Some(self.in_transactions()?)
        } else {
            None
        };
        Ok(ClauseKind::CallSubquery(CallSubquery {
            optional,
            imports,
            query,
            in_transactions,
        }))
    }

    fn imported_variables(&mut self) -> Parsed<ImportedVariables> {
        if self.eat("*") {
            self.expect(")")?;
            return Ok(ImportedVariables::All);
        }
        let mut variables = Vec::new();
        while !self.at(")") {
            variables.push(self.variable()?);
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(ImportedVariables::Variables(variables))
    }

    fn in_transactions(&mut self) -> Parsed<InTransactions> {
        self.expect_word("IN")?;
        let mut result = InTransactions {
            rows: None,
            concurrent: None,
            on_error: None,
            report_status: None,
        };
        if !self.at_any_word(&["TRANSACTIONS", "TRANSACTION"]) {
            let number = if self.at_word("CONCURRENT") {
                None
            } else {
                Some(self.expression()?)
            };
            self.expect_word("CONCURRENT")?;
            result.concurrent = Some(number);
        }
        if !self.eat_word("TRANSACTIONS") {
            self.expect_word("TRANSACTION")?;
        }
        loop {
            if result.rows.is_none() && self.eat_word("OF") {
                result.rows = Some(self.expression()?);
                if !self.eat_word("ROWS") {
                    self.expect_word("ROW")?;
                }
            } else if result.on_error.is_none() && self.eat_words(&["ON", "ERROR"]) {
                result.on_error = Some(self.on_error()?);
            } else if result.report_status.is_none() && self.eat_words(&["REPORT", "STATUS"]) {
                self.expect_word("AS")?;
                result.report_status = Some(self.variable()?);
            } else {
                return Ok(result);
            }
        }
    }

    fn on_error(&mut self) -> Parsed<OnErrorBehaviour> {
        if self.eat_word("CONTINUE") {
            Ok(OnErrorBehaviour::Continue)
        } else if self.eat_word("BREAK") {
            Ok(OnErrorBehaviour::Break)
        } else if self.eat_word("FAIL") {
            Ok(OnErrorBehaviour::Fail)
        } else if self.at_word("RETRY") {
            Err(self.unsupported("`ON ERROR RETRY` is"))
        } else {
            Err(self.unexpected())
        }
    }
}

/// What a query inside another adds to the depth beside its own level: its clauses take as much stack as several expressions.
const QUERY_DEPTH_EXTRA: u32 = 3;

/// A subquery in an expression may run any number of times, so it must not change the graph.
fn check_reads_only(query: &Query) -> Parsed<()> {
    let parts = match &query.body {
        QueryBody::Single(part) => std::slice::from_ref(part),
        QueryBody::Union { parts, .. } => parts.as_slice(),
    };
    let updates = |clause: &&Clause| {
        matches!(
            clause.kind,
            ClauseKind::Create(_)
                | ClauseKind::Merge(_)
                | ClauseKind::Set(_)
                | ClauseKind::Remove(_)
                | ClauseKind::Delete(_)
                | ClauseKind::Foreach(_)
        )
    };
    match parts.iter().flat_map(|part| &part.clauses).find(updates) {
        Some(clause) => {
            let message = "a subquery in an expression cannot contain updating clauses";
            Err(ParseError::new(
                ParseErrorKind::InvalidClauseComposition,
                clause.span,
                message,
            ))
        }
        None => Ok(()),
    }
}
