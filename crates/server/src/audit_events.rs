//! The audit events of starting and stopping.

use std::net::SocketAddr;

use bastide_audit::{Action, AuditError, AuditLog, Event, Outcome};
use bastide_settings::Settings;

use crate::VERSION;
use crate::ready_file::BoundAddresses;

/// Settings named by one event; more take several.
const SETTINGS_OF_EVENT_MAX: usize = 30;

/// What was set when the server started, secrets masked. Defaults follow from the version.
pub(crate) fn record_configuration(audit: &AuditLog, settings: &Settings) -> Result<(), AuditError> {
    let rows: Vec<_> = settings.iter().filter(|row| row.is_explicitly_set).collect();
    let mut chunks: Vec<_> = rows.chunks(SETTINGS_OF_EVENT_MAX).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    for chunk in chunks {
        let event = Event::new(Action::Configuration, Outcome::Success).with_detail("version", VERSION);
        audit.record(
            chunk
                .iter()
                .fold(event, |event, row| event.with_detail(row.name, &row.value)),
        )?;
    }
    Ok(())
}

/// The listeners are open.
pub(crate) fn record_started(audit: &AuditLog, addresses: BoundAddresses) -> Result<(), AuditError> {
    let event = Event::new(Action::ServerStarted, Outcome::Success).with_detail("version", VERSION);
    let listeners: [(&'static str, Option<SocketAddr>); 4] = [
        ("bolt", addresses.bolt),
        ("https", addresses.https),
        ("http", addresses.http),
        ("backup", addresses.backup),
    ];
    let event = listeners
        .into_iter()
        .fold(event, |event, (name, address)| match address {
            Some(address) => event.with_detail(name, &address.to_string()),
            None => event,
        });
    audit.record(event)
}

/// The listeners are closed and everything is stored.
pub(crate) fn record_stopped(audit: &AuditLog, reason: &str) -> Result<(), AuditError> {
    audit.record(Event::new(Action::ServerStopped, Outcome::Success).with_detail("reason", reason))
}

/// The first user was made.
pub(crate) fn record_first_user(audit: &AuditLog, user: &str, generated: bool) -> Result<(), AuditError> {
    let origin = if generated {
        "generated"
    } else {
        "set before the first start"
    };
    audit.record(
        Event::new(Action::UserCreated, Outcome::Success)
            .with_user(user)
            .with_database(bastide_database::SYSTEM_DATABASE)
            .with_detail("name", user)
            .with_detail("password", origin),
    )
}
