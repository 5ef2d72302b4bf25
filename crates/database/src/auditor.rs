//! Where audit events go.

use bastide_audit::{AuditLog, Event};
use bastide_status::{Code, Status};

/// Takes audit events. Returns when the event is durable; if it cannot be, what was to be audited must not happen.
pub trait Auditor: Send + Sync {
    /// Records an event that decides over access.
    fn record(&self, event: Event) -> Result<(), Status>;
    /// Records an event that may become durable a little later.
    fn record_deferred(&self, event: Event) -> Result<(), Status>;
}

impl Auditor for AuditLog {
    fn record(&self, event: Event) -> Result<(), Status> {
        AuditLog::record(self, event).map_err(refused)
    }

    fn record_deferred(&self, event: Event) -> Result<(), Status> {
        AuditLog::record_deferred(self, event).map_err(refused)
    }
}

fn refused(error: bastide_audit::AuditError) -> Status {
    tracing::error!(%error, "the audit log cannot be written");
    Status::new(
        Code::StorageFailed,
        "the audit log cannot be written, so this is refused",
    )
    .with_advice("see the server's log; free disk space is the usual cure")
}

/// Forgets every event. For graphs in memory, which end with the process that made them.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAudit;

impl Auditor for NoAudit {
    fn record(&self, _event: Event) -> Result<(), Status> {
        Ok(())
    }

    fn record_deferred(&self, _event: Event) -> Result<(), Status> {
        Ok(())
    }
}
