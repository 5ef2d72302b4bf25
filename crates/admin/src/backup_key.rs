//! The key that seals backups.
//!
//! INVARIANT: a key is made only where backups are taken, only at the place that is known, and never in silence.

use std::path::{Path, PathBuf};

use bastide_settings::Settings;
use bastide_store::{FileSystem as _, KeyError, KeyRing, LocalFileSystem};

use crate::{Refusal, with_causes};

/// Where it is in a home.
const PLACE: &str = "conf/backup.key";

/// The file that is used.
fn file(settings: &Settings, given: Option<&Path>) -> PathBuf {
    given.map_or_else(|| settings.home().join(PLACE), Path::to_owned)
}

/// Reads the key that backups were sealed with.
pub(crate) fn load(settings: &Settings, given: Option<&Path>) -> Result<KeyRing, Refusal> {
    let file = file(settings, given);
    KeyRing::load(&LocalFileSystem, &file).map_err(|error| {
        let advice = "name the key that the backup was sealed with by `--encryption-key-file`";
        Refusal::Other(format!("{}; {advice}", with_causes(&error)))
    })
}

/// Reads the key for a new backup; makes the one of the home if there is none, and says so in the second place.
pub(crate) fn load_or_create(settings: &Settings, given: Option<&Path>) -> Result<(KeyRing, Option<String>), Refusal> {
    let file = file(settings, given);
    let failed = |error| Refusal::Other(with_causes(&error));
    let is_there = LocalFileSystem.exists(&file).unwrap_or(true);
    if given.is_some() || is_there {
        return Ok((KeyRing::load(&LocalFileSystem, &file).map_err(failed)?, None));
    }
    let key_ring = match KeyRing::create(&LocalFileSystem, &file) {
        // Another backup that began at the same time made it.
        Err(KeyError::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {
            return Ok((KeyRing::load(&LocalFileSystem, &file).map_err(failed)?, None));
        }
        created => created.map_err(failed)?,
    };
    let notice = format!(
        "made the backup key {} in `{}`. KEEP A COPY OF THIS FILE ELSEWHERE, apart from the backups: without it none of \
         them can be read",
        key_ring.key_id(),
        file.display()
    );
    Ok((key_ring, Some(notice)))
}
