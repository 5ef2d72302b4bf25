//! The home on disk, as `admin` wants it: answers come from `server` and `settings`.

use std::any::Any;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bastide_admin::{Installation, Place, Refusal};
use bastide_secret::SecretString;
use bastide_server::{CheckedConfiguration, check_configuration, policy_configs, set_initial_password};
use bastide_settings::{Fault, HomeDirectory, LoadOptions, Settings, names};
use bastide_tls::PolicyConfig;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The lock that a running server holds in its home.
const LOCK_NAME: &str = "bastide.lock";

/// The home that the command line or the environment names.
pub struct HomeOnDisk;

fn home(option: Option<&Path>) -> Result<HomeDirectory, Refusal> {
    HomeDirectory::from_environment(option).map_err(other)
}

fn other(error: impl std::error::Error) -> Refusal {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    Refusal::Other(text)
}

fn checked(place: Place<'_>) -> Result<(HomeDirectory, CheckedConfiguration), Refusal> {
    let home = home(place.home)?;
    let checked = check_configuration(&home, place.expand_commands).map_err(Refusal::Configuration)?;
    Ok((home, checked))
}

impl Installation for HomeOnDisk {
    fn check_configuration(&self, place: Place<'_>) -> Result<Vec<Fault>, Refusal> {
        checked(place).map(|(_, checked)| checked.warnings())
    }

    fn set_initial_password(
        &self,
        place: Place<'_>,
        password: &SecretString,
        change_required: bool,
    ) -> Result<(), Refusal> {
        let (home, checked) = checked(place)?;
        set_initial_password(&home, &checked.settings, password, change_required).map_err(other)
    }

    fn settings(&self, place: Place<'_>) -> Result<Settings, Refusal> {
        let home = home(place.home)?;
        let options = LoadOptions {
            expand_commands: place.expand_commands,
            conf_must_exist: false,
        };
        Settings::load(home.path(), &home.conf_file(), &[], options).map_err(Refusal::Configuration)
    }

    fn tls_policies(&self, place: Place<'_>) -> Result<Vec<PolicyConfig>, Refusal> {
        self.settings(place).map(|settings| policy_configs(&settings))
    }

    fn lock(&self, place: Place<'_>) -> Result<Box<dyn Any>, Refusal> {
        let home = home(place.home)?;
        home.create(false).map_err(other)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(home.path().join(LOCK_NAME))
            .map_err(other)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Box::new(file)),
            Err(Errno::WOULDBLOCK) => Err(Refusal::Other(format!(
                "a server is running on the home `{}`: stop it first",
                home.path().display()
            ))),
            Err(error) => Err(other(error)),
        }
    }

    fn log_folder(&self, place: Place<'_>) -> Result<PathBuf, Refusal> {
        Ok(self.settings(place)?.path(names::SERVER_DIRECTORIES_LOGS))
    }
}
