//! A process that is held: proved to be the same one each time that it is looked at or signalled.
//!
//! The system's own descriptor of a process (`pidfd`) is the best proof. An old kernel has none, an old seccomp list
//! forbids it, and a full table of descriptors has no room for it. Then the number and the start time are compared before
//! every signal, and the end of the process is seen by looking at it. A [`ProcessHandle`] is never older than this boot.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::platform::pidfd::PidFd;
use super::{fd, process, signal};

/// How often a process without a descriptor is looked at while its end is waited for.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A process, by what proves that it is still the same one.
#[derive(Debug)]
pub struct ProcessHandle {
    pid: i32,
    proof: Proof,
}

#[derive(Debug)]
enum Proof {
    /// The kernel's.
    Descriptor(PidFd),
    /// It started then; none where that cannot be seen, and only a child can be signalled.
    Started(Option<u64>),
}

impl ProcessHandle {
    /// Takes hold of a process; none where there is no such process.
    pub fn open(pid: i32) -> io::Result<Option<Self>> {
        if pid <= 0 {
            return Ok(None);
        }
        match PidFd::open(pid) {
            Ok(found) => Ok(found.map(|descriptor| Self { pid, proof: Proof::Descriptor(descriptor) })),
            // EPERM, ENOSYS, EMFILE, ENFILE, ENOMEM: whatever it is, it says nothing of the process.
            Err(_) => Self::by_number(pid),
        }
    }

    /// The same without a descriptor, for a caller that holds more processes than it may open files.
    pub fn by_number(pid: i32) -> io::Result<Option<Self>> {
        if pid <= 0 {
            return Ok(None);
        }
        let started = match process::identity(pid) {
            Ok(found) => Some(found.start_time),
            // Gone, hidden (hidepid=), or there is no /proc.
            Err(_) if signal::reaches(pid)? => None,
            Err(_) => return Ok(None),
        };
        Ok(Some(Self { pid, proof: Proof::Started(started) }))
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The same hold in a process that was forked since; none where the process has ended meanwhile.
    pub fn after_fork(self) -> io::Result<Option<Self>> {
        let pid = self.pid;
        match self.proof {
            Proof::Descriptor(held) => {
                Ok(held.after_fork()?.map(|held| Self { pid, proof: Proof::Descriptor(held) }))
            }
            Proof::Started(_) => Ok(Some(self)),
        }
    }

    /// Whether it has ended; a zombie has.
    pub fn has_ended(&self) -> io::Result<bool> {
        match &self.proof {
            Proof::Descriptor(held) => held.has_ended(),
            Proof::Started(Some(started)) => Ok(match process::identity(self.pid) {
                Ok(now) => now.ended || !process::same_start(now.start_time, *started),
                Err(_) => !signal::reaches(self.pid)?,
            }),
            Proof::Started(None) => Ok(!signal::reaches(self.pid)?),
        }
    }

    /// Sends a signal to this very process; false where it has ended.
    ///
    /// Without the kernel's descriptor, or where a signal may not be sent by it, the process may end between our look and
    /// kill(2), and its number be given away: the kernel has no way to rule that out.
    pub fn send(&self, number: i32) -> io::Result<bool> {
        if let Proof::Descriptor(held) = &self.proof {
            match held.send(number) {
                Ok(sent) => return Ok(sent),
                // A missing permission of ours is found out again by kill(2); a seccomp filter answers what it likes.
                Err(_) if held.has_ended()? => return Ok(false),
                Err(_) => {}
            }
        } else if self.has_ended()? {
            return Ok(false);
        }
        if matches!(self.proof, Proof::Started(None)) && !process::is_child(self.pid) {
            return Err(io::Error::other("neither pidfd_open(2) nor /proc proves which process it is"));
        }
        match signal::send(self.pid, number) {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What becomes readable when it ends; none where it has to be looked at again, after [`ProcessHandle::pause`].
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.proof {
            Proof::Descriptor(held) => Some(held.as_fd()),
            Proof::Started(_) => None,
        }
    }

    /// After how long it has to be looked at again; none where its descriptor tells of its end.
    pub fn pause(&self) -> Option<Duration> {
        matches!(self.proof, Proof::Started(_)).then_some(POLL_INTERVAL)
    }

    /// Whether it ends by then; none waits for ever.
    pub fn ends_until(&self, deadline: Option<Instant>) -> io::Result<bool> {
        loop {
            if self.has_ended()? {
                return Ok(true);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(false);
            }
            let descriptors: Vec<BorrowedFd<'_>> = self.descriptor().into_iter().collect();
            fd::wait_readable(&descriptors, [left, self.pause()].into_iter().flatten().min())?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_held_by_its_number_is_signalled_until_it_ends_and_no_more() {
        let mut child = Command::new("/bin/cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let held = ProcessHandle::by_number(pid).unwrap().unwrap();
        assert!(held.descriptor().is_none() && held.pause().is_some());
        assert!(!held.ends_until(Some(Instant::now())).unwrap());
        assert!(held.send(libc::SIGTERM).unwrap());
        assert!(held.ends_until(Instant::now().checked_add(Duration::from_secs(10))).unwrap());
        assert!(!held.send(libc::SIGTERM).unwrap(), "a zombie has ended");
        child.wait().unwrap();
        assert!(held.has_ended().unwrap() && ProcessHandle::by_number(pid).unwrap().is_none());
    }

    #[test]
    fn a_number_with_another_start_time_is_not_signalled() {
        let mut child = Command::new("/bin/cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let started = process::identity(pid).unwrap().start_time - 100;
        let held = ProcessHandle { pid, proof: Proof::Started(Some(started)) };
        assert!(held.has_ended().unwrap() && !held.send(libc::SIGKILL).unwrap());
        assert!(child.try_wait().unwrap().is_none());
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
