//! `LOAD CSV` under audit: every source that a user opens, or is refused, is an event.

use std::sync::Arc;

use bastide_audit::{Action, Event, Outcome};
use bastide_execute::{CsvSource, CsvStream};
use bastide_status::Status;

use crate::auditor::Auditor;
use crate::session::Frame;

struct AuditedSource {
    inner: Arc<dyn CsvSource>,
    auditor: Arc<dyn Auditor>,
    user: Arc<str>,
    database: Arc<str>,
}

/// The configured source, with each opening audited.
pub(crate) fn audited(frame: &Frame) -> Arc<dyn CsvSource> {
    Arc::new(AuditedSource {
        inner: Arc::clone(&frame.dbms.csv_source),
        auditor: Arc::clone(&frame.dbms.auditor),
        user: frame.principal.user().into(),
        database: Arc::clone(&frame.database.name),
    })
}

impl CsvSource for AuditedSource {
    fn open(&self, url: &str) -> Result<CsvStream, Status> {
        let opened = self.inner.open(url);
        let outcome = if opened.is_ok() { Outcome::Success } else { Outcome::Refused };
        let event = Event::new(Action::ExternalDataAccess, outcome)
            .with_user(&self.user)
            .with_database(&self.database)
            .with_detail("url", without_credentials(url));
        self.auditor.record(event)?;
        opened
    }
}

/// The URL without a user and password before the host.
fn without_credentials(url: &str) -> &str {
    match url.split_once('@') {
        Some((before, after)) if before.contains("://") && !before.trim_start_matches("://").is_empty() => {
            if before.split("://").nth(1).is_some_and(|rest| rest.contains('/')) { url } else { after }
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
        assert_eq!(without_credentials("https://example.com/a@b"), "https://example.com/a@b");
        assert_eq!(without_credentials("file:///x.csv"), "file:///x.csv");
    }
}
