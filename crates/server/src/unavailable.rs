//! Settings that the table has and this version cannot honour: set to anything that would need them, they stop the start.
//!
//! INVARIANT: no setting is accepted and then ignored.

use std::path::Path;

use bastide_settings::{Fault, Setting, SettingType, Settings, names};

use crate::check::placed;

/// All settings that ask for something that is not there.
pub(crate) fn faults(settings: &Settings, conf: &Path) -> Vec<Fault> {
    let mut found = Found {
        settings,
        names: Vec::new(),
    };
    found.connectors();
    found.limits();
    found.others();
    found.names.into_iter().map(|name| placed(fault(name), conf)).collect()
}

fn fault(name: &str) -> Fault {
    Fault::new(
        name,
        "asks for something that is not available in this version",
        "remove the line",
    )
}

struct Found<'a> {
    settings: &'a Settings,
    names: Vec<&'static str>,
}

impl Found<'_> {
    fn connectors(&mut self) {
        self.is(names::SERVER_BOLT_TELEMETRY_ENABLED, true);
        self.is(
            names::SERVER_BOLT_CONNECTION_KEEP_ALIVE_FOR_REQUESTS,
            "STREAMING".to_owned(),
        );
        self.changed(names::SERVER_BOLT_CONNECTION_KEEP_ALIVE_STREAMING_SCHEDULING_INTERVAL);
        self.changed(names::SERVER_BOLT_THREAD_POOL_MIN_SIZE);
        self.changed(names::SERVER_BOLT_THREAD_POOL_MAX_SIZE);
        self.changed(names::SERVER_BOLT_THREAD_POOL_KEEP_ALIVE);
    }

    fn limits(&mut self) {
        self.changed(names::DB_TRANSACTION_MONITOR_CHECK_INTERVAL);
        self.changed(names::DB_MEMORY_TRANSACTION_TOTAL_MAX);
        self.changed(names::DBMS_MEMORY_TRANSACTION_TOTAL_MAX);
        self.changed(names::DBMS_SECURITY_LOAD_CSV_HTTP_TIMEOUT);
        self.changed(names::DBMS_SECURITY_LOAD_CSV_LINE_MAX_BYTES);
    }

    fn others(&mut self) {
        self.changed(names::SERVER_DIRECTORIES_CONFIGURATION);
        self.changed(names::SERVER_PANIC_SHUTDOWN_ON_PANIC);
    }

    fn is<T: SettingType + PartialEq>(&mut self, setting: Setting<T>, unavailable: T) {
        if self.settings.is_explicitly_set(setting) && self.settings.value(setting) == unavailable {
            self.names.push(setting.name());
        }
    }

    /// Writing the default down asks for nothing.
    fn changed<T: SettingType + PartialEq>(&mut self, setting: Setting<T>) {
        let default = Settings::defaults(self.settings.home()).value(setting);
        if self.settings.is_explicitly_set(setting) && self.settings.value(setting) != default {
            self.names.push(setting.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use bastide_settings::{LoadOptions, Override};

    use super::*;

    fn names_of_faults(given: &[(&str, &str)]) -> Vec<String> {
        let overrides: Vec<_> = given
            .iter()
            .map(|(name, value)| Override {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        let none = Path::new("/no/such/file");
        let settings = Settings::load(Path::new("/"), none, &overrides, LoadOptions::default()).unwrap();
        faults(&settings, none)
            .into_iter()
            .filter_map(|fault| fault.setting)
            .collect()
    }

    #[test]
    fn defaults_ask_for_nothing_even_if_they_are_written_down() {
        assert!(names_of_faults(&[]).is_empty());
        assert!(
            names_of_faults(&[
                ("server.backup.enabled", "false"),
                ("server.bolt.thread_pool_max_size", "400")
            ])
            .is_empty()
        );
    }

    #[test]
    fn what_is_not_there_cannot_be_asked_for() {
        for (name, value) in [
            ("server.bolt.telemetry.enabled", "true"),
            ("server.bolt.thread_pool_max_size", "40"),
        ] {
            assert_eq!(names_of_faults(&[(name, value)]), [name]);
        }
    }
}
