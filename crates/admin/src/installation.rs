//! What the verbs need of the server on disk; the binary hands in an implementation.

use std::any::Any;
use std::path::{Path, PathBuf};

use bastide_secret::SecretString;
use bastide_settings::{ConfigurationFaults, Fault, Settings};
use bastide_tls::PolicyConfig;

/// Why the server's part of a verb was not done.
#[derive(Debug)]
pub enum Refusal {
    /// The configuration has faults.
    Configuration(ConfigurationFaults),
    /// Another reason, as a sentence without a full stop.
    Other(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Configuration(faults) => faults.fmt(formatter),
            Self::Other(reason) => formatter.write_str(reason),
        }
    }
}

/// Which home, and how its configuration is read.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// `--home`.
    pub home: Option<&'a Path>,
    /// `--expand-commands`.
    pub expand_commands: bool,
}

/// The server on disk, while it is not running.
pub trait Installation {
    /// Checks everything that a start would check, and gives the warnings.
    ///
    /// # Errors
    /// Every fault.
    fn check_configuration(&self, place: Place<'_>) -> Result<Vec<Fault>, Refusal>;

    /// Keeps the first user's password for the first start.
    ///
    /// # Errors
    /// Why not.
    fn set_initial_password(
        &self,
        place: Place<'_>,
        password: &SecretString,
        change_required: bool,
    ) -> Result<(), Refusal>;

    /// The settings, as the configuration file has them; the defaults if there is none.
    ///
    /// # Errors
    /// If they cannot be read.
    fn settings(&self, place: Place<'_>) -> Result<Settings, Refusal>;

    /// The TLS policies that are configured or that a start would use, by scope.
    ///
    /// # Errors
    /// If the settings cannot be read.
    fn tls_policies(&self, place: Place<'_>) -> Result<Vec<PolicyConfig>, Refusal>;

    /// Makes the folders of the home that are missing, and keeps servers from starting on it while the value lives.
    ///
    /// # Errors
    /// If a server is running on it.
    fn lock(&self, place: Place<'_>) -> Result<Box<dyn Any>, Refusal>;

    /// Where the log folder is.
    ///
    /// # Errors
    /// If the settings cannot be read.
    fn log_folder(&self, place: Place<'_>) -> Result<PathBuf, Refusal>;
}
