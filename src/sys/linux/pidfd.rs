//! A process, held by a pidfd: signals cannot reach another process that reuses the pid.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;

use super::super::number::cast;

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

    /// The number of its inode, which no other process gets before the next boot. `None` before Linux 6.9.
    pub(crate) fn id(&self) -> Option<u64> {
        inode(&self.0)
    }

    /// Whether it has ended. A zombie has.
    pub(crate) fn has_ended(&self) -> io::Result<bool> {
        Ok(super::super::fd::wait_readable(&[self.as_fd()], Some(Duration::ZERO))?.contains(&true))
    }
}

/// The process of a pidfd that another process has sent, and the number of its inode. `None` if it is no pidfd, or its process
/// is not of this pid namespace or has been reaped.
pub(crate) fn of_descriptor(held: &OwnedFd) -> Option<(i32, Option<u64>)> {
    // proc(5), /proc/PID/fdinfo: only a pidfd has this line.
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", held.as_raw_fd())).ok()?;
    let pid = text.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()?;
    (pid > 0).then(|| (pid, inode(held)))
}

/// The file system of pidfds (`PID_FS_MAGIC`). Before it all of them had one inode.
const PIDFS: i64 = 0x5049_4446;

fn inode(held: &OwnedFd) -> Option<u64> {
    let system = nix::sys::statfs::fstatfs(held).ok()?;
    let kind: i64 = cast(system.filesystem_type().0);
    if kind != PIDFS {
        return None;
    }
    nix::sys::stat::fstat(held).ok().map(|found| found.st_ino)
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pidfd_names_its_process_and_another_file_none() {
        let own = i32::try_from(std::process::id()).unwrap();
        let held = PidFd::open(own).unwrap().unwrap();
        let parent =
            PidFd::open(i32::try_from(std::os::unix::process::parent_id()).unwrap()).unwrap().unwrap();
        assert_eq!(of_descriptor(&held.0), Some((own, held.id())));
        assert!(held.id() != parent.id() || held.id().is_none());
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(of_descriptor(&file.into()), None);
    }
}
