//! The key hierarchy.
//!
//! Owns the key-encryption key (one a home), the data key of each database and the keys derived from it. INVARIANT: no
//! key is ever printed, logged or part of an error, and each is wiped when dropped. Must not know what is encrypted.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::FileSystem;

/// Why a key could not be read, made or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The operating system refused an operation on a key file.
    #[error("key file `{}`: cannot {action}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was being done.
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
    /// The envelope names this key but does not open with it: it was changed.
    #[error("`{}` was altered: the key {key} in `{}` does not open it", envelope.display(), key_file.display())]
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

/// The public name of a key, derived from it by a one-way function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl std::fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The key-encryption key of a home.
#[derive(Debug)]
pub struct KeyRing(());

impl KeyRing {
    /// Reads the key file, or makes one with a random key (mode 0400, durable) if there is none.
    ///
    /// # Errors
    /// [`KeyError`] if the file is open to others, malformed, or cannot be read or written.
    pub fn load_or_create(_file_system: &dyn FileSystem, _key_file: &Path) -> Result<Self, KeyError> {
        Err(KeyError::Cryptography)
    }

    /// Reads the key file, which must exist.
    ///
    /// # Errors
    /// [`KeyError`] if the file is missing, open to others, malformed, or cannot be read.
    pub fn load(_file_system: &dyn FileSystem, _key_file: &Path) -> Result<Self, KeyError> {
        Err(KeyError::Cryptography)
    }

    /// The public name of the key.
    pub fn key_id(&self) -> KeyId {
        KeyId([0; 8])
    }
}

/// The data key of one database.
#[derive(Debug)]
pub struct DatabaseKeys(());
