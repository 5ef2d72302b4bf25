//! The home on disk, as `admin` wants it: answers come from `server` and `settings`.

use std::path::{Path, PathBuf};

use bastide_admin::{Installation, Place, Refusal};
use bastide_secret::SecretString;
use bastide_server::{CheckedConfiguration, check_configuration, set_initial_password};
use bastide_settings::{Fault, HomeDirectory, LoadOptions, Settings, names};

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

    fn log_folder(&self, place: Place<'_>) -> Result<PathBuf, Refusal> {
        let home = home(place.home)?;
        let options = LoadOptions {
            expand_commands: place.expand_commands,
            conf_must_exist: false,
        };
        let settings = Settings::load(home.path(), &home.conf_file(), &[], options);
        let settings = settings.map_err(Refusal::Configuration)?;
        Ok(settings.path(names::SERVER_DIRECTORIES_LOGS))
    }
}
