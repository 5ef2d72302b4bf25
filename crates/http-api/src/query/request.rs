//! What a request asks for. Unknown fields, wrong types and what cannot be honoured are refused by name.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use bastide_database::AccessMode;
use bastide_model::Map;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::failure::Failure;
use super::notifications::Filter;
use super::read_json::{MapSeed, ValueSeed};
use super::{integers, typed};
use crate::config::QueryLimits;

/// The longest `maxExecutionTime`, in seconds: a year.
const EXECUTION_SECONDS_MAX: u64 = 366 * 24 * 3600;

/// The fields of a request, as far as they were given.
#[derive(Debug, Default)]
pub(crate) struct QueryRequest {
    /// What to run; absent if empty.
    pub(crate) statement: Option<String>,
    /// Its parameters.
    pub(crate) parameters: Map,
    /// Commits that must be seen.
    pub(crate) bookmarks: Vec<String>,
    /// As whom to run.
    pub(crate) impersonated_user: Option<String>,
    /// Whether it may write; it may if nothing is said.
    pub(crate) access_mode: Option<AccessMode>,
    /// Whether the answer tells what was changed.
    pub(crate) include_counters: bool,
    /// Whether an implicit or an explicit transaction is meant.
    pub(crate) transaction_type: Option<TransactionType>,
    /// What is shown with the transaction.
    pub(crate) transaction_metadata: Map,
    /// How long the transaction may take.
    pub(crate) execution_time_max: Option<Duration>,
    /// Which notifications to tell.
    pub(crate) notifications: Filter,
}

/// Who ends the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionType {
    /// The server, with the statement.
    Implicit,
    /// The client.
    Explicit,
}

/// Reads a request; an empty body asks for nothing.
///
/// # Errors
/// What is wrong with it, and where.
pub(crate) fn read(body: &[u8], is_typed: bool, limits: &QueryLimits) -> Result<QueryRequest, Failure> {
    if body.is_empty() {
        return Ok(QueryRequest::default());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let values_left = Cell::new(limits.values_max);
    let fields = Fields {
        seed: ValueSeed {
            depth_left: limits.json_depth_max.saturating_sub(1),
            values_left: &values_left,
        },
        statement_bytes_max: limits.statement_bytes_max,
    };
    let unreadable =
        |error: serde_json::Error| Failure::format(StatusCode::BAD_REQUEST, format!("invalid request: {error}"));
    let mut request = fields.deserialize(&mut deserializer).map_err(unreadable)?;
    deserializer.end().map_err(unreadable)?;
    if let Some(number) = integers::first_too_large(body) {
        let shown: String = number.chars().take(100).collect();
        let message = format!("invalid request: the integer {shown} does not fit into 64 bits with a sign");
        return Err(Failure::format(StatusCode::BAD_REQUEST, message));
    }
    if is_typed {
        request.parameters = typed::parameters(request.parameters)?;
    }
    Ok(request)
}

struct Fields<'a> {
    seed: ValueSeed<'a>,
    statement_bytes_max: usize,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = QueryRequest;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<QueryRequest, D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// The names of the fields.
const NAMES: &[&str] = &[
    "statement",
    "parameters",
    "bookmarks",
    "impersonatedUser",
    "accessMode",
    "includeCounters",
    "txType",
    "txMetadata",
    "maxExecutionTime",
    "notificationsFilter",
];

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = QueryRequest;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<QueryRequest, A::Error> {
        let mut request = QueryRequest::default();
        let mut seen: Vec<&'static str> = Vec::with_capacity(NAMES.len());
        while let Some(name) = fields.next_key::<String>()? {
            let Some(name) = NAMES.iter().find(|known| **known == name) else {
                let shown: String = name.chars().take(100).collect();
                return Err(A::Error::unknown_field(&shown, NAMES));
            };
            if seen.contains(name) {
                return Err(A::Error::duplicate_field(name));
            }
            seen.push(name);
            self.field(name, &mut fields, &mut request)?;
        }
        Ok(request)
    }
}

impl Fields<'_> {
    fn field<'de, A: MapAccess<'de>>(
        &self,
        name: &str,
        fields: &mut A,
        request: &mut QueryRequest,
    ) -> Result<(), A::Error> {
        let map = MapSeed(self.seed);
        match name {
            "statement" => request.statement = self.statement(fields.next_value()?)?,
            "parameters" => request.parameters = fields.next_value_seed(map)?,
            "bookmarks" => request.bookmarks = fields.next_value::<Option<Vec<String>>>()?.unwrap_or_default(),
            "impersonatedUser" => request.impersonated_user = fields.next_value()?,
            "accessMode" => request.access_mode = access_mode(fields.next_value()?)?,
            "includeCounters" => request.include_counters = fields.next_value::<Option<bool>>()?.unwrap_or_default(),
            "txType" => request.transaction_type = transaction_type(fields.next_value()?)?,
            "txMetadata" => request.transaction_metadata = fields.next_value_seed(map)?,
            "maxExecutionTime" => request.execution_time_max = execution_time(fields.next_value()?)?,
            _ => {
                let value = fields.next_value_seed(self.seed)?;
                request.notifications = Filter::read(&value).map_err(A::Error::custom)?;
            }
        }
        Ok(())
    }

    fn statement<E: Error>(&self, statement: Option<String>) -> Result<Option<String>, E> {
        match statement {
            Some(text) if text.len() > self.statement_bytes_max => Err(E::custom(format_args!(
                "`statement` is longer than {} bytes; pass data as parameters",
                self.statement_bytes_max
            ))),
            other => Ok(other.filter(|text| !text.trim().is_empty())),
        }
    }
}

fn access_mode<E: Error>(text: Option<String>) -> Result<Option<AccessMode>, E> {
    match text.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("read") => Ok(Some(AccessMode::Read)),
        Some("write") => Ok(Some(AccessMode::Write)),
        Some(_) => Err(E::custom("`accessMode` is `Read` or `Write`")),
    }
}

fn transaction_type<E: Error>(text: Option<String>) -> Result<Option<TransactionType>, E> {
    match text.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("implicit") => Ok(Some(TransactionType::Implicit)),
        Some("explicit") => Ok(Some(TransactionType::Explicit)),
        Some(_) => Err(E::custom("`txType` is `Implicit` or `Explicit`")),
    }
}

fn execution_time<E: Error>(seconds: Option<u64>) -> Result<Option<Duration>, E> {
    match seconds {
        None => Ok(None),
        Some(seconds) if (1..=EXECUTION_SECONDS_MAX).contains(&seconds) => Ok(Some(Duration::from_secs(seconds))),
        Some(_) => Err(E::custom(format_args!(
            "`maxExecutionTime` is a number of seconds from 1 to {EXECUTION_SECONDS_MAX}"
        ))),
    }
}

impl QueryRequest {
    /// Refuses what can only be said when a transaction is opened.
    pub(crate) fn check_within_transaction(&self) -> Result<(), Failure> {
        let given = [
            ("bookmarks", !self.bookmarks.is_empty()),
            ("txMetadata", !self.transaction_metadata.is_empty()),
            ("maxExecutionTime", self.execution_time_max.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) => Err(Failure::invalid(format!(
                "`{name}` belongs to the request that opens the transaction"
            ))),
            None => self.check_type(TransactionType::Explicit),
        }
    }

    /// Refuses a transaction of the other type than the path stands for.
    pub(crate) fn check_type(&self, expected: TransactionType) -> Result<(), Failure> {
        match self.transaction_type {
            Some(given) if given != expected => Err(Failure::invalid(match expected {
                TransactionType::Implicit => {
                    "`txType` is `Explicit`, but this path runs implicit transactions; open one with `POST …/query/v2/tx`"
                }
                TransactionType::Explicit => {
                    "`txType` is `Implicit`, but this path is of explicit transactions; use `POST …/query/v2`"
                }
            })),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
