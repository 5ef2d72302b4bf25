//! Where the reading side of a connection runs: with the worker until there is work to interrupt, on a task of its own from then on.
//!
//! A task of its own costs a start and a wake-up for each message, which a login need not pay: until there is work nobody but the
//! worker could do anything with what was read. INVARIANT: before the login the reader runs with the worker, so it is only polled
//! when the worker is done with everything it was handed.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::JoinHandle;

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

    /// Reads for as long as it is polled; never ends.
    pub(crate) async fn go_on(&mut self) {
        poll_fn(|context| {
            self.poll(context);
            Poll::Pending
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
