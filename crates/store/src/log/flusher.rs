//! Group commit: one thread writes what the others queue.
//!
//! Owns the queue, its numbering and the thread. INVARIANT: commits are written in the order of their numbers; whatever
//! queues up during a sync goes out with the next one; after a failed write every commit that was queued behind it fails
//! as well, and none is accepted until the owner resumes. Must not know the layout of files.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use super::mark::Mark;
use super::segment::{Batch, SegmentWriter, Span};
use super::{CommitCallback, CommitTicket, Durable, LogError};
use crate::CommitId;

/// How much memory of a batch is kept for the next one, in bytes.
const BATCH_BYTES_KEPT: usize = 4 << 20;
/// No payload may be longer, whatever the options say: lengths are written in 32 bits.
const PAYLOAD_BYTES_MAX: usize = 1 << 30;

enum Waiter {
    Ticket(oneshot::Sender<Result<(), LogError>>),
    Callback(Durable, CommitCallback),
}

impl Waiter {
    fn answer(self, result: Result<(), LogError>) {
        match self {
            // Nobody need wait for a commit.
            Self::Ticket(sender) => drop(sender.send(result)),
            Self::Callback(durable, callback) => callback(result.map(|()| durable)),
        }
    }
}

enum Status {
    Running,
    Suspended(Arc<LogError>),
    Poisoned(LogError),
    Closed,
}

struct State {
    status: Status,
    next_commit: CommitId,
    durable: CommitId,
    time_ms: u64,
    batch: Batch,
    waiters: Vec<Waiter>,
    spans: Vec<Span>,
    /// Whether failed commits are still being answered.
    answering: bool,
    /// Why the last commits before closing failed.
    last_error: Option<LogError>,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    room: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The queue in front of a segment writer, and the thread between them.
pub(super) struct Flusher {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    payload_bytes_max: usize,
    queue_bytes_max: usize,
}

impl Flusher {
    pub(super) fn start(
        writer: SegmentWriter,
        mark: Mark,
        spans: Vec<Span>,
        time_ms: u64,
        queue_bytes_max: usize,
    ) -> Result<Self, LogError> {
        let state = State {
            status: Status::Running,
            next_commit: writer.next_commit,
            durable: CommitId::new(writer.next_commit.value().saturating_sub(1)),
            time_ms,
            batch: Batch::default(),
            waiters: Vec::new(),
            spans,
            answering: false,
            last_error: None,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            room: Condvar::new(),
        });
        let payload_bytes_max = writer.options.payload_bytes_max.min(PAYLOAD_BYTES_MAX);
        let directory = writer.directory.clone();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("log-flusher".to_owned())
            .spawn(move || {
                Worker {
                    shared: for_thread,
                    writer,
                    mark,
                }
                .run()
            })
            .map_err(|source| super::failure::io_error(&directory, "be given a thread", source))?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
            payload_bytes_max,
            queue_bytes_max,
        })
    }

    pub(super) fn append(&self, payload: &[u8]) -> Result<CommitTicket, LogError> {
        self.queue(payload, |durable| {
            let (ticket, sender) = CommitTicket::new(durable);
            (ticket, Waiter::Ticket(sender))
        })
    }

    pub(super) fn append_with(&self, payload: &[u8], callback: CommitCallback) -> Result<CommitId, LogError> {
        self.queue(payload, |durable| {
            (durable.commit_id, Waiter::Callback(durable, callback))
        })
    }

    fn queue<T>(&self, payload: &[u8], waiter: impl FnOnce(Durable) -> (T, Waiter)) -> Result<T, LogError> {
        if payload.len() > self.payload_bytes_max {
            return Err(LogError::PayloadTooLarge {
                bytes: payload.len(),
                limit: self.payload_bytes_max,
            });
        }
        let mut state = self.shared.lock();
        loop {
            state.accepts()?;
            let queued = state.batch.bytes();
            if queued == 0 || queued.saturating_add(payload.len()) <= self.queue_bytes_max {
                break;
            }
            state = self.shared.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        state.time_ms = state.time_ms.max(u64::try_from(now).unwrap_or(u64::MAX));
        let durable = Durable {
            commit_id: state.next_commit,
            time_ms: state.time_ms,
        };
        state.next_commit = state.next_commit.next();
        let time_ms = state.time_ms;
        state.batch.push(time_ms, payload);
        let (handle, waiter) = waiter(durable);
        state.waiters.push(waiter);
        if state.waiters.len() == 1 {
            self.shared.work.notify_one();
        }
        Ok(handle)
    }

    pub(super) fn durable_commit(&self) -> CommitId {
        self.shared.lock().durable
    }

    pub(super) fn durable_spans(&self) -> (Vec<Span>, CommitId) {
        let state = self.shared.lock();
        (state.spans.clone(), state.durable)
    }

    /// Takes out the segments that end before `first`, but never the newest, which proves where the log ends.
    pub(super) fn forget_spans_before(&self, first: CommitId) -> Vec<Span> {
        let mut state = self.shared.lock();
        let kept_from = state
            .spans
            .partition_point(|span| span.first <= first)
            .saturating_sub(1);
        state.spans.drain(..kept_from).collect()
    }

    pub(super) fn resume(&self) -> Result<CommitId, LogError> {
        let mut state = self.shared.lock();
        while state.answering {
            state = self.shared.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if let Status::Suspended(_) = state.status {
            state.status = Status::Running;
            state.last_error = None;
        }
        state.accepts().map(|()| state.durable)
    }

    pub(super) fn close(&self) -> Result<(), LogError> {
        {
            let mut state = self.shared.lock();
            state.status = Status::Closed;
            self.shared.work.notify_all();
            self.shared.room.notify_all();
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            return Err(LogError::Closed);
        }
        self.shared.lock().last_error.clone().map_or(Ok(()), Err)
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        // Whoever wanted to know the outcome has called `close`.
        let _ = self.close();
    }
}

impl State {
    fn accepts(&self) -> Result<(), LogError> {
        match &self.status {
            Status::Running => Ok(()),
            Status::Suspended(cause) => Err(LogError::Suspended {
                cause: Arc::clone(cause),
            }),
            Status::Poisoned(error) => Err(error.clone()),
            Status::Closed => Err(LogError::Closed),
        }
    }
}

struct Worker {
    shared: Arc<Shared>,
    writer: SegmentWriter,
    mark: Mark,
}

impl Worker {
    fn run(mut self) {
        let mut batch = Batch::default();
        while let Some((waiters, last, time_ms)) = self.take(&mut batch) {
            let result = self.writer.write(&mut batch, time_ms);
            batch.clear(BATCH_BYTES_KEPT);
            match result {
                Ok(span) => self.succeeded(span, last, waiters),
                Err(error) => self.failed(&error, waiters),
            }
        }
        let ended = self.end();
        let mut state = self.shared.lock();
        if state.last_error.is_none() {
            state.last_error = ended.err();
        }
    }

    /// Waits for commits and takes all that are queued; `None` once the log is closed and nothing is left.
    fn take(&self, batch: &mut Batch) -> Option<(Vec<Waiter>, CommitId, u64)> {
        let mut state = self.shared.lock();
        while state.batch.is_empty() {
            if matches!(state.status, Status::Closed | Status::Poisoned(_)) {
                return None;
            }
            state = self.shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(batch, &mut state.batch);
        let waiters = std::mem::take(&mut state.waiters);
        let last = CommitId::new(state.next_commit.value().saturating_sub(1));
        self.shared.room.notify_all();
        Some((waiters, last, state.time_ms))
    }

    fn succeeded(&mut self, span: Span, last: CommitId, waiters: Vec<Waiter>) {
        {
            let mut state = self.shared.lock();
            state.durable = last;
            match state.spans.last_mut().filter(|newest| newest.path == span.path) {
                Some(newest) => *newest = span,
                None => state.spans.push(span),
            }
        }
        if let Err(error) = self.mark.write(last) {
            tracing::warn!(file = %self.mark.path().display(), %error, "the mark of the log could not be moved");
        }
        for waiter in waiters {
            waiter.answer(Ok(()));
        }
    }

    fn failed(&self, error: &LogError, waiters: Vec<Waiter>) {
        let followers = {
            let mut state = self.shared.lock();
            state.next_commit = state.durable.next();
            state.batch.clear(BATCH_BYTES_KEPT);
            state.last_error = Some(error.clone());
            state.answering = true;
            let closed = matches!(state.status, Status::Closed);
            match error {
                _ if closed => {}
                LogError::Poisoned { .. } => state.status = Status::Poisoned(error.clone()),
                _ => state.status = Status::Suspended(Arc::new(error.clone())),
            }
            self.shared.room.notify_all();
            std::mem::take(&mut state.waiters)
        };
        for waiter in waiters.into_iter().chain(followers) {
            waiter.answer(Err(error.clone()));
        }
        self.shared.lock().answering = false;
        self.shared.room.notify_all();
    }

    fn end(&mut self) -> Result<(), LogError> {
        self.writer.finish()?;
        self.mark.sync()
    }
}
