//! Commands on users and transactions.
//!
//! Owns their grammar. INVARIANT: a password goes straight from the text into a secret and into no message.

use bastide_secret::SecretString;

use super::{Parsed, Parser};
use crate::ast::{AdminCommand, Password, UserChanges, UserStatus};
use crate::error::{ParseError, ParseErrorKind};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// `CREATE [OR REPLACE] USER`; `CREATE` is next.
    pub(super) fn create_user(&mut self) -> Parsed<AdminCommand> {
        self.expect_word("CREATE")?;
        let or_replace = self.eat_words(&["OR", "REPLACE"]);
        self.expect_word("USER")?;
        let name = self.name_or_parameter("a user name")?;
        let if_not_exists = self.eat_words(&["IF", "NOT", "EXISTS"]);
        let start = self.start();
        let changes = self.user_changes()?;
        if changes.password.is_none() {
            let message = "a new user needs `SET PASSWORD`";
            return Err(ParseError::new(
                ParseErrorKind::InvalidInput,
                self.span_from(start),
                message,
            ));
        }
        Ok(AdminCommand::CreateUser {
            name,
            or_replace,
            if_not_exists,
            changes,
        })
    }

    /// What begins with `ALTER`, `RENAME` or `TERMINATE`.
    pub(super) fn user_command(&mut self) -> Parsed<AdminCommand> {
        if self.eat_word("TERMINATE") {
            if !self.eat_word("TRANSACTION") {
                self.expect_word("TRANSACTIONS")?;
            }
            let mut ids = vec![self.expression()?];
            while self.eat(",") {
                ids.push(self.expression()?);
            }
            return Ok(AdminCommand::TerminateTransactions { ids });
        }
        let renames = self.at_word("RENAME");
        self.advance();
        if self.at_any_word(&["ROLE", "DATABASE", "ALIAS", "SERVER"]) {
            return Err(self.unsupported("this administration command is"));
        }
        if !renames && self.eat_words(&["CURRENT", "USER"]) {
            return self.alter_current_user();
        }
        self.expect_word("USER")?;
        let name = self.name_or_parameter("a user name")?;
        let if_exists = self.eat_words(&["IF", "EXISTS"]);
        if renames {
            self.expect_word("TO")?;
            let to = self.name_or_parameter("a user name")?;
            return Ok(AdminCommand::RenameUser {
                from: name,
                if_exists,
                to,
            });
        }
        Ok(AdminCommand::AlterUser {
            name,
            if_exists,
            changes: self.user_changes()?,
        })
    }

    /// `GRANT ROLE admin TO …`, `REVOKE ROLE admin FROM …`; there is no other role.
    pub(super) fn change_administrators(&mut self) -> Parsed<AdminCommand> {
        let granted = self.at_word("GRANT");
        self.advance();
        self.advance();
        if !self.eat_word("admin") {
            return Err(self.unsupported("any role but `admin` is"));
        }
        self.expect_word(if granted { "TO" } else { "FROM" })?;
        let mut users = vec![self.name_or_parameter("a user name")?];
        while self.eat(",") {
            users.push(self.name_or_parameter("a user name")?);
        }
        Ok(AdminCommand::ChangeAdministrators { users, granted })
    }

    fn alter_current_user(&mut self) -> Parsed<AdminCommand> {
        self.expect_words(&["SET", "PASSWORD", "FROM"])?;
        let from = self.password()?;
        self.expect_word("TO")?;
        let to = self.password()?;
        Ok(AdminCommand::AlterCurrentUserPassword { from, to })
    }

    /// What follows `DROP USER`.
    pub(super) fn drop_user(&mut self) -> Parsed<AdminCommand> {
        let name = self.name_or_parameter("a user name")?;
        let if_exists = self.eat_words(&["IF", "EXISTS"]);
        Ok(AdminCommand::DropUser { name, if_exists })
    }

    /// One or more `SET …`, each part at most once.
    fn user_changes(&mut self) -> Parsed<UserChanges> {
        let mut changes = UserChanges::default();
        let mut any = false;
        if self.eat_words(&["REMOVE", "HOME", "DATABASE"]) {
            changes.remove_home_database = true;
            any = true;
        }
        while self.eat_word("SET") {
            any = true;
            let span = self.span();
            if !self.user_change(&mut changes)? {
                let message = "the same part of the user is set twice";
                return Err(ParseError::new(ParseErrorKind::InvalidInput, span, message));
            }
            // `CHANGE REQUIRED` needs no `SET` of its own after a password.
            if changes.change_required.is_none() && self.at_word("CHANGE") {
                self.user_change(&mut changes)?;
            }
        }
        if any { Ok(changes) } else { Err(self.unexpected()) }
    }

    /// What follows `SET`; false when it was set before.
    fn user_change(&mut self, changes: &mut UserChanges) -> Parsed<bool> {
        if self.eat_word("CHANGE") {
            let required = !self.eat_word("NOT");
            self.expect_word("REQUIRED")?;
            return Ok(changes.change_required.replace(required).is_none());
        }
        if self.eat_word("STATUS") {
            let status = if self.eat_word("SUSPENDED") {
                UserStatus::Suspended
            } else {
                self.expect_word("ACTIVE")?;
                UserStatus::Active
            };
            return Ok(changes.status.replace(status).is_none());
        }
        if self.eat_words(&["HOME", "DATABASE"]) {
            let name = self.name_or_parameter("a database name")?;
            return Ok(changes.home_database.replace(name).is_none());
        }
        if self.at_word("AUTH") {
            return Err(self.unsupported("`SET AUTH` is"));
        }
        let encrypted = self.eat_word("ENCRYPTED");
        let _plain = !encrypted && self.eat_word("PLAINTEXT");
        self.expect_word("PASSWORD")?;
        changes.password_encrypted = encrypted;
        Ok(changes.password.replace(self.password()?).is_none())
    }

    fn password(&mut self) -> Parsed<Password> {
        if let Some(name) = self.parameter()? {
            return Ok(Password::Parameter(name));
        }
        if self.peek() != TokenKind::String {
            self.note("a password in quotes");
            let mut error = self.unexpected();
            // The next word may be a password without its quotes.
            error.message = "invalid input, expected a password in quotes or a parameter".to_owned();
            error.advice = None;
            return Err(error);
        }
        Ok(Password::Literal(SecretString::new(
            self.string("a password in quotes")?,
        )))
    }
}
