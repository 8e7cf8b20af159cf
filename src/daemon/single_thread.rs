//! A process with one thread: only such a one can fork, or change its environment and its rights, as a whole.

use std::time::{Duration, Instant};

use super::Error;
use crate::error::{StepError, USAGE};
use crate::sys::{fd, process};

/// How long a joined thread may still be counted by the kernel.
const JOIN_TIMEOUT: Duration = Duration::from_millis(200);

/// Waits until this process has a single thread. The kernel may count a thread for a moment after it was joined.
pub(super) fn require_single_thread() -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        match process::threads() {
            Ok(1) => return Ok(()),
            Ok(_) if begun.elapsed() < JOIN_TIMEOUT => {
                let none: [std::os::fd::BorrowedFd<'_>; 0] = [];
                // The kernel sends no event for it, so the count is polled.
                let _ = fd::wait_readable(&none, Some(Duration::from_millis(1)));
            }
            Ok(count) => return Err(Error::Threads { count }),
            Err(error) => {
                let failure = StepError::kernel("daemon", "threads", &error, USAGE);
                let failure = failure.hint("mount /proc: on Linux the threads are counted there");
                return Err(Error::Refused(vec![failure]));
            }
        }
    }
}
