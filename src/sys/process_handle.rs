//! A handle of a process, which proves that it is still the same one each time it is inspected or signalled.
//!
//! A pidfd (pidfd_open(2)) is the best proof. An old kernel has none, an old seccomp filter forbids it, and a full
//! descriptor table has no room for it. Then pid and start time are compared before every signal, and the end of the
//! process is polled. A [`ProcessHandle`] is never older than this boot.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::platform::pidfd::PidFd;
pub(crate) use super::platform::pidfd::of_descriptor;
use super::{fd, process, signal};

/// How often a process without a pidfd is polled for its end.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A process with its proof of identity.
#[derive(Debug)]
pub struct ProcessHandle {
    pid: i32,
    proof: Proof,
}

#[derive(Debug)]
enum Proof {
    /// A pidfd.
    Descriptor(PidFd),
    /// Its start time. `None` if it cannot be read; then only a child can be signalled.
    Started(Option<u64>),
}

impl ProcessHandle {
    /// Opens a process. `None` if there is no such process.
    pub fn open(pid: i32) -> io::Result<Option<Self>> {
        if pid <= 0 {
            return Ok(None);
        }
        match PidFd::open(pid) {
            Ok(found) => Ok(found.map(|descriptor| Self { pid, proof: Proof::Descriptor(descriptor) })),
            // EPERM, ENOSYS, EMFILE, ENFILE, ENOMEM: none of them says anything about the process.
            Err(_) => Self::by_number(pid),
        }
    }

    /// The same without a pidfd, for callers with more processes than RLIMIT_NOFILE.
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

    /// Its pid.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The number of its pidfd's inode, by which systemd knows it (`MAINPIDFDID=`, sd_notify(3)). `None` without one.
    pub fn id(&self) -> Option<u64> {
        match &self.proof {
            Proof::Descriptor(held) => held.id(),
            Proof::Started(_) => None,
        }
    }

    /// The same handle after a fork. `None` if the process has ended in the meantime.
    pub fn after_fork(self) -> io::Result<Option<Self>> {
        let pid = self.pid;
        match self.proof {
            Proof::Descriptor(held) => {
                Ok(held.after_fork()?.map(|held| Self { pid, proof: Proof::Descriptor(held) }))
            }
            Proof::Started(_) => Ok(Some(self)),
        }
    }

    /// Whether it has ended. A zombie has.
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

    /// Sends a signal to this process. `false` if it has ended.
    ///
    /// Without a pidfd, or if the pidfd may not be used for signals, the process may end and its pid be reused between
    /// the check and kill(2): the kernel has no way to prevent that.
    pub fn send(&self, number: i32) -> io::Result<bool> {
        if let Proof::Descriptor(held) = &self.proof {
            match held.send(number) {
                Ok(sent) => return Ok(sent),
                // kill(2) reports a missing permission again; a seccomp filter returns any errno.
                Err(_) if held.has_ended()? => return Ok(false),
                Err(_) => {}
            }
        } else if self.has_ended()? {
            return Ok(false);
        }
        if matches!(self.proof, Proof::Started(None)) && !process::is_child(self.pid) {
            return Err(io::Error::other(
                "the process cannot be identified: neither pidfd_open(2) nor /proc is available",
            ));
        }
        match signal::send(self.pid, number) {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The pidfd, which becomes readable when the process ends. `None` if it must be polled, see
    /// [`ProcessHandle::pause`].
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.proof {
            Proof::Descriptor(held) => Some(held.as_fd()),
            Proof::Started(_) => None,
        }
    }

    /// The poll interval. `None` if there is a pidfd.
    pub fn pause(&self) -> Option<Duration> {
        matches!(self.proof, Proof::Started(_)).then_some(POLL_INTERVAL)
    }

    /// Waits for its end until `deadline` (`None`: without limit), and returns whether it has ended.
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
    fn process_without_a_pidfd_is_not_signalled_after_its_end() {
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
    fn pid_with_another_start_time_is_not_signalled() {
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
