//! What procedures and SHOW commands may ask of the server, for the user who asks.

use std::sync::Arc;
use std::time::SystemTime;

use bastide_audit::{Action, Event, Outcome};
use bastide_cypher::ast::{Expression, ExpressionKind, Literal};
use bastide_execute::ServerInformation;
use bastide_model::{DateTime, Duration, Map, Value, Zone};
use bastide_security::{AdministrationPermit, User};
use bastide_status::{Code, Result, Status};

use crate::SYSTEM_DATABASE;
use crate::session::Frame;
use crate::stream::ResultStream;

/// The longest time for which handshakes are logged.
const HANDSHAKE_LOG_SECONDS_MAX: u64 = 3_600;
/// How many transactions one command may end.
const TERMINATE_MAX: usize = 1_000;

/// The server, as one transaction sees it.
pub(crate) struct Information {
    frame: Arc<Frame>,
}

impl Information {
    pub(crate) fn new(frame: Arc<Frame>) -> Self {
        Self { frame }
    }

    fn user_row(user: &User) -> Map {
        let roles = user.administrator.then_some("admin").into_iter().chain(["PUBLIC"]);
        let roles = roles.map(Value::from);
        [
            ("user", Value::from(user.name.as_str())),
            ("roles", Value::list(roles.collect::<Vec<_>>())),
            ("passwordChangeRequired", Value::Boolean(user.password_change_required)),
            ("suspended", Value::Boolean(user.suspended)),
            ("home", Value::from(user.home_database.clone())),
        ]
        .into_iter()
        .collect()
    }

    fn database_row(&self, name: &str) -> Option<Map> {
        let database = self.frame.dbms.databases.get(name)?;
        let configuration = &self.frame.dbms.configuration;
        let is_system = name == SYSTEM_DATABASE;
        let is_default = name == configuration.default_database.as_ref();
        let home = self
            .frame
            .principal
            .home_database()
            .unwrap_or(&configuration.default_database);
        let address = configuration
            .bolt_address
            .map_or(Value::Null, |address| Value::from(address.to_string()));
        let columns = [
            ("name", Value::from(name)),
            ("type", Value::from(if is_system { "system" } else { "standard" })),
            ("aliases", Value::list([])),
            ("access", Value::from("read-write")),
            ("databaseID", Value::from(database.id.as_ref())),
            ("serverID", Value::from(database.id.as_ref())),
            ("address", address),
            ("role", Value::from("primary")),
            ("writer", Value::Boolean(true)),
            ("requestedStatus", Value::from("online")),
            ("currentStatus", Value::from("online")),
            ("statusMessage", Value::from("")),
            ("default", Value::Boolean(is_default)),
            ("home", Value::Boolean(name == home)),
            ("currentPrimariesCount", Value::Integer(1)),
            ("currentSecondariesCount", Value::Integer(0)),
            ("requestedPrimariesCount", Value::Integer(1)),
            ("requestedSecondariesCount", Value::Integer(0)),
            ("creationTime", time(database.created)),
            ("lastStartTime", time(database.created)),
            ("store", Value::from("bastide-1")),
            (
                "lastCommittedTxn",
                Value::Integer(i64::try_from(database.graph.last_commit_id().0).unwrap_or(i64::MAX)),
            ),
            ("replicationLag", Value::Integer(0)),
            ("constituents", Value::list([])),
            ("options", Value::map(Map::new())),
        ];
        Some(columns.into_iter().collect())
    }
}

impl ServerInformation for Information {
    fn user_name(&self) -> String {
        self.frame.principal.user().to_owned()
    }

    fn current_user(&self) -> Result<Map> {
        Ok(self
            .frame
            .dbms
            .users
            .find(self.frame.principal.user())
            .map(|user| Self::user_row(&user))
            .unwrap_or_default())
    }

    fn users(&self) -> Result<Vec<Map>> {
        let _permit: AdministrationPermit = self.frame.permit()?;
        Ok(self.frame.dbms.users.all().iter().map(Self::user_row).collect())
    }

    fn databases(&self) -> Result<Vec<Map>> {
        Ok(self
            .frame
            .dbms
            .databases
            .keys()
            .filter_map(|name| self.database_row(name))
            .collect())
    }

    fn settings(&self) -> Result<Vec<Map>> {
        let _permit: AdministrationPermit = self.frame.permit()?;
        let rows = self
            .frame
            .dbms
            .configuration
            .control
            .settings()
            .into_iter()
            .map(|setting| {
                [
                    ("name", Value::from(setting.name.as_str())),
                    ("value", Value::from(setting.value.as_str())),
                    ("isDynamic", Value::Boolean(setting.is_dynamic)),
                    ("defaultValue", Value::from(setting.default_value.as_str())),
                    ("description", Value::from(setting.description.as_str())),
                    ("startupValue", Value::from(setting.startup_value.as_str())),
                    ("isExplicitlySet", Value::Boolean(setting.is_explicitly_set)),
                    ("isDeprecated", Value::Boolean(false)),
                ]
                .into_iter()
                .collect()
            });
        Ok(rows.collect())
    }

    fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        let _permit = self.frame.permit_to_change("dbms.setConfigValue")?;
        let audit = |name: &'static str, shown: &str| {
            self.frame.audit(
                Event::new(Action::SettingChanged, Outcome::Success)
                    .with_detail("setting", name)
                    .with_detail("value", shown),
            )
        };
        self.frame
            .dbms
            .configuration
            .control
            .change_setting(name, value, &audit)
    }

    fn reload_tls(&self) -> Result<Map> {
        let _permit = self.frame.permit_to_change("dbms.security.reloadTLS")?;
        // Nothing is put in force that cannot be recorded.
        let event = |outcome| Event::new(Action::TlsPoliciesReloaded, outcome);
        self.frame
            .audit(event(Outcome::Success).with_detail("state", "asked for"))?;
        match self.frame.dbms.configuration.control.reload_tls() {
            Ok(generation) => {
                let done = event(Outcome::Success).with_detail("generation", &generation.to_string());
                self.frame.audit(done)?;
                let generation = i64::try_from(generation).unwrap_or(i64::MAX);
                Ok([("generation", Value::Integer(generation))].into_iter().collect())
            }
            Err(status) => {
                self.frame
                    .audit(event(Outcome::Failure).with_detail("reason", status.message()))?;
                Err(status)
            }
        }
    }

    fn tls_policies(&self) -> Result<Vec<Map>> {
        let _permit: AdministrationPermit = self.frame.permit()?;
        Ok(self.frame.dbms.configuration.control.tls_policies())
    }

    fn log_tls_handshakes(&self, scope: &str, seconds: i64) -> Result<()> {
        let _permit = self.frame.permit_to_change("dbms.security.logTLSHandshakes")?;
        let seconds = u64::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds <= HANDSHAKE_LOG_SECONDS_MAX);
        let Some(seconds) = seconds else {
            let problem = format!("the time must be from 0 to {HANDSHAKE_LOG_SECONDS_MAX} seconds");
            return Err(Status::new(Code::ArgumentError, problem));
        };
        let control = &self.frame.dbms.configuration.control;
        if !control.has_tls(scope) {
            return Err(
                Status::new(Code::ArgumentError, format!("no channel `{scope}` runs with TLS"))
                    .with_advice("`SHOW TLS POLICIES` lists those that do"),
            );
        }
        self.frame.audit(
            Event::new(Action::HandshakeLogChanged, Outcome::Success)
                .with_detail("scope", scope)
                .with_detail("seconds", &seconds.to_string()),
        )?;
        control.log_tls_handshakes(scope, std::time::Duration::from_secs(seconds));
        Ok(())
    }

    fn transactions(&self) -> Result<Vec<Map>> {
        let running = self
            .frame
            .dbms
            .registry
            .transactions()
            .into_iter()
            .filter(|(_, transaction)| may_see(&self.frame, &transaction.user))
            .map(|(id, transaction)| {
                let elapsed = transaction.started.elapsed();
                let elapsed = Duration {
                    seconds: i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX),
                    nanoseconds: i32::try_from(elapsed.subsec_nanos()).unwrap_or_default(),
                    ..Duration::default()
                };
                let address = transaction
                    .address
                    .map_or(Value::Null, |address| Value::from(address.to_string()));
                [
                    ("database", Value::from(transaction.database.as_ref())),
                    ("transactionId", Value::from(transaction_id(&transaction.database, id))),
                    ("currentQueryId", Value::from(format!("query-{id}"))),
                    ("connectionId", Value::from(transaction.connection_id.as_ref())),
                    ("clientAddress", address),
                    ("username", Value::from(transaction.user.as_ref())),
                    ("currentQuery", Value::from(transaction.statement.as_ref())),
                    ("startTime", time(transaction.started_at)),
                    ("status", Value::from("Running")),
                    ("elapsedTime", Value::Duration(Arc::new(elapsed))),
                    ("metaData", Value::map(transaction.metadata)),
                ]
                .into_iter()
                .collect()
            });
        Ok(running.collect())
    }

    fn terminate_transactions(&self, ids: &[String]) -> Result<Vec<Map>> {
        Ok(ids.iter().map(|id| terminate_one(&self.frame, id)).collect())
    }

    fn routing_table(&self, _context: &Map, _database: Option<&str>) -> Result<Map> {
        let address = self
            .frame
            .dbms
            .configuration
            .bolt_address
            .map(|address| address.to_string())
            .unwrap_or_default();
        let servers = ["WRITE", "READ", "ROUTE"].map(|role| {
            let entry: Map = [
                ("addresses", Value::list([Value::from(address.as_str())])),
                ("role", Value::from(role)),
            ]
            .into_iter()
            .collect();
            Value::map(entry)
        });
        Ok([("ttl", Value::Integer(300)), ("servers", Value::list(servers))]
            .into_iter()
            .collect())
    }

    fn database_identity(&self, database: &str) -> Result<Map> {
        let found = self.frame.dbms.databases.get(database);
        let row = found.map(|database| {
            [
                ("name", Value::from(database.name.as_ref())),
                ("id", Value::from(database.id.as_ref())),
                (
                    "creationDate",
                    bastide_execute::text::scalar_text(&time(database.created)).into(),
                ),
            ]
            .into_iter()
            .collect()
        });
        row.ok_or_else(|| Status::new(Code::DatabaseNotFound, format!("database `{database}` does not exist")))
    }

    fn transaction_metadata(&self) -> Map {
        self.frame.entered.metadata()
    }

    fn set_transaction_metadata(&self, metadata: &Map) -> Result<()> {
        self.frame.entered.set_metadata(metadata.clone());
        Ok(())
    }
}

fn transaction_id(database: &str, id: u64) -> String {
    format!("{database}-transaction-{id}")
}

/// Everybody sees and ends what is their own, administrators what is anybody's.
fn may_see(frame: &Frame, owner: &str) -> bool {
    frame.principal.is_administrator() || frame.principal.user() == owner
}

fn terminate_one(frame: &Frame, id: &str) -> Map {
    let number = id
        .rsplit_once("-transaction-")
        .and_then(|(_, number)| number.parse().ok());
    let reason = Status::new(
        Code::TransactionTerminated,
        "the transaction was ended by an administrator",
    );
    let owner = number.and_then(|number| {
        let may_end = |owner: &str| may_see(frame, owner);
        frame.dbms.registry.terminate(number, reason, may_end)
    });
    let message = if owner.is_some() {
        "Transaction terminated."
    } else {
        "Transaction not found."
    };
    [
        ("transactionId", Value::from(id)),
        (
            "username",
            owner.map_or(Value::Null, |owner| Value::from(owner.as_ref())),
        ),
        ("message", Value::from(message)),
    ]
    .into_iter()
    .collect()
}

/// `TERMINATE TRANSACTIONS 'a', $b`.
pub(crate) fn terminate(frame: &Arc<Frame>, ids: &[Expression], parameters: &Map) -> Result<ResultStream> {
    let mut wanted = Vec::new();
    for id in ids {
        match &id.kind {
            ExpressionKind::Literal(Literal::String(text)) => wanted.push(text.to_string()),
            ExpressionKind::Parameter(name) => match parameters.get(&name.text) {
                Some(Value::String(text)) => wanted.push(text.to_string()),
                Some(Value::List(items)) => wanted.extend(items.iter().filter_map(Value::as_str).map(str::to_owned)),
                _ => return Err(expected_ids()),
            },
            _ => return Err(expected_ids()),
        }
    }
    if wanted.len() > TERMINATE_MAX {
        return Err(Status::new(
            Code::ArgumentError,
            format!("at most {TERMINATE_MAX} transactions can be ended at once"),
        ));
    }
    let columns = ["transactionId", "username", "message"].map(str::to_owned);
    let rows = wanted.iter().map(|id| {
        let mut row = terminate_one(frame, id);
        columns
            .iter()
            .map(|column| row.remove(column).unwrap_or_default())
            .collect()
    });
    Ok(ResultStream::fixed(
        Arc::clone(frame),
        columns.to_vec(),
        rows.collect(),
        0,
    ))
}

fn expected_ids() -> Status {
    Status::new(
        Code::TypeError,
        "TERMINATE TRANSACTIONS takes texts such as 'neo4j-transaction-12'",
    )
}

fn time(instant: SystemTime) -> Value {
    let since = instant.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Value::DateTime(Arc::new(DateTime {
        epoch_seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanoseconds: since.subsec_nanos(),
        zone: Zone::Offset(0),
    }))
}
