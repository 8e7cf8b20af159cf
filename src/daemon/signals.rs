//! Signals as something to read.
//!
//! No handler of the program ever runs. The one that is installed notes the number and makes a pipe readable, and
//! everything else is done where the program reads it. Compared with the alternatives:
//!
//! * signals that are blocked and read from a signalfd(2) stay blocked in every program that is executed, and
//!   [`std::process::Command`] hands the mask on: children would be deaf to SIGTERM;
//! * sigwait(3) has the same flaw, needs a thread that does nothing else, and cannot be waited for together with sockets;
//! * a pipe that is written a number for each signal loses some when it is full. Here what has come is noted apart
//!   from the pipe, so that nothing is lost.
//!
//! What a handler costs: system calls that signal(7) does not restart (poll(2), nanosleep(2)) end with EINTR, which std
//! and the asynchronous runtimes expect. Handlers do not survive an exec, so children have every signal as it was.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use super::{Disposition, Signal};
use crate::error::StepError;
use crate::sys::self_pipe::SelfPipe;
use crate::sys::{fd, signal};

/// systemd's number for the masks of a process (systemd.exec(5)).
const STATUS: u8 = 207;

/// The signals that were to be told.
///
/// Its descriptor, the reading end of a pipe, is readable when one has come, so it fits into poll(2), epoll(7) and what is
/// built on them (tokio's `net::unix::pipe::Receiver`); [`Signals::next_now`] then says which. What is in the pipe means
/// nothing, and may be read away by such a loop. Without one, iterate: `for signal in service.signals()` waits for each,
/// and never ends by itself.
///
/// Two of a kind that come before the first was read are one, as the kernel has it; here that holds for real-time signals,
/// too, which the kernel would count.
#[derive(Debug)]
pub struct Signals(SelfPipe);

impl Signals {
    /// Makes of every signal what the map says. After this none is blocked.
    pub(super) fn open(map: &[(Signal, Disposition)]) -> Result<Self, StepError> {
        let mut told = Vec::new();
        for (signal, reaction) in map {
            match reaction {
                Disposition::Deliver => {
                    told.push(signal.number());
                    Ok(())
                }
                Disposition::Ignore => signal::ignore(signal.number()),
                Disposition::Default => signal::restore_default(signal.number()),
            }
            .map_err(|error| StepError::kernel("signal map", signal.to_string(), &error, STATUS))?;
        }
        // What has come meanwhile waits behind the block.
        let opened = SelfPipe::open(&told).and_then(|caught| signal::unblock_all().map(|()| caught));
        let all = || told.iter().map(|number| signal::name(*number)).collect::<Vec<_>>().join(" ");
        opened.map(Self).map_err(|error| StepError::kernel("signal map", all(), &error, STATUS))
    }

    /// Waits for one signal after the other.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self)
    }

    /// The next signal that has come by now; none if none has.
    pub fn next_now(&self) -> io::Result<Option<Signal>> {
        Ok(self.0.next()?.map(Signal::of))
    }

    /// Waits for the next signal, for at most `timeout` where there is one; none if none has come.
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

/// Waits for one signal after the other.
#[derive(Debug)]
pub struct Iter<'a>(&'a Signals);

impl Iterator for Iter<'_> {
    type Item = Signal;

    /// Ends only where the kernel refuses to be asked, which it has no reason to.
    fn next(&mut self) -> Option<Signal> {
        self.0.wait(None).ok().flatten()
    }
}
