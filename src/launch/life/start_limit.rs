//! The start limit: so many starts in so much time (systemd.unit(5), `StartLimitIntervalSec=`).

use std::time::{Duration, Instant};

use crate::launch::policy::StartLimit;

/// Counts the starts of a service: as systemd, from the first start of an interval to its end.
#[derive(Debug)]
pub(super) struct StartLimiter {
    limit: StartLimit,
    begun: Option<Instant>,
    starts: u32,
}

impl StartLimiter {
    pub(super) fn new(limit: StartLimit) -> Self {
        Self { limit, begun: None, starts: 0 }
    }

    /// Counts a start. `false`: it is one too many.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let StartLimit { burst, interval: Some(interval) } = self.limit else { return true };
        if burst == 0 {
            return true;
        }
        let inside = self.begun.is_some_and(|begun| now.saturating_duration_since(begun) < interval);
        if !inside {
            (self.begun, self.starts) = (Some(now), 1);
            return true;
        }
        if self.starts >= burst {
            return false;
        }
        self.starts += 1;
        true
    }

    /// What was counted does not count: the service has not failed, and its next start is no attempt to mend it.
    pub(super) fn forget(&mut self) {
        (self.begun, self.starts) = (None, 0);
    }

    /// How long ago the interval began, and the starts in it.
    pub(super) fn begun(&self, now: Instant) -> Option<(Duration, u32)> {
        self.begun.map(|begun| (now.saturating_duration_since(begun), self.starts))
    }

    /// Goes on with the count of an earlier image of this process.
    pub(super) fn resume(&mut self, begun: Option<(Duration, u32)>, now: Instant) {
        if let Some((ago, starts)) = begun {
            (self.begun, self.starts) = (now.checked_sub(ago), starts);
        }
    }

    /// The limit, for people.
    pub(super) fn text(&self) -> String {
        let interval = self.limit.interval.unwrap_or(Duration::ZERO);
        format!("{} starts in {interval:?}", self.limit.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_over_the_limit_are_refused_until_the_interval_is_over() {
        let limit = StartLimit { burst: 2, interval: Some(Duration::from_secs(10)) };
        let mut limiter = StartLimiter::new(limit);
        let begun = Instant::now();
        let allowed =
            [0, 1, 2, 9, 10, 11, 12].map(|after| limiter.allows(begun + Duration::from_secs(after)));
        assert_eq!(allowed, [true, true, false, false, true, true, false]);
    }

    #[test]
    fn burst_of_zero_and_no_interval_are_no_limit() {
        for limit in [
            StartLimit { burst: 0, interval: Some(Duration::from_secs(10)) },
            StartLimit { burst: 1, interval: None },
        ] {
            let mut limiter = StartLimiter::new(limit);
            assert!((0..100).all(|_| limiter.allows(Instant::now())));
        }
    }
}
