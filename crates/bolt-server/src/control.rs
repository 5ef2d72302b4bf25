//! What the tasks of one connection share: interruption, closing, progress of the login.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use tokio::sync::watch;

use crate::backend::Interrupt;

/// Shared by the reader, the worker and the watchers of one connection.
#[derive(Debug)]
pub(crate) struct Control {
    interrupt: Interrupt,
    resets_ahead: Mutex<usize>,
    closed: watch::Sender<bool>,
    /// Messages that were worked off, which the reader follows until the login.
    messages: AtomicU64,
    /// Whether a login succeeded; the limits before login then no longer hold.
    logged_on: AtomicBool,
    busy: AtomicBool,
    /// Whether the client's side broke off: nobody is there to take a goodbye.
    cut: AtomicBool,
}

impl Control {
    pub(crate) fn new() -> Self {
        Self {
            interrupt: Interrupt::new(),
            resets_ahead: Mutex::default(),
            closed: watch::Sender::new(false),
            messages: AtomicU64::new(0),
            logged_on: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            cut: AtomicBool::new(false),
        }
    }

    /// The flag that running work looks at.
    pub(crate) fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// A RESET was read, or the client is gone: running work must stop, requests before it are ignored.
    pub(crate) fn raise(&self) {
        let mut ahead = self.resets_ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead += 1;
        self.interrupt.trigger();
    }

    /// The RESET was reached.
    pub(crate) fn reset_reached(&self) {
        let mut ahead = self.resets_ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_sub(1);
        if *ahead == 0 {
            self.interrupt.lower();
        }
    }

    /// Whether a RESET was read that was not reached yet.
    pub(crate) fn is_interrupted(&self) -> bool {
        *self.resets_ahead.lock().unwrap_or_else(PoisonError::into_inner) > 0
    }

    /// Ends the connection at once, whatever it does.
    pub(crate) fn close(&self) {
        self.raise();
        self.closed.send_replace(true);
    }

    /// Returns once [`Control::close`] was called.
    pub(crate) async fn closed(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// Returns once so many messages were worked off: whether a login was among them. Wakes nobody: until the login the reader
    /// runs with the worker, which polls it whenever it has worked a message off.
    pub(crate) async fn reached(&self, messages: u64) -> bool {
        poll_fn(|_| {
            if self.messages.load(Ordering::Acquire) < messages {
                return Poll::Pending;
            }
            Poll::Ready(self.logged_on.load(Ordering::Acquire))
        })
        .await
    }

    /// One message was worked off.
    pub(crate) fn message_done(&self, logged_on: bool) {
        self.logged_on.fetch_or(logged_on, Ordering::Release);
        self.messages.fetch_add(1, Ordering::Release);
    }

    /// Whether a request is being worked on: only then are keep-alives sent.
    pub(crate) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
    }

    /// The client's side broke off without a goodbye of its own.
    pub(crate) fn set_cut(&self) {
        self.cut.store(true, Ordering::Release);
    }

    /// Whether it did.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    /// As set last.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }
}
