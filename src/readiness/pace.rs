//! How often the polled probes are looked at: no kernel reports that a process begins to listen.

use std::time::Duration;

use super::listener::Look;

/// The pace of the looks. They take at most 0.5 percent of a processor, and whole looks as much again, wherever that leaves
/// a pause within these bounds; the wakeups come on top, and cost more the rarer they are. The first looks do not count:
/// most programs are ready soon.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The processor time of a quick look: the mean of the last ones.
    quick: Duration,
    /// What all of them have used.
    all: Duration,
    current: Option<Current>,
    /// When the next whole look is due, since the start.
    whole_look_at: Duration,
}

/// The look that has begun, at this processor time.
#[derive(Debug)]
struct Current {
    look: Look,
    begun: Duration,
}

/// The part of a processor that looks may take: 1/200.
const SHARE: u32 = 200;
/// The processor time of quick looks that follow each other as fast as they may.
const FREE: Duration = Duration::from_millis(1);
const MIN_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(10);
const MIN_WHOLE_PAUSE: Duration = Duration::from_millis(10);
const MAX_WHOLE_PAUSE: Duration = Duration::from_millis(50);
/// How much the mean follows the last look: 1/8.
const MEMORY: u32 = 8;

impl Pace {
    /// Begins a look, this long after the start; `used` is the processor time of this thread so far.
    pub(super) fn begin(&mut self, elapsed: Duration, used: Duration) -> Look {
        let look = if elapsed >= self.whole_look_at { Look::Whole } else { Look::Quick };
        self.current = Some(Current { look, begun: used });
        look
    }

    /// Ends the look.
    pub(super) fn end(&mut self, elapsed: Duration, used: Duration) {
        let Some(Current { look, begun }) = self.current.take() else { return };
        let cost = used.saturating_sub(begun);
        // A quick look costs no more than a whole one.
        if look == Look::Quick || cost < self.quick {
            self.all += cost;
            self.quick = (self.quick * (MEMORY - 1) + cost) / MEMORY;
        }
        if look == Look::Whole {
            self.whole_look_at = elapsed + (cost * SHARE).clamp(MIN_WHOLE_PAUSE, MAX_WHOLE_PAUSE);
        }
    }

    /// The pause until the next look, this long after the start. It delays readiness by at most 0.5 percent, or by 1 ms.
    pub(super) fn pause(&self, elapsed: Duration) -> Duration {
        if self.all < FREE {
            return MIN_PAUSE;
        }
        (self.quick * SHARE).min(elapsed / SHARE).clamp(MIN_PAUSE, MAX_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Duration = Duration::from_micros(1);
    const MS: Duration = Duration::from_millis(1);

    /// Looks that use this much, `n` of them.
    fn looks(pace: &mut Pace, elapsed: &mut Duration, used: &mut Duration, cost: Duration, n: usize) {
        for _ in 0..n {
            pace.begin(*elapsed, *used);
            *used += cost;
            pace.end(*elapsed, *used);
            *elapsed += pace.pause(*elapsed);
        }
    }

    #[test]
    fn looks_of_any_cost_take_half_a_percent_within_the_bounds() {
        for (cost, pause) in
            [(US, MS), (5 * US, MS), (20 * US, 4 * MS), (50 * US, 10 * MS), (500 * US, 10 * MS)]
        {
            let (mut pace, mut elapsed, mut used) = (Pace::default(), Duration::ZERO, Duration::ZERO);
            looks(&mut pace, &mut elapsed, &mut used, cost, 2);
            assert_eq!(pace.pause(elapsed), MS, "{cost:?}");
            looks(&mut pace, &mut elapsed, &mut used, cost, 3000);
            assert!(pace.pause(elapsed).abs_diff(pause) < MS / 10, "{cost:?}: {:?}", pace.pause(elapsed));
            assert_eq!(pace.pause(100 * MS), MS, "{cost:?}");
        }
    }

    #[test]
    fn whole_looks_are_rarer_the_more_they_cost() {
        let mut pace = Pace::default();
        assert_eq!(pace.begin(Duration::ZERO, Duration::ZERO), Look::Whole);
        pace.end(Duration::ZERO, 100 * US);
        assert_eq!(pace.begin(19 * MS, 110 * US), Look::Quick);
        pace.end(19 * MS, 120 * US);
        assert_eq!(pace.begin(20 * MS, 120 * US), Look::Whole);
        pace.end(20 * MS, 10 * MS);
        assert_eq!(pace.begin(69 * MS, 10 * MS), Look::Quick);
        assert_eq!(pace.begin(70 * MS, 10 * MS), Look::Whole);
    }

    #[test]
    fn looks_become_frequent_again_after_expensive_ones() {
        let (mut pace, mut elapsed, mut used) = (Pace::default(), Duration::ZERO, Duration::ZERO);
        looks(&mut pace, &mut elapsed, &mut used, MS, 10);
        assert_eq!(pace.pause(Duration::MAX), 10 * MS);
        looks(&mut pace, &mut elapsed, &mut used, 2 * US, 100);
        assert!(pace.pause(Duration::MAX) <= MS * 3 / 2, "{:?}", pace.pause(Duration::MAX));
    }
}
