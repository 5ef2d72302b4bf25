//! The sink: one writer thread, a bounded queue, batches that are synced together.
//!
//! INVARIANT: a receipt is fulfilled only once the record is on disk; when the queue is full callers wait; a failed write
//! leaves the file as it was before and is told to everybody waiting, and the number of lost deferred events is recorded
//! as soon as the log works again. After a failed sync nothing is written any more, since what is on disk is unknown.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::chain::Position;
use crate::event::{Action, Event, Outcome};
use crate::line::write_line;

mod file;

use file::{Opened, Storage, open};

/// Events waiting for the writer; a full queue makes callers wait.
const QUEUE_EVENTS_MAX: usize = 1024;
/// Events written and synced together.
const BATCH_EVENTS_MAX: usize = 256;
/// How long deferred events may stay unsynced.
const DEFERRED_SYNC_AFTER: Duration = Duration::from_secs(1);
/// How long a deferred event waits for others to be written with it: a wake-up and a write for each would cost a login more than
/// all else that is done for it after the handshake. Whoever waits for durability ends this at once.
const GATHERING_TIME: Duration = Duration::from_millis(5);

/// Why the audit log cannot be opened or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuditError {
    /// The operating system refused.
    #[error("cannot use the audit log `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// A file that others may write proves nothing.
    #[error("`{}` has mode {mode:04o}, so others can write it: run `chmod 600` on it", path.display())]
    WritableByOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is a link, folder or device.
    #[error("`{}` is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Another process writes it.
    #[error("`{}` is in use by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The log does not reach the record its head file names, or is damaged where it was already durable.
    #[error(
        "the audit log `{}` was altered ({reason}): look into it with `bastide admin audit verify`, then move the log and \
         its head file aside to start a new one", path.display()
    )]
    Altered {
        /// The log.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A sync failed earlier, or the writer is gone.
    #[error("the audit log is closed after an earlier failure")]
    Closed,
}

impl AuditError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }
}

/// The open audit log. Dropping it writes and syncs what is queued.
pub struct AuditLog {
    sender: Option<SyncSender<Request>>,
    healthy: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
}

struct Request {
    event: Event,
    /// Present if somebody waits for durability.
    promise: Option<Promise>,
}

impl AuditLog {
    /// Opens or creates the log in `directory` and continues its chain. An unfinished record at the end, left by a crash,
    /// is put into a file of its own and the repair recorded.
    pub fn open(directory: &Path) -> Result<Self, AuditError> {
        let Opened {
            storage,
            position,
            recovery,
        } = open(directory)?;
        let log = Self::start(Writer {
            storage,
            position,
            written: position,
            lost: 0,
            broken: None,
            unsynced_since: None,
            healthy: Arc::new(AtomicBool::new(true)),
        })?;
        if let Some(event) = recovery {
            log.record(event)?;
        }
        Ok(log)
    }

    fn start<S: Storage + 'static>(writer: Writer<S>) -> Result<Self, AuditError> {
        let (sender, receiver) = sync_channel(QUEUE_EVENTS_MAX);
        let healthy = writer.healthy.clone();
        let path = writer.storage.path().to_owned();
        let writer = std::thread::Builder::new()
            .name("audit-log".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(|error| AuditError::io(&path, error))?;
        Ok(Self {
            sender: Some(sender),
            healthy,
            writer: Some(writer),
        })
    }

    /// Hands over a security event. The receipt, a future that can also be waited for, is fulfilled once it is durable.
    /// Waits if the queue is full.
    pub fn submit(&self, event: Event) -> Receipt {
        let promise = Promise(Arc::default());
        let receipt = Receipt(promise.0.clone());
        // A failed send drops the promise, which tells the receipt.
        let _ = self.send(Request {
            event,
            promise: Some(promise),
        });
        self.hurry();
        receipt
    }

    /// Records a security event and returns when it is durable. Blocks for a sync: not for asynchronous threads, which
    /// await [`submit`](Self::submit).
    pub fn record(&self, event: Event) -> Result<(), AuditError> {
        self.submit(event).wait()
    }

    /// Records an event that may become durable up to a second later. Waits if the queue is full.
    pub fn record_deferred(&self, event: Event) -> Result<(), AuditError> {
        let sender = self.sender.as_ref().ok_or(AuditError::Closed)?;
        match sender.try_send(Request { event, promise: None }) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(request)) => {
                self.hurry();
                self.send(request)
            }
            Err(TrySendError::Disconnected(_)) => Err(AuditError::Closed),
        }
    }

    /// Whether the last write and sync went well. A server whose audit log does not work should not call itself ready.
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Acquire)
    }

    /// Ends the writer's gathering.
    fn hurry(&self) {
        if let Some(writer) = &self.writer {
            writer.thread().unpark();
        }
    }

    fn send(&self, request: Request) -> Result<(), AuditError> {
        self.sender
            .as_ref()
            .ok_or(AuditError::Closed)?
            .send(request)
            .map_err(|_| AuditError::Closed)
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        drop(self.sender.take());
        self.hurry();
        if let Some(writer) = self.writer.take() {
            // A panicked writer has already told everybody waiting.
            let _ = writer.join();
        }
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    fulfilled: Condvar,
}

#[derive(Default)]
struct State {
    result: Option<Result<(), AuditError>>,
    waker: Option<Waker>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fulfil(&self, result: Result<(), AuditError>) {
        let mut state = self.state();
        if state.result.is_none() {
            state.result = Some(result);
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
            self.fulfilled.notify_all();
        }
    }
}

/// The writer's side of a receipt; dropping it unfulfilled reports [`AuditError::Closed`].
struct Promise(Arc<Shared>);

impl Drop for Promise {
    fn drop(&mut self) {
        self.0.fulfil(Err(AuditError::Closed));
    }
}

/// Word that an event is durable, or why not.
#[must_use = "an event is durable only once its receipt says so"]
pub struct Receipt(Arc<Shared>);

impl Receipt {
    /// Blocks until the writer has answered.
    pub fn wait(self) -> Result<(), AuditError> {
        let mut state = self.0.state();
        loop {
            if let Some(result) = state.result.clone() {
                return result;
            }
            state = self.0.fulfilled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Future for Receipt {
    type Output = Result<(), AuditError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.state();
        match state.result.clone() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// The writer thread's state.
struct Writer<S> {
    storage: S,
    /// The chain as of the last durable record.
    position: Position,
    /// The chain as of the last written record, durable or not.
    written: Position,
    /// Deferred events that failed to be written since the last success.
    lost: u64,
    broken: Option<AuditError>,
    /// When the oldest record was written that is not durable.
    unsynced_since: Option<Instant>,
    /// Shared with the log's handle.
    healthy: Arc<AtomicBool>,
}

impl<S: Storage> Writer<S> {
    fn run(mut self, receiver: &Receiver<Request>) {
        loop {
            let first = match self.unsynced_since {
                // However many events come, none may stay unsynced for longer.
                Some(since) => match receiver.recv_timeout(left_of(DEFERRED_SYNC_AFTER, since)) {
                    Ok(request) if !left_of(DEFERRED_SYNC_AFTER, since).is_zero() => Some(request),
                    Ok(request) => {
                        drop(self.sync());
                        Some(request)
                    }
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                },
                None => match receiver.recv() {
                    Ok(request) => Some(request),
                    Err(_) => break,
                },
            };
            match first {
                Some(first) => {
                    let batch = gather(first, receiver);
                    self.write(batch);
                }
                // Nobody waits, so there is nobody to tell; the next event meets the same failure.
                None => drop(self.sync()),
            }
        }
        if self.unsynced_since.is_some() {
            drop(self.sync());
        }
        self.storage.close();
    }

    fn write(&mut self, batch: Vec<Request>) {
        let result = self.try_write(&batch);
        self.healthy.store(result.is_ok(), Ordering::Release);
        if result.is_err() {
            self.lost += batch.iter().filter(|request| request.promise.is_none()).count() as u64;
        }
        for promise in batch.into_iter().filter_map(|request| request.promise) {
            promise.0.fulfil(result.clone());
        }
    }

    fn try_write(&mut self, batch: &[Request]) -> Result<(), AuditError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let mut lines = String::new();
        let mut position = self.written;
        if self.lost > 0 {
            let event = Event::new(Action::EventsLost, Outcome::Failure).with_detail("events", &self.lost.to_string());
            position = append(&mut lines, &event, position);
        }
        for request in batch {
            position = append(&mut lines, &request.event, position);
        }
        if let Err(error) = self.storage.append(lines.as_bytes()) {
            let error = AuditError::io(self.storage.path(), error);
            // What was half-written must go, else the next record would continue a torn line.
            if self.storage.undo_append().is_err() {
                self.broken = Some(error.clone());
            }
            return Err(error);
        }
        self.lost = 0;
        self.written = position;
        self.unsynced_since.get_or_insert_with(Instant::now);
        if batch.iter().any(|request| request.promise.is_some()) {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), AuditError> {
        self.unsynced_since = None;
        if let Err(error) = self.storage.sync() {
            let error = AuditError::io(self.storage.path(), error);
            self.broken = Some(error.clone());
            self.healthy.store(false, Ordering::Release);
            return Err(error);
        }
        self.position = self.written;
        // A head that lags behind only weakens the check for a log cut at its end, and the next batch sets it right.
        let _ = self.storage.write_head(self.position);
        Ok(())
    }
}

fn append(lines: &mut String, event: &Event, before: Position) -> Position {
    let (line, after) = write_line(event, before);
    lines.push_str(&line);
    after
}

fn left_of(time: Duration, since: Instant) -> Duration {
    time.saturating_sub(since.elapsed())
}

fn gather(first: Request, receiver: &Receiver<Request>) -> Vec<Request> {
    if first.promise.is_none() {
        std::thread::park_timeout(GATHERING_TIME);
    }
    let mut batch = vec![first];
    while batch.len() < BATCH_EVENTS_MAX {
        match receiver.try_recv() {
            Ok(request) => batch.push(request),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
        }
    }
    batch
}

#[cfg(test)]
mod tests;
