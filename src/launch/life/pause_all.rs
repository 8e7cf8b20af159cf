//! Stops the processes of a service for a moment (SIGSTOP), so that none of them accepts a connection meanwhile.

use std::io;
use std::time::{Duration, Instant};

use crate::sys::process_handle::ProcessHandle;
use crate::sys::{descendants, fd, process, signal};

/// How long the processes may take to stop: one that waits for a disk does not stop before that answers.
const TIMEOUT: Duration = Duration::from_millis(100);
const INTERVAL: Duration = Duration::from_millis(1);

/// The stopped processes. They go on when this is dropped.
#[derive(Debug)]
pub(super) struct Paused(Vec<ProcessHandle>);

impl Paused {
    /// Stops all processes below this one, and waits until each thread of them has stopped. `None` if that takes too long,
    /// or one may not be signalled. Those that are stopped already stay so.
    pub(super) fn descendants() -> io::Result<Option<Self>> {
        let mut paused = Self(Vec::new());
        let until = Instant::now() + TIMEOUT;
        loop {
            let own = process::own_pid();
            let all = descendants::descendants(own)?;
            let others = all.into_iter().filter(|pid| *pid != own && !process::has_stopped(*pid));
            let mut left = false;
            for pid in others {
                left = true;
                if paused.0.iter().any(|held| held.pid() == pid) {
                    continue;
                }
                let Some(held) = ProcessHandle::open(pid)? else { continue };
                if held.send(signal::SIGSTOP).is_err() {
                    return Ok(None);
                }
                paused.0.push(held);
            }
            if !left {
                return Ok(Some(paused));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            fd::wait_readable(&[], Some(INTERVAL))?;
        }
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        for held in &self.0 {
            let _ = held.send(signal::SIGCONT);
        }
    }
}
