//! Opening a log: finding its end and proving that nothing before it is missing.
//!
//! Owns recovery and the judgement whether a bad end is what a crash leaves or damage. INVARIANT: a log that opens holds
//! every acknowledged commit that the mark knows of, without a gap, and ends at a whole frame. Must not know who waits.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::failure::{corrupt, io_error};
use super::flusher::Flusher;
use super::frames::{FrameReader, NoFrame};
use super::layout::{FRAME_ALIGNMENT, FRAME_MAGIC, FrameHeader, Tag};
use super::mark::Mark;
use super::records::LogRecords;
use super::segment::{STAGED_EXTENSION, SegmentWriter, Span, first_commit_of, segment_path};
use super::{CommitCallback, CommitLog, CommitTicket, LogError, LogOptions, TornTail};
use crate::cryptography::TAG_BYTES;
use crate::{CommitId, DatabaseKeys, FileSystem};

/// How much of an end is looked at in one read, in bytes.
const SCAN_BYTES: usize = 1 << 20;

/// What [`Log::open`] found.
#[derive(Debug)]
pub struct Recovery {
    /// The oldest commit in the log, if there is one.
    pub first_commit: Option<CommitId>,
    /// The newest commit in the log, or the one it was told to follow.
    pub last_commit: CommitId,
    /// What was cut off the end.
    pub torn_tail: Option<TornTail>,
}

/// The log in a local directory.
pub struct Log {
    flusher: Flusher,
    file_system: Arc<dyn FileSystem>,
    directory: PathBuf,
    keys: DatabaseKeys,
}

impl Log {
    /// Opens the log in `directory`, creating it if there is none. `after` is the commit that is known from elsewhere
    /// (the last checkpoint): an empty log begins after it, and a log with commits must reach it and begin no later
    /// than after it.
    ///
    /// # Errors
    /// Any [`LogError`] that keeps the log from being read to its end; nothing was changed then.
    pub fn open(
        file_system: Arc<dyn FileSystem>,
        directory: &Path,
        keys: &DatabaseKeys,
        after: CommitId,
        options: LogOptions,
    ) -> Result<(Self, Recovery), LogError> {
        file_system
            .create_directory(directory)
            .map_err(|source| io_error(directory, "be created", source))?;
        let files = file_system
            .list(directory)
            .map_err(|source| io_error(directory, "be listed", source))?;
        let (staged, files): (Vec<_>, Vec<_>) = files
            .into_iter()
            .partition(|file| file.extension().is_some_and(|name| name == STAGED_EXTENSION));
        let segments: Vec<_> = files
            .into_iter()
            .filter_map(|file| Some((first_commit_of(&file)?, file)))
            .collect();

        let mark = open_mark(file_system.as_ref(), directory, keys, segments.is_empty())?;
        let marked = mark.as_ref().map_or(CommitId::ZERO, Mark::commit);
        let found = Scan::run(file_system.as_ref(), directory, keys, after, marked, &segments)?;

        for file in staged {
            file_system
                .remove(&file)
                .map_err(|source| io_error(&file, "be removed", source))?;
        }
        found.cut_tail(file_system.as_ref(), directory)?;
        let mark = match mark {
            Some(mark) => mark,
            None => Mark::create(file_system.as_ref(), directory, keys, found.last)?,
        };
        let recovery = Recovery {
            first_commit: found.spans.first().map(|span| span.first),
            last_commit: found.last,
            torn_tail: found.torn_tail,
        };
        let queue_bytes_max = options.queue_bytes_max;
        let writer = SegmentWriter::new(
            Arc::clone(&file_system),
            directory.to_owned(),
            keys.clone(),
            options,
            found.chain,
            found.last.next(),
        );
        let flusher = Flusher::start(writer, mark, found.spans, found.time_ms, queue_bytes_max)?;
        Ok((
            Self {
                flusher,
                file_system,
                directory: directory.to_owned(),
                keys: keys.clone(),
            },
            recovery,
        ))
    }
}

fn open_mark(
    file_system: &dyn FileSystem,
    directory: &Path,
    keys: &DatabaseKeys,
    log_is_empty: bool,
) -> Result<Option<Mark>, LogError> {
    if Mark::exists(file_system, directory)? {
        return Mark::open(file_system, directory, keys).map(Some);
    }
    if log_is_empty {
        Ok(None)
    } else {
        Err(corrupt(&directory.join("mark"), 0, "the file is missing"))
    }
}

/// What the segments hold.
struct Scan {
    spans: Vec<Span>,
    last: CommitId,
    time_ms: u64,
    chain: Tag,
    torn_tail: Option<TornTail>,
    /// The last segment, if it must be cut or, for want of frames, removed.
    tail: Option<Span>,
}

impl Scan {
    fn run(
        file_system: &dyn FileSystem,
        directory: &Path,
        keys: &DatabaseKeys,
        after: CommitId,
        marked: CommitId,
        segments: &[(CommitId, PathBuf)],
    ) -> Result<Self, LogError> {
        let mut scan = Self {
            spans: Vec::new(),
            last: after,
            time_ms: 0,
            chain: Tag::default(),
            torn_tail: None,
            tail: None,
        };
        for (index, (first, path)) in segments.iter().enumerate() {
            if index == 0 && *first > after.next() {
                return Err(LogError::Removed { first: *first });
            }
            let expected = if index == 0 { *first } else { scan.last.next() };
            if *first > expected {
                return Err(LogError::MissingSegment {
                    commit: expected,
                    file: segment_path(directory, expected),
                });
            }
            let is_last = index.saturating_add(1) == segments.len();
            scan.read_segment(file_system, keys, path, *first, is_last, marked)?;
        }
        let needed = after.max(marked);
        if scan.last < needed {
            let commit = scan.last.next();
            let file = segment_path(directory, commit);
            return Err(match &scan.tail {
                Some(tail) => corrupt(&tail.path, tail.end, lost(commit, needed)),
                None => LogError::MissingSegment { commit, file },
            });
        }
        Ok(scan)
    }

    fn read_segment(
        &mut self,
        file_system: &dyn FileSystem,
        keys: &DatabaseKeys,
        path: &Path,
        first: CommitId,
        is_last: bool,
        marked: CommitId,
    ) -> Result<(), LogError> {
        let file = if is_last {
            file_system.open(path)
        } else {
            file_system.open_read_only(path)
        };
        let file = file.map_err(|source| io_error(path, "be opened", source))?;
        let length = file.length().map_err(|source| io_error(path, "be examined", source))?;
        let mut reader = FrameReader::open(file, path, keys)?;
        let follows = self.spans.is_empty() || (reader.header.previous == self.chain && first == self.last.next());
        if reader.header.first_commit != first.value() || !follows {
            return Err(corrupt(path, 0, "the segment does not follow the one before it"));
        }
        self.time_ms = self.time_ms.max(reader.header.created_ms);
        self.last = CommitId::new(first.value().saturating_sub(1));
        while reader.offset < length {
            let offset = reader.offset;
            match reader.next(path, length) {
                Ok(frame) => {
                    let time_ms = &mut self.time_ms;
                    let visited = frame.visit(|_, time, _| *time_ms = time.max(*time_ms));
                    visited.ok_or_else(|| corrupt(path, offset, "the records of a frame are not well-formed"))?;
                }
                Err(NoFrame::Failed(error)) => return Err(error),
                Err(NoFrame::Unreadable(fault)) if !is_last => return Err(corrupt(path, offset, fault)),
                Err(NoFrame::Unreadable(fault)) => {
                    self.torn_tail = judge_tail(&reader, path, length, fault)?;
                    break;
                }
            }
        }
        let has_frames = reader.number > 1;
        let span = Span {
            path: path.to_owned(),
            first,
            end: reader.offset,
        };
        if has_frames {
            self.last = CommitId::new(reader.next_commit.value().saturating_sub(1));
            self.chain = reader.chain;
            self.spans.push(span.clone());
        } else if !is_last {
            return Err(corrupt(
                path,
                reader.offset,
                "the segment is empty, but another follows it",
            ));
        }
        if is_last && (!has_frames || reader.offset < length) {
            if self.last < marked {
                return Err(corrupt(path, reader.offset, lost(self.last.next(), marked)));
            }
            self.tail = Some(span);
        }
        Ok(())
    }

    /// Ends the last segment at its last frame, or removes it if it has none.
    fn cut_tail(&self, file_system: &dyn FileSystem, directory: &Path) -> Result<(), LogError> {
        let Some(tail) = &self.tail else { return Ok(()) };
        let path = &tail.path;
        if self.spans.last().is_some_and(|span| span.path == *path) {
            let file = file_system
                .open(path)
                .map_err(|source| io_error(path, "be opened", source))?;
            file.set_length(tail.end)
                .map_err(|source| io_error(path, "be cut", source))?;
            return file.sync_all().map_err(|source| io_error(path, "be synced", source));
        }
        file_system
            .remove(path)
            .map_err(|source| io_error(path, "be removed", source))?;
        file_system
            .sync_directory(directory)
            .map_err(|source| io_error(path, "be removed durably", source))
    }
}

fn lost(first: CommitId, last: CommitId) -> String {
    format!("commits {first} to {last} were durable but cannot be read")
}

/// Decides what the bytes after the last readable frame of the last segment are: nothing but the zeros of the
/// preallocation, the rest of one frame that a crash interrupted (only the last frame can be, since each is synced
/// before the next is written), or damage, which shows by an authentic frame further on.
fn judge_tail(
    reader: &FrameReader,
    path: &Path,
    length: u64,
    fault: &'static str,
) -> Result<Option<TornTail>, LogError> {
    let start = reader.offset;
    let mut last_used = None;
    let mut window = vec![0_u8; SCAN_BYTES];
    let mut offset = start;
    while offset < length {
        let count = reader
            .file()
            .read_at(offset, &mut window)
            .map_err(|source| io_error(path, "be read", source))?;
        let bytes = window.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        if let Some(position) = bytes.iter().rposition(|byte| *byte != 0) {
            last_used = Some(offset.saturating_add(position as u64));
        }
        for (index, block) in bytes.chunks(FRAME_ALIGNMENT).enumerate() {
            let candidate = offset.saturating_add((index.saturating_mul(FRAME_ALIGNMENT)) as u64);
            if candidate > start && block.starts_with(&FRAME_MAGIC) && is_authentic(reader, candidate, length) {
                return Err(corrupt(path, start, fault));
            }
        }
        offset = offset.saturating_add(count as u64);
    }
    Ok(last_used.map(|last| TornTail {
        segment: path.to_owned(),
        offset: start,
        bytes: last.saturating_sub(start).saturating_add(1),
    }))
}

/// Whether there is a frame of this segment at the offset, whatever came before it.
fn is_authentic(reader: &FrameReader, offset: u64, length: u64) -> bool {
    let mut front = [0_u8; super::layout::FRAME_HEADER_BYTES];
    let read = reader.file().read_at(offset, &mut front).unwrap_or_default();
    let Some(header) = front.get(..read).and_then(FrameHeader::decode) else {
        return false;
    };
    if offset.saturating_add(header.frame_bytes()) > length {
        return false;
    }
    let mut sealed = vec![0_u8; (header.body_bytes as usize).saturating_add(TAG_BYTES)];
    let body_offset = offset.saturating_add(front.len() as u64);
    let whole = reader
        .file()
        .read_at(body_offset, &mut sealed)
        .is_ok_and(|count| count == sealed.len());
    whole
        && reader
            .key
            .open(header.number, &header.associated(offset), &mut sealed)
            .is_ok()
}

impl CommitLog for Log {
    fn append(&self, payload: &[u8]) -> Result<CommitTicket, LogError> {
        self.flusher.append(payload)
    }

    fn append_with(&self, payload: &[u8], answer: CommitCallback) -> Result<CommitId, LogError> {
        self.flusher.append_with(payload, answer)
    }

    fn durable_commit(&self) -> CommitId {
        self.flusher.durable_commit()
    }

    fn resume(&self) -> Result<CommitId, LogError> {
        self.flusher.resume()
    }

    fn records_from(&self, first: CommitId) -> Result<LogRecords, LogError> {
        let (spans, last) = self.flusher.durable_spans();
        let oldest = spans.first().map_or(last.next(), |span| span.first);
        if first < oldest {
            return Err(LogError::Removed { first: oldest });
        }
        Ok(LogRecords::new(
            Arc::clone(&self.file_system),
            self.keys.clone(),
            &spans,
            first,
            last,
        ))
    }

    fn remove_before(&self, first: CommitId) -> Result<(), LogError> {
        let removed = self.flusher.forget_spans_before(first);
        // Oldest first and one after the other, so that a crash in between leaves no gap.
        for span in &removed {
            let path = &span.path;
            match self.file_system.remove(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io_error(path, "be removed", error));
                }
                _ => {}
            }
            let synced = self.file_system.sync_directory(&self.directory);
            synced.map_err(|source| io_error(path, "be removed durably", source))?;
        }
        Ok(())
    }

    fn close(&self) -> Result<(), LogError> {
        self.flusher.close()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Log")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
