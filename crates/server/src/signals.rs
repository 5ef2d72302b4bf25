//! SIGTERM and SIGINT: the first stops the server in order, the second at once. SIGHUP reads certificates again.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::ExitStatus;

/// The signals that stop the server.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Takes the signals over from the operating system's default, which ends the process.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The signal that certificates are to be read again. Taken over early, since it ends the process otherwise.
    pub(crate) fn hangup() -> io::Result<Signal> {
        signal(SignalKind::hangup())
    }

    /// Waits for the next one and says its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// From now on a signal ends the process at once. What was acknowledged is durable all the same.
    pub(crate) fn end_process_at_next(mut self) {
        tokio::spawn(async move {
            let name = self.next().await;
            tracing::warn!(signal = name, "a second signal: ending at once");
            std::process::exit(i32::from(ExitStatus::Interrupted.code()));
        });
    }
}
