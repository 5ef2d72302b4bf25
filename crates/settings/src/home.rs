//! The home directory: where it is, what is in it, and who may read it.
//!
//! INVARIANT: folders are created 0700, and nothing that must be private is used while group or others can read or write
//! it. What exists is never made looser or tighter behind the operator's back.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::conf_file::CONF_FILE_NAME;
use crate::fault::Fault;

/// The environment variable that names the home directory.
pub const HOME_VARIABLE: &str = "BASTIDE_HOME";
/// The home directory when nothing names one.
const DEFAULT_HOME: &str = "bastide-home";
/// What is created in it.
const FOLDERS: [&str; 6] = ["conf", "data", "logs", "import", "run", "certificates"];

/// Why the home directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A folder could not be created or looked at.
    #[error("cannot use the folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The home directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeDirectory {
    path: PathBuf,
}

impl HomeDirectory {
    /// `option` is `--home`, `variable` the value of [`HOME_VARIABLE`], `working_directory` what relative paths are taken
    /// from. An empty variable counts as none.
    pub fn resolve(option: Option<&Path>, variable: Option<&std::ffi::OsStr>, working_directory: &Path) -> Self {
        let chosen = option
            .or(variable.filter(|value| !value.is_empty()).map(Path::new))
            .unwrap_or(Path::new(DEFAULT_HOME));
        Self {
            path: working_directory.join(chosen),
        }
    }

    /// Resolves from the process's own environment and working directory.
    pub fn from_environment(option: Option<&Path>) -> Result<Self, HomeError> {
        let working_directory = std::env::current_dir().map_err(|source| HomeError::Folder {
            path: PathBuf::from("."),
            source,
        })?;
        Ok(Self::resolve(
            option,
            std::env::var_os(HOME_VARIABLE).as_deref(),
            &working_directory,
        ))
    }

    /// The directory, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the configuration file is unless another is named.
    pub fn conf_file(&self) -> PathBuf {
        self.path.join("conf").join(CONF_FILE_NAME)
    }

    /// Whether there is a `certificates` folder already, which means this is not the first start.
    pub fn has_certificates(&self) -> bool {
        self.path.join("certificates").exists()
    }

    /// Creates what is missing, 0700, and says what that was. `certificates` is left out on request, so that the first start
    /// can be told by its absence until the certificates are there.
    pub fn create(&self, with_certificates: bool) -> Result<Vec<PathBuf>, HomeError> {
        let mut created = Vec::new();
        create_private_folder(&self.path, &mut created)?;
        for name in FOLDERS {
            if name != "certificates" || with_certificates {
                create_private_folder(&self.path.join(name), &mut created)?;
            }
        }
        Ok(created)
    }
}

fn create_private_folder(path: &Path, created: &mut Vec<PathBuf>) -> Result<(), HomeError> {
    if path.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| HomeError::Folder {
            path: path.to_owned(),
            source,
        })?;
    created.push(path.to_owned());
    Ok(())
}

/// What a path is for, which decides who may read and write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRole {
    /// A private key or key file: nobody but its owner.
    PrivateKey,
    /// The data folder: nobody but its owner.
    DataFolder,
    /// The log folder: nobody but its owner.
    LogFolder,
    /// A folder of certificates: others may read, not write.
    CertificateFolder,
    /// A public certificate, trusted certificate or revocation list: others may read, not write.
    PublicCertificate,
    /// The configuration file: a group may edit it, strangers may only read it. One with commands is held to more.
    ConfigurationFile,
}

impl PathRole {
    /// Bits that must not be set.
    const fn forbidden(self) -> u32 {
        match self {
            Self::PrivateKey | Self::DataFolder | Self::LogFolder => 0o077,
            Self::CertificateFolder | Self::PublicCertificate => 0o022,
            Self::ConfigurationFile => 0o002,
        }
    }

    const fn mode_wanted(self) -> u32 {
        match self {
            Self::PrivateKey => 0o400,
            Self::DataFolder | Self::LogFolder => 0o700,
            Self::CertificateFolder => 0o755,
            Self::PublicCertificate => 0o644,
            Self::ConfigurationFile => 0o640,
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::PrivateKey => "key file",
            Self::DataFolder => "data folder",
            Self::LogFolder => "log folder",
            Self::CertificateFolder => "certificate folder",
            Self::PublicCertificate => "certificate",
            Self::ConfigurationFile => "configuration file",
        }
    }
}

/// The faults in the permissions of those paths that exist, all of them.
pub fn check_permissions<'a>(paths: impl IntoIterator<Item = (&'a Path, PathRole)>) -> Vec<Fault> {
    paths
        .into_iter()
        .filter_map(|(path, role)| check_path(path, role))
        .collect()
}

fn check_path(path: &Path, role: PathRole) -> Option<Fault> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            let problem = format!("the permissions of this {} cannot be read: {error}", role.noun());
            return Some(Fault::about_file(
                path.to_owned(),
                problem,
                "let the server's user read it",
            ));
        }
    };
    let mode = metadata.mode() & 0o7777;
    let loose = mode & role.forbidden();
    if loose == 0 {
        return None;
    }
    let may = match (loose & 0o044 != 0, loose & 0o022 != 0) {
        (true, true) => "read and write",
        (true, false) => "read",
        (false, true) => "write",
        (false, false) => "enter",
    };
    let problem = format!("group or others can {may} this {} (mode {mode:04o})", role.noun());
    let advice = format!("run `chmod {:o} {}`", role.mode_wanted(), path.display());
    Some(Fault::about_file(path.to_owned(), problem, advice))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_option_wins_over_the_variable_and_that_over_the_default() {
        let here = Path::new("/here");
        let resolve = |option: Option<&str>, variable: Option<&str>| {
            HomeDirectory::resolve(option.map(Path::new), variable.map(std::ffi::OsStr::new), here).path
        };
        assert_eq!(resolve(Some("/a"), Some("/b")), Path::new("/a"));
        assert_eq!(resolve(Some("a"), None), Path::new("/here/a"));
        assert_eq!(resolve(None, Some("/b")), Path::new("/b"));
        assert_eq!(resolve(None, Some("")), Path::new("/here/bastide-home"));
        assert_eq!(resolve(None, None), Path::new("/here/bastide-home"));
    }

    #[test]
    fn creates_private_folders_and_leaves_existing_ones_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let home = HomeDirectory::resolve(Some(&scratch.path().join("a/b")), None, Path::new("/"));
        assert_eq!(home.create(false).unwrap().len(), 6);
        assert!(!home.has_certificates());
        for name in ["", "conf", "data", "logs", "import", "run"] {
            assert_eq!(mode(&home.path().join(name)), 0o700, "{name}");
        }
        set_mode(&home.path().join("import"), 0o755);
        assert_eq!(home.create(true).unwrap(), [home.path().join("certificates")]);
        assert_eq!(mode(&home.path().join("import")), 0o755);
    }

    #[test]
    fn private_things_must_be_private_and_public_ones_not_writable() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        std::fs::write(&path, "").unwrap();
        let passes = |mode: u32, role| {
            set_mode(&path, mode);
            check_permissions([(path.as_path(), role)]).is_empty()
        };
        for role in [PathRole::PrivateKey, PathRole::DataFolder, PathRole::LogFolder] {
            for (mode, right) in [
                (0o400, true),
                (0o600, true),
                (0o700, true),
                (0o640, false),
                (0o604, false),
                (0o620, false),
                (0o711, false),
            ] {
                assert_eq!(passes(mode, role), right, "{mode:o} {role:?}");
            }
        }
        for role in [PathRole::CertificateFolder, PathRole::PublicCertificate] {
            for (mode, right) in [
                (0o644, true),
                (0o755, true),
                (0o444, true),
                (0o664, false),
                (0o646, false),
                (0o777, false),
            ] {
                assert_eq!(passes(mode, role), right, "{mode:o} {role:?}");
            }
        }
    }

    #[test]
    fn all_loose_paths_are_reported_with_what_to_run() {
        let scratch = tempfile::tempdir().unwrap();
        let (key, data) = (scratch.path().join("private.key"), scratch.path().join("data"));
        std::fs::write(&key, "").unwrap();
        std::fs::create_dir(&data).unwrap();
        set_mode(&key, 0o644);
        set_mode(&data, 0o755);
        let faults = check_permissions([
            (key.as_path(), PathRole::PrivateKey),
            (data.as_path(), PathRole::DataFolder),
            (Path::new("/no/such/path"), PathRole::LogFolder),
        ]);
        let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 2);
        assert!(
            text[0].contains("group or others can read this key file (mode 0644)"),
            "{}",
            text[0]
        );
        assert!(
            text[0].contains("chmod 400") && text[1].contains("chmod 700"),
            "{text:?}"
        );
    }
}
