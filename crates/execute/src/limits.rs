//! Memory, time and cancellation of one statement.
//!
//! INVARIANT: every structure that grows with the data asks the meter before it grows.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bastide_status::{Code, Status};

use crate::evaluate::Cancellation;

/// Set from outside to stop a statement. Shared between the statement and whoever may end it.
#[derive(Debug, Default)]
pub struct CancellationFlag {
    set: AtomicBool,
    signal: Option<Arc<AtomicBool>>,
    reason: OnceLock<Status>,
}

impl CancellationFlag {
    /// A flag that is not set.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// A flag that also counts as set while `signal` is true, for owners that know only a shared atomic.
    pub fn watching(signal: Arc<AtomicBool>) -> Arc<Self> {
        Arc::new(Self {
            signal: Some(signal),
            ..Self::default()
        })
    }

    /// Stops the statement with this error. Only the first reason counts.
    pub fn cancel(&self, reason: Status) {
        // Losing a race against another reason is fine: the statement stops either way.
        let _lost = self.reason.set(reason);
        self.set.store(true, Ordering::Release);
    }

    /// Whether it is set.
    pub fn is_cancelled(&self) -> bool {
        self.set.load(Ordering::Acquire)
            || self
                .signal
                .as_ref()
                .is_some_and(|signal| signal.load(Ordering::Acquire))
    }

    /// Why the statement must stop, once it must.
    pub fn reason(&self) -> Option<Status> {
        if !self.is_cancelled() {
            return None;
        }
        let terminated = || Status::new(Code::Terminated, "the transaction has been terminated");
        Some(self.reason.get().cloned().unwrap_or_else(terminated))
    }
}

/// The flag and the deadline of a statement.
#[derive(Debug)]
pub(crate) struct Interrupt {
    flag: Arc<CancellationFlag>,
    deadline: Option<Instant>,
}

impl Interrupt {
    pub(crate) fn new(flag: Arc<CancellationFlag>, deadline: Option<Instant>) -> Self {
        Self { flag, deadline }
    }
}

impl Cancellation for Interrupt {
    fn check(&self) -> Result<(), Status> {
        if let Some(status) = self.flag.reason() {
            return Err(status);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Status::new(
                Code::TransactionTimedOut,
                "the transaction has not completed within its timeout",
            )
            .with_advice("raise `db.transaction.timeout` or the timeout that the client sends")),
            _ => Ok(()),
        }
    }
}

/// Memory of one statement, in bytes by estimate.
#[derive(Debug)]
pub(crate) struct MemoryMeter {
    limit: usize,
    used: Cell<usize>,
    peak: Cell<usize>,
}

impl MemoryMeter {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: Cell::new(0),
            peak: Cell::new(0),
        }
    }

    /// Takes `bytes`, or refuses.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Status> {
        let used = self.used.get().saturating_add(bytes);
        if used > self.limit {
            return Err(Status::new(
                Code::MemoryLimit,
                format!("the query needs more than its limit of {} bytes of memory", self.limit),
            )
            .with_advice("raise `db.memory.transaction.max`, or let the query keep fewer rows at a time"));
        }
        self.used.set(used);
        self.peak.set(self.peak.get().max(used));
        Ok(())
    }

    /// Gives `bytes` back.
    pub(crate) fn release(&self, bytes: usize) {
        self.used.set(self.used.get().saturating_sub(bytes));
    }

    /// The most that was in use at once.
    pub(crate) fn peak(&self) -> usize {
        self.peak.get()
    }
}

/// What one operator has taken from the meter.
#[derive(Debug, Default)]
pub(crate) struct Reserved(usize);

impl Reserved {
    pub(crate) fn take(&mut self, meter: &MemoryMeter, bytes: usize) -> Result<(), Status> {
        meter.take(bytes)?;
        self.0 += bytes;
        Ok(())
    }

    pub(crate) fn release_all(&mut self, meter: &MemoryMeter) {
        meter.release(std::mem::take(&mut self.0));
    }
}
