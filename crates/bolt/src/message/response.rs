//! Responses: written by the server straight into its output, read by a client as a tree.

use thiserror::Error;

use crate::limits::FAILURE_CAUSE_DEPTH_MAX;
use crate::value::elements;
use crate::{Dialect, PackStreamError, Reader, WireMap, WireValue, Writer};

const SUCCESS: u8 = 0x70;
const RECORD: u8 = 0x71;
const IGNORED: u8 = 0x7E;
const FAILURE: u8 = 0x7F;

/// The pairs of a SUCCESS; keys are mostly fixed words.
pub type Metadata = Vec<(&'static str, WireValue)>;

/// What a FAILURE says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Failure {
    /// Neo4j's code, e.g. `Neo.ClientError.Statement.SyntaxError`; empty in causes.
    pub neo4j_code: String,
    /// Five characters, e.g. `42001`; empty when read from a server before 5.7.
    pub gql_status: String,
    /// What went wrong, for people.
    pub message: String,
    /// The standard's description of the status.
    pub description: String,
    /// Diagnostic record beyond the three fields that are always the same (`OPERATION` and so on).
    pub diagnostics: WireMap,
    /// What caused it.
    pub cause: Option<Box<Failure>>,
}

/// A response, as a client reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum Response {
    /// It worked.
    Success(WireMap),
    /// One row.
    Record(Vec<WireValue>),
    /// Not done, because something failed before.
    Ignored,
    /// It failed.
    Failure(Box<Failure>),
}

/// Why a message is no response.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ResponseError {
    /// Malformed or excessive data.
    #[error(transparent)]
    PackStream(#[from] PackStreamError),
    /// A message that is no response.
    #[error("message tag {0:#04X} is no response")]
    UnknownMessage(u8),
}

/// Writes SUCCESS.
pub fn success<K: AsRef<str>>(writer: &mut Writer<'_>, metadata: &[(K, WireValue)]) {
    writer.structure(SUCCESS, 1);
    WireValue::write_map(metadata, writer);
}

/// Starts RECORD; `columns` values follow.
pub fn record_header(writer: &mut Writer<'_>, columns: usize) {
    writer.structure(RECORD, 1);
    writer.list_header(columns);
}

/// Writes IGNORED.
pub fn ignored(writer: &mut Writer<'_>) {
    writer.structure(IGNORED, 0);
}

/// Writes FAILURE in the shape of the writer's version.
pub fn failure(writer: &mut Writer<'_>, failure: &Failure) {
    writer.structure(FAILURE, 1);
    if writer.dialect().version().has_gql_failures() {
        write_gql(writer, failure, 0);
    } else {
        writer.map_header(2);
        writer.string("code");
        writer.string(&failure.neo4j_code);
        writer.string("message");
        writer.string(&failure.message);
    }
}

/// Causes have no Neo4j code.
fn write_gql(writer: &mut Writer<'_>, failure: &Failure, depth: usize) {
    let cause = failure.cause.as_deref().filter(|_| depth < FAILURE_CAUSE_DEPTH_MAX);
    writer.map_header(4 + usize::from(depth == 0) + usize::from(cause.is_some()));
    if depth == 0 {
        writer.string("neo4j_code");
        writer.string(&failure.neo4j_code);
    }
    let texts = [
        ("gql_status", &failure.gql_status),
        ("message", &failure.message),
        ("description", &failure.description),
    ];
    for (key, text) in texts {
        writer.string(key);
        writer.string(text);
    }
    writer.string("diagnostic_record");
    write_diagnostics(writer, &failure.diagnostics);
    if let Some(cause) = cause {
        writer.string("cause");
        write_gql(writer, cause, depth + 1);
    }
}

fn write_diagnostics(writer: &mut Writer<'_>, diagnostics: &WireMap) {
    let fixed = [("OPERATION", ""), ("OPERATION_CODE", "0"), ("CURRENT_SCHEMA", "/")];
    let own = |name: &str| diagnostics.iter().any(|(key, _)| key == name);
    let fixed: Vec<_> = fixed.into_iter().filter(|(key, _)| !own(key)).collect();
    writer.map_header(fixed.len() + diagnostics.len());
    for (key, text) in fixed {
        writer.string(key);
        writer.string(text);
    }
    for (key, value) in diagnostics {
        writer.string(key);
        value.write(writer);
    }
}

impl Response {
    /// Decodes one whole message.
    ///
    /// # Errors
    /// Malformed data, or a message that is no response.
    pub fn decode(message: &[u8], dialect: Dialect) -> Result<Self, ResponseError> {
        let mut reader = Reader::new(message);
        let (tag, fields) = reader.structure()?;
        let expected = usize::from(tag != IGNORED);
        if !matches!(tag, SUCCESS | RECORD | IGNORED | FAILURE) {
            return Err(ResponseError::UnknownMessage(tag));
        }
        if fields != expected {
            return Err(PackStreamError::WrongFieldCount {
                tag,
                expected,
                found: fields,
            }
            .into());
        }
        let response = match tag {
            SUCCESS => Self::Success(WireValue::read_map(&mut reader, dialect)?),
            RECORD => {
                let count = reader.list()?;
                Self::Record(elements(&mut reader, count, |reader| WireValue::read(reader, dialect))?)
            }
            FAILURE => Self::Failure(Box::new(Failure::from_map(WireValue::read_map(&mut reader, dialect)?))),
            _ => Self::Ignored,
        };
        reader.finish()?;
        Ok(response)
    }
}

impl Failure {
    /// Takes both shapes apart; what is missing stays empty. Depth is bounded by PackStream's own limit.
    fn from_map(map: WireMap) -> Self {
        let mut failure = Self::default();
        for (key, value) in map {
            match (key.as_str(), value) {
                ("code" | "neo4j_code", WireValue::String(text)) => failure.neo4j_code = text,
                ("gql_status", WireValue::String(text)) => failure.gql_status = text,
                ("message", WireValue::String(text)) => failure.message = text,
                ("description", WireValue::String(text)) => failure.description = text,
                ("diagnostic_record", WireValue::Map(map)) => failure.diagnostics = map,
                ("cause", WireValue::Map(map)) => failure.cause = Some(Box::new(Self::from_map(map))),
                _ => {}
            }
        }
        failure
    }
}
