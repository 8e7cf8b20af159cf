//! How often the polled probes are looked at: no kernel reports that a process begins to listen.

use std::time::Duration;

use super::listener::Look;

/// The pace of the looks. With their wakeups, which cost more than a quick look does, they take as much of a processor as a
/// start costs anyway, and then at most 0.5 percent; whole looks take as much again. Both hold wherever they leave a pause
/// within the bounds.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The processor time of a quick look and its wakeup: the mean of the last ones.
    quick: Duration,
    /// What all of them have used.
    all: Duration,
    /// The processor time at which the last look has begun.
    begun: Option<Duration>,
    /// The processor time of whole looks that is not yet taken off.
    whole: Duration,
    /// When the next whole look is due, since the start.
    whole_look_at: Duration,
}

/// The part of a processor that looks may take: 1/200.
const SHARE: u32 = 200;
/// The processor time of quick looks that follow each other as fast as they may: most programs are ready soon.
const FREE: Duration = Duration::from_millis(10);
const MIN_PAUSE: Duration = Duration::from_millis(1);
pub(super) const MAX_PAUSE: Duration = Duration::from_millis(10);
const MIN_WHOLE_PAUSE: Duration = Duration::from_millis(10);
const MAX_WHOLE_PAUSE: Duration = Duration::from_millis(50);
/// How much the mean follows the last look: 1/8.
const MEMORY: u32 = 8;

impl Pace {
    /// Begins a look, this long after the start; `used` is the processor time of this thread so far.
    pub(super) fn begin(&mut self, elapsed: Duration, used: Duration) -> Look {
        if let Some(begun) = self.begun.replace(used) {
            let cost = used.saturating_sub(begun).saturating_sub(std::mem::take(&mut self.whole));
            self.all += cost;
            self.quick = (self.quick * (MEMORY - 1) + cost) / MEMORY;
        }
        if elapsed >= self.whole_look_at { Look::Whole } else { Look::Quick }
    }

    /// Ends a whole look.
    pub(super) fn end_whole(&mut self, elapsed: Duration, used: Duration) {
        let cost = used.saturating_sub(self.begun.unwrap_or(used));
        // A quick look costs no more than a whole one.
        self.whole = cost.saturating_sub(self.quick);
        self.whole_look_at = elapsed + (cost * SHARE).clamp(MIN_WHOLE_PAUSE, MAX_WHOLE_PAUSE);
    }

    /// The pause until the next look, this long after the start. It delays readiness by at most 0.5 percent, or by 1 ms.
    pub(super) fn pause(&self, elapsed: Duration) -> Duration {
        if self.all < FREE + elapsed / SHARE {
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
            if pace.begin(*elapsed, *used) == Look::Whole {
                pace.end_whole(*elapsed, *used);
            }
            *used += cost;
            *elapsed += pace.pause(*elapsed);
        }
    }

    #[test]
    fn looks_of_any_cost_take_half_a_percent_within_the_bounds() {
        for (cost, mean) in
            [(US, MS), (5 * US, MS), (20 * US, 4 * MS), (50 * US, 10 * MS), (500 * US, 10 * MS)]
        {
            let (mut pace, mut elapsed, mut used) = (Pace::default(), Duration::ZERO, Duration::ZERO);
            looks(&mut pace, &mut elapsed, &mut used, cost, 2);
            assert_eq!(pace.pause(elapsed), MS, "{cost:?}");
            looks(&mut pace, &mut elapsed, &mut used, cost, 10_000);
            assert!((elapsed / 10_000).abs_diff(mean) < MS / 2, "{cost:?}: {:?}", elapsed / 10_000);
            let few = used <= FREE * 5 + elapsed / SHARE;
            assert!(few || mean == MAX_PAUSE && cost > 50 * US, "{cost:?}: {used:?} of {elapsed:?}");
            assert_eq!(pace.pause(100 * MS), MS, "{cost:?}");
        }
    }

    #[test]
    fn start_of_half_a_second_is_looked_at_each_millisecond() {
        let (mut pace, mut elapsed, mut used) = (Pace::default(), Duration::ZERO, Duration::ZERO);
        looks(&mut pace, &mut elapsed, &mut used, 15 * US, 500);
        assert_eq!(elapsed, 500 * MS);
    }

    #[test]
    fn whole_looks_are_rarer_the_more_they_cost() {
        let mut pace = Pace::default();
        assert_eq!(pace.begin(Duration::ZERO, Duration::ZERO), Look::Whole);
        pace.end_whole(Duration::ZERO, 100 * US);
        assert_eq!(pace.begin(19 * MS, 110 * US), Look::Quick);
        assert_eq!(pace.begin(20 * MS, 120 * US), Look::Whole);
        pace.end_whole(20 * MS, 10 * MS);
        assert_eq!(pace.begin(69 * MS, 10 * MS), Look::Quick);
        assert_eq!(pace.begin(70 * MS, 10 * MS), Look::Whole);
    }

    #[test]
    fn looks_become_frequent_again_after_expensive_ones() {
        let (mut pace, mut elapsed, mut used) = (Pace::default(), Duration::ZERO, Duration::ZERO);
        looks(&mut pace, &mut elapsed, &mut used, MS, 20);
        let later = 2000 * MS;
        looks(&mut pace, &mut later.clone(), &mut used, MS, 20);
        assert_eq!(pace.pause(later), 10 * MS);
        looks(&mut pace, &mut later.clone(), &mut used, 2 * US, 100);
        assert!(pace.pause(later) <= MS * 3 / 2, "{:?}", pace.pause(later));
    }
}
