//! Signals from a kernel queue (kqueue(2), EVFILT_SIGNAL).
//!
//! The queue reports every signal sent to this process, even if it is blocked or discarded, like a blocked SIGCHLD with
//! its default action. A signal that stays pending is removed by sigwait(2), so that it does not arrive again when
//! signals are unblocked.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc::timespec;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};

use super::super::fd;

/// The highest signal (`NSIG` of `<sys/signal.h>` minus one).
const LAST: i32 = 31;

/// The signals that have arrived and were not read.
#[derive(Debug)]
pub(crate) struct SignalReader {
    queue: Kqueue,
    /// A bit mask: `1 << number`.
    arrived: Cell<u32>,
}

impl SignalReader {
    /// The caller has blocked all signals.
    pub(crate) fn new() -> io::Result<Self> {
        let queue = Kqueue::new()?;
        fd::close_on_exec(&queue)?;
        let wanted = (1..=LAST).filter(|number| ![libc::SIGKILL, libc::SIGSTOP].contains(number));
        let changes: Vec<KEvent> = wanted.map(|number| event(number, EvFlags::EV_ADD)).collect();
        queue.kevent(&changes, &mut [], None)?;
        // Signals that arrived after the block and before this are pending and unknown to the queue, so they are sent
        // again now. Equal pending signals count as one.
        for number in (1..=LAST).filter(|&number| pending(number)) {
            super::super::signal::send(nix::unistd::getpid().as_raw(), number)?;
        }
        Ok(Self { queue, arrived: Cell::new(0) })
    }

    /// A queue is not inherited (kqueue(2)): its number is not open in a forked process, or was reused, so it must not
    /// be closed.
    pub(crate) fn after_fork(self) {
        let _ = OwnedFd::from(self.queue).into_raw_fd();
    }

    pub(crate) fn next(&self) -> io::Result<Option<i32>> {
        self.drain()?;
        let arrived = self.arrived.get();
        let number = arrived.trailing_zeros().cast_signed();
        if number > LAST {
            return Ok(None);
        }
        self.arrived.set(arrived & (arrived - 1));
        if pending(number) {
            take(number)?;
        }
        Ok(Some(number))
    }

    fn drain(&self) -> io::Result<()> {
        const NOW: timespec = timespec { tv_sec: 0, tv_nsec: 0 };
        let mut events = [event(0, EvFlags::empty()); 32];
        loop {
            let count = match self.queue.kevent(&[], &mut events, Some(NOW)) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..count] {
                let bit = u32::try_from(event.ident()).ok().and_then(|number| 1_u32.checked_shl(number));
                self.arrived.set(self.arrived.get() | bit.unwrap_or(0));
            }
        }
    }
}

impl AsFd for SignalReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

fn event(number: i32, flags: EvFlags) -> KEvent {
    let ident = usize::try_from(number).unwrap_or(0);
    KEvent::new(ident, EventFilter::EVFILT_SIGNAL, flags, FilterFlag::empty(), 0, 0)
}

/// Whether a signal is pending because it is blocked.
fn pending(number: i32) -> bool {
    let mut set: libc::sigset_t = 0;
    // SAFETY: `set` is valid for writing a set of signals.
    let asked = unsafe { libc::sigpending(&raw mut set) };
    // SAFETY: `set` is a set of signals, and the number is a valid signal.
    asked == 0 && unsafe { libc::sigismember(&raw const set, number) } == 1
}

/// Removes a pending signal.
fn take(number: i32) -> io::Result<()> {
    let mut set: libc::sigset_t = 0;
    // SAFETY: `set` is a valid, empty set of signals, and the number is a valid signal.
    unsafe { libc::sigaddset(&raw mut set, number) };
    let mut taken = 0;
    // SAFETY: both are valid for their types. The signal is pending, so the call does not wait.
    match unsafe { libc::sigwait(&raw const set, &raw mut taken) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}
