//! The data key of a database and the envelope it is kept in.
//!
//! Owns the envelope file and the derivation of the keys that seal log segments and objects. INVARIANT: the data key is
//! on disk only sealed under the key-encryption key, and nothing is sealed with the data key itself. Must not know the
//! layout of what the derived keys seal.

use std::fmt;
use std::path::Path;

use super::{KeyError, KeyId, KeyRing, read_text, take_field, write_new_file};
use crate::cryptography::{
    AuthenticationKey, CryptographyError, KEY_BYTES, KeyBytes, SALT_BYTES, SealingKey, TAG_BYTES, derive, random,
};
use crate::{FileKind, FileSystem};

/// The first line of an envelope file.
const FIRST_LINE: &str = "bastide-database-key 1";
/// The length of a database id, in bytes.
pub(crate) const DATABASE_ID_BYTES: usize = 16;
/// The sealed data key with its tag, in bytes.
const SEALED_BYTES: usize = KEY_BYTES + TAG_BYTES;

/// The data key of one database, from which the keys of its files are derived.
#[derive(Clone)]
pub struct DatabaseKeys {
    database: [u8; DATABASE_ID_BYTES],
    id: KeyId,
    key: KeyBytes,
}

impl DatabaseKeys {
    /// Makes a random data key and writes its envelope, durably.
    ///
    /// # Errors
    /// [`KeyError::Io`], [`KeyError::Cryptography`].
    pub fn create(file_system: &dyn FileSystem, envelope: &Path, ring: &KeyRing) -> Result<Self, KeyError> {
        let key = KeyBytes::new(random::<KEY_BYTES>()?);
        let keys = Self {
            database: random()?,
            id: KeyId::of(&key)?,
            key,
        };
        let salt = random::<SALT_BYTES>()?;
        let head = keys.head(ring.id, &salt);
        let mut sealed = zeroize::Zeroizing::new([0_u8; SEALED_BYTES]);
        if let Some((body, tag)) = sealed.split_first_chunk_mut::<KEY_BYTES>() {
            body.copy_from_slice(keys.key.expose());
            let bound = bound_to_folder(&head, envelope);
            tag.copy_from_slice(&wrapping_key(ring, &salt)?.seal(0, &bound, body)?);
        }
        let text = format!("{head}sealed {}\n", hex::encode(sealed.as_slice()));
        write_new_file(file_system, envelope, FileKind::Data, text.as_bytes())?;
        Ok(keys)
    }

    /// Opens the envelope of a database.
    ///
    /// # Errors
    /// [`KeyError::WrongKey`] if it was sealed with another key, [`KeyError::EnvelopeAltered`] if it was changed, and
    /// what reading a key file may give.
    pub fn open(file_system: &dyn FileSystem, envelope: &Path, ring: &KeyRing) -> Result<Self, KeyError> {
        let text = read_text(file_system, envelope)?;
        let parts = parse(&text).map_err(|fault| KeyError::Malformed {
            file: envelope.to_owned(),
            fault,
        })?;
        if parts.needed != ring.id {
            return Err(KeyError::WrongKey {
                key_file: ring.key_file.clone(),
                key: ring.id,
                envelope: envelope.to_owned(),
                needed: parts.needed,
            });
        }
        let altered = || KeyError::EnvelopeAltered {
            key_file: ring.key_file.clone(),
            key: ring.id,
            envelope: envelope.to_owned(),
        };
        let mut sealed = zeroize::Zeroizing::new(parts.sealed);
        let wrapping_key = wrapping_key(ring, &parts.salt)?;
        let head = head(&parts.database, parts.id, parts.needed, &parts.salt);
        let plain = wrapping_key
            .open(0, &bound_to_folder(&head, envelope), sealed.as_mut_slice())
            .map_err(|_| altered())?;
        let key = KeyBytes::new(<[u8; KEY_BYTES]>::try_from(&*plain).map_err(|_| altered())?);
        Ok(Self {
            database: parts.database,
            id: parts.id,
            key,
        })
    }

    /// The public name of the data key.
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// The random name of the database.
    pub(crate) fn database_id(&self) -> [u8; DATABASE_ID_BYTES] {
        self.database
    }

    fn head(&self, ring: KeyId, salt: &[u8; SALT_BYTES]) -> String {
        head(&self.database, self.id, ring, salt)
    }

    /// The key of one log segment, which `salt` makes its own.
    pub(crate) fn segment_key(&self, salt: &[u8; SALT_BYTES]) -> Result<SealingKey, CryptographyError> {
        SealingKey::new(&derive(
            self.key.expose(),
            salt,
            &[b"bastide log segment 1", &self.database],
        )?)
    }

    /// The key that authenticates the log's mark.
    pub(crate) fn mark_key(&self) -> Result<AuthenticationKey, CryptographyError> {
        Ok(AuthenticationKey::new(&derive(
            self.key.expose(),
            &[],
            &[b"bastide log mark 1", &self.database],
        )?))
    }

    /// The key of one object, which `salt` and the object's path make its own.
    pub(crate) fn object_key(&self, salt: &[u8; SALT_BYTES], path: &str) -> Result<SealingKey, CryptographyError> {
        let info: [&[u8]; 3] = [b"bastide object 1", &self.database, path.as_bytes()];
        SealingKey::new(&derive(self.key.expose(), salt, &info)?)
    }
}

/// What is authenticated with the data key: the lines of the envelope, and the name of the folder it lies in. A folder put in another's
/// place is refused, so that whoever can write to the disk cannot pass off one database as another.
fn bound_to_folder(head: &str, envelope: &Path) -> Vec<u8> {
    let folder = envelope.parent().and_then(Path::file_name).unwrap_or_default();
    let mut bound = head.as_bytes().to_vec();
    bound.extend_from_slice(b"folder ");
    bound.extend_from_slice(folder.as_encoded_bytes());
    bound
}

impl fmt::Debug for DatabaseKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DatabaseKeys")
            .field("database", &hex::encode(self.database))
            .field("id", &format_args!("{}", self.id))
            .field("key", &self.key)
            .finish()
    }
}

struct EnvelopeParts {
    database: [u8; DATABASE_ID_BYTES],
    id: KeyId,
    needed: KeyId,
    salt: [u8; SALT_BYTES],
    sealed: [u8; SEALED_BYTES],
}

/// All lines before the sealed key, which are authenticated with it.
fn head(database: &[u8], id: KeyId, ring: KeyId, salt: &[u8]) -> String {
    let (database, salt) = (hex::encode(database), hex::encode(salt));
    format!("{FIRST_LINE}\ndatabase {database}\nkey {id}\nsealed-with {ring}\nsalt {salt}\n")
}

fn parse(text: &str) -> Result<EnvelopeParts, &'static str> {
    let mut lines = text.lines();
    if lines.next() != Some(FIRST_LINE) {
        return Err("its first line is not `bastide-database-key 1`");
    }
    let parts = EnvelopeParts {
        database: take_field(
            &mut lines,
            "database",
            "its second line is not `database` and 32 hexadecimal digits",
        )?,
        id: KeyId(take_field(
            &mut lines,
            "key",
            "its third line is not `key` and 16 hexadecimal digits",
        )?),
        needed: KeyId(take_field(
            &mut lines,
            "sealed-with",
            "its fourth line is not `sealed-with` and a key id",
        )?),
        salt: take_field(
            &mut lines,
            "salt",
            "its fifth line is not `salt` and 64 hexadecimal digits",
        )?,
        sealed: take_field(
            &mut lines,
            "sealed",
            "its sixth line is not `sealed` and 96 hexadecimal digits",
        )?,
    };
    if lines.next().is_some() {
        return Err("it has more than six lines");
    }
    Ok(parts)
}

fn wrapping_key(ring: &KeyRing, salt: &[u8; SALT_BYTES]) -> Result<SealingKey, CryptographyError> {
    SealingKey::new(&derive(ring.key.expose(), salt, &[b"bastide key envelope 1"])?)
}
