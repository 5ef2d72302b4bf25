//! Everything that is checked of a configuration before anything is opened.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bastide_settings::{
    ConfigurationFaults, Fault, HomeDirectory, LoadOptions, PathRole, Settings, check_permissions, names,
};

use crate::tls_policies::{self, Policies};
use crate::{folders, tls_warnings, unavailable, wire_settings};

/// A configuration without faults.
pub struct CheckedConfiguration {
    /// The settings.
    pub settings: Settings,
    pub(crate) policies: Policies,
}

impl CheckedConfiguration {
    /// What deserves a thought, though the server starts.
    pub fn warnings(&self) -> Vec<Fault> {
        let mut warnings = self.settings.warnings().to_vec();
        warnings.extend(plain_text_warnings(&self.settings));
        if let Some(channels) = &self.policies.channels {
            warnings.extend(tls_warnings::report(channels, &self.settings));
        }
        warnings
    }
}

/// Reads and checks the configuration of a home, changing nothing there.
///
/// # Errors
/// Every fault: of the settings, of the permissions of files and folders, of certificates and keys.
pub fn check_configuration(
    home: &HomeDirectory,
    expand_commands: bool,
) -> Result<CheckedConfiguration, ConfigurationFaults> {
    let conf = home.conf_file();
    let options = LoadOptions {
        expand_commands,
        conf_must_exist: false,
    };
    let settings = match Settings::load(home.path(), &conf, &[], options) {
        Ok(settings) => settings,
        Err(ConfigurationFaults(mut faults)) => {
            // What can be said without the settings belongs into the same report.
            faults.extend(permission_faults(&Settings::defaults(home.path()), home));
            return Err(ConfigurationFaults(faults));
        }
    };
    let mut faults = unavailable::faults(&settings, &conf);
    faults.extend(wire_settings::faults(&settings, &conf));
    faults.extend(permission_faults(&settings, home));
    let policies = tls_policies::load(&settings, home, &conf, seconds_now(), &mut faults);
    if faults.is_empty() {
        Ok(CheckedConfiguration { settings, policies })
    } else {
        Err(ConfigurationFaults(faults))
    }
}

fn permission_faults(settings: &Settings, home: &HomeDirectory) -> Vec<Fault> {
    let mut paths = folders::private(settings);
    paths.push((
        settings.path(names::DBMS_SECURITY_ENCRYPTION_KEY_FILE),
        PathRole::PrivateKey,
    ));
    paths.extend(tls_policies::paths(settings, home));
    check_permissions(paths.iter().map(|(path, role)| (path.as_path(), *role)))
}

fn plain_text_warnings(settings: &Settings) -> Vec<Fault> {
    let confirmed = [
        (
            names::SERVER_BOLT_ENABLED,
            names::SERVER_BOLT_LISTEN_ADDRESS,
            settings.value(names::SERVER_BOLT_TLS_LEVEL) != bastide_settings::TlsLevel::Required,
            "plain Bolt",
        ),
        (
            names::SERVER_HTTP_ENABLED,
            names::SERVER_HTTP_LISTEN_ADDRESS,
            true,
            "plain HTTP",
        ),
    ];
    confirmed
        .into_iter()
        .filter(|(enabled, address, plain, _)| {
            settings.value(*enabled) && *plain && !settings.listen_address(*address).is_loopback()
        })
        .map(|(_, address, _, what)| {
            let problem = format!(
                "{what} is offered to other machines at {}",
                settings.listen_address(address)
            );
            Fault::new(
                address.name(),
                problem,
                "whoever sees the network sees passwords and data: use TLS",
            )
        })
        .collect()
}

/// The line of the file on which `setting` is set, for faults that are found after loading.
pub(crate) fn placed(mut fault: Fault, conf: &Path) -> Fault {
    let Some(setting) = fault.setting.clone() else {
        return fault;
    };
    let text = std::fs::read_to_string(conf).unwrap_or_default();
    let line = text.lines().position(|line| {
        let name = line.split('=').next().unwrap_or_default();
        name.trim() == setting
    });
    if let Some(line) = line {
        fault.file = Some(conf.to_owned());
        fault.line = Some(line + 1);
    }
    fault
}

pub(crate) fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
