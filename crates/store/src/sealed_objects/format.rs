//! The bytes of a sealed object.
//!
//! Owns the sizes and the sealing of frames. INVARIANT: the sealed length determines the plain length, each frame is
//! bound to its object, its index and whether it is the last, and an object's key is used for that object only. Must not
//! know where objects are kept.

use std::ops::Range;

use crate::DatabaseKeys;
use crate::cryptography::{SALT_BYTES, SealingKey, TAG_BYTES, random};

/// The length of an object's header, in bytes.
pub(super) const HEADER_BYTES: u64 = 64;
/// The plain bytes of each frame but the last, which may be shorter.
pub(super) const FRAME_BYTES: u64 = 4096;
/// The sealed bytes of each frame but the last.
const SEALED_FRAME_BYTES: u64 = FRAME_BYTES + TAG_BYTES as u64;
const MAGIC: [u8; 8] = *b"BASTOBJ\x1a";
const VERSION: u32 = 1;
/// The header: magic, version, frame size, database id is in the key, key id, salt, eight zero bytes.
const SALT_OFFSET: usize = 24;

/// What is wrong with an object.
pub(super) type Fault = &'static str;

/// The length of the sealed form of `plain` bytes.
#[cfg(test)]
pub(super) fn sealed_bytes(plain: u64) -> u64 {
    HEADER_BYTES + plain + frame_count(plain) * TAG_BYTES as u64
}

/// The length of what a sealed object of `sealed` bytes holds.
pub(super) fn plain_bytes(sealed: u64) -> Result<u64, Fault> {
    const TAG: u64 = TAG_BYTES as u64;
    let fault = "its length is not that of a sealed object";
    let body = sealed.checked_sub(HEADER_BYTES).ok_or(fault)?;
    let frames = body.div_ceil(SEALED_FRAME_BYTES);
    let rest = body
        .checked_sub(frames.saturating_sub(1).saturating_mul(SEALED_FRAME_BYTES))
        .ok_or(fault)?;
    if rest < TAG || (frames > 1 && rest == TAG) {
        return Err(fault);
    }
    Ok(body.saturating_sub(frames.saturating_mul(TAG)))
}

/// How many frames hold `plain` bytes; an empty object has one.
pub(super) fn frame_count(plain: u64) -> u64 {
    plain.div_ceil(FRAME_BYTES).max(1)
}

/// The frames that hold a range of plain bytes.
pub(super) fn frames_of(range: &Range<u64>) -> Range<u64> {
    let first = range.start / FRAME_BYTES;
    first..range.end.div_ceil(FRAME_BYTES).max(first.saturating_add(1))
}

/// Where frames are in a sealed object of `sealed` bytes.
pub(super) fn sealed_range(frames: &Range<u64>, sealed: u64) -> Range<u64> {
    let at = |index: u64| {
        HEADER_BYTES
            .saturating_add(index.saturating_mul(SEALED_FRAME_BYTES))
            .min(sealed)
    };
    at(frames.start)..at(frames.end)
}

fn associated(index: u64, is_last: bool) -> [u8; 9] {
    let mut bytes = [u8::from(is_last); 9];
    if let Some(front) = bytes.first_chunk_mut::<8>() {
        *front = index.to_le_bytes();
    }
    bytes
}

/// Seals one object from its beginning to its end.
pub(super) struct Sealer {
    key: SealingKey,
    pending: Vec<u8>,
    next_frame: u64,
    header: Option<[u8; HEADER_BYTES as usize]>,
}

impl Sealer {
    pub(super) fn new(keys: &DatabaseKeys, path: &str) -> Result<Self, Fault> {
        let salt: [u8; SALT_BYTES] = random().map_err(|_| "there is no randomness")?;
        let key = keys.object_key(&salt, path).map_err(|_| "its key cannot be derived")?;
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(FRAME_BYTES as u32).to_le_bytes());
        bytes.extend_from_slice(&keys.key_id().bytes());
        bytes.extend_from_slice(&salt);
        bytes.resize(HEADER_BYTES as usize, 0);
        let header = bytes.try_into().map_err(|_| "its header cannot be made")?;
        Ok(Self {
            key,
            pending: Vec::new(),
            next_frame: 0,
            header: Some(header),
        })
    }

    /// Takes plain bytes and appends to `sealed` those frames that are certain not to be the last.
    pub(super) fn push(&mut self, plain: &[u8], sealed: &mut Vec<u8>) -> Result<(), Fault> {
        self.put_header(sealed);
        let mut rest = plain;
        while !rest.is_empty() {
            if self.pending.len() as u64 == FRAME_BYTES {
                self.seal_frame(false, sealed)?;
            }
            let room = (FRAME_BYTES as usize).saturating_sub(self.pending.len());
            let (part, after) = rest.split_at(rest.len().min(room));
            self.pending.extend_from_slice(part);
            rest = after;
        }
        Ok(())
    }

    /// Appends the last frame.
    pub(super) fn finish(&mut self, sealed: &mut Vec<u8>) -> Result<(), Fault> {
        self.put_header(sealed);
        self.seal_frame(true, sealed)
    }

    fn put_header(&mut self, sealed: &mut Vec<u8>) {
        if let Some(header) = self.header.take() {
            sealed.extend_from_slice(&header);
        }
    }

    fn seal_frame(&mut self, is_last: bool, sealed: &mut Vec<u8>) -> Result<(), Fault> {
        let index = self.next_frame;
        let tag = self
            .key
            .seal(index, &associated(index, is_last), &mut self.pending)
            .map_err(|_| "it cannot be sealed")?;
        sealed.extend_from_slice(&self.pending);
        sealed.extend_from_slice(&tag);
        self.pending.clear();
        self.next_frame = index.saturating_add(1);
        Ok(())
    }
}

/// Opens frames of one object.
pub(super) struct Opener(SealingKey);

impl Opener {
    /// Reads the header of the object at `path`.
    pub(super) fn new(keys: &DatabaseKeys, path: &str, header: &[u8]) -> Result<Self, Fault> {
        let key_id = keys.key_id().bytes();
        let mut expected = Vec::with_capacity(SALT_OFFSET);
        expected.extend_from_slice(&MAGIC);
        expected.extend_from_slice(&VERSION.to_le_bytes());
        expected.extend_from_slice(&(FRAME_BYTES as u32).to_le_bytes());
        let rest = header
            .strip_prefix(expected.as_slice())
            .ok_or("it is not a sealed object of this version")?;
        let rest = rest
            .strip_prefix(key_id.as_slice())
            .ok_or("it is sealed with another key")?;
        let (salt, zeros) = rest.split_first_chunk::<SALT_BYTES>().ok_or("its header is cut off")?;
        if zeros != [0; 8] {
            return Err("its header is not authentic");
        }
        keys.object_key(salt, path)
            .map(Self)
            .map_err(|_| "its key cannot be derived")
    }

    /// Opens consecutive frames from number `first`, of an object with `count` frames, and appends their plain bytes.
    pub(super) fn open(&self, first: u64, count: u64, sealed: &[u8], plain: &mut Vec<u8>) -> Result<(), Fault> {
        let mut scratch = Vec::with_capacity(SEALED_FRAME_BYTES as usize);
        for (frame, index) in sealed.chunks(SEALED_FRAME_BYTES as usize).zip(first..) {
            scratch.clear();
            scratch.extend_from_slice(frame);
            let is_last = index.saturating_add(1) == count;
            let opened = self.0.open(index, &associated(index, is_last), &mut scratch);
            plain.extend_from_slice(opened.map_err(|_| "a part of it is not authentic")?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_sealed_length_tells_the_plain_length(plain in 0_u64..1 << 40) {
            prop_assert_eq!(plain_bytes(sealed_bytes(plain)), Ok(plain));
        }
    }

    #[test]
    fn frame_borders_tell_the_plain_length() {
        for plain in [0, 1, 4095, 4096, 4097, 8191, 8192, 8193] {
            assert_eq!(plain_bytes(sealed_bytes(plain)), Ok(plain));
        }
        for sealed in [0, 63, 64, 79, 64 + 4112 + 16, 64 + 4112 + 1] {
            assert!(plain_bytes(sealed).is_err(), "{sealed}");
        }
    }
}
