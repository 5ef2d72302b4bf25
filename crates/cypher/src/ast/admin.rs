//! Commands on users and transactions.
//!
//! INVARIANT: a password written in the text is held only as a [`SecretString`], so that no `Debug` output shows it.

use bastide_secret::SecretString;

use super::{Expression, Name, NameOrParameter};

/// A command on users or transactions.
#[derive(Clone, Debug)]
pub enum AdminCommand {
    /// `CREATE [OR REPLACE] USER name [IF NOT EXISTS] SET …`.
    CreateUser {
        /// Name.
        name: NameOrParameter,
        /// `OR REPLACE`.
        or_replace: bool,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
        /// `SET …`.
        changes: UserChanges,
    },
    /// `ALTER USER name [IF EXISTS] SET …`.
    AlterUser {
        /// Name.
        name: NameOrParameter,
        /// `IF EXISTS`.
        if_exists: bool,
        /// `SET …` and `REMOVE HOME DATABASE`.
        changes: UserChanges,
    },
    /// `DROP USER name [IF EXISTS]`.
    DropUser {
        /// Name.
        name: NameOrParameter,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `RENAME USER from [IF EXISTS] TO to`.
    RenameUser {
        /// Present name.
        from: NameOrParameter,
        /// `IF EXISTS`.
        if_exists: bool,
        /// New name.
        to: NameOrParameter,
    },
    /// `ALTER CURRENT USER SET PASSWORD FROM old TO new`.
    AlterCurrentUserPassword {
        /// Present password.
        from: Password,
        /// New password.
        to: Password,
    },
    /// `GRANT ROLE[S] admin TO users` or `REVOKE ROLE[S] admin FROM users`.
    ChangeAdministrators {
        /// One or more.
        users: Vec<NameOrParameter>,
        /// Whether they get the role.
        granted: bool,
    },
    /// `TERMINATE TRANSACTION[S] ids`.
    TerminateTransactions {
        /// One or more: texts, or one expression yielding a text or list.
        ids: Vec<Expression>,
    },
}

/// What is to become of a user; what is absent stays, or takes its default for a new user.
#[derive(Clone, Debug, Default)]
pub struct UserChanges {
    /// `SET [PLAINTEXT|ENCRYPTED] PASSWORD`.
    pub password: Option<Password>,
    /// `ENCRYPTED`: the password given is a hash.
    pub password_encrypted: bool,
    /// `CHANGE [NOT] REQUIRED`.
    pub change_required: Option<bool>,
    /// `SET STATUS`.
    pub status: Option<UserStatus>,
    /// `SET HOME DATABASE`.
    pub home_database: Option<NameOrParameter>,
    /// `REMOVE HOME DATABASE`.
    pub remove_home_database: bool,
}

/// A password as written.
#[derive(Clone, Debug)]
pub enum Password {
    /// The text itself.
    Literal(SecretString),
    /// The name of a parameter, without the `$`.
    Parameter(Name),
}

/// Whether a user may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserStatus {
    /// May log in.
    Active,
    /// May not.
    Suspended,
}
