//! What the process's exit code means.

/// How a verb ended. The numbers are documented to users and must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It did what was asked.
    Success = 0,
    /// It failed for a reason without a number of its own.
    Failure = 1,
    /// The command line was wrong.
    Usage = 2,
    /// The configuration, file permissions or certificates were refused.
    ConfigurationRefused = 3,
    /// Another server uses the home, or an address is taken.
    InUse = 4,
    /// The data or the audit log cannot be opened: a wrong key, damage, a missing file.
    DataRefused = 5,
    /// Stopped at once by a second signal.
    Interrupted = 130,
}

impl ExitStatus {
    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }
}
