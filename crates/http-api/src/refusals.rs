//! Telling of refused connections without letting whoever causes them fill the disk.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most one line in this time.
const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// The refusals since the last line.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_line: Option<Instant>,
    untold: u64,
}

impl Refusals {
    /// Logs one, or counts it until the next line.
    pub(crate) fn log(&self, peer: SocketAddr, reason: &str, now: Instant) {
        if let Some(untold) = self.count(now) {
            tracing::warn!(%peer, reason, untold, "HTTP connection refused");
        }
    }

    /// How many were counted since the last line, if it is time for another.
    fn count(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last_line.is_some_and(|last| now < last + LINE_INTERVAL) {
            state.untold += 1;
            return None;
        }
        state.last_line = Some(now);
        Some(std::mem::take(&mut state.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_a_second_and_none_is_uncounted() {
        let refusals = Refusals::default();
        let began = Instant::now();
        let told: Vec<_> = (0..3_000)
            .filter_map(|milliseconds| refusals.count(began + Duration::from_millis(milliseconds)))
            .collect();
        assert_eq!(told, [0, 999, 999]);
    }
}
