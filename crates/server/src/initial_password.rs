//! The password given before the first start: kept as a hash in the data folder, used up by the first start.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bastide_database::Dbms;
use bastide_secret::SecretString;
use bastide_security::{PasswordHash, PasswordPolicyViolation};
use bastide_settings::{HomeDirectory, Settings, names};
use bastide_status::Status;

use crate::{folders, wire_settings};

const FILE_NAME: &str = "initial-password";
/// The store of the system database: where it is, there was a first start.
const SYSTEM_STORE: &str = "databases/system";
/// Written on the second line if the password must be changed at the first login.
const CHANGE_REQUIRED: &str = "change-required";
/// Nothing longer is read.
const FILE_BYTES_MAX: u64 = 4096;

/// Why the initial password could not be set or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitialPasswordError {
    /// The password is not good enough.
    #[error("{0}")]
    Policy(#[from] PasswordPolicyViolation),
    /// The server was started before.
    #[error(
        "the server was started on this home before, so the user has a password already: log in and run \
         `ALTER CURRENT USER SET PASSWORD FROM '…' TO '…'`"
    )]
    StartedBefore,
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(Status),
    /// A file or folder cannot be used.
    #[error("cannot use `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file has other content.
    #[error("`{}` is damaged: remove it and set the password again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// Keeps `password` for the first start.
///
/// # Errors
/// A password against the rules, or a home that was started before.
pub fn set_initial_password(
    home: &HomeDirectory,
    settings: &Settings,
    password: &SecretString,
    change_required: bool,
) -> Result<(), InitialPasswordError> {
    let data = settings.path(names::SERVER_DIRECTORIES_DATA);
    if data.join(SYSTEM_STORE).exists() {
        return Err(InitialPasswordError::StartedBefore);
    }
    wire_settings::password_policy(settings).check(password)?;
    let hash = Dbms::hash_password(password).map_err(InitialPasswordError::Hash)?;
    folders::create(home, settings).map_err(|(path, source)| InitialPasswordError::File { path, source })?;
    let mut content = hash.as_stored().to_owned();
    content.push('\n');
    if change_required {
        content.push_str(CHANGE_REQUIRED);
        content.push('\n');
    }
    write(&data, &content)
}

fn write(data: &Path, content: &str) -> Result<(), InitialPasswordError> {
    let staging = data.join(format!("{FILE_NAME}.new"));
    let failed = |source| InitialPasswordError::File {
        path: data.join(FILE_NAME),
        source,
    };
    let write = || {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&staging)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&staging, data.join(FILE_NAME))?;
        std::fs::File::open(data)?.sync_all()
    };
    write().map_err(failed)
}

/// A password that was set before.
pub(crate) struct InitialPassword {
    pub(crate) hash: PasswordHash,
    pub(crate) change_required: bool,
}

impl InitialPassword {
    /// Reads it, if there is one.
    pub(crate) fn read(settings: &Settings) -> Result<Option<Self>, InitialPasswordError> {
        let path = settings.path(names::SERVER_DIRECTORIES_DATA).join(FILE_NAME);
        let text = match std::fs::metadata(&path).and_then(|metadata| {
            if metadata.len() > FILE_BYTES_MAX {
                return Err(io::Error::from(io::ErrorKind::FileTooLarge));
            }
            std::fs::read_to_string(&path)
        }) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(InitialPasswordError::File { path, source }),
        };
        let mut lines = text.lines();
        let hash = PasswordHash::from_stored(lines.next().unwrap_or_default());
        let hash = hash.map_err(|_| InitialPasswordError::Damaged { path: path.clone() })?;
        let change_required = match lines.next() {
            None => false,
            Some(CHANGE_REQUIRED) => true,
            Some(_) => return Err(InitialPasswordError::Damaged { path }),
        };
        Ok(Some(Self { hash, change_required }))
    }

    /// Removes the file, once the user is stored.
    pub(crate) fn remove(settings: &Settings) {
        let path = settings.path(names::SERVER_DIRECTORIES_DATA).join(FILE_NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "the initial password's hash could not be removed");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn home() -> (tempfile::TempDir, HomeDirectory, Settings) {
        let folder = tempfile::tempdir().unwrap();
        let home = HomeDirectory::resolve(Some(&folder.path().join("home")), None, Path::new("/"));
        let settings = Settings::defaults(home.path());
        (folder, home, settings)
    }

    fn secret(text: &str) -> SecretString {
        SecretString::new(text.to_owned())
    }

    #[test]
    fn the_password_is_kept_as_a_hash_that_only_its_owner_reads() {
        let (_folder, home, settings) = home();
        let password = secret("correct-Horse-battery-7");
        set_initial_password(&home, &settings, &password, true).unwrap();
        let path = home.path().join("data").join(FILE_NAME);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!std::fs::read_to_string(&path).unwrap().contains("Horse"));
        let read = InitialPassword::read(&settings).unwrap().unwrap();
        assert!(read.change_required && read.hash.verify(&password));
        InitialPassword::remove(&settings);
        assert!(InitialPassword::read(&settings).unwrap().is_none());
    }

    #[test]
    fn a_weak_password_and_a_home_started_before_are_refused() {
        let (_folder, home, settings) = home();
        let weak = set_initial_password(&home, &settings, &secret("password"), false);
        assert!(matches!(weak, Err(InitialPasswordError::Policy(_))));
        assert!(!home.path().exists());
        std::fs::create_dir_all(home.path().join("data").join(SYSTEM_STORE)).unwrap();
        let late = set_initial_password(&home, &settings, &secret("correct-Horse-battery-7"), false);
        assert!(matches!(late, Err(InitialPasswordError::StartedBefore)));
    }
}
