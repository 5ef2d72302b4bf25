//! Colours, where a person looks and wants them.

use std::io::IsTerminal;

/// Which stream something is printed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Paints, or leaves text as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paint {
    output: bool,
    error: bool,
}

impl Paint {
    /// Colours on streams that are terminals, unless `NO_COLOR` is set or the terminal is dumb.
    pub fn detected() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|value| value != "dumb");
        Self {
            output: wanted && std::io::stdout().is_terminal(),
            error: wanted && std::io::stderr().is_terminal(),
        }
    }

    /// Whether text on `stream` is painted.
    pub fn is_on(self, stream: Stream) -> bool {
        match stream {
            Stream::Output => self.output,
            Stream::Error => self.error,
        }
    }

    /// Errors.
    pub fn red(self, stream: Stream, text: &str) -> String {
        self.wrap(stream, "31;1", text)
    }

    /// Warnings.
    pub fn yellow(self, stream: Stream, text: &str) -> String {
        self.wrap(stream, "33", text)
    }

    /// What is less important.
    pub fn dim(self, stream: Stream, text: &str) -> String {
        self.wrap(stream, "2", text)
    }

    fn wrap(self, stream: Stream, code: &str, text: &str) -> String {
        if self.is_on(stream) {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
