//! Telling of connections that came to nothing, without letting strangers fill the disk.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One is told in this time; the others are counted.
const PAUSE: Duration = Duration::from_secs(1);

/// Counts what is not told.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<(Option<Instant>, u64)>);

impl Refusals {
    /// How many were not told since the last that was, if this one is to be told.
    pub(crate) fn next(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, untold) = &mut *state;
        if last.is_some_and(|last| now.saturating_duration_since(last) < PAUSE) {
            *untold += 1;
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_second_is_told_and_the_others_are_counted() {
        let refusals = Refusals::default();
        let start = Instant::now();
        let told: Vec<_> = [0, 1, 999, 1_000, 1_001, 2_500]
            .map(|at| refusals.next(start + Duration::from_millis(at)))
            .into();
        assert_eq!(told, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
