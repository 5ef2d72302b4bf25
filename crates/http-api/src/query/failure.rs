//! What a client is told when something goes wrong: HTTP status, code and message.

use axum::http::StatusCode;
use bastide_status::{Classification, Code, Status};

use super::json;

/// An error as an answer tells it. Safe to show to the client that caused it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The status of the answer, as long as none was sent.
    pub(crate) http: StatusCode,
    /// Neo4j's code.
    pub(crate) code: &'static str,
    /// What failed, where, and what to do.
    pub(crate) message: String,
}

impl Failure {
    /// A fault of the request's form.
    pub(crate) fn format(http: StatusCode, message: impl Into<String>) -> Self {
        Self {
            http,
            code: Code::InvalidFormat.neo4j_code(),
            message: message.into(),
        }
    }

    /// A request that can be read and makes no sense.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            http: StatusCode::BAD_REQUEST,
            code: Code::InvalidRequest.neo4j_code(),
            message: message.into(),
        }
    }

    /// Writes `[{"code":…,"message":…}]`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"[{");
        json::key(out, "code");
        json::write(out, self.code);
        json::key(out, "message");
        json::write(out, self.message.as_str());
        out.extend_from_slice(b"}]");
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self {
            http: http_status(status.code()),
            code: status.code().neo4j_code(),
            message: status.client_message(),
        }
    }
}

/// The status that stands for a code: who has to act, and whether trying again may help.
fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Unauthorized | Code::AuthorizationExpired => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::CredentialsExpired => StatusCode::FORBIDDEN,
        Code::AuthenticationRateLimit => StatusCode::TOO_MANY_REQUESTS,
        Code::DatabaseNotFound | Code::TransactionNotFound => StatusCode::NOT_FOUND,
        Code::ConstraintValidationFailed | Code::EquivalentSchemaRuleAlreadyExists | Code::TransactionConflict => {
            StatusCode::CONFLICT
        }
        other => match other.classification() {
            Classification::ClientError => StatusCode::BAD_REQUEST,
            Classification::TransientError => StatusCode::SERVICE_UNAVAILABLE,
            Classification::DatabaseError => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_says_who_has_to_act() {
        for (code, http) in [
            (Code::SyntaxError, 400),
            (Code::ParameterMissing, 400),
            (Code::AccessMode, 400),
            (Code::AuthorizationExpired, 401),
            (Code::CredentialsExpired, 403),
            (Code::DatabaseNotFound, 404),
            (Code::ConstraintValidationFailed, 409),
            (Code::TransactionConflict, 409),
            (Code::AuthenticationRateLimit, 429),
            (Code::UnknownError, 500),
            (Code::MemoryLimit, 503),
        ] {
            assert_eq!(http_status(code).as_u16(), http, "{code:?}");
        }
    }

    #[test]
    fn a_message_is_escaped() {
        let mut out = Vec::new();
        Failure::invalid("a \"quoted\"\nline").write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"[{"code":"Neo.ClientError.Request.Invalid","message":"a \"quoted\"\nline"}]"#
        );
    }
}
