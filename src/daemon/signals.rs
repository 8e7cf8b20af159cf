//! Signals, delivered through a self-pipe.
//!
//! Programs cannot install handlers. The library's own handler records the number and makes a pipe readable; the
//! program reacts where it reads. Alternatives and their flaws:
//!
//! * signalfd(2) needs the signals blocked, executed programs inherit the mask, and [`std::process::Command`] does not
//!   reset it: children would not receive SIGTERM;
//! * sigwait(3) has the same flaw, needs a dedicated thread, and cannot be combined with waiting for sockets;
//! * a pipe that carries the signal numbers loses some when it is full. Here the numbers are recorded outside the pipe,
//!   so none is lost.
//!
//! The cost of a handler: system calls that are not restarted (signal(7); poll(2), nanosleep(2)) fail with EINTR, which
//! std and the asynchronous runtimes handle. An exec resets handlers, so children have the default action for every
//! signal.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use super::{Disposition, Signal};
use crate::error::StepError;
use crate::sys::self_pipe::SelfPipe;
use crate::sys::{fd, signal};

/// systemd's number for the masks of a process (systemd.exec(5)).
const STATUS: u8 = 207;

/// The signals with [`Disposition::Deliver`].
///
/// Its descriptor, the read end of a pipe, is readable while a signal is pending, so it works with poll(2), epoll(7)
/// and runtimes built on them (tokio's `net::unix::pipe::Receiver`); [`Signals::next_now`] then returns the signal. The
/// bytes in the pipe have no meaning, and an event loop may read them. Without an event loop, iterate: `for signal in
/// service.signals()` waits for each signal and never ends by itself.
///
/// Two equal signals that arrive before the first is read count as one, as in the kernel; here that includes real-time
/// signals, which the kernel queues.
#[derive(Debug)]
pub struct Signals(SelfPipe);

impl Signals {
    /// Applies the signal map, then unblocks all signals.
    pub(super) fn open(map: &[(Signal, Disposition)]) -> Result<Self, StepError> {
        let mut delivered = Vec::new();
        for (signal, disposition) in map {
            match disposition {
                Disposition::Deliver => {
                    delivered.push(signal.number());
                    Ok(())
                }
                Disposition::Ignore => signal::ignore(signal.number()),
                Disposition::Default => signal::restore_default(signal.number()),
            }
            .map_err(|error| StepError::kernel("signal map", signal.to_string(), &error, STATUS))?;
        }
        // Signals that arrived in the meantime are still blocked and pending.
        let opened = SelfPipe::open(&delivered).and_then(|caught| signal::unblock_all().map(|()| caught));
        let all = || delivered.iter().map(|number| signal::name(*number)).collect::<Vec<_>>().join(" ");
        opened.map(Self).map_err(|error| StepError::kernel("signal map", all(), &error, STATUS))
    }

    /// An iterator that waits for each signal.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self)
    }

    /// The next signal that has arrived. `None` if there is none; never waits.
    ///
    /// # Errors
    ///
    /// The pipe of the signal handlers cannot be read.
    pub fn next_now(&self) -> io::Result<Option<Signal>> {
        Ok(self.0.next()?.map(Signal::of))
    }

    /// Waits for the next signal, at most for `timeout` (`None`: without limit). Returns `None` on timeout.
    ///
    /// # Errors
    ///
    /// The pipe of the signal handlers cannot be read.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<Option<Signal>> {
        let begun = Instant::now();
        loop {
            if let Some(signal) = self.next_now()? {
                return Ok(Some(signal));
            }
            let left = timeout.map(|timeout| timeout.saturating_sub(begun.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            fd::wait_readable(&[self.as_fd()], left)?;
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl<'a> IntoIterator for &'a Signals {
    type Item = Signal;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// An iterator that waits for each signal.
#[derive(Debug)]
pub struct Iter<'a>(&'a Signals);

impl Iterator for Iter<'_> {
    type Item = Signal;

    /// Ends only if a system call fails, which is not expected.
    fn next(&mut self) -> Option<Signal> {
        self.0.wait(None).ok().flatten()
    }
}
