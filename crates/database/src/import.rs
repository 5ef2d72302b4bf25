//! `LOAD CSV` under audit: every source that a user opens, or is refused, is an event.

use std::sync::Arc;

use bastide_audit::{Action, Event, Outcome};
use bastide_execute::{CsvSource, CsvStream};
use bastide_security::LoadPermit;
use bastide_status::Status;

use crate::session::Frame;

struct AuditedSource(Arc<Frame>);

/// The configured source, with each opening audited.
pub(crate) fn audited(frame: &Arc<Frame>) -> Arc<dyn CsvSource> {
    Arc::new(AuditedSource(Arc::clone(frame)))
}

impl CsvSource for AuditedSource {
    fn open(&self, url: &str) -> Result<CsvStream, Status> {
        let frame = &self.0;
        let _permit: LoadPermit = frame.permit()?;
        let opened = frame.dbms.csv_source.open(url);
        let outcome = if opened.is_ok() {
            Outcome::Success
        } else {
            Outcome::Refused
        };
        let event = Event::new(Action::ExternalDataAccess, outcome)
            .with_user(frame.principal.user())
            .with_database(&frame.database.name)
            .with_detail("url", without_credentials(url));
        frame.dbms.auditor.record(event)?;
        opened
    }
}

/// The URL without a user and password before the host.
fn without_credentials(url: &str) -> &str {
    match url.split_once('@') {
        Some((before, after)) if before.contains("://") && !before.trim_start_matches("://").is_empty() => {
            if before.split("://").nth(1).is_some_and(|rest| rest.contains('/')) {
                url
            } else {
                after
            }
        }
        _ => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_a_url_are_not_audited() {
        assert_eq!(without_credentials("https://a:b@example.com/x"), "example.com/x");
        assert_eq!(
            without_credentials("https://example.com/a@b"),
            "https://example.com/a@b"
        );
        assert_eq!(without_credentials("file:///x.csv"), "file:///x.csv");
    }
}
