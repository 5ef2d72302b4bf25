//! The header of a backup file: what it holds, and its data key under the backup key.

use std::io::Read;

use bastide_store::{KeyId, KeyRing};

use super::sealing::{KEY_BYTES, Key, SALT_BYTES, TAG_BYTES, derive, open, random, seal};
use super::{FormatError, VERSION};

const MAGIC: [u8; 8] = *b"BASTBKP\x1a";
/// Bytes that are authenticated with the data key.
const ENVELOPE_BYTES: usize = 56;
/// Bytes before the texts.
const FIXED_BYTES: usize = 184;
/// Bytes of each text.
const TEXT_BYTES_MAX: usize = 1024;
/// Bytes of the whole.
const HEADER_BYTES_MAX: usize = FIXED_BYTES + 2 * TEXT_BYTES_MAX + TAG_BYTES;
const PURPOSE: &[u8] = b"bastide backup header 1";
/// Flags: everything is in it; data are compressed. There is no other kind yet.
const FULL: u8 = 1;
const COMPRESSED: u8 = 2;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The random id of the held state that it was made from, and of this backup.
    pub backup_id: [u8; 16],
    /// The database's name.
    pub database: String,
    /// The database's id, a UUID.
    pub database_id: [u8; 16],
    /// When its state was the newest, in milliseconds since 1970 UTC.
    pub time_ms: u64,
    /// When the database was made, in milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// The commit whose state it is; every commit from the first to this one is in it.
    pub commit: u64,
    /// The address that it was taken from, as the taker wrote it.
    pub source: String,
}

impl Header {
    /// The lowest commit that is in it: 1, or 0 if there was none yet.
    pub fn lowest_commit(&self) -> u64 {
        self.commit.min(1)
    }

    /// The database's id in the form of UUIDs.
    pub fn database_uuid(&self) -> String {
        uuid(self.database_id)
    }
}

/// Bytes of an id in the form of UUIDs.
fn uuid(bytes: [u8; 16]) -> String {
    let digits = hex::encode(bytes);
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// A header with its key, as it is in a file.
#[derive(Debug)]
pub(super) struct SealedHeader {
    pub(super) header: Header,
    pub(super) data_key: Key,
    /// How long it is in the file.
    pub(super) bytes: u64,
    pub(super) tag: [u8; TAG_BYTES],
}

/// The bytes of a new header, and its data key.
pub(super) fn write(header: Header, key_ring: &KeyRing) -> Result<(Vec<u8>, SealedHeader), FormatError> {
    let text_bytes = header.database.len().max(header.source.len());
    if text_bytes > TEXT_BYTES_MAX {
        return Err(FormatError::Data("a name is too long"));
    }
    let length = FIXED_BYTES + header.database.len() + header.source.len() + TAG_BYTES;
    let salt = random::<SALT_BYTES>()?;
    let data_key = Key::new(random()?);
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(key_ring.key_id().bytes());
    bytes.extend(salt);
    let mut sealed = zeroize::Zeroizing::new(*data_key.expose());
    let tag = seal(&wrapping_key(key_ring, &salt)?, 0, true, &bytes, sealed.as_mut())?;
    bytes.extend(*sealed);
    bytes.extend(tag);
    bytes.extend(header.backup_id);
    bytes.extend(header.database_id);
    for number in [header.time_ms, header.created_ms, header.lowest_commit(), header.commit] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([FULL | COMPRESSED, 0, 0, 0, 0, 0, 0, 0]);
    for text in [&header.database, &header.source] {
        bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    }
    bytes.extend(header.database.as_bytes());
    bytes.extend(header.source.as_bytes());
    let tag = seal(&derive(&data_key, &[], PURPOSE)?, 0, true, &bytes, &mut [])?;
    bytes.extend(tag);
    let sealed = SealedHeader {
        header,
        data_key,
        bytes: length as u64,
        tag,
    };
    Ok((bytes, sealed))
}

fn wrapping_key(key_ring: &KeyRing, salt: &[u8; SALT_BYTES]) -> Result<Key, FormatError> {
    key_ring.backup_key(salt).map_err(|_| FormatError::Cryptography)
}

fn damaged(fault: &'static str) -> FormatError {
    FormatError::Damaged { offset: 0, fault }
}

/// Reads and authenticates the header of a file.
pub(super) fn read(input: &mut impl Read, key_ring: &KeyRing) -> Result<SealedHeader, FormatError> {
    let mut bytes = vec![0; 16];
    read_exactly(input, &mut bytes, 0)?;
    let (magic, numbers) = bytes.split_at_checked(8).unwrap_or_default();
    if magic != MAGIC {
        return Err(FormatError::NotABackup);
    }
    let mut numbers = Fields(numbers);
    let (version, length) = (numbers.u32()?, numbers.u32()?);
    if version != VERSION {
        return Err(FormatError::Version { found: version });
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if !(FIXED_BYTES + TAG_BYTES..=HEADER_BYTES_MAX).contains(&length) {
        return Err(damaged("the header states a length that no header has"));
    }
    bytes.resize(length, 0);
    read_exactly(input, bytes.get_mut(16..).unwrap_or_default(), 0)?;
    let (authenticated, tag) = bytes
        .split_last_chunk::<TAG_BYTES>()
        .ok_or(damaged("the header is too short"))?;
    let mut fields = Fields(authenticated.get(16..).unwrap_or_default());
    let needed = KeyId::from(fields.take::<8>()?);
    if needed != key_ring.key_id() {
        return Err(FormatError::WrongKey {
            needed,
            given: key_ring.key_id(),
        });
    }
    let salt = fields.take::<SALT_BYTES>()?;
    let mut sealed = zeroize::Zeroizing::new(fields.take::<{ KEY_BYTES + TAG_BYTES }>()?);
    let envelope = authenticated.get(..ENVELOPE_BYTES).unwrap_or_default();
    let data_key = open(&wrapping_key(key_ring, &salt)?, 0, true, envelope, sealed.as_mut())?
        .and_then(|key| <[u8; KEY_BYTES]>::try_from(key).ok())
        .map(Key::new)
        .ok_or(damaged("the data key in the header is not authentic"))?;
    let mut only_tag = *tag;
    open(&derive(&data_key, &[], PURPOSE)?, 0, true, authenticated, &mut only_tag)?
        .ok_or(damaged("the header is not authentic"))?;
    Ok(SealedHeader {
        header: parse(fields)?,
        data_key,
        bytes: length as u64,
        tag: *tag,
    })
}

/// What is behind the data key; authentic by now.
fn parse(mut fields: Fields<'_>) -> Result<Header, FormatError> {
    let (backup_id, database_id) = (fields.take()?, fields.take()?);
    let (time_ms, created_ms) = (fields.u64()?, fields.u64()?);
    let (_lowest, commit) = (fields.u64()?, fields.u64()?);
    let [flags, ..] = fields.take::<8>()?;
    if flags != FULL | COMPRESSED {
        return Err(damaged("the header has flags that this program does not know"));
    }
    let (database_bytes, source_bytes) = (fields.u32()?, fields.u32()?);
    let (database, source) = (fields.text(database_bytes)?, fields.text(source_bytes)?);
    if !fields.0.is_empty() {
        return Err(damaged("the header is longer than what is in it"));
    }
    Ok(Header {
        backup_id,
        database,
        database_id,
        time_ms,
        created_ms,
        commit,
        source,
    })
}

/// Fills a buffer; the end of the file is one that begins at `offset`.
pub(super) fn read_exactly(input: &mut impl Read, buffer: &mut [u8], offset: u64) -> Result<(), FormatError> {
    input.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => FormatError::CutOff { offset },
        _ => FormatError::reading(error),
    })
}

/// Takes fields off the front.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(damaged("a field is cut off"))?;
        self.0 = rest;
        Ok(*field)
    }

    pub(super) fn u32(&mut self) -> Result<u32, FormatError> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, FormatError> {
        self.take().map(u64::from_le_bytes)
    }

    fn text(&mut self, bytes: u32) -> Result<String, FormatError> {
        let split = self.0.split_at_checked(usize::try_from(bytes).unwrap_or(usize::MAX));
        let (text, rest) = split.ok_or(damaged("a name is cut off"))?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| damaged("a name is not text"))
    }
}
