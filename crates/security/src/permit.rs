//! Permits: values without which graph, schema, users and files cannot be touched.
//!
//! INVARIANT: the fields are private and only [`crate::Authority::decide`] and `for_system_startup` make one, so holding
//! a permit proves that somebody asked. A permit is for one user, one database and one statement or transaction.
//!
//! Making one up does not compile:
//!
//! ```compile_fail,E0423
//! let permit = bastide_security::WritePermit(unreachable!());
//! ```
//!
//! ```compile_fail,E0277
//! struct Forged;
//! impl bastide_security::Permit for Forged {
//!     const ACTION: bastide_security::Action = bastide_security::Action::Write;
//! }
//! ```

use std::fmt;
use std::sync::Arc;

/// Name under which the server itself acts while it starts.
const SYSTEM: &str = "";

/// What a permit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Reading the graph of a database.
    Read,
    /// Changing the graph of a database.
    Write,
    /// Creating or dropping indexes and constraints.
    ChangeSchema,
    /// Managing users, databases and settings.
    Administer,
    /// Reading files or addresses with `LOAD CSV`.
    Load,
    /// Changing one's own password.
    ChangeOwnPassword,
}

impl Action {
    /// Every action, for tables and tests.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::Write,
        Self::ChangeSchema,
        Self::Administer,
        Self::Load,
        Self::ChangeOwnPassword,
    ];
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ChangeSchema => "change the schema",
            Self::Administer => "administer the server",
            Self::Load => "load external data",
            Self::ChangeOwnPassword => "change their own password",
        })
    }
}

/// Whether a transaction may write, as the client declared it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessMode {
    /// Only reads.
    Read,
    /// Reads and writes.
    Write,
}

/// Where and how a permit is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The database.
    pub database: &'a str,
    /// The transaction's access mode.
    pub access_mode: AccessMode,
}

/// Why a permit is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The password must be changed first (`Neo.ClientError.Security.CredentialsExpired`).
    #[error("the password of user `{user}` has expired: change it with ALTER CURRENT USER SET PASSWORD FROM … TO …")]
    CredentialsExpired {
        /// Who asked.
        user: Arc<str>,
    },
    /// The session's access mode is read (`Neo.ClientError.Statement.AccessMode`).
    #[error("user `{user}` may not {action} in database `{database}` in a session with access mode READ")]
    ReadOnlySession {
        /// Who asked.
        user: Arc<str>,
        /// For what.
        action: Action,
        /// Where.
        database: Arc<str>,
    },
    /// The user does not have the role `admin` (`Neo.ClientError.Security.Forbidden`).
    #[error("user `{user}` may not administer this server: that needs the role admin")]
    NotAdministrator {
        /// Who asked.
        user: Arc<str>,
    },
    /// The user was dropped or suspended since logging in; the session must end.
    #[error("user `{user}` may no longer use this server")]
    Revoked {
        /// Who asked.
        user: Arc<str>,
    },
}

/// What every permit carries.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) user: Arc<str>,
    pub(crate) database: Arc<str>,
}

mod sealed {
    /// Keeps other crates from making permits of their own.
    pub trait Sealed: Sized {
        #[expect(private_interfaces, reason = "only this crate may hand out a grant")]
        fn from_grant(grant: super::Grant) -> Self;
    }
}

pub(crate) use sealed::Sealed;

/// A permit for one [`Action`].
pub trait Permit: Sealed {
    /// What it allows.
    const ACTION: Action;
}

macro_rules! permits {
    ($($(#[doc = $doc:literal])+ $name:ident => $action:ident;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub struct $name(Grant);

        impl $name {
            /// The user it was given to; empty for the server itself.
            pub fn user(&self) -> &str {
                &self.0.user
            }

            /// The database it is for.
            pub fn database(&self) -> &str {
                &self.0.database
            }

            /// A permit for the server's own work before it serves anybody: recovery, creating the system database and
            /// the first user. Never to be called on behalf of a client.
            pub fn for_system_startup(database: &str) -> Self {
                Self(Grant { user: Arc::from(SYSTEM), database: Arc::from(database) })
            }
        }

        impl Sealed for $name {
            #[expect(private_interfaces, reason = "only this crate may hand out a grant")]
            fn from_grant(grant: Grant) -> Self {
                Self(grant)
            }
        }

        impl Permit for $name {
            const ACTION: Action = Action::$action;
        }
    )+};
}

permits! {
    /// Allows reading the graph of one database.
    ReadPermit => Read;
    /// Allows changing the graph of one database.
    WritePermit => Write;
    /// Allows creating and dropping indexes and constraints of one database.
    SchemaPermit => ChangeSchema;
    /// Allows managing users, databases and settings.
    AdministrationPermit => Administer;
    /// Allows `LOAD CSV` to read from outside the database.
    LoadPermit => Load;
    /// Allows a user to change their own password.
    OwnPasswordPermit => ChangeOwnPassword;
}

impl ReadPermit {
    /// A permit to read all of a database for a backup. `taker` is the name in the certificate that the backup channel
    /// has verified: that is the decision, and the caller must have audited it.
    pub fn for_backup(taker: &str, database: &str) -> Self {
        Self(Grant {
            user: Arc::from(taker),
            database: Arc::from(database),
        })
    }
}
