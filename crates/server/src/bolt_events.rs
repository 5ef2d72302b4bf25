//! What happens to Bolt connections, for the log and the audit log.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bastide_audit::{Action, AuditLog, Event, Outcome};
use bastide_bolt_server::{ConnectionEvents, ConnectionPoint, RefusalReason};

/// Refusals recorded in one window; strangers must not be able to fill the disk.
const RECORDED_MAX: u32 = 100;
const WINDOW: Duration = Duration::from_secs(10);

/// Logs and audits refused connections.
pub(crate) struct BoltEvents {
    audit: Arc<AuditLog>,
    window: Mutex<Window>,
}

struct Window {
    began: Instant,
    recorded: u32,
    left_out: u64,
}

impl BoltEvents {
    pub(crate) fn new(audit: Arc<AuditLog>) -> Self {
        let window = Window {
            began: Instant::now(),
            recorded: 0,
            left_out: 0,
        };
        Self {
            audit,
            window: Mutex::new(window),
        }
    }

    /// Whether this one is recorded, and how many before it were not.
    fn admit(&self) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began.elapsed() > WINDOW {
            (window.began, window.recorded) = (Instant::now(), 0);
        }
        if window.recorded >= RECORDED_MAX {
            window.left_out += 1;
            return None;
        }
        window.recorded += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

impl ConnectionEvents for BoltEvents {
    fn refused(&self, connection: ConnectionPoint<'_>, reason: &RefusalReason) {
        let Some(left_out) = self.admit() else { return };
        let text = describe(reason);
        tracing::warn!(
            connection = connection.connection_id,
            peer = %connection.peer,
            local = %connection.local,
            "a Bolt connection was refused: {}", on_one_line(&text)
        );
        let mut event = Event::new(Action::ConnectionRefused, Outcome::Refused)
            .with_address(connection.peer)
            .with_detail("connection", connection.connection_id)
            .with_detail("reason", &text);
        if left_out > 0 {
            event = event.with_detail("refusals_left_out_before", &left_out.to_string());
        }
        if let Err(error) = self.audit.record_deferred(event) {
            tracing::error!(%error, "a refused connection could not be audited");
        }
    }
}

/// With control characters escaped, as the text may hold what a stranger sent; quotes are ours and stay as they are.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\'' | '"' => line.push(character),
            other => line.extend(other.escape_debug()),
        }
    }
    line
}

fn describe(reason: &RefusalReason) -> String {
    match reason {
        RefusalReason::PlainRefused => "it was not encrypted, and TLS is required (`server.bolt.tls_level`)".to_owned(),
        RefusalReason::TlsNotConfigured => "it began TLS, which is switched off (`server.bolt.tls_level`)".to_owned(),
        RefusalReason::TlsFailed(cause) => format!("the TLS handshake failed: {cause}"),
        RefusalReason::UnknownProtocol => "it spoke neither TLS, Bolt nor WebSocket".to_owned(),
        RefusalReason::WebSocketFailed(cause) => format!("the WebSocket upgrade failed: {cause}"),
        RefusalReason::HandshakeFailed(cause) => format!("the Bolt handshake failed: {cause}"),
        RefusalReason::LoginTimedOut => "it did not log in in time".to_owned(),
        RefusalReason::TooManyBytesBeforeLogin => "it sent too much before logging in".to_owned(),
        RefusalReason::TooManyConnections => {
            "there are too many connections (`server.bolt.connections_max`)".to_owned()
        }
        RefusalReason::GaveWay => {
            "it had not logged in, and its place was needed (`server.bolt.unauthenticated_connections_max`)".to_owned()
        }
        RefusalReason::TooManyUnauthenticatedOfAddress => {
            "too many connections of its address have not logged in".to_owned()
        }
        RefusalReason::ProtocolError(cause) => format!("it broke the protocol: {cause}"),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_sent_stays_on_its_line_and_quotes_stay_readable() {
        assert_eq!(
            on_one_line("the other side's \"CN=a\"\n2026 INFO \u{1b}[2J\u{202e}"),
            "the other side's \"CN=a\"\\n2026 INFO \\u{1b}[2J\\u{202e}"
        );
    }
}
