//! Reading the log in order of its commits.
//!
//! Owns the iteration over segments that are not written any more or only beyond a known end. INVARIANT: it gives every
//! record from the first wanted to the last, each once, or an error. Must not write.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::failure::{corrupt, io_error};
use super::frames::{FrameReader, NoFrame};
use super::segment::Span;
use super::{LogError, LogRecord};
use crate::{CommitId, DatabaseKeys, FileSystem};

/// The durable records of a log in order of their commits. After an error it ends. Blocks on the disk.
pub struct LogRecords {
    file_system: Arc<dyn FileSystem>,
    keys: DatabaseKeys,
    segments: VecDeque<Span>,
    current: Option<(Span, FrameReader)>,
    ready: VecDeque<LogRecord>,
    next: CommitId,
    last: CommitId,
}

impl LogRecords {
    pub(super) fn new(
        file_system: Arc<dyn FileSystem>,
        keys: DatabaseKeys,
        spans: &[Span],
        first: CommitId,
        last: CommitId,
    ) -> Self {
        // The segment that holds `first` is the last one that begins no later.
        let skipped = spans.partition_point(|span| span.first <= first).saturating_sub(1);
        let segments = spans.iter().skip(skipped).cloned().collect();
        Self {
            file_system,
            keys,
            segments,
            current: None,
            ready: VecDeque::new(),
            next: first,
            last,
        }
    }

    fn read_on(&mut self) -> Result<(), LogError> {
        loop {
            if let Some((span, reader)) = &mut self.current {
                if reader.offset < span.end {
                    return read_frame(span, reader, self.next, &mut self.ready);
                }
                self.current = None;
            }
            let missing = || LogError::MissingSegment {
                commit: self.next,
                file: Default::default(),
            };
            let span = self.segments.pop_front().ok_or_else(missing)?;
            let file = match self.file_system.open_read_only(&span.path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(LogError::MissingSegment {
                        commit: span.first,
                        file: span.path,
                    });
                }
                result => result.map_err(|source| io_error(&span.path, "be opened", source))?,
            };
            let reader = FrameReader::open(file, &span.path, &self.keys)?;
            self.current = Some((span, reader));
        }
    }
}

fn read_frame(
    span: &Span,
    reader: &mut FrameReader,
    wanted: CommitId,
    ready: &mut VecDeque<LogRecord>,
) -> Result<(), LogError> {
    let offset = reader.offset;
    let frame = match reader.next(&span.path, span.end) {
        Ok(frame) => frame,
        Err(NoFrame::Failed(error)) => return Err(error),
        Err(NoFrame::Unreadable(fault)) => return Err(corrupt(&span.path, offset, fault)),
    };
    let visited = frame.visit(|commit_id, time_ms, payload| {
        if commit_id >= wanted {
            ready.push_back(LogRecord {
                commit_id,
                time_ms,
                payload: payload.to_vec(),
            });
        }
    });
    visited.ok_or_else(|| corrupt(&span.path, offset, "the records of a frame are not well-formed"))
}

impl Iterator for LogRecords {
    type Item = Result<LogRecord, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next > self.last {
            return None;
        }
        while self.ready.is_empty() {
            if let Err(error) = self.read_on() {
                self.next = self.last.next();
                return Some(Err(error));
            }
        }
        let record = self.ready.pop_front()?;
        self.next = record.commit_id.next();
        Some(Ok(record))
    }
}

impl fmt::Debug for LogRecords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LogRecords")
            .field("next", &self.next)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
