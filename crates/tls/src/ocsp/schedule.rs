//! When to ask again. Pure arithmetic on seconds, so that it needs no clock in tests.
//!
//! INVARIANT: never more often than once in [`INTERVAL_MIN`] seconds, never more seldom than once in [`INTERVAL_MAX`].

/// In seconds.
pub(crate) const INTERVAL_MIN: i64 = 60;
/// In seconds.
pub(crate) const INTERVAL_MAX: i64 = 3_600;
/// The jitter's unit: a jitter of this much is the whole of what may be taken off.
pub(crate) const JITTER_MAX: u16 = 1_000;
/// Doublings after which waiting does not grow.
const DOUBLINGS_MAX: u32 = 6;

/// When to ask again after an answer: half-way through its life, or through what is left of it. A tenth is taken off at
/// most, so that servers that started together do not ask together.
pub(crate) fn after_answer(now: i64, this_update: i64, next_update: Option<i64>, jitter: u16) -> i64 {
    let interval = next_update.map_or(INTERVAL_MAX, |end| {
        let half_way = this_update.saturating_add(end.saturating_sub(this_update) / 2);
        if half_way > now {
            half_way.saturating_sub(now)
        } else {
            end.saturating_sub(now) / 2
        }
    });
    let interval = interval.min(INTERVAL_MAX);
    now.saturating_add((interval - share(interval / 10, jitter)).max(INTERVAL_MIN))
}

/// When to ask again after `failures` in a row (at least 1): the time doubles each time, and up to half is added.
pub(crate) fn after_failure(now: i64, failures: u32, jitter: u16) -> i64 {
    let doublings = failures.saturating_sub(1).min(DOUBLINGS_MAX);
    let interval = INTERVAL_MIN << doublings;
    now.saturating_add((interval + share(interval / 2, jitter)).min(INTERVAL_MAX))
}

fn share(of: i64, jitter: u16) -> i64 {
    of.saturating_mul(i64::from(jitter.min(JITTER_MAX))) / i64::from(JITTER_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_half_way_but_at_least_hourly_and_at_most_once_a_minute() {
        let ask = |this_update, next_update| after_answer(10_000, this_update, next_update, 0) - 10_000;
        assert_eq!(ask(10_000, Some(12_000)), 1_000);
        assert_eq!(ask(9_000, Some(12_000)), 500);
        assert_eq!(ask(8_000, Some(12_000)), 1_000, "half of what is left");
        assert_eq!(ask(10_000, Some(10_000 + 7 * 86_400)), INTERVAL_MAX);
        assert_eq!(ask(10_000, Some(10_050)), INTERVAL_MIN);
        assert_eq!(ask(10_000, None), INTERVAL_MAX);
        assert_eq!(after_answer(10_000, 10_000, None, JITTER_MAX) - 10_000, 3_240);
        assert_eq!(after_answer(0, i64::MIN, Some(i64::MAX), JITTER_MAX), 3_240);
    }

    #[test]
    fn waits_longer_after_each_failure_but_no_longer_than_an_hour() {
        let waits: Vec<_> = (1..9).map(|failures| after_failure(0, failures, 0)).collect();
        assert_eq!(waits, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert_eq!(after_failure(0, 1, JITTER_MAX), 90);
        assert_eq!(after_failure(0, u32::MAX, JITTER_MAX), INTERVAL_MAX);
    }
}
