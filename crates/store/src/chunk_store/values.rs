//! The keys and values that the engine below keeps.
//!
//! Owns their bytes: chunks, staged changes, and the two records that say where a checkpoint stands. INVARIANT: decoding
//! anything else than what was encoded gives an error, never a panic, and never more memory than the limit. Must not
//! know the engine.

use bytes::Bytes;

use crate::CommitId;

/// The record of the last whole checkpoint.
pub(super) const LATEST_KEY: &[u8] = b"latest";
/// The record of a checkpoint whose staged changes are being applied.
pub(super) const PENDING_KEY: &[u8] = b"pending";
/// What the keys of chunks begin with.
const CHUNK_PREFIX: u8 = b'c';
/// What the keys of staged changes begin with.
pub(super) const STAGED_PREFIX: &[u8] = b"s";
/// The first byte of every value: its format.
const FORMAT: u8 = 1;
/// What a chunk's value begins with: format and plain length.
const CHUNK_HEADER_BYTES: usize = 5;

/// What is wrong with a value.
pub(super) type Fault = &'static str;

pub(super) fn chunk_key(key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len().saturating_add(1));
    bytes.push(CHUNK_PREFIX);
    bytes.extend_from_slice(key);
    bytes
}

pub(super) fn plain_key(chunk_key: &[u8]) -> Result<&[u8], Fault> {
    chunk_key
        .strip_prefix(&[CHUNK_PREFIX])
        .ok_or("a chunk's key has no prefix")
}

pub(super) fn staged_key(number: u64) -> Vec<u8> {
    [STAGED_PREFIX, &number.to_be_bytes()].concat()
}

pub(super) fn encode_commit(commit: CommitId) -> Vec<u8> {
    [&[FORMAT][..], &commit.value().to_le_bytes()].concat()
}

pub(super) fn decode_commit(value: &[u8]) -> Result<CommitId, Fault> {
    let number = value.strip_prefix(&[FORMAT]).and_then(|rest| rest.try_into().ok());
    number
        .map(|bytes| CommitId::new(u64::from_le_bytes(bytes)))
        .ok_or("a checkpoint's record is not well-formed")
}

/// Compresses a chunk.
pub(super) fn encode_chunk(chunk: &[u8], level: i32) -> Result<Bytes, Fault> {
    let length = u32::try_from(chunk.len()).map_err(|_| "a chunk is too long")?;
    let mut bytes = Vec::with_capacity(chunk.len() / 2);
    bytes.push(FORMAT);
    bytes.extend_from_slice(&length.to_le_bytes());
    zstd::stream::copy_encode(chunk, &mut bytes, level).map_err(|_| "a chunk cannot be compressed")?;
    Ok(bytes.into())
}

pub(super) fn decode_chunk(value: &[u8], bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let fault = "a chunk is not well-formed";
    let (head, compressed) = value.split_first_chunk::<CHUNK_HEADER_BYTES>().ok_or(fault)?;
    let [format, length @ ..] = *head;
    let length = u32::from_le_bytes(length) as usize;
    if format != FORMAT || length > bytes_max {
        return Err(fault);
    }
    let chunk = zstd::bulk::decompress(compressed, length).map_err(|_| fault)?;
    if chunk.len() == length { Ok(chunk) } else { Err(fault) }
}

/// A change with an encoded chunk, or the removal of one.
pub(super) type EncodedChange = (Vec<u8>, Option<Bytes>);

/// The bytes that a change takes.
pub(super) fn change_bytes((key, value): &EncodedChange) -> usize {
    key.len()
        .saturating_add(value.as_ref().map_or(0, Bytes::len))
        .saturating_add(16)
}

pub(super) fn encode_changes(changes: &[EncodedChange]) -> Result<Vec<u8>, Fault> {
    let length = |bytes: &[u8]| {
        u32::try_from(bytes.len())
            .map(u32::to_le_bytes)
            .map_err(|_| "a change is too long")
    };
    let mut encoded = vec![FORMAT];
    for (key, value) in changes {
        encoded.push(u8::from(value.is_some()));
        encoded.extend_from_slice(&length(key)?);
        encoded.extend_from_slice(key);
        if let Some(value) = value {
            encoded.extend_from_slice(&length(value)?);
            encoded.extend_from_slice(value);
        }
    }
    Ok(encoded)
}

pub(super) fn decode_changes(value: &Bytes) -> Result<Vec<EncodedChange>, Fault> {
    let fault = "staged changes are not well-formed";
    let mut rest = value.strip_prefix(&[FORMAT]).ok_or(fault)?;
    let mut changes = Vec::new();
    while let Some((tag, after)) = rest.split_first() {
        let (key, after) = take_bytes(after).ok_or(fault)?;
        let (chunk, after) = match tag {
            0 => (None, after),
            1 => take_bytes(after)
                .map(|(chunk, after)| (Some(value.slice_ref(chunk)), after))
                .ok_or(fault)?,
            _ => return Err(fault),
        };
        changes.push((key.to_vec(), chunk));
        rest = after;
    }
    Ok(changes)
}

fn take_bytes(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn changes_and_chunks_read_back_as_written(
            changes in prop::collection::vec((prop::collection::vec(any::<u8>(), 1..20), prop::option::of(prop::collection::vec(any::<u8>(), 0..200))), 0..20)
        ) {
            let encode = |chunk: Vec<u8>| encode_chunk(&chunk, 1).unwrap();
            let changes: Vec<EncodedChange> = changes.into_iter().map(|(key, chunk)| (key, chunk.map(encode))).collect();
            let encoded = Bytes::from(encode_changes(&changes).unwrap());
            prop_assert_eq!(decode_changes(&encoded).unwrap(), changes);
        }

        #[test]
        fn any_bytes_decode_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (decode_chunk(&bytes, 1 << 20), decode_commit(&bytes), decode_changes(&Bytes::from(bytes)));
        }

        #[test]
        fn chunks_read_back_as_written(chunk in prop::collection::vec(any::<u8>(), 0..5000)) {
            prop_assert_eq!(decode_chunk(&encode_chunk(&chunk, 1).unwrap(), 5000).unwrap(), chunk);
        }
    }
}
