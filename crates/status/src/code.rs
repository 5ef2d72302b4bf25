//! The table of codes: Neo4j's public status code, GQLSTATUS and standard description of each.
//!
//! Source: FAILURE message and status-code pages of the public Bolt and operations manuals; ISO/IEC 39075 classes.
//! `cargo xtask gen` prints the table to `docs/status-codes.md`.

/// Who has to act, as drivers read it from the second part of a Neo4j code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classification {
    /// The client must change its request.
    ClientError,
    /// The same request may succeed later; drivers retry it.
    TransientError,
    /// The server is at fault.
    DatabaseError,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $class:ident, $title:literal, $gql:literal, $description:literal;)+) => {
        /// What kind of error it is. The comment of each says when it is used.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// Who has to act.
            pub fn classification(self) -> Classification {
                match self { $(Code::$name => Classification::$class,)+ }
            }

            /// Neo4j's code, such as `Neo.ClientError.Statement.SyntaxError`.
            pub fn neo4j_code(self) -> &'static str {
                match self { $(Code::$name => concat!("Neo.", stringify!($class), ".", $title),)+ }
            }

            /// The five-character GQLSTATUS.
            pub fn gql_status(self) -> &'static str {
                match self { $(Code::$name => $gql,)+ }
            }

            /// The standard description that belongs to the GQLSTATUS.
            pub fn gql_description(self) -> &'static str {
                match self { $(Code::$name => $description,)+ }
            }

            /// When the code is used, for the reference page.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$name => concat!($($doc,)+),)+ }
            }
        }
    };
}

codes! {
    /// The query text is not Cypher.
    SyntaxError = ClientError, "Statement.SyntaxError", "42001", "error: syntax error or access rule violation - invalid syntax";
    /// The query is Cypher but cannot mean anything.
    SemanticError = ClientError, "Statement.SemanticError", "42000", "error: syntax error or access rule violation";
    /// A value has a type the operation cannot take.
    TypeError = ClientError, "Statement.TypeError", "22G03", "error: data exception - invalid value type";
    /// A value has the right type and a content the operation cannot take.
    ArgumentError = ClientError, "Statement.ArgumentError", "22000", "error: data exception";
    /// Integer overflow, division by zero and the like.
    ArithmeticError = ClientError, "Statement.ArithmeticError", "22003", "error: data exception - numeric value out of range";
    /// The query names a parameter that was not sent.
    ParameterMissing = ClientError, "Statement.ParameterMissing", "42N51", "error: syntax error or access rule violation - invalid parameter";
    /// A property access on something that has none.
    PropertyNotFound = ClientError, "Statement.PropertyNotFound", "01N52", "error: property does not exist";
    /// The node or relationship is gone.
    EntityNotFound = ClientError, "Statement.EntityNotFound", "22N04", "error: data exception - entity not found";
    /// `LOAD CSV` could not read, or may not read, its source.
    ExternalResourceFailed = ClientError, "Statement.ExternalResourceFailed", "22N43", "error: data exception - could not load external resource";
    /// A write in a transaction that was opened for reading.
    AccessMode = ClientError, "Statement.AccessMode", "25G02", "error: invalid transaction state - access mode violation";
    /// A user or database command was sent to a database other than `system`.
    NotSystemDatabaseError = ClientError, "Statement.NotSystemDatabaseError", "51N28", "error: system configuration or operation exception - not supported by this database";
    /// The command is known and not available in this version.
    FeatureNotSupported = ClientError, "Statement.UnsupportedOperationError", "51N00", "error: system configuration or operation exception";
    /// Wrong user or wrong password.
    Unauthorized = ClientError, "Security.Unauthorized", "42NFF", "error: syntax error or access rule violation - permission/access denied";
    /// Too many failed logins; wait.
    AuthenticationRateLimit = ClientError, "Security.AuthenticationRateLimit", "42NFF", "error: syntax error or access rule violation - permission/access denied";
    /// The password must be changed before anything else.
    CredentialsExpired = ClientError, "Security.CredentialsExpired", "42NFD", "error: syntax error or access rule violation - credentials expired";
    /// The login is no longer valid: the user was dropped, suspended or changed.
    AuthorizationExpired = ClientError, "Security.AuthorizationExpired", "42NFE", "error: syntax error or access rule violation - authentication and/or authorization info expired";
    /// The user may not do this.
    Forbidden = ClientError, "Security.Forbidden", "42NFF", "error: syntax error or access rule violation - permission/access denied";
    /// A message that makes no sense in the state the connection is in.
    InvalidRequest = ClientError, "Request.Invalid", "08N10", "error: connection exception - invalid server state";
    /// A message that cannot be read.
    InvalidFormat = ClientError, "Request.InvalidFormat", "08N06", "error: connection exception - protocol error";
    /// There is no such database, or the user may not see it.
    DatabaseNotFound = ClientError, "Database.DatabaseNotFound", "22N51", "error: data exception - database not found";
    /// A constraint would be violated.
    ConstraintValidationFailed = ClientError, "Schema.ConstraintValidationFailed", "22N41", "error: data exception - constraint violation";
    /// The index or constraint exists.
    EquivalentSchemaRuleAlreadyExists = ClientError, "Schema.EquivalentSchemaRuleAlreadyExists", "22N70", "error: data exception - index or constraint already exists";
    /// The constraint cannot be made because the data violates it.
    ConstraintCreationFailed = ClientError, "Schema.ConstraintCreationFailed", "50N11", "error: general processing exception - constraint creation failed";
    /// There is no such index.
    IndexNotFound = ClientError, "Schema.IndexNotFound", "22N69", "error: data exception - no such index";
    /// There is no such constraint, or it cannot be dropped.
    ConstraintDropFailed = ClientError, "Schema.ConstraintDropFailed", "50N10", "error: general processing exception - index drop failed";
    /// The transaction took longer than it may.
    TransactionTimedOut = ClientError, "Transaction.TransactionTimedOut", "25N14", "error: invalid transaction state - transaction terminated with reason";
    /// The transaction was ended by an administrator, by RESET or by shutdown.
    TransactionTerminated = ClientError, "Transaction.TransactionMarkedAsFailed", "25N02", "error: invalid transaction state - unable to complete transaction";
    /// The transaction is over or was never there.
    TransactionNotFound = ClientError, "Transaction.TransactionNotFound", "25N06", "error: invalid transaction state - transaction not found";
    /// The bookmark cannot be read.
    InvalidBookmark = ClientError, "Transaction.InvalidBookmark", "22N53", "error: data exception - invalid bookmark";
    /// There is no such procedure or function.
    ProcedureNotFound = ClientError, "Procedure.ProcedureNotFound", "42N08", "error: syntax error or access rule violation - no such procedure";
    /// A procedure failed.
    ProcedureCallFailed = ClientError, "Procedure.ProcedureCallFailed", "52N02", "error: procedure exception - procedure execution error";
    /// This server cannot take writes.
    NotALeader = ClientError, "Cluster.NotALeader", "08N07", "error: connection exception - not the leader";
    /// Another transaction changed what this one read or wrote; drivers retry.
    TransactionConflict = TransientError, "Transaction.DeadlockDetected", "50N05", "error: general processing exception - deadlock detected";
    /// The transaction was ended by the server.
    Terminated = TransientError, "Transaction.Terminated", "25N14", "error: invalid transaction state - transaction terminated with reason";
    /// The bookmarked commit did not arrive in time.
    BookmarkTimeout = TransientError, "Transaction.BookmarkTimeout", "08N13", "error: connection exception - bookmark timeout";
    /// A memory limit was hit.
    MemoryLimit = TransientError, "General.MemoryPoolOutOfMemoryError", "51N35", "error: system configuration or operation exception - memory pool out of memory";
    /// The database is not ready, or is going away.
    DatabaseUnavailable = TransientError, "General.DatabaseUnavailable", "08N09", "error: connection exception - database unavailable";
    /// Too many transactions, connections or logins at once.
    TooManyRequests = TransientError, "Request.NoThreadsAvailable", "51N36", "error: system configuration or operation exception - stack overflow";
    /// The disk refused a write: full, read-only or failing.
    StorageFailed = DatabaseError, "Transaction.TransactionCommitFailed", "51N63", "error: system configuration or operation exception - index population or write failed";
    /// A fault of the server itself.
    UnknownError = DatabaseError, "General.UnknownError", "50N42", "error: general processing exception - unexpected error";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_well_formed() {
        for code in Code::ALL {
            assert!(code.neo4j_code().starts_with("Neo."), "{code:?}");
            assert_eq!(code.gql_status().len(), 5, "{code:?}");
            assert!(code.explanation().trim().ends_with('.'), "{code:?}");
            assert!(code.gql_description().starts_with("error: "), "{code:?}");
        }
    }

    #[test]
    fn a_conflict_is_something_drivers_retry() {
        assert_eq!(
            Code::TransactionConflict.classification(),
            Classification::TransientError
        );
        assert!(
            Code::TransactionConflict
                .neo4j_code()
                .starts_with("Neo.TransientError.")
        );
    }
}
