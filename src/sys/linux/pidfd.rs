//! A process, held by a pidfd: signals cannot reach another process that reuses the pid.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;

/// A process (pidfd_open(2)). The descriptor becomes readable (poll(2)) when the process has ended.
#[derive(Debug)]
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    /// Opens a process. `None` if there is no such process.
    pub(crate) fn open(pid: i32) -> io::Result<Option<Self>> {
        // SAFETY: pidfd_open(2) takes two numbers.
        match Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) }) {
            Ok(number) => {
                let number = i32::try_from(number).map_err(io::Error::other)?;
                // SAFETY: the kernel has just created this descriptor, so nothing else owns it.
                Ok(Some(Self(unsafe { OwnedFd::from_raw_fd(number) })))
            }
            // EINVAL: the number is that of a thread, group or session only.
            Err(Errno::ESRCH | Errno::EINVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The same handle after a fork. Linux inherits it, so it always exists.
    #[allow(clippy::unnecessary_wraps, reason = "not every system lets it be inherited")]
    pub(crate) fn after_fork(self) -> io::Result<Option<Self>> {
        Ok(Some(self))
    }

    /// Sends a signal to this process. `false` if it has ended.
    pub(crate) fn send(&self, signal: i32) -> io::Result<bool> {
        let number = self.0.as_raw_fd();
        let info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: without a siginfo the kernel creates one as for kill(2); the rest are numbers.
        match Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, number, signal, info, 0) }) {
            Ok(_) => Ok(true),
            Err(Errno::ESRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it has ended. A zombie has.
    pub(crate) fn has_ended(&self) -> io::Result<bool> {
        Ok(super::super::fd::wait_readable(&[self.as_fd()], Some(Duration::ZERO))?.contains(&true))
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
