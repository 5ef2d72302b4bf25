//! The backup file, as `docs/backup-format.md` lays it out.
//!
//! A header says what the file holds and carries a data key sealed under the backup key; blocks follow, each sealed under a
//! key of its own and bound to its place; the last one closes the file. INVARIANT: every byte of a file is authenticated,
//! and a reader hands out nothing that is not. Must not know how the data came here or what they mean.

mod header;
mod reader;
mod sealing;
mod writer;

use std::io;

use bastide_store::KeyId;
use thiserror::Error;

pub use header::Header;
pub use reader::{BackupReader, Totals};
pub use writer::BackupWriter;

/// The version of the format.
pub(crate) const VERSION: u32 = 1;
/// Bytes of plain data that a block may have.
pub(crate) const PLAIN_BYTES_MAX: usize = crate::wire::DATA_BYTES_MAX;
/// Bytes that a block may have sealed: plain data that do not compress, and what zstd and this format add.
const SEALED_BYTES_MAX: usize = PLAIN_BYTES_MAX + (PLAIN_BYTES_MAX >> 7) + 1024;

const BLOCK_MAGIC: [u8; 4] = *b"BLCK";
const BLOCK_HEADER_BYTES: usize = 56;
/// In the flags of a block: the last of the file.
const LAST: u8 = 1;
/// Bytes of the number that is before compressed data, their plain length.
const LENGTH_BYTES: usize = 4;
/// The content of the last block.
const TRAILER_BYTES: usize = 56;

/// Why a backup file cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FormatError {
    /// It does not begin as a backup does.
    #[error("it is not a backup")]
    NotABackup,
    /// It is of a version that this program does not know.
    #[error("it has version {found} of the format, and this program reads version {VERSION}")]
    Version {
        /// The version it states.
        found: u32,
    },
    /// It was sealed with another key.
    #[error("it was sealed with the backup key {needed}, and the key given is {given}")]
    WrongKey {
        /// The id of the key in its header.
        needed: KeyId,
        /// The id of the key given.
        given: KeyId,
    },
    /// Bytes in it are not what was written.
    #[error("it is damaged at byte {offset}: {fault}")]
    Damaged {
        /// Where what is wrong begins.
        offset: u64,
        /// What is wrong.
        fault: &'static str,
    },
    /// It ends too early.
    #[error("it is cut off: byte {offset} begins something that is not there in full")]
    CutOff {
        /// Where what is missing begins.
        offset: u64,
    },
    /// Data to be written are not in order.
    #[error("the data are not in order: {0}")]
    Data(&'static str),
    /// The operating system refused to read or write.
    #[error("it cannot be {action}")]
    Io {
        /// What was to be done with it, in the passive.
        action: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The cryptographic library failed, which has no cause but a broken random source.
    #[error("the cryptographic library failed")]
    Cryptography,
}

impl FormatError {
    fn reading(source: io::Error) -> Self {
        Self::Io { action: "read", source }
    }

    fn writing(source: io::Error) -> Self {
        Self::Io {
            action: "written",
            source,
        }
    }
}

/// The first bytes of a block, which are authenticated with it.
fn block_header(sealed_bytes: u32, index: u64, is_last: bool, salt: &[u8; 32]) -> [u8; BLOCK_HEADER_BYTES] {
    let mut header = [0; BLOCK_HEADER_BYTES];
    let parts: [&[u8]; 5] = [
        &BLOCK_MAGIC,
        &sealed_bytes.to_le_bytes(),
        &index.to_le_bytes(),
        &[u8::from(is_last) * LAST, 0, 0, 0, 0, 0, 0, 0],
        salt,
    ];
    let bytes = parts.into_iter().flatten();
    header.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    header
}

/// What else is authenticated with a block: its header, the tag before it and its place in the file.
fn associated(header: &[u8; BLOCK_HEADER_BYTES], chain: &[u8; 16], offset: u64) -> Vec<u8> {
    [header.as_slice(), chain, &offset.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests;
