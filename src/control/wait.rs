//! Waits until a service is ready, or has stopped.

use std::io;
use std::time::{Duration, Instant};

use super::status::{RunState, Status, status};
use super::{ServiceRef, UnknownReason};
use crate::sys::fd;
use crate::sys::process_handle::ProcessHandle;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The service is ready.
    Ready,
    /// The service does not run.
    Stopped,
}

/// Why a wait has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitError {
    /// It has ended before it was ready.
    Ended,
    /// The goal was not reached in time. This is the service's state.
    TimedOut(Box<Status>),
    /// The state cannot be determined.
    Unknown(UnknownReason),
}

/// The pauses between two looks: a hundredth of the elapsed time within these limits.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(100));

/// How long the processes of a service may take to end after its main process.
const END_GRACE: Duration = Duration::from_secs(30);

/// Waits. A service that does not run may still be started. `timeout`: `None` is no limit.
///
/// # Errors
///
/// The goal is not reached, see [`WaitError`].
pub fn wait(target: &ServiceRef, goal: Goal, timeout: Option<Duration>) -> Result<(), WaitError> {
    let begin = Instant::now();
    let mut begun = false;
    let mut left_since = None;
    loop {
        let found = status(target);
        match (&found.state, goal) {
            // The main process has ended, and the others are being ended.
            (RunState::Unknown(UnknownReason::Leftovers(_)), Goal::Stopped) => begun = true,
            (RunState::Unknown(UnknownReason::Leftovers(_)), Goal::Ready)
                if left_since.get_or_insert_with(Instant::now).elapsed() < END_GRACE =>
            {
                begun = true;
            }
            (RunState::Unknown(reason), _) => return Err(WaitError::Unknown(reason.clone())),
            (RunState::Running(..), Goal::Ready) if found.is_ready() => return Ok(()),
            (RunState::Running(..), _) => begun = true,
            (RunState::Dead(_) | RunState::NotRunning, Goal::Stopped) => return Ok(()),
            (RunState::Dead(_) | RunState::NotRunning, Goal::Ready) if begun => return Err(WaitError::Ended),
            (RunState::Dead(_) | RunState::NotRunning, Goal::Ready) => {}
        }
        let elapsed = begin.elapsed();
        let left = timeout.map(|timeout| timeout.saturating_sub(elapsed));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(WaitError::TimedOut(Box::new(found)));
        }
        let pause = (elapsed / 100).clamp(PAUSES.0, PAUSES.1);
        // Without a descriptor the pause ends.
        let _ = pause_until_it_ends(&found, left.map_or(pause, |left| left.min(pause)));
    }
}

/// Waits for the end of the main process, at most for the pause.
fn pause_until_it_ends(found: &Status, pause: Duration) -> io::Result<()> {
    let main = match found.state {
        RunState::Running(pid, _) => ProcessHandle::open(pid)?,
        _ => None,
    };
    let end =
        main.as_ref().filter(|main| !main.has_ended().unwrap_or(true)).and_then(ProcessHandle::descriptor);
    let ends: Vec<_> = end.into_iter().collect();
    fd::wait_readable(&ends, Some(pause)).map(drop)
}
