//! Where the reading side of a connection runs: with the worker until there is work to interrupt, on a task of its own from then on.
//!
//! A task of its own costs a start and a wake-up for each message, which a login need not pay: until there is work nobody but the
//! worker could do anything with what was read. INVARIANT: before the login the reader runs with the worker, so it is only polled
//! when the worker is done with everything it was handed.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::task::JoinHandle;

use crate::reader::Incoming;

/// The reading side.
pub(crate) enum Reading {
    /// With the worker, polled while that waits for a message.
    Along(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// On its own.
    Apart { _task: OwnTask },
    /// Nothing will be read any more.
    Over,
}

impl Reading {
    pub(crate) fn new(reader: impl Future<Output = ()> + Send + 'static) -> Self {
        Self::Along(Box::pin(reader))
    }

    /// Hands over what has arrived already, without waiting for more. Does nothing for a reader on its own.
    pub(crate) async fn look(&mut self) {
        poll_fn(|context| {
            self.poll(context);
            Poll::Ready(())
        })
        .await;
    }

    /// The next that the reader hands over, through `incoming`; `None` once there will be nothing more.
    pub(crate) async fn next(&mut self, incoming: &mut mpsc::Receiver<Incoming>) -> Option<Incoming> {
        poll_fn(|context| {
            self.poll(context);
            if !matches!(self, Self::Along(_)) {
                return incoming.poll_recv(context);
            }
            // Asked without a waker: a reader that runs here would wake the task that it runs on, and with it a thread for nothing.
            match incoming.try_recv() {
                Ok(message) => Poll::Ready(Some(message)),
                Err(TryRecvError::Empty) => Poll::Pending,
                Err(TryRecvError::Disconnected) => Poll::Ready(None),
            }
        })
        .await
    }

    /// Gives the reader a task of its own; whether that was new.
    pub(crate) fn set_apart(&mut self) -> bool {
        match std::mem::replace(self, Self::Over) {
            Self::Along(reader) => {
                *self = Self::Apart {
                    _task: OwnTask::start(reader),
                };
                true
            }
            other => {
                *self = other;
                false
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) {
        if let Self::Along(reader) = self
            && reader.as_mut().poll(context).is_ready()
        {
            // Dropping it closes the channel, which the worker sees.
            *self = Self::Over;
        }
    }
}

/// A task that ends with its owner.
pub(crate) struct OwnTask(JoinHandle<()>);

impl OwnTask {
    pub(crate) fn start(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for OwnTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}
