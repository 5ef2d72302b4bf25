//! Whole statements: options before them, and which kind they are.
//!
//! Owns telling a command from a query by the first words.

use super::{Parsed, Parser};
use crate::ast::{Name, Span, Statement, StatementBody, StatementMode};
use crate::lexer::TokenKind;

impl Parser<'_> {
    pub(super) fn statement(&mut self) -> Parsed<Statement> {
        let start = self.start();
        let mut mode = StatementMode::Normal;
        let mut options = Vec::new();
        loop {
            if self.eat_word("EXPLAIN") {
                mode = StatementMode::Explain;
            } else if self.eat_word("PROFILE") {
                mode = StatementMode::Profile;
            } else if self.eat_word("CYPHER") {
                self.options(&mut options)?;
            } else {
                break;
            }
        }
        let body = self.statement_body()?;
        let span = self.span_from(start);
        while self.eat(";") {}
        if self.peek() != TokenKind::End {
            return Err(self.unexpected());
        }
        Ok(Statement {
            mode,
            options,
            body,
            span,
        })
    }

    /// What follows `CYPHER`: a version and `key=value` pairs.
    fn options(&mut self, options: &mut Vec<(Name, Name)>) -> Parsed<()> {
        if matches!(self.peek(), TokenKind::Integer | TokenKind::Float) {
            let span = self.advance();
            options.push((
                Name::new("version", Span::default()),
                Name::new(span.text(self.text), span),
            ));
        }
        while self.name_ahead(0) && self.symbol_ahead(1, "=") {
            let key = self.name("an option")?;
            self.expect("=")?;
            let value = if matches!(self.peek(), TokenKind::Integer | TokenKind::Float) {
                let span = self.advance();
                Name::new(span.text(self.text), span)
            } else {
                self.name("a value")?
            };
            options.push((key, value));
        }
        Ok(())
    }

    fn statement_body(&mut self) -> Parsed<StatementBody> {
        // A path such as `CREATE index = (a)-->(b)` is no command.
        if self.at_word("CREATE")
            && self.name_ahead(1)
            && !self.symbol_ahead(2, "=")
            && let Some(body) = self.create_command()?
        {
            return Ok(body);
        }
        if self.at_word("DROP") {
            return self.drop_command();
        }
        if self.at_word("SHOW") {
            return self.show().map(StatementBody::Show);
        }
        if self.at_any_word(&["ALTER", "RENAME", "TERMINATE"]) {
            return self.user_command().map(StatementBody::Admin);
        }
        let changes_role = self.word_ahead(1, "ROLE") || self.word_ahead(1, "ROLES");
        if changes_role && self.at_any_word(&["GRANT", "REVOKE"]) {
            return self.change_administrators().map(StatementBody::Admin);
        }
        if self.at_any_word(&[
            "GRANT",
            "DENY",
            "REVOKE",
            "START",
            "STOP",
            "ENABLE",
            "DEALLOCATE",
            "REALLOCATE",
        ]) {
            return Err(self.unsupported("this administration command is"));
        }
        ["SHOW", "DROP", "ALTER", "EXPLAIN", "PROFILE", "USE"]
            .into_iter()
            .for_each(|word| self.note(word));
        self.query(false).map(StatementBody::Query)
    }

    /// A command that begins with `CREATE`, when it is one.
    fn create_command(&mut self) -> Parsed<Option<StatementBody>> {
        let ahead = if self.word_ahead(1, "OR") && self.word_ahead(2, "REPLACE") {
            3
        } else {
            1
        };
        if self.word_ahead(ahead, "USER") {
            return self.create_user().map(|command| Some(StatementBody::Admin(command)));
        }
        let unsupported = ["ROLE", "DATABASE", "COMPOSITE", "ALIAS", "IMMUTABLE", "BTREE"];
        if unsupported.iter().any(|word| self.word_ahead(ahead, word)) {
            return Err(self.unsupported("this administration command is"));
        }
        let kinds = ["RANGE", "TEXT", "POINT", "LOOKUP", "FULLTEXT", "VECTOR"];
        let index = if kinds.iter().any(|kind| self.word_ahead(ahead, kind)) {
            ahead + 1
        } else {
            ahead
        };
        if self.word_ahead(index, "INDEX") || self.word_ahead(ahead, "CONSTRAINT") {
            if ahead == 3 {
                return Err(self.unsupported("`OR REPLACE` for indexes and constraints is"));
            }
            return self.create_schema().map(|command| Some(StatementBody::Schema(command)));
        }
        Ok(None)
    }

    fn drop_command(&mut self) -> Parsed<StatementBody> {
        self.advance();
        if self.at_any_word(&["ROLE", "DATABASE", "COMPOSITE", "ALIAS", "SERVER"]) {
            return Err(self.unsupported("this administration command is"));
        }
        if self.eat_word("USER") {
            return self.drop_user().map(StatementBody::Admin);
        }
        self.drop_schema().map(StatementBody::Schema)
    }
}
