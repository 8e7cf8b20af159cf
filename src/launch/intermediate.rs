//! The intermediate process between the two forks, if it is kept: the daemon's parent while the launcher waits.
//!
//! Only a parent learns how a process ended, and a launcher that is no subreaper is not the parent of its grandchild.
//! So the intermediate process reports it. It leads the daemon's session, and while it exists the session's number is
//! not reused: by it the launcher finds after a failure what else the daemon has left behind.
//!
//! It is a forked process that executes nothing and only waits, which is safe after a fork.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys::process::{Ended, Reaped};
use crate::sys::signal::SignalReader;
use crate::sys::{fd, process, signal, socketpair};

/// Both ends of the channel between launcher and intermediate process, before the fork.
#[derive(Debug)]
pub(super) struct Channel {
    launcher: OwnedFd,
    intermediate: OwnedFd,
}

impl Channel {
    pub(super) fn new() -> io::Result<Self> {
        socketpair::pair().map(|(launcher, intermediate)| Self { launcher, intermediate })
    }
}

/// The intermediate process, as seen by the launcher.
#[derive(Debug)]
pub(super) struct Intermediate {
    pid: i32,
    channel: OwnedFd,
    reaped: Cell<bool>,
}

impl Intermediate {
    pub(super) fn new(pid: i32, channel: Channel) -> io::Result<Self> {
        fd::fresh_nonblocking(&channel.launcher)?;
        Ok(Self { pid, channel: channel.launcher, reaped: Cell::new(false) })
    }

    /// Its pid, which is also the number of the daemon's session.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether it has not been reaped. If it was killed, its children go to process 1 or a subreaper.
    pub(super) fn is_there(&self) -> bool {
        !self.reaped.get()
    }

    /// Reaps an ended child of this process, or receives the end of one of the intermediate process's.
    pub(super) fn reap(&self) -> io::Result<Reaped> {
        if let Some((pid, ended)) = self.receive()? {
            return Ok(Reaped::Child(pid, ended));
        }
        let found = process::reap()?;
        if matches!(found, Reaped::Child(pid, _) if pid == self.pid) {
            self.reaped.set(true);
        }
        Ok(found)
    }

    /// The next ended child of the intermediate process. `None` if it has reported none.
    fn receive(&self) -> io::Result<Option<(i32, Ended)>> {
        let mut word = [0; 9];
        // Nine bytes are written atomically.
        Ok(if fd::read(&self.channel, &mut word)? == Some(word.len()) { Some(read(word)) } else { None })
    }

    /// Ends the intermediate process; the daemon becomes an orphan.
    pub(super) fn dismiss(self) {
        // A child that is not reaped keeps its pid. SIGKILL works in every state.
        if self.is_there() {
            let _ = signal::send(self.pid, signal::SIGKILL);
            let _ = process::wait(self.pid);
        }
    }
}

/// Readable when a child of the process, or the process itself, has ended.
impl AsFd for Intermediate {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

/// Reports how the daemon ends, and stays until the launcher closes its end of the channel, which the kernel does if
/// it is killed.
pub(super) fn run(channel: Channel) -> ! {
    let Channel { launcher, intermediate } = channel;
    drop(launcher);
    let waited = wait(&intermediate);
    process::exit_now(u8::from(waited.is_err()));
}

fn wait(channel: &OwnedFd) -> io::Result<()> {
    let signals = SignalReader::receive()?;
    let mut left = true;
    loop {
        while left {
            match process::reap()? {
                Reaped::Child(pid, ended) => fd::write_all(channel, &written(pid, ended))?,
                Reaped::None => break,
                Reaped::NoChildren => left = false,
            }
        }
        let ready = fd::wait_readable(&[channel.as_fd(), signals.as_fd()], None)?;
        if ready.first() == Some(&true) {
            return Ok(());
        }
        // Only SIGCHLD matters, and children are checked anyway.
        while signals.next()?.is_some() {}
    }
}

fn written(pid: i32, ended: Ended) -> [u8; 9] {
    let (kind, number) = match ended {
        Ended::Exited(status) => (0, i32::from(status)),
        Ended::Killed(signal) => (1, signal),
        Ended::Dumped(signal) => (2, signal),
    };
    let mut word = [kind; 9];
    word[1..5].copy_from_slice(&pid.to_ne_bytes());
    word[5..].copy_from_slice(&number.to_ne_bytes());
    word
}

fn read([kind, word @ ..]: [u8; 9]) -> (i32, Ended) {
    let number = |at: usize| i32::from_ne_bytes([word[at], word[at + 1], word[at + 2], word[at + 3]]);
    let ended = match kind {
        0 => Ended::Exited(u8::try_from(number(4)).unwrap_or(u8::MAX)),
        2 => Ended::Dumped(number(4)),
        _ => Ended::Killed(number(4)),
    };
    (number(0), ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_is_told_as_it_was() {
        let all = (0..=255).map(Ended::Exited).chain((1..=64).map(Ended::Killed));
        for ended in all {
            assert_eq!(read(written(4_194_303, ended)), (4_194_303, ended));
        }
    }

    #[test]
    fn nothing_is_told_before_something_has_ended() {
        let channel = Channel::new().unwrap();
        let other = fd::duplicate(&channel.intermediate, 3).unwrap();
        let intermediate = Intermediate::new(1, channel).unwrap();
        assert_eq!(intermediate.receive().unwrap(), None);
        fd::write_all(&other, &written(7, Ended::Exited(3))).unwrap();
        assert_eq!(intermediate.receive().unwrap(), Some((7, Ended::Exited(3))));
        drop(other);
        assert_eq!(intermediate.receive().unwrap(), None);
    }
}
