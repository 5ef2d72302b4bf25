//! Reading frames from a segment.
//!
//! Owns the check that a frame is the one that belongs there. INVARIANT: records are handed out only from a frame that
//! is authentic, in its place, and follows the frame before it. Must not know which segment follows which.

use std::path::Path;

use super::LogError;
use super::failure::{corrupt, io_error};
use super::layout::{FRAME_HEADER_BYTES, FrameHeader, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_SIGNED_BYTES};
use super::layout::{SegmentHeader, Tag, VERSION, take_record};
use crate::cryptography::{SealingKey, TAG_BYTES};
use crate::{CommitId, DatabaseKeys, File};

/// A segment that is being read, frame after frame.
pub(super) struct FrameReader {
    file: Box<dyn File>,
    pub key: SealingKey,
    pub header: SegmentHeader,
    /// Where the next frame begins.
    pub offset: u64,
    /// The number that the next frame must have.
    pub number: u64,
    /// The tag that the next frame must repeat.
    pub chain: Tag,
    /// The commit that the next frame must begin with.
    pub next_commit: CommitId,
    buffer: Vec<u8>,
}

/// Why there is no frame at the offset.
pub(super) enum NoFrame {
    /// The bytes there are no authentic frame, for this reason.
    Unreadable(&'static str),
    /// There is an authentic frame that does not belong there, or the file cannot be read.
    Failed(LogError),
}

impl FrameReader {
    /// Reads and checks the header of a segment.
    pub(super) fn open(file: Box<dyn File>, path: &Path, keys: &DatabaseKeys) -> Result<Self, LogError> {
        let mut bytes = [0_u8; SEGMENT_HEADER_BYTES];
        let length = file
            .read_at(0, &mut bytes)
            .map_err(|source| io_error(path, "be read", source))?;
        if length < SEGMENT_HEADER_BYTES {
            return Err(corrupt(path, length as u64, "it ends within its header"));
        }
        let header = SegmentHeader::decode(&bytes).ok_or_else(|| corrupt(path, 0, "it is not a log segment"))?;
        if header.version != VERSION {
            return Err(LogError::UnknownVersion {
                file: path.into(),
                found: header.version,
                supported: VERSION,
            });
        }
        if header.database != keys.database_id() || header.key_id != keys.key_id().bytes() {
            return Err(LogError::ForeignSegment { file: path.into() });
        }
        let key = keys.segment_key(&header.salt).map_err(|_| LogError::Encryption)?;
        let not_authentic = || corrupt(path, 0, "its header is not authentic");
        let (signed, tag) = bytes
            .split_first_chunk_mut::<SEGMENT_HEADER_SIGNED_BYTES>()
            .ok_or_else(not_authentic)?;
        let chain = Tag::try_from(&*tag).map_err(|_| not_authentic())?;
        key.open(0, signed, tag).map_err(|_| not_authentic())?;
        let next_commit = CommitId::new(header.first_commit);
        let offset = SEGMENT_HEADER_BYTES as u64;
        Ok(Self {
            file,
            key,
            header,
            offset,
            number: 1,
            chain,
            next_commit,
            buffer: Vec::new(),
        })
    }

    pub(super) fn file(&self) -> &dyn File {
        self.file.as_ref()
    }

    /// Reads the frame at the current offset, which must end by `end`, and moves past it.
    pub(super) fn next(&mut self, path: &Path, end: u64) -> Result<Frame<'_>, NoFrame> {
        let failed = |source| NoFrame::Failed(io_error(path, "be read", source));
        let mut bytes = [0_u8; FRAME_HEADER_BYTES];
        let length = self.file.read_at(self.offset, &mut bytes).map_err(failed)?;
        let header = bytes.get(..length).and_then(FrameHeader::decode);
        let header = header.ok_or(NoFrame::Unreadable("there is no frame header"))?;
        let frame_end = self.offset.saturating_add(header.frame_bytes());
        if frame_end > end {
            return Err(NoFrame::Unreadable("a frame is longer than the file"));
        }
        let sealed_bytes = (header.body_bytes as usize).saturating_add(TAG_BYTES);
        self.buffer.resize(sealed_bytes, 0);
        let body_offset = self.offset.saturating_add(FRAME_HEADER_BYTES as u64);
        if self.file.read_at(body_offset, &mut self.buffer).map_err(failed)? < sealed_bytes {
            return Err(NoFrame::Unreadable("a frame is longer than the file"));
        }
        let tag = self.buffer.last_chunk::<TAG_BYTES>().copied().unwrap_or_default();
        let body = self
            .key
            .open(header.number, &header.associated(self.offset), &mut self.buffer)
            .map_err(|_| NoFrame::Unreadable("a frame is not authentic"))?;
        let expected = (self.number, self.next_commit.value(), self.chain);
        if (header.number, header.first_commit, header.previous) != expected {
            let fault = "a frame does not follow the one before it";
            return Err(NoFrame::Failed(corrupt(path, self.offset, fault)));
        }
        let first_commit = self.next_commit;
        self.offset = frame_end;
        self.number = self.number.saturating_add(1);
        self.chain = tag;
        self.next_commit = CommitId::new(first_commit.value().saturating_add(u64::from(header.record_count)));
        Ok(Frame {
            first_commit,
            record_count: header.record_count,
            body,
        })
    }
}

/// The records of a frame, decrypted.
pub(super) struct Frame<'a> {
    pub first_commit: CommitId,
    pub record_count: u32,
    body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Calls `visit` with each record's commit, time and payload; `None` if the records are not well-formed.
    pub(super) fn visit(&self, mut visit: impl FnMut(CommitId, u64, &'a [u8])) -> Option<()> {
        let (mut body, mut commit) = (self.body, self.first_commit);
        for _ in 0..self.record_count {
            let (time_ms, payload) = take_record(&mut body)?;
            visit(commit, time_ms, payload);
            commit = commit.next();
        }
        body.iter().all(|byte| *byte == 0).then_some(())
    }
}
