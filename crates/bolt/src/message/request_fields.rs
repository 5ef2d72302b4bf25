//! Reads the maps inside requests, key by key, in any order; keys that mean nothing are skipped.

use bastide_secret::SecretString;

use super::{AuthenticationToken, Hello, NotificationFilter, Pull, RequestError, RequestKind, Route, TransactionExtra};
use crate::value::elements;
use crate::{Dialect, PackStreamError, Reader, WireMap, WireValue};

/// Reads HELLO's one map.
pub(super) fn hello(reader: &mut Reader<'_>, dialect: Dialect) -> Result<Hello, RequestError> {
    let version = dialect.version();
    let mut hello = Hello::default();
    let mut user_agent = None;
    let mut token = TokenFields::default();
    each_key(reader, |key, reader| {
        match key {
            "user_agent" => user_agent = Some(reader.string()?.to_owned()),
            "bolt_agent" => hello.bolt_agent = Some(WireValue::read_map(reader, dialect)?),
            "routing" => hello.routing = optional_map(reader, dialect)?,
            "patch_bolt" => hello.patch_bolt = strings(reader)?,
            _ if version.has_notification_filter() && notification_field(&mut hello.notifications, key, reader)? => {}
            _ if version.has_logon() => reader.skip()?,
            _ => token.read(key, reader, dialect)?,
        }
        Ok(())
    })?;
    let missing = |field| RequestError::MissingField {
        kind: RequestKind::Hello,
        field,
    };
    hello.user_agent = user_agent.ok_or(missing("user_agent"))?;
    if !version.has_logon() {
        hello.authentication = Some(token.finish());
    }
    if version.requires_bolt_agent() {
        let agent = hello.bolt_agent.as_ref().ok_or(missing("bolt_agent"))?;
        if !agent
            .iter()
            .any(|(key, value)| key == "product" && value.as_str().is_some())
        {
            return Err(missing("bolt_agent.product"));
        }
    }
    Ok(hello)
}

/// Reads LOGON's one map.
pub(super) fn logon(reader: &mut Reader<'_>, dialect: Dialect) -> Result<AuthenticationToken, RequestError> {
    let mut token = TokenFields::default();
    each_key(reader, |key, reader| token.read(key, reader, dialect))?;
    Ok(token.finish())
}

/// Reads TELEMETRY's one integer.
pub(super) fn telemetry(reader: &mut Reader<'_>) -> Result<i64, RequestError> {
    let api = reader.integer()?;
    if (0..=3).contains(&api) {
        Ok(api)
    } else {
        Err(RequestError::InvalidField {
            field: "api",
            expected: "from 0 to 3",
        })
    }
}

/// Reads the one map of PULL or DISCARD.
pub(super) fn pull(kind: RequestKind, reader: &mut Reader<'_>) -> Result<Pull, RequestError> {
    let mut count = None;
    let mut query_id = -1;
    each_key(reader, |key, reader| {
        match key {
            "n" => count = Some(reader.integer()?),
            "qid" => query_id = reader.integer()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let count = match count.ok_or(RequestError::MissingField { kind, field: "n" })? {
        -1 => None,
        count => Some(
            u64::try_from(count)
                .ok()
                .filter(|count| *count > 0)
                .ok_or(RequestError::InvalidField {
                    field: "n",
                    expected: "-1 or greater than 0",
                })?,
        ),
    };
    let query_id = match query_id {
        -1 => None,
        0.. => Some(query_id),
        _ => {
            return Err(RequestError::InvalidField {
                field: "qid",
                expected: "-1 or greater",
            });
        }
    };
    Ok(Pull { count, query_id })
}

/// Reads ROUTE's three fields.
pub(super) fn route(reader: &mut Reader<'_>, dialect: Dialect) -> Result<Route, RequestError> {
    let context = WireValue::read_map(reader, dialect)?;
    let bookmarks = strings(reader)?;
    let mut route = Route {
        context,
        bookmarks,
        ..Route::default()
    };
    each_key(reader, |key, reader| {
        match key {
            "db" => route.database = owned(reader)?,
            "imp_user" => route.impersonated_user = owned(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(route)
}

/// The map of BEGIN, which RUN carries as well.
pub(super) struct BeginFields;

impl BeginFields {
    /// Reads the map.
    pub(super) fn read(reader: &mut Reader<'_>, dialect: Dialect) -> Result<TransactionExtra, RequestError> {
        let mut extra = TransactionExtra::default();
        each_key(reader, |key, reader| {
            match key {
                "bookmarks" => extra.bookmarks = strings(reader)?,
                "tx_timeout" => extra.timeout_ms = timeout(reader)?,
                "tx_metadata" => extra.metadata = WireValue::read_map(reader, dialect)?,
                "mode" => extra.read_only = read_only(reader)?,
                "db" => extra.database = owned(reader)?.filter(|database| !database.is_empty()),
                "imp_user" => extra.impersonated_user = owned(reader)?,
                _ if notification_field(&mut extra.notifications, key, reader)? => {}
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(extra)
    }
}

/// The fields of a token, while they come in.
#[derive(Default)]
struct TokenFields {
    scheme: Option<String>,
    token: AuthenticationToken,
}

impl TokenFields {
    fn read(&mut self, key: &str, reader: &mut Reader<'_>, dialect: Dialect) -> Result<(), RequestError> {
        match key {
            "scheme" => self.scheme = Some(reader.string()?.to_owned()),
            "principal" => self.token.principal = owned(reader)?,
            "credentials" => {
                self.token.credentials = owned(reader)?.map(SecretString::new);
            }
            "realm" => self.token.realm = owned(reader)?,
            "parameters" => self.token.parameters = WireValue::read_map(reader, dialect)?,
            _ => reader.skip()?,
        }
        Ok(())
    }

    /// Without a scheme nothing is shown: the Python driver sends an empty token where it is given none.
    fn finish(self) -> AuthenticationToken {
        let scheme = self.scheme.unwrap_or_else(|| "none".to_owned());
        AuthenticationToken { scheme, ..self.token }
    }
}

fn each_key<'a>(
    reader: &mut Reader<'a>,
    mut read: impl FnMut(&'a str, &mut Reader<'a>) -> Result<(), RequestError>,
) -> Result<(), RequestError> {
    let count = reader.map()?;
    reader.nested(|reader| {
        for _ in 0..count {
            let key = reader.string()?;
            read(key, reader)?;
        }
        Ok(())
    })
}

/// Reads `key` if it belongs to the filter; says whether it did.
fn notification_field(
    filter: &mut NotificationFilter,
    key: &str,
    reader: &mut Reader<'_>,
) -> Result<bool, RequestError> {
    match key {
        "notifications_minimum_severity" => filter.minimum_severity = owned(reader)?,
        "notifications_disabled_categories" | "notifications_disabled_classifications" => {
            filter.disabled_classifications = Some(strings(reader)?);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn owned(reader: &mut Reader<'_>) -> Result<Option<String>, PackStreamError> {
    Ok(reader.optional_string()?.map(str::to_owned))
}

fn optional_map(reader: &mut Reader<'_>, dialect: Dialect) -> Result<Option<WireMap>, RequestError> {
    match WireValue::read(reader, dialect)? {
        WireValue::Null => Ok(None),
        WireValue::Map(map) => Ok(Some(map)),
        _ => Err(RequestError::InvalidField {
            field: "routing",
            expected: "a map or null",
        }),
    }
}

fn strings(reader: &mut Reader<'_>) -> Result<Vec<String>, PackStreamError> {
    let count = reader.list()?;
    elements(reader, count, |reader| Ok(reader.string()?.to_owned()))
}

fn timeout(reader: &mut Reader<'_>) -> Result<Option<u64>, RequestError> {
    match WireValue::read(reader, Dialect::new(crate::Version::new(5, 0)))? {
        WireValue::Null => Ok(None),
        WireValue::Integer(milliseconds @ 0..) => Ok(Some(milliseconds.cast_unsigned())),
        _ => Err(RequestError::InvalidField {
            field: "tx_timeout",
            expected: "milliseconds, at least 0",
        }),
    }
}

fn read_only(reader: &mut Reader<'_>) -> Result<bool, RequestError> {
    match reader.optional_string()? {
        Some("r") => Ok(true),
        Some("w") | None => Ok(false),
        Some(_) => Err(RequestError::InvalidField {
            field: "mode",
            expected: "\"r\" or \"w\"",
        }),
    }
}
