//! The key hierarchy.
//!
//! Owns the key-encryption key (one a home), the data key of each database and the keys derived from it. INVARIANT: no
//! key is ever printed, logged or part of an error, and each is wiped when dropped. Must not know what is encrypted.

mod database;
mod key_file;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub(crate) use database::DATABASE_ID_BYTES;
pub use database::DatabaseKeys;

use crate::FileSystem;
use crate::cryptography::{CryptographyError, KeyBytes, derive};

/// The longest key file or envelope that is read, in bytes.
const KEY_FILE_BYTES_MAX: usize = 4096;

/// Why a key could not be read, made or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The operating system refused an operation on a key file.
    #[error("key file `{}` cannot {action}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was to be done with it, in the passive.
        action: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// There is no key file, and none may be made because there is data already.
    #[error("key file `{}` does not exist", file.display())]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// Group or others may read or write the key file.
    #[error("key file `{}` has mode {mode:04o}, group and others must have no access; set it with `chmod 400`", file.display())]
    OpenToOthers {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file is not one that this server writes.
    #[error("key file `{}` is not valid: {fault}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong with it; never any of its content.
        fault: &'static str,
    },
    /// The key-encryption key is not the one the database was made with.
    #[error("the key {key} in `{}` does not open `{}`, which needs key {needed}", key_file.display(), envelope.display())]
    WrongKey {
        /// Where the key-encryption key came from.
        key_file: PathBuf,
        /// Its id.
        key: KeyId,
        /// The database's envelope file.
        envelope: PathBuf,
        /// The id of the key that the envelope was sealed with.
        needed: KeyId,
    },
    /// The envelope names this key but does not open with it: it was changed, or belongs to a folder of another name.
    #[error("`{}` was altered, or its folder renamed or swapped: the key {key} in `{}` does not open it", envelope.display(), key_file.display())]
    EnvelopeAltered {
        /// Where the key-encryption key came from.
        key_file: PathBuf,
        /// Its id.
        key: KeyId,
        /// The database's envelope file.
        envelope: PathBuf,
    },
    /// A cryptographic operation failed, which has no cause but a broken library or random source.
    #[error("the cryptographic library failed")]
    Cryptography,
}

impl From<CryptographyError> for KeyError {
    fn from(_: CryptographyError) -> Self {
        Self::Cryptography
    }
}

/// The public name of a key, derived from it by a one-way function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    fn of(key: &KeyBytes) -> Result<Self, CryptographyError> {
        Ok(Self(*derive::<8>(key.expose(), &[], &[b"bastide key id 1"])?.expose()))
    }

    /// The id as files hold it.
    pub fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

/// The key-encryption key of a home, which opens the key of each database.
pub struct KeyRing {
    key_file: PathBuf,
    id: KeyId,
    key: KeyBytes,
}

impl From<[u8; 8]> for KeyId {
    /// An id as files hold it.
    fn from(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl KeyRing {
    /// Reads the key file, or makes one with a random key (mode 0400, durable) if there is none. The caller decides
    /// whether making one is right: with data already there it never is, and [`KeyRing::load`] must be used.
    ///
    /// # Errors
    /// [`KeyError`] if the file is open to others, malformed, or cannot be read or written.
    pub fn load_or_create(file_system: &dyn FileSystem, key_file: &Path) -> Result<Self, KeyError> {
        let exists = file_system
            .exists(key_file)
            .map_err(|source| io_error(key_file, "be looked for", source))?;
        if exists {
            return Self::load(file_system, key_file);
        }
        match Self::create(file_system, key_file) {
            // Another process was quicker, and may have sealed something already.
            Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                Self::load(file_system, key_file)
            }
            created => created,
        }
    }

    /// Makes a key file with a random key (mode 0400, durable).
    ///
    /// # Errors
    /// [`KeyError::Io`] if the file exists (`AlreadyExists`, also if another process makes it at the same time) or cannot be
    /// written.
    pub fn create(file_system: &dyn FileSystem, key_file: &Path) -> Result<Self, KeyError> {
        let (id, key) = key_file::create(file_system, key_file)?;
        Ok(Self {
            key_file: key_file.to_owned(),
            id,
            key,
        })
    }

    /// Reads the key file, which must exist.
    ///
    /// # Errors
    /// [`KeyError`] if the file is missing, a symbolic link, open to others, malformed, or cannot be read.
    pub fn load(file_system: &dyn FileSystem, key_file: &Path) -> Result<Self, KeyError> {
        let (id, key) = key_file::load(file_system, key_file)?;
        Ok(Self {
            key_file: key_file.to_owned(),
            id,
            key,
        })
    }

    /// The public name of the key.
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// Where the key came from, for messages.
    pub fn file(&self) -> &Path {
        &self.key_file
    }

    /// The key that seals the data key of one backup, which `salt` makes its own. A key file for backups has the form of
    /// any other.
    ///
    /// # Errors
    /// [`KeyError::Cryptography`].
    pub fn backup_key(&self, salt: &[u8; 32]) -> Result<bastide_secret::Secret<[u8; 32]>, KeyError> {
        Ok(derive(self.key.expose(), salt, &[b"bastide backup envelope 1"])?)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyRing")
            .field("key_file", &self.key_file)
            .field("id", &format_args!("{}", self.id))
            .field("key", &self.key)
            .finish()
    }
}

fn io_error(file: &Path, action: &'static str, source: io::Error) -> KeyError {
    KeyError::Io {
        file: file.to_owned(),
        action,
        source,
    }
}

/// Writes a whole new file so that after a crash it is there in full or not at all.
fn write_new_file(
    file_system: &dyn FileSystem,
    path: &Path,
    kind: crate::FileKind,
    content: &[u8],
) -> Result<(), KeyError> {
    let staged = path.with_extension("new");
    if file_system
        .exists(&staged)
        .map_err(|source| io_error(&staged, "be looked for", source))?
    {
        file_system
            .remove(&staged)
            .map_err(|source| io_error(&staged, "be removed", source))?;
    }
    let directory = stage(file_system, path, &staged, kind, content)?;
    file_system
        .rename(&staged, path)
        .map_err(|source| io_error(path, "be renamed", source))?;
    file_system
        .sync_directory(directory)
        .map_err(|source| io_error(path, "be made durable", source))
}

/// As [`write_new_file`], for a file that two processes may make at one time: whoever comes second gets `AlreadyExists`, and
/// neither touches what the other has written.
fn write_first_file(
    file_system: &dyn FileSystem,
    path: &Path,
    kind: crate::FileKind,
    content: &[u8],
) -> Result<(), KeyError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", hex::encode(crate::cryptography::random::<8>()?)));
    let staged = path.with_file_name(name);
    let written = stage(file_system, path, &staged, kind, content).and_then(|directory| {
        file_system
            .rename_first(&staged, path)
            .map_err(|source| io_error(path, "be created", source))?;
        Ok(directory)
    });
    let directory = written.inspect_err(|_| {
        // What could not be put in place is of no use; a failure to remove it changes nothing.
        let _ = file_system.remove(&staged);
    })?;
    file_system
        .sync_directory(directory)
        .map_err(|source| io_error(path, "be made durable", source))
}

/// Writes a durable file beside the place of another, and returns their directory.
fn stage<'a>(
    file_system: &dyn FileSystem,
    path: &'a Path,
    staged: &Path,
    kind: crate::FileKind,
    content: &[u8],
) -> Result<&'a Path, KeyError> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    file_system
        .create_directory(directory)
        .map_err(|source| io_error(path, "be given a directory", source))?;
    let file = file_system
        .create(staged, kind)
        .map_err(|source| io_error(staged, "be created", source))?;
    file.write_at(0, content)
        .map_err(|source| io_error(staged, "be written", source))?;
    file.sync_all()
        .map_err(|source| io_error(staged, "be synced", source))?;
    Ok(directory)
}

/// The content of a small file as text.
fn read_text(file_system: &dyn FileSystem, path: &Path) -> Result<zeroize::Zeroizing<String>, KeyError> {
    let file = match file_system.open_read_only(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(KeyError::Missing { file: path.to_owned() });
        }
        Err(error) => return Err(io_error(path, "be opened", error)),
    };
    let mode = file_system
        .permissions(path)
        .map_err(|source| io_error(path, "be examined", source))?;
    if mode & 0o077 != 0 {
        return Err(KeyError::OpenToOthers {
            file: path.to_owned(),
            mode,
        });
    }
    let mut bytes = zeroize::Zeroizing::new(vec![0_u8; KEY_FILE_BYTES_MAX]);
    let length = file
        .read_at(0, &mut bytes)
        .map_err(|source| io_error(path, "be read", source))?;
    let malformed = |fault| KeyError::Malformed {
        file: path.to_owned(),
        fault,
    };
    let content = bytes.get(..length).filter(|_| length < KEY_FILE_BYTES_MAX);
    let content = content.ok_or_else(|| malformed("it is too long"))?;
    let text = std::str::from_utf8(content).map_err(|_| malformed("it is not text"))?;
    Ok(zeroize::Zeroizing::new(text.to_owned()))
}

/// Takes `name value` off the front of the lines, and decodes the value from hexadecimal digits.
fn take_field<const N: usize>(
    lines: &mut std::str::Lines<'_>,
    name: &str,
    fault: &'static str,
) -> Result<[u8; N], &'static str> {
    let value = lines
        .next()
        .and_then(|line| line.strip_prefix(name))
        .and_then(|rest| rest.strip_prefix(' '));
    let mut bytes = [0_u8; N];
    hex::decode_to_slice(value.ok_or(fault)?, &mut bytes).map_err(|_| fault)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
