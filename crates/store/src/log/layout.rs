//! The bytes of segment headers and frames.
//!
//! Owns their layout, which `docs/storage-format.md` describes. INVARIANT: decoding what was encoded gives the same, and
//! decoding anything else gives an error, never a panic. Must not know about files.

use crate::cryptography::{SALT_BYTES, TAG_BYTES};
use crate::keys::DATABASE_ID_BYTES;

/// The version of the segment format.
pub(super) const VERSION: u32 = 1;
/// The length of a segment header, in bytes.
pub(super) const SEGMENT_HEADER_BYTES: usize = 128;
/// The part of the segment header that its tag authenticates, in bytes.
pub(super) const SEGMENT_HEADER_SIGNED_BYTES: usize = SEGMENT_HEADER_BYTES - TAG_BYTES;
/// The length of a frame header, in bytes.
pub(super) const FRAME_HEADER_BYTES: usize = 48;
/// Frames begin at multiples of this, in bytes.
pub(super) const FRAME_ALIGNMENT: usize = 16;

const SEGMENT_MAGIC: [u8; 8] = *b"BASTLOG\x1a";
/// The first bytes of every frame.
pub(super) const FRAME_MAGIC: [u8; 4] = *b"FRAM";

/// The authentication tag of a frame or a segment header, which the next one repeats.
pub(super) type Tag = [u8; TAG_BYTES];

/// What a segment begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub version: u32,
    pub database: [u8; DATABASE_ID_BYTES],
    pub key_id: [u8; 8],
    pub salt: [u8; SALT_BYTES],
    pub first_commit: u64,
    pub created_ms: u64,
    pub previous: Tag,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; SEGMENT_HEADER_SIGNED_BYTES] {
        let mut writer = Writer {
            bytes: [0; SEGMENT_HEADER_SIGNED_BYTES],
            at: 0,
        };
        writer.put(&SEGMENT_MAGIC);
        writer.put(&self.version.to_le_bytes());
        writer.put(&(SEGMENT_HEADER_BYTES as u32).to_le_bytes());
        writer.put(&self.database);
        writer.put(&self.key_id);
        writer.put(&self.salt);
        writer.put(&self.first_commit.to_le_bytes());
        writer.put(&self.created_ms.to_le_bytes());
        writer.put(&self.previous);
        writer.bytes
    }

    /// Decodes a header; `None` if these bytes are none. The version is not looked at.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes.get(..SEGMENT_HEADER_SIGNED_BYTES)?);
        if reader.take::<8>()? != SEGMENT_MAGIC {
            return None;
        }
        let version = u32::from_le_bytes(reader.take()?);
        let _length = reader.take::<4>()?;
        Some(Self {
            version,
            database: reader.take()?,
            key_id: reader.take()?,
            salt: reader.take()?,
            first_commit: u64::from_le_bytes(reader.take()?),
            created_ms: u64::from_le_bytes(reader.take()?),
            previous: reader.take()?,
        })
    }
}

/// What a frame begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// The length of the sealed records without the tag, a multiple of [`FRAME_ALIGNMENT`].
    pub body_bytes: u32,
    /// The number in the segment, from 1; also the nonce.
    pub number: u64,
    pub first_commit: u64,
    pub record_count: u32,
    /// The tag of the frame before, or of the segment header.
    pub previous: Tag,
}

impl FrameHeader {
    pub(super) fn encode(&self) -> [u8; FRAME_HEADER_BYTES] {
        let mut writer = Writer {
            bytes: [0; FRAME_HEADER_BYTES],
            at: 0,
        };
        writer.put(&FRAME_MAGIC);
        writer.put(&self.body_bytes.to_le_bytes());
        writer.put(&self.number.to_le_bytes());
        writer.put(&self.first_commit.to_le_bytes());
        writer.put(&self.record_count.to_le_bytes());
        writer.put(&[0; 4]);
        writer.put(&self.previous);
        writer.bytes
    }

    /// Decodes a header; `None` if these bytes cannot be one.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes.get(..FRAME_HEADER_BYTES)?);
        if reader.take::<4>()? != FRAME_MAGIC {
            return None;
        }
        let body_bytes = u32::from_le_bytes(reader.take()?);
        let number = u64::from_le_bytes(reader.take()?);
        let first_commit = u64::from_le_bytes(reader.take()?);
        let record_count = u32::from_le_bytes(reader.take()?);
        let zeros = reader.take::<4>()?;
        let previous = reader.take()?;
        let possible = (body_bytes as usize).is_multiple_of(FRAME_ALIGNMENT) && record_count > 0 && zeros == [0; 4];
        possible.then_some(Self {
            body_bytes,
            number,
            first_commit,
            record_count,
            previous,
        })
    }

    /// The length of the whole frame.
    pub(super) fn frame_bytes(&self) -> u64 {
        frame_bytes(self.body_bytes as usize)
    }

    /// What the tag authenticates besides the records: the header and where the frame is in the file.
    pub(super) fn associated(&self, offset: u64) -> [u8; FRAME_HEADER_BYTES + 8] {
        let mut writer = Writer {
            bytes: [0; FRAME_HEADER_BYTES + 8],
            at: 0,
        };
        writer.put(&self.encode());
        writer.put(&offset.to_le_bytes());
        writer.bytes
    }
}

/// The length of a frame with so many bytes of records.
pub(super) fn frame_bytes(body_bytes: usize) -> u64 {
    (FRAME_HEADER_BYTES as u64)
        .saturating_add(body_bytes as u64)
        .saturating_add(TAG_BYTES as u64)
}

/// Appends a record to the body of a frame. The payload must be shorter than 4 GiB.
pub(super) fn put_record(body: &mut Vec<u8>, time_ms: u64, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    body.extend_from_slice(&length.to_le_bytes());
    body.extend_from_slice(&time_ms.to_le_bytes());
    body.extend_from_slice(payload);
}

/// Takes a record off the front of a body: its time and its payload.
pub(super) fn take_record<'a>(body: &mut &'a [u8]) -> Option<(u64, &'a [u8])> {
    let mut reader = Reader(body);
    let length = u32::from_le_bytes(reader.take()?);
    let time_ms = u64::from_le_bytes(reader.take()?);
    let (payload, rest) = reader.0.split_at_checked(length as usize)?;
    *body = rest;
    Some((time_ms, payload))
}

struct Writer<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Writer<N> {
    fn put(&mut self, part: &[u8]) {
        let end = self.at.saturating_add(part.len());
        if let Some(target) = self.bytes.get_mut(self.at..end) {
            target.copy_from_slice(part);
        }
        self.at = end;
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (part, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*part)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_read_back_as_written(records in prop::collection::vec((any::<u64>(), prop::collection::vec(any::<u8>(), 0..300)), 0..20)) {
            let mut body = Vec::new();
            for (time, payload) in &records {
                put_record(&mut body, *time, payload);
            }
            let mut rest = body.as_slice();
            for (time, payload) in &records {
                prop_assert_eq!(take_record(&mut rest), Some((*time, payload.as_slice())));
            }
            prop_assert!(rest.is_empty() && take_record(&mut rest).is_none());
        }

        #[test]
        fn frame_headers_read_back_as_written(blocks in 0_u32..1 << 27, number: u64, first_commit: u64, record_count in 1_u32.., previous: [u8; 16]) {
            let header = FrameHeader { body_bytes: blocks * 16, number, first_commit, record_count, previous };
            prop_assert_eq!(FrameHeader::decode(&header.encode()), Some(header));
        }

        #[test]
        fn segment_headers_read_back_as_written(database: [u8; 16], key_id: [u8; 8], salt: [u8; 32], first_commit: u64, created_ms: u64, previous: [u8; 16]) {
            let header = SegmentHeader { version: VERSION, database, key_id, salt, first_commit, created_ms, previous };
            prop_assert_eq!(SegmentHeader::decode(&header.encode()), Some(header));
        }

        #[test]
        fn any_bytes_decode_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (SegmentHeader::decode(&bytes), FrameHeader::decode(&bytes), take_record(&mut bytes.as_slice()));
        }
    }
}
