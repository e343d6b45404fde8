//! How long to wait before a child is started again: 0.2 s, doubled each time up to 30 s; a minute of health
//! begins anew.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);
const HEALTHY: Duration = Duration::from_secs(60);

/// The next wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    /// Before the first failure.
    pub(super) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// How long to wait after a child that was healthy for so long, or never.
    pub(super) fn after(&mut self, healthy_for: Option<Duration>) -> Duration {
        if healthy_for.is_some_and(|healthy| healthy >= HEALTHY) {
            *self = Self::new();
        }
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_half_a_minute_and_a_minute_of_health_begins_anew() {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> = (0..10).map(|_| backoff.after(None).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
        assert_eq!(backoff.after(Some(Duration::from_secs(59))), LONGEST);
        assert_eq!(backoff.after(Some(HEALTHY)), FIRST);
        assert_eq!(backoff.after(None), FIRST * 2);
    }
}
