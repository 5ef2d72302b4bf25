//! The folders that settings name: which there are, and making those that are missing.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use bastide_settings::{HomeDirectory, PathRole, Settings, names};

/// Folders that nobody else may look into.
pub(crate) fn private(settings: &Settings) -> Vec<(PathBuf, PathRole)> {
    vec![
        (settings.path(names::SERVER_DIRECTORIES_DATA), PathRole::DataFolder),
        (settings.path(names::SERVER_DIRECTORIES_LOGS), PathRole::LogFolder),
    ]
}

/// Makes what is missing, 0700. Says which folder could not be made.
pub(crate) fn create(home: &HomeDirectory, settings: &Settings) -> Result<(), (PathBuf, io::Error)> {
    home.create(false).map_err(|error| {
        let bastide_settings::HomeError::Folder { path, source } = error;
        (path, source)
    })?;
    let folders = [
        names::SERVER_DIRECTORIES_DATA,
        names::SERVER_DIRECTORIES_LOGS,
        names::SERVER_DIRECTORIES_IMPORT,
        names::SERVER_DIRECTORIES_RUN,
    ];
    for setting in folders {
        let path = settings.path(setting);
        create_private(&path).map_err(|error| (path, error))?;
    }
    Ok(())
}

/// Makes a folder, and those above it that are missing, for nobody else.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
