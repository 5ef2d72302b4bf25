//! `SHOW` commands.
//!
//! Owns what is shown and how the rows are then filtered; the columns are known by whoever runs the command.

use super::{Expression, Name, NameOrParameter, Projection, SortItem, Span, YieldColumns};

/// `SHOW kind [YIELD … | WHERE …] [RETURN …]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ShowCommand {
    /// What is shown.
    pub kind: ShowKind,
    /// `YIELD`.
    pub yields: Option<ShowYield>,
    /// `WHERE` without `YIELD`.
    pub predicate: Option<Expression>,
    /// `RETURN` after `YIELD`.
    pub returns: Option<Projection>,
    /// Where the command stands.
    pub span: Span,
}

/// `YIELD columns ORDER BY … SKIP … LIMIT … WHERE …`.
#[derive(Clone, Debug, PartialEq)]
pub struct ShowYield {
    /// `*` or columns.
    pub columns: YieldColumns,
    /// `ORDER BY`.
    pub order_by: Vec<SortItem>,
    /// `SKIP` or `OFFSET`.
    pub skip: Option<Expression>,
    /// `LIMIT`.
    pub limit: Option<Expression>,
    /// `WHERE`.
    pub predicate: Option<Expression>,
}

/// What can be shown.
#[derive(Clone, Debug, PartialEq)]
pub enum ShowKind {
    /// `[ALL|RANGE|TEXT|…] INDEX[ES]`; the kind in capitals, none for all.
    Indexes(Option<String>),
    /// `[ALL|UNIQUE|…] CONSTRAINT[S]`; the kind in capitals with single spaces, none for all.
    Constraints(Option<String>),
    /// `DATABASES` and `DATABASE name`.
    Databases(Option<NameOrParameter>),
    /// `DEFAULT DATABASE`.
    DefaultDatabase,
    /// `HOME DATABASE`.
    HomeDatabase,
    /// `USERS [WITH AUTH]`.
    Users {
        /// `WITH AUTH`.
        with_auth: bool,
    },
    /// `CURRENT USER`.
    CurrentUser,
    /// `SETTINGS [names]`; a list of texts, or one expression yielding a text or list; empty for all.
    Settings(Vec<Expression>),
    /// `[ALL|BUILT IN|USER DEFINED] FUNCTIONS [EXECUTABLE [BY …]]`.
    Functions {
        /// `Some(true)` for `BUILT IN`, `Some(false)` for `USER DEFINED`.
        built_in: Option<bool>,
        /// `EXECUTABLE`.
        executable: Option<ExecutableBy>,
    },
    /// `PROCEDURES [EXECUTABLE [BY …]]`.
    Procedures {
        /// `EXECUTABLE`.
        executable: Option<ExecutableBy>,
    },
    /// `TLS POLICIES`.
    TlsPolicies,
    /// `TRANSACTIONS [ids]`; empty for all.
    Transactions(Vec<Expression>),
    /// `[ALL] [ROLE …|USER …] PRIVILEGES`.
    Privileges(PrivilegesOf),
    /// `[ALL|POPULATED] ROLES [WITH USERS]`.
    Roles {
        /// `POPULATED`.
        populated: bool,
        /// `WITH USERS`.
        with_users: bool,
    },
}

/// Who may execute.
#[derive(Clone, Debug, PartialEq)]
pub enum ExecutableBy {
    /// `EXECUTABLE` and `EXECUTABLE BY CURRENT USER`.
    CurrentUser,
    /// `EXECUTABLE BY name`.
    User(Name),
}

/// Whose privileges.
#[derive(Clone, Debug, PartialEq)]
pub enum PrivilegesOf {
    /// Everybody's.
    All,
    /// `USER PRIVILEGES`.
    CurrentUser,
    /// `USER[S] a, b PRIVILEGES`.
    Users(Vec<NameOrParameter>),
    /// `ROLE[S] a, b PRIVILEGES`.
    Roles(Vec<NameOrParameter>),
}
