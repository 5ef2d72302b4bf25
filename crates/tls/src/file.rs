//! Reading the small files that a policy names. INVARIANT: no file can make the reader wait, and what is secret is wiped.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use bastide_secret::Secret;

use crate::fault::PolicyError;

/// Files larger than this are no certificates or keys, in bytes.
const FILE_SIZE_MAX: u64 = 1 << 20;

/// Permission bits that give a private key to others than its owner.
const OTHERS: u32 = 0o077;

/// Reads a file of at most `limit` bytes.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, PolicyError> {
    read(path, limit).map(|(bytes, _)| bytes)
}

/// Reads a file that may hold a private key. Its bytes are wiped when dropped. Also returns its permission bits.
pub(crate) fn read_secret_file(path: &Path) -> Result<(Secret<Vec<u8>>, u32), PolicyError> {
    read(path, FILE_SIZE_MAX).map(|(bytes, mode)| (Secret::new(bytes), mode))
}

/// What is wrong with the permission bits of a file that holds a private key. Links were followed: `mode` is that of the file.
pub(crate) fn check_private(path: &Path, mode: u32) -> Result<(), PolicyError> {
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(PolicyError::KeyOpenToOthers {
        path: path.to_owned(),
        mode,
    })
}

fn read(path: &Path, limit: u64) -> Result<(Vec<u8>, u32), PolicyError> {
    let failed = |source| PolicyError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let too_large = || PolicyError::TooLarge {
        path: path.to_owned(),
        limit,
    };
    check_kind(path, &std::fs::metadata(path).map_err(failed)?)?;
    let file = open(path).map_err(failed)?;
    // What is there now need not be what was there a moment ago.
    let metadata = file.metadata().map_err(failed)?;
    check_kind(path, &metadata)?;
    if metadata.len() > limit {
        return Err(too_large());
    }
    // Room for everything from the start: a growing buffer leaves copies of a key behind.
    let capacity = usize::try_from(limit.min(metadata.len()) + 1).unwrap_or_default();
    let mut bytes = Vec::with_capacity(capacity);
    file.take(capacity as u64).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok((bytes, metadata.permissions().mode() & 0o7777))
}

/// Opens without waiting for the other end of a pipe.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags).unwrap_or_default())
        .open(path)
}

fn check_kind(path: &Path, metadata: &std::fs::Metadata) -> Result<(), PolicyError> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let kind = if kind.is_dir() {
        "folder"
    } else if kind.is_fifo() {
        "pipe"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    };
    Err(PolicyError::NotAFile {
        path: path.to_owned(),
        kind,
    })
}

/// A path as a shell takes it, for commands that are shown.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        return text.into_owned();
    }
    let prefix = if text.starts_with('-') { "./" } else { "" };
    format!("'{prefix}{}'", text.replace('\'', r"'\''"))
}
