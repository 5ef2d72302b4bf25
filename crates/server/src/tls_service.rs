//! TLS policies in operation: their settings as they are now, reading files again, and what administrators see of both.
//!
//! INVARIANT: what is wrong with a reload leaves everything as it was, and every reason is told; a setting is changed only
//! after the change was recorded.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bastide_database::{BeforeChange, ServerControl, SettingRow};
use bastide_model::Map;
use bastide_settings::{HomeDirectory, Settings, check_permissions, names, policy};
use bastide_status::{Code, Result, Status};
use bastide_tls::{Channels, Policy, PolicyConfig};

use crate::check::seconds_now;
use crate::tls_watch::Contents;
use crate::{tls_policies, tls_rows, tls_warnings};

/// The policies of a running server.
pub(crate) struct TlsService {
    channels: Arc<Channels>,
    /// Values that the server started with, as they are shown.
    started_with: Vec<bastide_settings::SettingRow>,
    settings: Mutex<InUse>,
    reloads: Mutex<Reloads>,
    /// One reload at a time: the later one must win with the later files.
    reloading: Mutex<()>,
    /// The files as they were just before they were last read.
    read: Mutex<Contents>,
}

struct InUse {
    /// As changed by administrators.
    current: Settings,
    /// As they were when the policies in force were loaded.
    in_force: Settings,
}

/// What became of reloads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reloads {
    /// When one was last tried, in seconds since 1970.
    pub(crate) last_at: Option<i64>,
    /// Why the last one changed nothing.
    pub(crate) last_error: Option<String>,
    pub(crate) done: u64,
    pub(crate) failed: u64,
}

/// With which settings policies are read again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    /// With those that administrators have changed meanwhile.
    Current,
    /// With those in force: only the files have changed.
    InForce,
}

impl TlsService {
    /// `read` are the files as they were just before the channels' policies were loaded from them.
    pub(crate) fn new(settings: Settings, channels: Arc<Channels>, read: Contents) -> Arc<Self> {
        Arc::new(Self {
            channels,
            started_with: settings.iter().collect(),
            settings: Mutex::new(InUse {
                in_force: settings.clone(),
                current: settings,
            }),
            reloads: Mutex::default(),
            reloading: Mutex::new(()),
            read: Mutex::new(read),
        })
    }

    pub(crate) fn channels(&self) -> &Arc<Channels> {
        &self.channels
    }

    /// The settings in force.
    pub(crate) fn in_force(&self) -> Settings {
        locked(&self.settings).in_force.clone()
    }

    /// Whether these are the files that were read last.
    pub(crate) fn has_read(&self, contents: &Contents) -> bool {
        *locked(&self.read) == *contents
    }

    /// What a reload or a restart with the settings in force would fail of, and the policies that are on disk.
    pub(crate) fn look(&self) -> (Vec<Policy>, Vec<String>) {
        let (configs, mut faults) = read_settings(&self.in_force());
        let policies = loaded(&configs, &mut faults);
        (policies, faults)
    }

    /// What became of reloads so far.
    pub(crate) fn reloads(&self) -> Reloads {
        locked(&self.reloads).clone()
    }

    /// Whether files may be read again while the server runs.
    pub(crate) fn is_reload_enabled(&self) -> bool {
        locked(&self.settings)
            .in_force
            .value(names::DBMS_SECURITY_TLS_RELOAD_ENABLED)
    }

    /// Reads everything again and puts it in force; blocks. The error has every reason, one a line.
    pub(crate) fn reload(&self, with: With) -> std::result::Result<u64, String> {
        let _one = locked(&self.reloading);
        let outcome = self.try_reload(with);
        let mut reloads = locked(&self.reloads);
        reloads.last_at = Some(seconds_now());
        match &outcome {
            Ok(generation) => {
                reloads.done += 1;
                reloads.last_error = None;
                tracing::info!(generation, "the TLS policies were read again and are in force");
            }
            Err(reasons) => {
                reloads.failed += 1;
                reloads.last_error = Some(reasons.clone());
                tracing::error!("the TLS policies could not be read again, and the old ones stay in force:\n{reasons}");
            }
        }
        drop(reloads);
        if outcome.is_ok() {
            tls_warnings::log(&self.channels, &self.in_force());
        }
        outcome
    }

    fn try_reload(&self, with: With) -> std::result::Result<u64, String> {
        let (settings, is_changed) = {
            let settings = locked(&self.settings);
            let is_changed = !changed(&settings).is_empty();
            match with {
                With::Current => (settings.current.clone(), is_changed),
                With::InForce => (settings.in_force.clone(), false),
            }
        };
        let (configs, mut faults) = read_settings(&settings);
        // Before anything is read: what is written while it is read must be noticed as new.
        let contents = Contents::of(&configs);
        let outcome = if faults.is_empty() {
            self.publish(&settings, configs)
        } else {
            loaded(&configs, &mut faults);
            Err(faults.join("\n"))
        };
        // With other settings, these are not the files that are watched unless they are in force now.
        if outcome.is_ok() || !is_changed {
            *locked(&self.read) = contents;
        }
        let generation = outcome?;
        locked(&self.settings).in_force = settings;
        Ok(generation)
    }

    fn publish(&self, settings: &Settings, configs: Vec<PolicyConfig>) -> std::result::Result<u64, String> {
        let conf = home_of(settings).conf_file();
        if let Some(fault) = tls_policies::development_fault(settings, &conf) {
            let mut faults = Vec::new();
            let policies = loaded(&configs, &mut faults);
            if policies.iter().any(tls_policies::is_development) {
                faults.push(fault.to_string());
            }
            if !faults.is_empty() {
                return Err(faults.join("\n"));
            }
        }
        self.channels
            .reload(configs, seconds_now())
            .map_err(|error| error.to_string())
    }

    /// Whether a setting can be changed now: those of policies that are switched on and run.
    fn is_dynamic(&self, settings: &Settings, name: &str) -> bool {
        policy::ALL.iter().any(|policy| {
            settings.value(policy.enabled)
                && self.channels.channel(policy.scope).is_some()
                && policy.rows().iter().any(|row| row.name == name && row.is_dynamic)
        })
    }
}

impl ServerControl for TlsService {
    fn settings(&self) -> Vec<SettingRow> {
        let settings = self.in_force();
        let rows = settings.iter().zip(&self.started_with);
        rows.map(|(row, started)| SettingRow {
            name: row.name.to_owned(),
            is_dynamic: self.is_dynamic(&settings, row.name),
            value: row.value,
            startup_value: started.value.clone(),
            default_value: row.default_value,
            description: row.description.to_owned(),
            is_explicitly_set: row.is_explicitly_set,
        })
        .collect()
    }

    fn change_setting(&self, name: &str, value: &str, before: BeforeChange<'_>) -> Result<()> {
        let mut settings = locked(&self.settings);
        let changed = settings
            .current
            .with_changed(name, value)
            .map_err(|faults| Status::new(Code::ArgumentError, one_a_line(&faults.0)))?;
        if !self.is_dynamic(&settings.current, name) {
            let problem = format!("`{name}` cannot be changed while the server runs, since its policy is not in use");
            return Err(Status::new(Code::ArgumentError, problem)
                .with_advice("change it in the configuration file and restart the server"));
        }
        let row = changed.iter().find(|row| row.name == name);
        let Some(row) = row else {
            return Err(Status::new(
                Code::ArgumentError,
                format!("there is no setting `{name}`"),
            ));
        };
        before(row.name, &row.value)?;
        settings.current = changed;
        Ok(())
    }

    fn reload_tls(&self) -> Result<u64> {
        if !self.is_reload_enabled() {
            let setting = names::DBMS_SECURITY_TLS_RELOAD_ENABLED.name();
            let problem = format!("TLS policies are not read again while the server runs, since `{setting}` is false");
            return Err(Status::new(Code::ProcedureCallFailed, problem)
                .with_advice(format!("write `{setting}=true` and restart the server")));
        }
        self.reload(With::Current).map_err(|reasons| {
            let problem = format!("nothing was changed, and the old TLS policies stay in force:\n{reasons}");
            Status::new(Code::ProcedureCallFailed, problem)
        })
    }

    fn tls_policies(&self) -> Vec<Map> {
        let reloads = self.reloads();
        let now = seconds_now();
        let generation = self.channels.generation();
        let waiting = changed(&locked(&self.settings));
        self.channels
            .iter()
            .filter_map(|channel| {
                let mut row = tls_rows::row(channel, generation, &reloads, now)?;
                let prefix = format!("{}{}.", policy::PREFIX, channel.scope());
                let waiting = waiting.iter().filter(|name| name.starts_with(&prefix));
                row.insert("settingsWaiting", tls_rows::texts(waiting));
                Some(row)
            })
            .collect()
    }

    fn has_tls(&self, scope: &str) -> bool {
        self.channels.channel(scope).is_some()
    }

    fn log_tls_handshakes(&self, scope: &str, time: Duration) {
        if let Some(channel) = self.channels.channel(scope) {
            channel.log_handshakes(Instant::now(), time);
            tracing::info!(scope, seconds = time.as_secs(), "TLS handshakes are logged for a time");
        }
    }
}

impl fmt::Debug for TlsService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TlsService").finish_non_exhaustive()
    }
}

/// The policies that settings ask for, and everything that is wrong before their files are read.
fn read_settings(settings: &Settings) -> (Vec<PolicyConfig>, Vec<String>) {
    let mut faults = Vec::new();
    let read = match settings.with_key_passwords_read_again() {
        Ok(read) => read,
        Err(found) => {
            faults.extend(found.0);
            settings.clone()
        }
    };
    let paths = tls_policies::paths(&read, &home_of(&read));
    faults.extend(check_permissions(
        paths.iter().map(|(path, role)| (path.as_path(), *role)),
    ));
    let faults = faults.iter().map(ToString::to_string).collect();
    (tls_policies::configs(&read), faults)
}

/// The policies that can be loaded; why others cannot goes to `faults`.
fn loaded(configs: &[PolicyConfig], faults: &mut Vec<String>) -> Vec<Policy> {
    let mut policies = Vec::new();
    for config in configs {
        match Policy::load(config.clone(), seconds_now()) {
            Ok(policy) => policies.push(policy),
            Err(found) => faults.push(found.to_string()),
        }
    }
    policies
}

/// The settings that were changed and are not in force.
fn changed(settings: &InUse) -> Vec<&'static str> {
    let pairs = settings.current.iter().zip(settings.in_force.iter());
    let plain = pairs
        .filter(|(current, in_force)| {
            (&current.value, current.is_explicitly_set) != (&in_force.value, in_force.is_explicitly_set)
        })
        .map(|(current, _)| current.name);
    // Shown, two passwords look the same.
    let password = |settings: &Settings, policy: &policy::PolicySettings| settings.value(policy.private_key_password);
    let passwords = policy::ALL.into_iter().filter_map(|policy| {
        let (current, in_force) = (
            password(&settings.current, &policy)?,
            password(&settings.in_force, &policy)?,
        );
        (current.expose() != in_force.expose()).then_some(policy.private_key_password.name())
    });
    plain.chain(passwords).collect()
}

fn home_of(settings: &Settings) -> HomeDirectory {
    HomeDirectory::resolve(Some(settings.home()), None, settings.home())
}

fn one_a_line(faults: &[bastide_settings::Fault]) -> String {
    let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests;
