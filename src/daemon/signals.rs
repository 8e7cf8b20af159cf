//! Signals as something to read.
//!
//! No handler is installed and none ever runs. The signals that a program wants to be told of are *blocked* while the
//! process has one thread, so that every thread it makes later has them blocked too, and are read from a descriptor
//! (signalfd(2), kqueue(2)). Compared with the alternatives:
//!
//! * a handler may do next to nothing (signal-safety(7)), and every system call of every thread has to expect to be
//!   interrupted by it;
//! * a handler that writes into a pipe has the second problem still, and loses signals when the pipe is full;
//! * sigwait(3) needs a thread that does nothing else, and cannot be waited for together with sockets.
//!
//! What is blocked stays so in a program that is executed; [`std::process::Command`] unblocks everything for its
//! children, so they are as they would be without us.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::RawFd;
use std::time::Duration;
use std::time::Instant;

use crate::setup::Failure;
use crate::sys::fd;
use crate::sys::signal;

use super::Reaction;
use super::Signal;

/// systemd's number for the masks of a process (systemd.exec(5)).
const STATUS: u8 = 207;

/// The signals that were to be told.
///
/// Its descriptor is readable when one has come, so it fits into poll(2), epoll(7) and what is built on them (tokio's
/// `AsyncFd`); [`Signals::next_now`] then says which. Without such a loop, iterate: `for signal in service.signals()`
/// waits for each, and never ends by itself.
///
/// Two of a kind that come before the first was read are one; that is the kernel's rule for all but real-time signals.
#[derive(Debug)]
pub struct Signals(signal::Signals);

impl Signals {
    /// Makes of every signal what the map says. After this the mask is what is to be told, and nothing else.
    pub(super) fn open(map: &[(Signal, Reaction)]) -> Result<Self, Failure> {
        let mut told = Vec::new();
        for (signal, reaction) in map {
            match reaction {
                Reaction::Tell => {
                    told.push(signal.number());
                    // An ignored signal is thrown away before anybody can read it.
                    signal::restore_default(signal.number())
                }
                Reaction::Ignore => signal::ignore(signal.number()),
                Reaction::Default => signal::restore_default(signal.number()),
            }
            .map_err(|error| Failure::kernel("signal map", signal.to_string(), &error, STATUS))?;
        }
        let opened = signal::block_only(&told).and_then(|()| signal::Signals::of(&told));
        let all = || told.iter().map(|number| signal::name(*number)).collect::<Vec<_>>().join(" ");
        opened.map(Self).map_err(|error| Failure::kernel("signal map", all(), &error, STATUS))
    }

    /// Waits for one signal after the other.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self)
    }

    /// The next signal that has come by now; none if none has.
    pub fn next_now(&self) -> io::Result<Option<Signal>> {
        Ok(self.0.next()?.map(Signal::of))
    }

    /// Waits for the next signal, for at most `patience` where there is one; none if none has come.
    pub fn wait(&self, patience: Option<Duration>) -> io::Result<Option<Signal>> {
        let begun = Instant::now();
        loop {
            if let Some(signal) = self.next_now()? {
                return Ok(Some(signal));
            }
            let left = patience.map(|patience| patience.saturating_sub(begun.elapsed()));
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
