//! Errors of the layers below as what a client may see.

use bastide_audit::{Action, Event, Outcome};
use bastide_cypher::ParseError;
use bastide_cypher::ast::line_column;
use bastide_model::GraphError;
use bastide_security::Denied;
use bastide_status::{Code, Position, Status};

use crate::auditor::Auditor;

/// What a client is told of an error of the graph. The cause of a storage error goes to the log only.
pub fn graph_error(error: GraphError) -> Status {
    if let GraphError::Store(cause) = &error {
        let mut chain = cause.to_string();
        let mut source = cause.source();
        while let Some(next) = source {
            chain.push_str(": ");
            chain.push_str(&next.to_string());
            source = next.source();
        }
        tracing::error!(error = %chain, "the store failed");
    }
    bastide_execute::evaluate::graph_status(&error)
}

/// A parse error with its place.
pub fn parse_error(error: &ParseError, text: &str) -> Status {
    let mut status =
        Status::new(Code::SyntaxError, error.message.clone()).with_position(position(text, error.span.start));
    if let Some(advice) = &error.advice {
        status = status.with_advice(advice.clone());
    }
    status
}

/// The place of a byte offset.
pub fn position(text: &str, offset: u32) -> Position {
    let (line, column) = line_column(text, offset);
    let characters = text
        .char_indices()
        .take_while(|(place, _)| *place < offset as usize)
        .count();
    Position {
        offset: u32::try_from(characters).unwrap_or(u32::MAX),
        line,
        column,
    }
}

/// What a client is told of a refused permit; the refusal is audited, with what was `attempted` if that is known.
pub fn denied(
    error: &Denied,
    auditor: &dyn Auditor,
    user: &str,
    database: &str,
    attempted: Option<&'static str>,
) -> Status {
    let code = match error {
        Denied::CredentialsExpired { .. } => Code::CredentialsExpired,
        Denied::ReadOnlySession { .. } => Code::AccessMode,
        Denied::NotAdministrator { .. } => Code::Forbidden,
        Denied::Revoked { .. } => Code::AuthorizationExpired,
    };
    let event = Event::new(Action::PermissionDenied, Outcome::Refused)
        .with_user(user)
        .with_database(database)
        .with_detail("reason", code.neo4j_code());
    let event = match attempted {
        Some(attempted) => event.with_detail("attempted", attempted),
        None => event,
    };
    match auditor.record_deferred(event) {
        Ok(()) => Status::new(code, error.to_string()),
        Err(status) => status,
    }
}
