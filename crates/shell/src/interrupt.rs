//! Ctrl-C: ends the shell while it waits for input, and only the running statement while one runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;

/// The exit code of a program ended by Ctrl-C, by the custom of shells.
pub const EXIT_INTERRUPTED: u8 = 130;

/// Whether Ctrl-C was pressed.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    pressed: Arc<AtomicBool>,
    idle: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// The operating system does not let it.
    pub fn listening() -> std::io::Result<Self> {
        let interrupt = Self::default();
        interrupt.idle.store(true, Ordering::SeqCst);
        signal_hook::flag::register_conditional_shutdown(
            SIGINT,
            i32::from(EXIT_INTERRUPTED),
            Arc::clone(&interrupt.idle),
        )?;
        signal_hook::flag::register(SIGINT, Arc::clone(&interrupt.pressed))?;
        Ok(interrupt)
    }

    /// From now on Ctrl-C is remembered, until the guard is dropped.
    pub fn while_busy(&self) -> Busy {
        self.pressed.store(false, Ordering::SeqCst);
        let was_idle = self.idle.swap(false, Ordering::SeqCst);
        Busy {
            interrupt: self.clone(),
            was_idle,
        }
    }

    /// Whether it was pressed since this was asked last.
    pub fn take(&self) -> bool {
        self.pressed.swap(false, Ordering::SeqCst)
    }

    /// As if Ctrl-C had been pressed.
    #[cfg(test)]
    pub fn press(&self) {
        self.pressed.store(true, Ordering::SeqCst);
    }
}

/// While this lives, Ctrl-C does not end the shell.
#[derive(Debug)]
pub struct Busy {
    interrupt: Interrupt,
    was_idle: bool,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.interrupt.idle.store(self.was_idle, Ordering::SeqCst);
    }
}
