//! A process, watched by a kernel queue (kqueue(2), EVFILT_PROC) and identified by its start time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};

use super::super::fd;
use super::process_id;

/// A process. The descriptor stays readable (poll(2)) once the process has ended: its event is never fetched.
#[derive(Debug)]
pub(crate) struct PidFd {
    queue: Kqueue,
    pid: i32,
    start_time: u64,
}

impl PidFd {
    /// Opens a process. `None` if there is no such process, or it has ended.
    pub(crate) fn open(pid: i32) -> io::Result<Option<Self>> {
        let Some(start_time) = running(pid)? else { return Ok(None) };
        let queue = Kqueue::new()?;
        fd::close_on_exec(&queue)?;
        let Ok(ident) = usize::try_from(pid) else { return Ok(None) };
        let end = KEvent::new(ident, EventFilter::EVFILT_PROC, EvFlags::EV_ADD, FilterFlag::NOTE_EXIT, 0, 0);
        match queue.kevent(&[end], &mut [], None) {
            Ok(_) => {}
            Err(Errno::ESRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // The queue watches the process that existed both before and after.
        let held = Self { queue, pid, start_time };
        Ok(if running(pid)? == Some(start_time) { Some(held) } else { None })
    }

    /// The same handle after a fork: a queue is not inherited (kqueue(2)), so it is opened again. `None` if the process
    /// has ended in the meantime.
    pub(crate) fn after_fork(self) -> io::Result<Option<Self>> {
        let Self { queue, pid, start_time } = self;
        // The number is not open in this process, or was reused, so it must not be closed.
        let _ = OwnedFd::from(queue).into_raw_fd();
        Ok(Self::open(pid)?.filter(|held| held.start_time == start_time))
    }

    /// Only Linux numbers processes beside their pids.
    #[allow(clippy::unused_self, reason = "Linux has such a number")]
    pub(crate) fn id(&self) -> Option<u64> {
        None
    }

    /// Whether it has ended. A zombie has.
    pub(crate) fn has_ended(&self) -> io::Result<bool> {
        Ok(fd::wait_readable(&[self.as_fd()], Some(std::time::Duration::ZERO))?.contains(&true))
    }

    /// Sends a signal to this process. `false` if it has ended. The process may end between the check and kill(2) and
    /// its pid be reused; the kernel has no way to prevent that.
    pub(crate) fn send(&self, signal: i32) -> io::Result<bool> {
        if running(self.pid)? != Some(self.start_time) {
            return Ok(false);
        }
        // SAFETY: kill(2) takes two numbers.
        match Errno::result(unsafe { libc::kill(self.pid, signal) }) {
            Ok(_) => Ok(true),
            Err(Errno::ESRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// The process of a descriptor that another process has sent: only Linux has such descriptors.
pub(crate) fn of_descriptor(_held: &OwnedFd) -> Option<(i32, Option<u64>)> {
    None
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// The start time of a running process. `None` if there is none.
fn running(pid: i32) -> io::Result<Option<u64>> {
    match process_id::identity(pid) {
        Ok(found) => Ok((!found.ended).then_some(found.start_time)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    #[test]
    fn process_that_has_ended_is_readable_and_not_signalled() {
        let mut child = Command::new("/bin/cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let held = PidFd::open(pid).unwrap().unwrap();
        assert_eq!(fd::wait_readable(&[held.as_fd()], Some(Duration::ZERO)).unwrap(), [false]);
        assert!(held.send(libc::SIGTERM).unwrap());
        assert_eq!(fd::wait_readable(&[held.as_fd()], Some(Duration::from_secs(10))).unwrap(), [true]);
        assert!(!held.send(libc::SIGTERM).unwrap());
        child.wait().unwrap();
        assert!(PidFd::open(pid).unwrap().is_none());
    }
}
