//! What the facade asks of the server around it: settings in force and TLS policies.

use std::fmt;
use std::time::Duration;

use bastide_model::Map;
use bastide_status::{Code, Result, Status};

use crate::configuration::SettingRow;

/// Called with the setting's name and what may be shown of its new value, before anything is changed; an error stops the change.
pub type BeforeChange<'a> = &'a dyn Fn(&'static str, &str) -> Result<()>;

/// The server around the facade. Methods may block.
pub trait ServerControl: fmt::Debug + Send + Sync {
    /// The rows of `SHOW SETTINGS`, secrets masked.
    fn settings(&self) -> Vec<SettingRow>;

    /// Changes a setting; an empty value brings its default back.
    ///
    /// # Errors
    /// Why it cannot be changed, or not to this value.
    fn change_setting(&self, name: &str, value: &str, before: BeforeChange<'_>) -> Result<()>;

    /// Reads certificates, keys and revocation lists again and puts them in force; the number of the new generation.
    ///
    /// # Errors
    /// Every reason why nothing was changed.
    fn reload_tls(&self) -> Result<u64>;

    /// The rows of `SHOW TLS POLICIES`.
    fn tls_policies(&self) -> Vec<Map>;

    /// Whether a channel of this name runs with TLS.
    fn has_tls(&self, scope: &str) -> bool;

    /// Logs every handshake of a channel for a time; zero ends it.
    fn log_tls_handshakes(&self, scope: &str, time: Duration);
}

/// Nothing around the facade, for tests and tools.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoControl;

impl ServerControl for NoControl {
    fn settings(&self) -> Vec<SettingRow> {
        Vec::new()
    }

    fn change_setting(&self, _name: &str, _value: &str, _before: BeforeChange<'_>) -> Result<()> {
        Err(nothing())
    }

    fn reload_tls(&self) -> Result<u64> {
        Err(nothing())
    }

    fn tls_policies(&self) -> Vec<Map> {
        Vec::new()
    }

    fn has_tls(&self, _scope: &str) -> bool {
        false
    }

    fn log_tls_handshakes(&self, _scope: &str, _time: Duration) {}
}

fn nothing() -> Status {
    Status::new(Code::FeatureNotSupported, "this database runs without a server")
}
