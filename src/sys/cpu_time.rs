//! How much of a processor this process uses.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The processor time of this thread so far (clock_gettime(2), `CLOCK_THREAD_CPUTIME_ID`). Zero if it is unknown.
pub fn of_thread() -> Duration {
    clock_gettime(ClockId::from_raw(libc::CLOCK_THREAD_CPUTIME_ID)).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_a_thread_that_works_grows() {
        let begin = of_thread();
        while of_thread() < begin + Duration::from_millis(1) {}
    }
}
