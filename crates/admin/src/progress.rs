//! Progress on a terminal, and sizes in words.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the bar is drawn.
const DRAWS_PER_SECOND: u8 = 10;

/// A bar on standard error, if that is a terminal; and notices beside it.
pub(crate) struct Progress<'a> {
    bar: ProgressBar,
    errors: &'a mut dyn Write,
    begun: Instant,
    bytes_before: u64,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(errors: &'a mut dyn Write) -> Self {
        let bar = ProgressBar::with_draw_target(None, target());
        Self {
            bar,
            errors,
            begun: Instant::now(),
            bytes_before: 0,
        }
    }

    /// Begins a bar of so many parts.
    pub(crate) fn begin(&mut self, name: &str, length: u64, position: u64) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::with_draw_target(Some(length), target());
        let style = ProgressStyle::with_template("{prefix} [{bar:30}] {percent:>3} % {msg}");
        self.bar.set_style(
            style
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        self.bar.set_prefix(name.to_owned());
        self.bar.set_position(position);
        self.begun = Instant::now();
        self.bytes_before = 0;
    }

    /// Moves on; `bytes` is what the size and the rate are told of.
    pub(crate) fn advance(&mut self, parts: u64, bytes: u64) {
        let length = self.bar.length().unwrap_or(u64::MAX);
        self.bar
            .set_position(self.bar.position().saturating_add(parts).min(length));
        self.tell(bytes);
    }

    /// Moves to a place in bytes.
    pub(crate) fn move_to(&mut self, bytes: u64) {
        self.bar.set_position(bytes);
        self.tell(bytes);
    }

    fn tell(&mut self, bytes: u64) {
        if self.bytes_before == 0 {
            self.bytes_before = bytes;
        }
        let since = bytes.saturating_sub(self.bytes_before);
        self.bar
            .set_message(format!("{}, {}", size(bytes), rate(since, self.begun.elapsed())));
    }

    /// Says something above the bar.
    pub(crate) fn notice(&mut self, text: &str) -> io::Result<()> {
        let errors = &mut *self.errors;
        self.bar.suspend(|| writeln!(errors, "{text}"))
    }

    /// Takes the bar away.
    pub(crate) fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn target() -> ProgressDrawTarget {
    if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND)
    } else {
        ProgressDrawTarget::hidden()
    }
}

/// Bytes in words, such as `12.3 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut scaled = bytes as f64;
    let mut name = "bytes";
    for unit in UNITS {
        if scaled < 1024.0 {
            break;
        }
        scaled /= 1024.0;
        name = unit;
    }
    if name == "bytes" {
        format!("{bytes} bytes")
    } else {
        format!("{scaled:.1} {name}")
    }
}

fn rate(bytes: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64().max(0.001);
    format!("{}/s", size((bytes as f64 / seconds) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (12_900_000, "12.3 MiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(rate(2 << 20, Duration::from_secs(2)), "1.0 MiB/s");
    }
}
