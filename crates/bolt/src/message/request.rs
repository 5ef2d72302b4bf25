//! Requests as types, and their decoding by version.
//!
//! INVARIANT: credentials leave the message's bytes only as [`SecretString`]; no error text repeats what a field held.

use bastide_secret::SecretString;
use thiserror::Error;

use super::RequestKind;
use super::request_fields::{self, BeginFields};
use crate::{Dialect, PackStreamError, Reader, Version, WireMap, WireValue};

/// A request.
#[derive(Debug, Clone)]
pub enum Request {
    /// Opens the conversation.
    Hello(Hello),
    /// Logs a user on.
    Logon(AuthenticationToken),
    /// Logs the user off.
    Logoff,
    /// Tells which driver interface is used: 0 managed transaction, 1 unmanaged, 2 implicit, 3 driver level.
    Telemetry(i64),
    /// Ends the conversation.
    Goodbye,
    /// Interrupts whatever runs and makes the session ready.
    Reset,
    /// Runs a statement.
    Run(Run),
    /// Drops rows.
    Discard(Pull),
    /// Fetches rows.
    Pull(Pull),
    /// Begins a transaction.
    Begin(TransactionExtra),
    /// Commits it.
    Commit,
    /// Rolls it back.
    Rollback,
    /// Asks for a routing table.
    Route(Route),
}

/// HELLO.
#[derive(Debug, Clone, Default)]
pub struct Hello {
    /// Who connects, in the application's words.
    pub user_agent: String,
    /// Which driver connects; required from 5.3.
    pub bolt_agent: Option<WireMap>,
    /// Credentials, before 5.1.
    pub authentication: Option<AuthenticationToken>,
    /// Routing context; `None` where the client does not route (`bolt://`).
    pub routing: Option<WireMap>,
    /// Which notifications the client wants, for the whole session.
    pub notifications: NotificationFilter,
    /// Patches the client knows, e.g. `utc`; only meaningful in 4.4.
    pub patch_bolt: Vec<String>,
}

/// What a client shows to log on.
#[derive(Debug, Clone, Default)]
pub struct AuthenticationToken {
    /// `none`, `basic`, `bearer`, `kerberos` or another.
    pub scheme: String,
    /// User name.
    pub principal: Option<String>,
    /// Password, token or ticket.
    pub credentials: Option<SecretString>,
    /// Realm.
    pub realm: Option<String>,
    /// What custom schemes add.
    pub parameters: WireMap,
}

/// Which notifications a client wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotificationFilter {
    /// `OFF`, `WARNING` or `INFORMATION`; `None` leaves it to the server.
    pub minimum_severity: Option<String>,
    /// Categories (from 5.6 classifications) not wanted; `None` leaves it to the server.
    pub disabled_classifications: Option<Vec<String>>,
}

/// RUN.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// The statement.
    pub statement: String,
    /// Its parameters.
    pub parameters: WireMap,
    /// How to run it; inside a transaction, the transaction's own counts.
    pub extra: TransactionExtra,
}

/// PULL or DISCARD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pull {
    /// How many rows; `None` for all.
    pub count: Option<u64>,
    /// Which stream of the transaction; `None` for the last one.
    pub query_id: Option<i64>,
}

/// How a transaction is to run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TransactionExtra {
    /// The transaction must see what these stand for.
    pub bookmarks: Vec<String>,
    /// Milliseconds; `None` for the server's default, zero for no limit.
    pub timeout_ms: Option<u64>,
    /// What the client wants to be shown and logged with the transaction.
    pub metadata: WireMap,
    /// Whether only reads are allowed (`mode: "r"`).
    pub read_only: bool,
    /// Which database; `None` for the user's home.
    pub database: Option<String>,
    /// As which user to run.
    pub impersonated_user: Option<String>,
    /// Which notifications the client wants.
    pub notifications: NotificationFilter,
}

/// ROUTE.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// The routing context, with at least `address` (by which the client knows the server).
    pub context: WireMap,
    /// The table must not be older than these.
    pub bookmarks: Vec<String>,
    /// Which database; `None` for the user's home.
    pub database: Option<String>,
    /// As which user to resolve the home database.
    pub impersonated_user: Option<String>,
}

/// Why a message is no request.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum RequestError {
    /// Malformed or excessive data.
    #[error(transparent)]
    PackStream(#[from] PackStreamError),
    /// A message this version does not know.
    #[error("message tag {tag:#04X} is unknown in version {version}")]
    UnknownMessage {
        /// The tag.
        tag: u8,
        /// The version agreed on.
        version: Version,
    },
    /// A message with the wrong number of fields.
    #[error("{kind} has {found} fields, expected {}", kind.fields())]
    WrongFieldCount {
        /// Which message.
        kind: RequestKind,
        /// How many fields came.
        found: usize,
    },
    /// A field that must be there is not.
    #[error("{kind} lacks the field `{field}`")]
    MissingField {
        /// Which message.
        kind: RequestKind,
        /// Which field.
        field: &'static str,
    },
    /// A field whose value makes no sense.
    #[error("the field `{field}` must be {expected}")]
    InvalidField {
        /// Which field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

impl Request {
    /// Decodes one whole message.
    ///
    /// # Errors
    /// Malformed data, unknown messages, missing or senseless fields: a protocol error, the connection must end.
    pub fn decode(message: &[u8], dialect: Dialect) -> Result<Self, RequestError> {
        let version = dialect.version();
        let mut reader = Reader::new(message);
        let (tag, found) = reader.structure()?;
        let kind = RequestKind::of_tag(tag, version).ok_or(RequestError::UnknownMessage { tag, version })?;
        if found != kind.fields() {
            return Err(RequestError::WrongFieldCount { kind, found });
        }
        let request = Self::decode_fields(kind, &mut reader, dialect)?;
        reader.finish()?;
        Ok(request)
    }

    fn decode_fields(kind: RequestKind, reader: &mut Reader<'_>, dialect: Dialect) -> Result<Self, RequestError> {
        Ok(match kind {
            RequestKind::Hello => Self::Hello(request_fields::hello(reader, dialect)?),
            RequestKind::Logon => Self::Logon(request_fields::logon(reader, dialect)?),
            RequestKind::Logoff => Self::Logoff,
            RequestKind::Telemetry => Self::Telemetry(request_fields::telemetry(reader)?),
            RequestKind::Goodbye => Self::Goodbye,
            RequestKind::Reset => Self::Reset,
            RequestKind::Run => Self::Run(Run {
                statement: reader.string()?.to_owned(),
                parameters: WireValue::read_map(reader, dialect)?,
                extra: BeginFields::read(reader, dialect)?,
            }),
            RequestKind::Discard => Self::Discard(request_fields::pull(kind, reader)?),
            RequestKind::Pull => Self::Pull(request_fields::pull(kind, reader)?),
            RequestKind::Begin => Self::Begin(BeginFields::read(reader, dialect)?),
            RequestKind::Commit => Self::Commit,
            RequestKind::Rollback => Self::Rollback,
            RequestKind::Route => Self::Route(request_fields::route(reader, dialect)?),
        })
    }

    /// Which kind it is.
    pub fn kind(&self) -> RequestKind {
        match self {
            Self::Hello(_) => RequestKind::Hello,
            Self::Logon(_) => RequestKind::Logon,
            Self::Logoff => RequestKind::Logoff,
            Self::Telemetry(_) => RequestKind::Telemetry,
            Self::Goodbye => RequestKind::Goodbye,
            Self::Reset => RequestKind::Reset,
            Self::Run(_) => RequestKind::Run,
            Self::Discard(_) => RequestKind::Discard,
            Self::Pull(_) => RequestKind::Pull,
            Self::Begin(_) => RequestKind::Begin,
            Self::Commit => RequestKind::Commit,
            Self::Rollback => RequestKind::Rollback,
            Self::Route(_) => RequestKind::Route,
        }
    }
}
