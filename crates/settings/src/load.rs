//! From the home directory, the file and the command line to checked settings.
//!
//! INVARIANT: either every setting has a value that passed its validator and the settings fit each other, or loading
//! fails with all faults found.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bastide_secret::SecretString;

use crate::command;
use crate::conf_file::{self, CONF_BYTES_MAX, Entry, Place};
use crate::cross_checks;
use crate::fault::{ConfigurationFaults, Fault};
use crate::foreign::{self, Treatment};
use crate::home::{self, PathRole};
use crate::nearest::nearest_name;
use crate::row::{Row, Setting, SettingType};
use crate::table::policy::{self, PolicySettings};
use crate::table::{names, rows};
use crate::value::{self, AdvertisedAddress, ListenAddress, SocketAddress, Value};

/// A setting given on the command line; it wins over the file.
#[derive(Clone)]
pub struct Override {
    /// The setting's name.
    pub name: String,
    /// Its value, as it would be in the file.
    pub value: String,
}

/// How to load.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadOptions {
    /// Whether `$(command)` values are run (`--expand-commands`).
    pub expand_commands: bool,
    /// Whether a missing file is a fault; without it, a missing file is an empty one.
    pub conf_must_exist: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) value: Value,
    /// Where it was set; `None` for a default.
    pub(crate) place: Option<Place>,
    /// The command line that printed it, if one did. Secret, since it may hold what it is to print.
    pub(crate) command: Option<SecretString>,
}

/// All settings, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    home: PathBuf,
    values: BTreeMap<&'static str, Stored>,
    warnings: Vec<Fault>,
}

/// A row of `SHOW SETTINGS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// The setting's name.
    pub name: &'static str,
    /// The value in force, masked if secret.
    pub value: String,
    /// Whether it can be changed while the server runs.
    pub is_dynamic: bool,
    /// The default.
    pub default_value: String,
    /// What it does.
    pub description: &'static str,
    /// Whether it was set rather than left at its default.
    pub is_explicitly_set: bool,
}

impl Settings {
    /// Loads the settings for the home directory `home` from the file `conf` and the `overrides`.
    pub fn load(
        home: &Path,
        conf: &Path,
        overrides: &[Override],
        options: LoadOptions,
    ) -> Result<Self, ConfigurationFaults> {
        let mut loader = Loader::new(home, options);
        match read_conf(conf) {
            Ok(Some((text, file))) => {
                loader
                    .faults
                    .extend(home::check_permissions([(conf, PathRole::ConfigurationFile)]));
                loader.take_file(conf, &text, &file);
            }
            Ok(None) if options.conf_must_exist => loader.faults.push(Fault::about_file(
                conf.to_owned(),
                "there is no such file",
                "create it or name another one",
            )),
            Ok(None) => {}
            Err(fault) => loader.faults.push(*fault),
        }
        loader.take_overrides(overrides);
        loader.finish()
    }

    /// All defaults, for a home directory without a file.
    pub fn defaults(home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            values: default_values(),
            warnings: Vec::new(),
        }
    }

    /// The value of a setting. A path is as written: see [`path`](Self::path).
    pub fn value<T: SettingType>(&self, setting: Setting<T>) -> T {
        match self
            .stored(setting.row())
            .and_then(|stored| T::from_value(&stored.value))
        {
            Some(value) => value,
            // INVARIANT: values of every row are present, and each was parsed as the row's kind, which the table's tests
            // show to match the handle's type.
            None => unreachable!("the table of settings is inconsistent at `{}`", setting.name()),
        }
    }

    /// A path setting, relative paths taken from the home directory.
    pub fn path(&self, setting: Setting<PathBuf>) -> PathBuf {
        self.home.join(self.value(setting))
    }

    /// A path setting of a TLS policy other than `base_directory`, relative paths taken from the policy's base directory.
    pub fn policy_path(&self, policy: &PolicySettings, setting: Setting<PathBuf>) -> PathBuf {
        self.path(policy.base_directory).join(self.value(setting))
    }

    /// Where a connector listens, the default host filled in.
    pub fn listen_address(&self, setting: Setting<SocketAddress>) -> ListenAddress {
        let address = self.value(setting);
        let host = address
            .host
            .unwrap_or_else(|| self.value(names::SERVER_DEFAULT_LISTEN_ADDRESS));
        let default_port = || match setting.row().default.map(|text| value::parse(setting.row().kind, text)) {
            Some(Ok(Value::Address(default))) => default.port,
            _ => None,
        };
        ListenAddress {
            host,
            port: address.port.or_else(default_port).unwrap_or(0),
        }
    }

    /// What clients are told to connect to, the default host filled in. The port is the one bound unless it was set.
    pub fn advertised_address(&self, setting: Setting<SocketAddress>) -> AdvertisedAddress {
        let address = self.value(setting);
        let host = address
            .host
            .unwrap_or_else(|| self.value(names::SERVER_DEFAULT_ADVERTISED_ADDRESS));
        let port = if self.is_explicitly_set(setting) {
            address.port.filter(|port| *port != 0)
        } else {
            None
        };
        AdvertisedAddress { host, port }
    }

    /// Whether a setting was set rather than left at its default.
    pub fn is_explicitly_set<T>(&self, setting: Setting<T>) -> bool {
        self.stored(setting.row()).is_some_and(|stored| stored.place.is_some())
    }

    /// Whether any setting of a TLS policy was set.
    pub fn is_policy_configured(&self, policy: &PolicySettings) -> bool {
        policy
            .rows()
            .into_iter()
            .any(|row| self.stored(row).is_some_and(|stored| stored.place.is_some()))
    }

    /// The home directory the relative paths are taken from.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// What is accepted but has no effect or deserves a thought. To be logged at the start.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// The rows of `SHOW SETTINGS`, by name; secrets are masked.
    pub fn iter(&self) -> impl Iterator<Item = SettingRow> + '_ {
        let mut all: Vec<&'static Row> = rows().collect();
        all.sort_by_key(|row| row.name);
        all.into_iter().filter_map(|row| {
            let stored = self.stored(row)?;
            let value = stored.value.to_string();
            Some(SettingRow {
                name: row.name,
                value,
                is_dynamic: row.is_dynamic,
                default_value: default_value(row).to_string(),
                description: row.help.trim(),
                is_explicitly_set: stored.place.is_some(),
            })
        })
    }

    /// These settings with one dynamic setting changed, to its default if `text` is empty; `self`, with the old value, stays
    /// right if anything is wrong. A command in `text` is not run.
    ///
    /// # Errors
    /// What is wrong with the name or the value, or contradicts another setting.
    pub fn with_changed(&self, name: &str, text: &str) -> Result<Self, ConfigurationFaults> {
        let refuse = |problem: &str, advice: String| ConfigurationFaults(vec![Fault::new(name, problem, advice)]);
        let Some(row) = rows().find(|row| row.name == name) else {
            let near = nearest_name(name, rows().map(|row| row.name));
            let advice = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
            return Err(refuse("there is no such setting", advice));
        };
        if !row.is_dynamic {
            let advice = "change it in the configuration file and restart the server".to_owned();
            return Err(refuse("cannot be changed while the server runs", advice));
        }
        let stored = if text.is_empty() {
            Stored::of_default(row)
        } else if command::is_command(text) {
            let advice = "commands belong into the configuration file; write the value itself".to_owned();
            return Err(refuse("is a command, and commands of clients are not run", advice));
        } else {
            Stored {
                value: value::parse(row.kind, text).map_err(|invalid| refuse(&invalid.problem, invalid.advice))?,
                place: Some(Place::default()),
                command: None,
            }
        };
        let mut changed = self.clone();
        changed.values.insert(row.name, stored);
        let faults = cross_checks::check(&changed);
        if faults.is_empty() {
            Ok(changed)
        } else {
            Err(ConfigurationFaults(faults))
        }
    }

    /// These settings with the commands run again that printed passwords of private keys: a key may have been replaced
    /// together with its password.
    ///
    /// # Errors
    /// Every command that failed.
    pub fn with_key_passwords_read_again(&self) -> Result<Self, ConfigurationFaults> {
        let mut read = self.clone();
        let mut faults = Vec::new();
        for row in policy::ALL.map(|policy| policy.private_key_password.row()) {
            let Some(line) = self.stored(row).and_then(|stored| stored.command.as_ref()) else {
                continue;
            };
            match run_command(row, line.expose()).map(|text| value::parse(row.kind, &text)) {
                Ok(Ok(value)) => {
                    if let Some(stored) = read.values.get_mut(row.name) {
                        stored.value = value;
                    }
                }
                Ok(Err(invalid)) => faults.push(bad_output(row, invalid.advice)),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            Ok(read)
        } else {
            Err(ConfigurationFaults(faults))
        }
    }

    pub(crate) fn stored(&self, row: &Row) -> Option<&Stored> {
        self.values.get(row.name)
    }
}

/// The default of a row as a value. That it parses is tested for every row.
pub(crate) fn default_value(row: &Row) -> Value {
    row.default
        .and_then(|text| value::parse(row.kind, text).ok())
        .unwrap_or(Value::Absent)
}

impl Stored {
    fn of_default(row: &Row) -> Self {
        Self {
            value: default_value(row),
            place: None,
            command: None,
        }
    }
}

fn default_values() -> BTreeMap<&'static str, Stored> {
    rows().map(|row| (row.name, Stored::of_default(row))).collect()
}

fn run_command(row: &Row, line: &str) -> Result<String, Fault> {
    command::run(line, command::TIMEOUT).map_err(|error| {
        let problem = format!("its command failed: {error}");
        Fault::new(row.name, problem, "run the command by hand as the server's user")
    })
}

/// What a command printed may be secret whatever the setting is, so it is not shown.
fn bad_output(row: &Row, advice: String) -> Fault {
    Fault::new(row.name, "the command's output is not a value of this setting", advice)
}

/// What is to be said of a command that looks safer than it is.
fn recipe_warning(row: &Row) -> Fault {
    let problem =
        "protects nothing: the password is decrypted with the certificate, which the server shows to everybody";
    let advice = "keep the password in a file of mode 0400 and write `$(cat /path/to/the/file)`; or let systemd hand it over \
                  with `LoadCredential=` and write `$(sh -c 'cat \"$CREDENTIALS_DIRECTORY/name\"')`";
    Fault::new(row.name, problem, advice)
}

/// Reads the file through one handle, so that what is checked is what is read. `None` if there is none.
fn read_conf(path: &Path) -> Result<Option<(String, File)>, Box<Fault>> {
    let fault = |problem: String, advice: &str| Box::new(Fault::about_file(path.to_owned(), problem, advice));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(fault(
                format!("cannot be read: {error}"),
                "let the server's user read it",
            ));
        }
    };
    let mut bytes = Vec::new();
    if let Err(error) = (&file).take(CONF_BYTES_MAX + 1).read_to_end(&mut bytes) {
        return Err(fault(
            format!("cannot be read: {error}"),
            "let the server's user read it",
        ));
    }
    if bytes.len() as u64 > CONF_BYTES_MAX {
        return Err(fault(
            "is longer than 1 MiB".to_owned(),
            "name the right file, or remove what is not needed",
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some((text, file))),
        Err(_) => Err(fault("is not UTF-8 text".to_owned(), "save it as UTF-8")),
    }
}

struct Loader {
    settings: Settings,
    faults: Vec<Fault>,
    options: LoadOptions,
    /// Names met so far in the file, right or wrong, with their lines.
    seen: BTreeMap<String, Place>,
    unknown: Vec<Fault>,
}

impl Loader {
    fn new(home: &Path, options: LoadOptions) -> Self {
        let settings = Settings::defaults(home);
        Self {
            settings,
            faults: Vec::new(),
            options,
            seen: BTreeMap::new(),
            unknown: Vec::new(),
        }
    }

    fn take_file(&mut self, path: &Path, text: &str, file: &File) {
        let (entries, faults) = conf_file::parse(path, text);
        self.faults.extend(faults);
        let any_command = entries.iter().any(|entry| command::is_command(&entry.value));
        let mut may_expand = self.options.expand_commands;
        if any_command
            && may_expand
            && let Err(fault) = command::check_file(path, file)
        {
            self.faults.push(*fault);
            may_expand = false;
        }
        for entry in entries {
            if self.is_duplicate(&entry) {
                continue;
            }
            // Nothing is run if the file is not trusted; that fault is reported already.
            if may_expand || !(self.options.expand_commands && command::is_command(&entry.value)) {
                self.take(entry);
            }
        }
    }

    fn take_overrides(&mut self, overrides: &[Override]) {
        for given in overrides {
            self.take(Entry {
                name: given.name.clone(),
                value: given.value.clone(),
                place: Place::default(),
            });
        }
    }

    fn is_duplicate(&mut self, entry: &Entry) -> bool {
        if foreign::may_repeat(&entry.name) {
            return false;
        }
        let Some(first) = self.seen.insert(entry.name.clone(), entry.place.clone()) else {
            return false;
        };
        let line = first.line.unwrap_or_default();
        let fault = Fault::new(
            &entry.name,
            format!("is set twice, first on line {line}"),
            "keep one of the two lines",
        );
        self.faults.push(fault.at(&entry.place));
        self.seen.insert(entry.name.clone(), first);
        true
    }

    fn take(&mut self, entry: Entry) {
        let Some(row) = rows().find(|row| row.name == entry.name) else {
            return self.take_unknown(&entry);
        };
        let text = match self.expanded(row, &entry) {
            Ok(text) => text,
            Err(fault) => return self.faults.push(fault.at(&entry.place)),
        };
        let line = command::inside(&entry.value);
        if row.is_secret() && line.is_some_and(command::is_certificate_recipe) {
            self.settings.warnings.push(recipe_warning(row).at(&entry.place));
        }
        let command = line.map(|line| SecretString::new(line.to_owned()));
        match value::parse(row.kind, &text) {
            Ok(value) => {
                let stored = Stored {
                    value,
                    place: Some(entry.place),
                    command,
                };
                self.settings.values.insert(row.name, stored);
            }
            Err(invalid) if command.is_some() => {
                self.faults.push(bad_output(row, invalid.advice).at(&entry.place));
            }
            Err(invalid) => self
                .faults
                .push(Fault::new(row.name, invalid.problem, invalid.advice).at(&entry.place)),
        }
    }

    fn expanded(&self, row: &Row, entry: &Entry) -> Result<String, Fault> {
        let Some(line) = command::inside(&entry.value) else {
            return Ok(entry.value.clone());
        };
        if !self.options.expand_commands {
            let problem = "is a command, and commands are not run";
            let advice = "start with `--expand-commands`, or write the value itself";
            return Err(Fault::new(row.name, problem, advice));
        }
        run_command(row, line)
    }

    fn take_unknown(&mut self, entry: &Entry) {
        let name = entry.name.as_str();
        if name.starts_with(policy::PREFIX) {
            return self.faults.push(misspelled_policy(name).at(&entry.place));
        }
        if let Some(foreign) = foreign::find(name, &entry.value) {
            let fault = Fault::new(name, foreign.problem, foreign.advice).at(&entry.place);
            match foreign.treatment {
                Treatment::Refuse => self.faults.push(fault),
                Treatment::Warn => self.settings.warnings.push(fault),
            }
            return;
        }
        let advice = match nearest_name(name, rows().map(|row| row.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "remove it, or see docs/settings.md for the settings there are".to_owned(),
        };
        self.unknown
            .push(Fault::new(name, "there is no such setting", advice).at(&entry.place));
    }

    fn finish(mut self) -> Result<Settings, ConfigurationFaults> {
        if self.settings.value(names::SERVER_CONFIG_STRICT_VALIDATION_ENABLED) {
            self.faults.append(&mut self.unknown);
        } else {
            self.settings.warnings.append(&mut self.unknown);
        }
        self.faults.extend(cross_checks::check(&self.settings));
        if self.faults.is_empty() {
            return Ok(self.settings);
        }
        self.faults.sort_by_key(|fault| fault.line.unwrap_or(usize::MAX));
        Err(ConfigurationFaults(self.faults))
    }
}

/// The fault of a policy setting that does not exist, with the nearest one that does.
fn misspelled_policy(name: &str) -> Fault {
    let rest = name.strip_prefix(policy::PREFIX).unwrap_or_default();
    let (scope, suffix) = rest.split_once('.').unwrap_or((rest, ""));
    if suffix == "allow_key_generation" {
        let advice = "remove it: development certificates are made at the first start, real ones are put into the policy's folder";
        return Fault::new(name, "there is no such setting any more", advice);
    }
    if suffix == "tls_level" {
        return Fault::new(name, "there is no such setting", "write `server.bolt.tls_level`");
    }
    let right_scope = policy::SCOPES.into_iter().find(|right| *right == scope);
    let right_suffix = policy::suffixes().find(|right| *right == suffix);
    let scope_meant = right_scope.or_else(|| nearest_name(scope, policy::SCOPES));
    let suffix_meant = right_suffix.or_else(|| nearest_name(suffix, policy::suffixes()));
    let problem = match (right_scope, right_suffix) {
        (None, _) => format!("there is no TLS policy scope `{scope}`"),
        _ => format!("there is no TLS policy setting `{suffix}`"),
    };
    let advice = match (scope_meant, suffix_meant) {
        (Some(scope), Some(suffix)) => format!("did you mean `{}{scope}.{suffix}`?", policy::PREFIX),
        (None, _) => format!("the scopes are {}", policy::SCOPES.join(", ")),
        (_, None) => format!(
            "the settings of a policy are {}",
            policy::suffixes().collect::<Vec<_>>().join(", ")
        ),
    };
    Fault::new(name, problem, advice)
}

#[cfg(test)]
mod tests;
