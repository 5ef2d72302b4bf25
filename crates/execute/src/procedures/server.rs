//! What procedures may ask of the server that runs them.

use bastide_model::{Map, Value};
use bastide_status::{Code, Status};

/// The server, as procedures see it. Rows are maps by column name; a column left out is null, an unknown one is not shown.
///
/// Implementors leave out what the user may not see.
pub trait ServerInformation: Send + Sync {
    /// The version that `dbms.components()` answers.
    fn compatible_version(&self) -> String {
        "5.26.0".to_owned()
    }

    /// The name of the user on whose behalf the statement runs.
    fn user_name(&self) -> String {
        String::new()
    }

    /// Columns of `SHOW CURRENT USER`: `user`, `roles`, `passwordChangeRequired`, `suspended`, `home`.
    fn current_user(&self) -> Result<Map, Status> {
        Ok(Map::new())
    }

    /// Columns of `SHOW USERS`.
    fn users(&self) -> Result<Vec<Map>, Status> {
        Ok(Vec::new())
    }

    /// Columns of `SHOW DATABASES`.
    fn databases(&self) -> Result<Vec<Map>, Status> {
        Ok(Vec::new())
    }

    /// Columns of `SHOW SETTINGS`: `name`, `value`, `isDynamic`, `defaultValue`, `description`, `startupValue`, `isExplicitlySet`,
    /// `validValues`, `isDeprecated`. Secrets are masked by the implementor.
    fn settings(&self) -> Result<Vec<Map>, Status> {
        Ok(Vec::new())
    }

    /// Columns of `SHOW TRANSACTIONS`.
    fn transactions(&self) -> Result<Vec<Map>, Status> {
        Ok(Vec::new())
    }

    /// Columns of `TERMINATE TRANSACTIONS`: `transactionId`, `username`, `message`.
    fn terminate_transactions(&self, _ids: &[String]) -> Result<Vec<Map>, Status> {
        Ok(Vec::new())
    }

    /// Columns of `dbms.listConnections()`.
    fn connections(&self) -> Result<Vec<Map>, Status> {
        Ok(Vec::new())
    }

    /// `ttl` and `servers` of the routing table, for `dbms.routing.getRoutingTable()`.
    fn routing_table(&self, _context: &Map, _database: Option<&str>) -> Result<Map, Status> {
        Ok([("ttl", Value::Integer(300)), ("servers", Value::list([]))]
            .into_iter()
            .collect())
    }

    /// Unique name, UUID and creation date (text) of a database: columns of `db.info()`.
    fn database_identity(&self, database: &str) -> Result<Map, Status> {
        Ok([("name", Value::from(database))].into_iter().collect())
    }

    /// Changes a setting of the running server; an empty value brings its default back.
    fn set_setting(&self, _name: &str, _value: &str) -> Result<(), Status> {
        Err(not_here())
    }

    /// Reads certificates, keys and revocation lists again. Columns of `dbms.security.reloadTLS()`: `generation`.
    fn reload_tls(&self) -> Result<Map, Status> {
        Err(not_here())
    }

    /// Columns of `SHOW TLS POLICIES`.
    fn tls_policies(&self) -> Result<Vec<Map>, Status> {
        Ok(Vec::new())
    }

    /// Logs every handshake of a channel for so many seconds; 0 ends it.
    fn log_tls_handshakes(&self, _scope: &str, _seconds: i64) -> Result<(), Status> {
        Err(not_here())
    }

    /// Metadata of the running transaction.
    fn transaction_metadata(&self) -> Map {
        Map::new()
    }

    /// Replaces the metadata of the running transaction.
    fn set_transaction_metadata(&self, _metadata: &Map) -> Result<(), Status> {
        Ok(())
    }
}

fn not_here() -> Status {
    Status::new(Code::FeatureNotSupported, "there is no server around this graph")
}

/// No server at all, for tests and tools.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoServer;

impl ServerInformation for NoServer {}
