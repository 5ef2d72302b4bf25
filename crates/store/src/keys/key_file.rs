//! The file that holds the key-encryption key.
//!
//! Owns its text form. INVARIANT: a file that is read back gives the key whose id it states, or an error. Must not know
//! what the key encrypts.

use std::path::Path;

use zeroize::Zeroizing;

use super::{KeyError, KeyId, read_text, take_field, write_first_file};
use crate::cryptography::{KEY_BYTES, KeyBytes, random};
use crate::{FileKind, FileSystem};

/// The first line of a key file.
const FIRST_LINE: &str = "bastide-key 1";

pub(super) fn create(file_system: &dyn FileSystem, path: &Path) -> Result<(KeyId, KeyBytes), KeyError> {
    if file_system
        .exists(path)
        .map_err(|source| super::io_error(path, "be looked for", source))?
    {
        let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(super::io_error(path, "be created", source));
    }
    let key = KeyBytes::new(random::<KEY_BYTES>()?);
    let id = KeyId::of(&key)?;
    let digits = Zeroizing::new(hex::encode(key.expose()));
    let text = Zeroizing::new(format!("{FIRST_LINE}\nid {id}\nkey {}\n", digits.as_str()));
    write_first_file(file_system, path, FileKind::Key, text.as_bytes())?;
    Ok((id, key))
}

pub(super) fn load(file_system: &dyn FileSystem, path: &Path) -> Result<(KeyId, KeyBytes), KeyError> {
    let text = read_text(file_system, path)?;
    parse(&text).map_err(|fault| KeyError::Malformed {
        file: path.to_owned(),
        fault,
    })
}

fn parse(text: &str) -> Result<(KeyId, KeyBytes), &'static str> {
    let mut lines = text.lines();
    if lines.next() != Some(FIRST_LINE) {
        return Err("its first line is not `bastide-key 1`");
    }
    let stated = KeyId(take_field::<8>(
        &mut lines,
        "id",
        "its second line is not `id` and 16 hexadecimal digits",
    )?);
    let key = take_field::<KEY_BYTES>(
        &mut lines,
        "key",
        "its third line is not `key` and 64 hexadecimal digits",
    )?;
    let key = KeyBytes::new(key);
    if lines.next().is_some() {
        return Err("it has more than three lines");
    }
    let id = KeyId::of(&key).map_err(|_| "the cryptographic library failed")?;
    if id != stated {
        return Err("its key does not have the id that it states");
    }
    Ok((id, key))
}
