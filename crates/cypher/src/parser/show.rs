//! `SHOW` commands.
//!
//! Owns their grammar.

use super::{Parsed, Parser};
use crate::ast::{ExecutableBy, Expression, NameOrParameter, PrivilegesOf, ShowCommand, ShowKind, ShowYield};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// `SHOW …`; the word is next.
    pub(super) fn show(&mut self) -> Parsed<ShowCommand> {
        let start = self.start();
        self.expect_word("SHOW")?;
        let kind = self.show_kind()?;
        let mut yields = None;
        let mut predicate = None;
        let mut returns = None;
        if self.eat_word("YIELD") {
            yields = Some(self.show_yield()?);
            if self.eat_word("RETURN") {
                returns = Some(self.return_projection()?);
            }
        } else if self.eat_word("WHERE") {
            predicate = Some(self.condition()?);
        }
        Ok(ShowCommand {
            kind,
            yields,
            predicate,
            returns,
            span: self.span_from(start),
        })
    }

    fn show_yield(&mut self) -> Parsed<ShowYield> {
        let columns = self.yield_columns()?;
        let order_by = self.order_by()?;
        let skip = self.skip()?;
        let limit = self.limit()?;
        let predicate = if self.eat_word("WHERE") {
            Some(self.condition()?)
        } else {
            None
        };
        Ok(ShowYield {
            columns,
            order_by,
            skip,
            limit,
            predicate,
        })
    }

    fn show_kind(&mut self) -> Parsed<ShowKind> {
        if let Some(kind) = self.show_schema()? {
            return Ok(kind);
        }
        if self.eat_words(&["CURRENT", "USER"]) {
            return Ok(ShowKind::CurrentUser);
        }
        if self.eat_words(&["DEFAULT", "DATABASE"]) {
            return Ok(ShowKind::DefaultDatabase);
        }
        if self.eat_words(&["HOME", "DATABASE"]) {
            return Ok(ShowKind::HomeDatabase);
        }
        if self.eat_word("DATABASES") || self.eat_word("DATABASE") {
            let named = !self.at_show_end();
            let name = if named {
                Some(self.name_or_parameter("a database name")?)
            } else {
                None
            };
            return Ok(ShowKind::Databases(name));
        }
        if self.eat_word("SETTINGS") || self.eat_word("SETTING") {
            return Ok(ShowKind::Settings(self.show_names()?));
        }
        if self.eat_word("TRANSACTIONS") || self.eat_word("TRANSACTION") {
            return Ok(ShowKind::Transactions(self.show_names()?));
        }
        if self.eat_words(&["TLS", "POLICIES"]) || self.eat_words(&["TLS", "POLICY"]) {
            return Ok(ShowKind::TlsPolicies);
        }
        if self.eat_word("PROCEDURES") || self.eat_word("PROCEDURE") {
            return Ok(ShowKind::Procedures {
                executable: self.executable()?,
            });
        }
        if let Some(kind) = self.show_functions()? {
            return Ok(kind);
        }
        self.show_security()
    }

    /// Indexes and constraints, of some kind or all.
    fn show_schema(&mut self) -> Parsed<Option<ShowKind>> {
        let mut words = 0;
        while words < SCHEMA_KIND_WORDS_MAX
            && self.ahead(words) == TokenKind::Word
            && !SCHEMA_WORDS.iter().any(|word| self.word_ahead(words, word))
        {
            words += 1;
        }
        if !SCHEMA_WORDS.iter().any(|word| self.word_ahead(words, word)) {
            SCHEMA_WORDS.into_iter().for_each(|word| self.note(word));
            return Ok(None);
        }
        let indexes = self.word_ahead(words, "INDEX") || self.word_ahead(words, "INDEXES");
        let mut kind = Vec::new();
        for _ in 0..words {
            let known = if indexes {
                self.at_any_word(&INDEX_KINDS)
            } else {
                self.at_any_word(&CONSTRAINT_KINDS)
            };
            if !known {
                return Err(self.unexpected());
            }
            kind.push(self.advance().text(self.text).to_ascii_uppercase());
        }
        self.advance();
        let kind = Some(kind.join(" ")).filter(|kind| !kind.is_empty() && kind != "ALL");
        Ok(Some(if indexes {
            ShowKind::Indexes(kind)
        } else {
            ShowKind::Constraints(kind)
        }))
    }

    fn show_functions(&mut self) -> Parsed<Option<ShowKind>> {
        let is_functions =
            |parser: &Self, ahead: usize| parser.word_ahead(ahead, "FUNCTIONS") || parser.word_ahead(ahead, "FUNCTION");
        let (built_in, words) = if is_functions(self, 0) {
            (None, 1)
        } else if self.at_word("ALL") && is_functions(self, 1) {
            (None, 2)
        } else if self.at_word("BUILT") && is_functions(self, 2) {
            (Some(true), 3)
        } else if self.at_word("USER") && self.word_ahead(1, "DEFINED") && is_functions(self, 2) {
            (Some(false), 3)
        } else {
            self.note("FUNCTIONS");
            return Ok(None);
        };
        self.advance_by(words);
        Ok(Some(ShowKind::Functions {
            built_in,
            executable: self.executable()?,
        }))
    }

    fn executable(&mut self) -> Parsed<Option<ExecutableBy>> {
        if !self.eat_word("EXECUTABLE") {
            return Ok(None);
        }
        if !self.eat_word("BY") || self.eat_words(&["CURRENT", "USER"]) {
            return Ok(Some(ExecutableBy::CurrentUser));
        }
        self.name("a user name").map(|name| Some(ExecutableBy::User(name)))
    }

    /// Users, roles and privileges.
    fn show_security(&mut self) -> Parsed<ShowKind> {
        if self.eat_words(&["POPULATED", "ROLES"]) {
            return Ok(ShowKind::Roles {
                populated: true,
                with_users: self.eat_words(&["WITH", "USERS"]),
            });
        }
        if self.eat_words(&["ALL", "ROLES"]) {
            return Ok(ShowKind::Roles {
                populated: false,
                with_users: self.eat_words(&["WITH", "USERS"]),
            });
        }
        if self.eat_words(&["ALL", "PRIVILEGES"]) || self.eat_words(&["ALL", "PRIVILEGE"]) {
            return Ok(ShowKind::Privileges(PrivilegesOf::All));
        }
        if self.eat_word("PRIVILEGES") || self.eat_word("PRIVILEGE") {
            return Ok(ShowKind::Privileges(PrivilegesOf::All));
        }
        let roles = self.at_any_word(&["ROLE", "ROLES"]);
        if !roles && !self.at_any_word(&["USER", "USERS"]) {
            ["USERS", "ROLES", "PRIVILEGES"]
                .into_iter()
                .for_each(|word| self.note(word));
            return Err(self.unexpected());
        }
        self.advance();
        if self.at_privileges() {
            self.advance();
            return Ok(ShowKind::Privileges(if roles {
                PrivilegesOf::All
            } else {
                PrivilegesOf::CurrentUser
            }));
        }
        if self.at_word("WITH") || self.at_show_end() {
            return Ok(if roles {
                ShowKind::Roles {
                    populated: false,
                    with_users: self.eat_words(&["WITH", "USERS"]),
                }
            } else {
                ShowKind::Users {
                    with_auth: self.eat_words(&["WITH", "AUTH"]),
                }
            });
        }
        let mut names: Vec<NameOrParameter> = vec![self.name_or_parameter("a name")?];
        while self.eat(",") {
            names.push(self.name_or_parameter("a name")?);
        }
        if !self.eat_word("PRIVILEGE") {
            self.expect_word("PRIVILEGES")?;
        }
        Ok(ShowKind::Privileges(if roles {
            PrivilegesOf::Roles(names)
        } else {
            PrivilegesOf::Users(names)
        }))
    }

    fn at_privileges(&self) -> bool {
        self.at_any_word(&["PRIVILEGES", "PRIVILEGE"])
    }

    /// Whether nothing more says what is shown.
    fn at_show_end(&self) -> bool {
        matches!(self.peek(), TokenKind::End | TokenKind::Symbol(";")) || self.at_any_word(&["YIELD", "WHERE"])
    }

    /// Texts with commas, one expression, or nothing.
    fn show_names(&mut self) -> Parsed<Vec<Expression>> {
        let mut names = Vec::new();
        if self.at_show_end() {
            return Ok(names);
        }
        names.push(self.expression()?);
        while self.eat(",") {
            names.push(self.expression()?);
        }
        Ok(names)
    }
}

/// `NODE PROPERTY EXISTENCE` is the longest.
const SCHEMA_KIND_WORDS_MAX: usize = 4;
const SCHEMA_WORDS: [&str; 4] = ["INDEXES", "INDEX", "CONSTRAINTS", "CONSTRAINT"];
const INDEX_KINDS: [&str; 7] = ["ALL", "RANGE", "TEXT", "POINT", "LOOKUP", "FULLTEXT", "VECTOR"];
const CONSTRAINT_KINDS: [&str; 13] = [
    "ALL",
    "NODE",
    "RELATIONSHIP",
    "REL",
    "UNIQUE",
    "UNIQUENESS",
    "PROPERTY",
    "EXISTENCE",
    "EXIST",
    "KEY",
    "TYPE",
    "EXISTS",
    "TYPED",
];
