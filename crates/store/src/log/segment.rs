//! Writing frames to a segment.
//!
//! Owns the files that the log is appended to. INVARIANT: a file with a segment's name has a whole, durable header; a
//! frame is written only when all before it are durable; after a failed write the segment is cut to its last durable
//! frame and never written again, because its next nonce is used up. Must not know who waits.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::failure::io_error;
use super::layout::{
    FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FrameHeader, SEGMENT_HEADER_BYTES, SegmentHeader, Tag, VERSION, frame_bytes,
};
use super::{LogError, LogOptions};
use crate::cryptography::{SealingKey, random};
use crate::{CommitId, DatabaseKeys, File, FileKind, FileSystem};

/// The file name extension of segments.
pub(super) const EXTENSION: &str = "log";
/// The file name extension of what is not yet in place.
pub(super) const STAGED_EXTENSION: &str = "new";

/// Where the segment that begins with a commit is.
pub(super) fn segment_path(directory: &Path, first: CommitId) -> PathBuf {
    directory.join(format!("{:020}.{EXTENSION}", first.value()))
}

/// The commit that a segment begins with, by its name.
pub(super) fn first_commit_of(path: &Path) -> Option<CommitId> {
    if path.extension()?.to_str()? != EXTENSION {
        return None;
    }
    let digits = path.file_stem()?.to_str()?;
    let well_formed = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
    well_formed.then_some(CommitId::new(digits.parse().ok()?))
}

/// Records that are to be written as one frame: room for the header, then the records.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    record_count: u32,
}

impl Batch {
    pub(super) fn push(&mut self, time_ms: u64, payload: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes.resize(FRAME_HEADER_BYTES, 0);
        }
        super::layout::put_record(&mut self.bytes, time_ms, payload);
        self.record_count = self.record_count.saturating_add(1);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Empties the batch and keeps its memory, unless that is far above what is usual.
    pub(super) fn clear(&mut self, bytes_kept: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(bytes_kept);
        self.record_count = 0;
    }
}

/// Where a segment's durable frames are.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub path: PathBuf,
    pub first: CommitId,
    pub end: u64,
}

struct Active {
    file: Box<dyn File>,
    span: Span,
    key: SealingKey,
    allocated: u64,
    next_frame: u64,
    /// The tag that the next frame repeats: the header's, then that of the frame before.
    chain: Tag,
}

/// Appends frames, beginning a new segment where needed. Every opening of a log begins a new one.
pub(super) struct SegmentWriter {
    pub file_system: Arc<dyn FileSystem>,
    pub directory: PathBuf,
    pub keys: DatabaseKeys,
    pub options: LogOptions,
    /// The tag of the last durable frame.
    pub chain: Tag,
    /// The commit after the last durable one.
    pub next_commit: CommitId,
    active: Option<Active>,
}

impl SegmentWriter {
    pub(super) fn new(
        file_system: Arc<dyn FileSystem>,
        directory: PathBuf,
        keys: DatabaseKeys,
        options: LogOptions,
        chain: Tag,
        next_commit: CommitId,
    ) -> Self {
        Self {
            file_system,
            directory,
            keys,
            options,
            chain,
            next_commit,
            active: None,
        }
    }

    /// Writes a batch as one frame and syncs it; returns where the segment's durable frames are now.
    ///
    /// After [`LogError::Poisoned`] nothing may be written any more. After any other error nothing of the batch remains.
    pub(super) fn write(&mut self, batch: &mut Batch, time_ms: u64) -> Result<Span, LogError> {
        let body_bytes = batch
            .bytes
            .len()
            .saturating_sub(FRAME_HEADER_BYTES)
            .next_multiple_of(FRAME_ALIGNMENT);
        let needed = frame_bytes(body_bytes);
        let fits = |active: &Active| active.span.end.saturating_add(needed) <= active.allocated;
        if !self.active.as_ref().is_some_and(fits) {
            self.finish()?;
            self.active = Some(self.begin(needed, time_ms)?);
        }
        // The branch above left a segment in place; without one there is nothing to write to.
        let mut active = self.active.take().ok_or(LogError::Closed)?;
        let tag = match seal(&active, batch, body_bytes, self.next_commit) {
            Ok(tag) => tag,
            Err(error) => return cut(&active).and(Err(error)),
        };
        if let Err(source) = active.file.write_at(active.span.end, &batch.bytes) {
            let error = io_error(&active.span.path, "be written", source);
            return cut(&active).and(Err(error));
        }
        if let Err(source) = active.file.sync_data() {
            // What a failed sync left on the disk is unknown, so cutting it off is worth a try and no more.
            let _ = cut(&active);
            return Err(LogError::Poisoned {
                file: active.span.path,
                source: Arc::new(source),
            });
        }
        active.span.end = active.span.end.saturating_add(needed);
        active.next_frame = active.next_frame.saturating_add(1);
        active.chain = tag;
        self.chain = tag;
        self.next_commit = CommitId::new(self.next_commit.value().saturating_add(u64::from(batch.record_count)));
        let span = active.span.clone();
        self.active = Some(active);
        Ok(span)
    }

    /// Cuts the current segment to its frames and ends it.
    pub(super) fn finish(&mut self) -> Result<(), LogError> {
        self.active.take().map_or(Ok(()), |active| cut(&active))
    }

    fn begin(&self, frame_bytes: u64, time_ms: u64) -> Result<Active, LogError> {
        let path = segment_path(&self.directory, self.next_commit);
        let staged = path.with_extension(STAGED_EXTENSION);
        let begun = self.begin_at(&path, &staged, frame_bytes, time_ms);
        if begun.is_err() {
            // Give the room back at once; what cannot be removed now is removed when the log is opened.
            let _ = self.file_system.remove(&staged);
        }
        begun
    }

    fn begin_at(&self, path: &Path, staged: &Path, frame_bytes: u64, time_ms: u64) -> Result<Active, LogError> {
        let file_system = &self.file_system;
        if file_system
            .exists(staged)
            .map_err(|source| io_error(staged, "be looked for", source))?
        {
            file_system
                .remove(staged)
                .map_err(|source| io_error(staged, "be removed", source))?;
        }
        let header = SegmentHeader {
            version: VERSION,
            database: self.keys.database_id(),
            key_id: self.keys.key_id().bytes(),
            salt: random().map_err(|_| LogError::Encryption)?,
            first_commit: self.next_commit.value(),
            created_ms: time_ms,
            previous: self.chain,
        };
        let key = self.keys.segment_key(&header.salt).map_err(|_| LogError::Encryption)?;
        let mut bytes = header.encode().to_vec();
        let tag = key.seal(0, &bytes, &mut []).map_err(|_| LogError::Encryption)?;
        bytes.extend_from_slice(&tag);

        let allocated = self
            .options
            .segment_bytes
            .max(frame_bytes.saturating_add(SEGMENT_HEADER_BYTES as u64));
        let file = file_system
            .create(staged, FileKind::Data)
            .map_err(|source| io_error(staged, "be created", source))?;
        file.allocate(allocated)
            .map_err(|source| io_error(staged, "be given room", source))?;
        file.write_at(0, &bytes)
            .map_err(|source| io_error(staged, "be written", source))?;
        file.sync_all()
            .map_err(|source| io_error(staged, "be synced", source))?;
        file_system
            .rename(staged, path)
            .map_err(|source| io_error(path, "be renamed", source))?;
        file_system
            .sync_directory(&self.directory)
            .map_err(|source| io_error(path, "be made durable", source))?;
        let span = Span {
            path: path.to_owned(),
            first: self.next_commit,
            end: SEGMENT_HEADER_BYTES as u64,
        };
        Ok(Active {
            file,
            span,
            key,
            allocated,
            next_frame: 1,
            chain: tag,
        })
    }
}

/// Seals a batch where it is: header, records, padding, tag.
fn seal(active: &Active, batch: &mut Batch, body_bytes: usize, first_commit: CommitId) -> Result<Tag, LogError> {
    batch.bytes.resize(FRAME_HEADER_BYTES.saturating_add(body_bytes), 0);
    let header = FrameHeader {
        body_bytes: u32::try_from(body_bytes).map_err(|_| LogError::Encryption)?,
        number: active.next_frame,
        first_commit: first_commit.value(),
        record_count: batch.record_count,
        previous: active.chain,
    };
    let (front, body) = batch
        .bytes
        .split_at_mut_checked(FRAME_HEADER_BYTES)
        .ok_or(LogError::Encryption)?;
    front.copy_from_slice(&header.encode());
    let tag = active
        .key
        .seal(header.number, &header.associated(active.span.end), body)
        .map_err(|_| LogError::Encryption)?;
    batch.bytes.extend_from_slice(&tag);
    Ok(tag)
}

/// Cuts a segment to its durable frames, durably. If that fails, the log must not go on.
fn cut(active: &Active) -> Result<(), LogError> {
    let poisoned = |source| LogError::Poisoned {
        file: active.span.path.clone(),
        source: Arc::new(source),
    };
    active.file.set_length(active.span.end).map_err(poisoned)?;
    active.file.sync_all().map_err(poisoned)
}
