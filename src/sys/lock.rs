//! POSIX record locks (fcntl(2)): they belong to a process, survive an exec, and identify their holder. In addition, an
//! flock(2) that serialises starts.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, Flock, FlockArg, fcntl};

use super::fd;
use super::number::cast;

/// Who holds the lock of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// No process, or this one.
    Nobody,
    /// The process with this pid, possibly among others.
    Process(i32),
    /// A process outside this pid namespace, which has no pid here.
    Elsewhere,
}

/// Takes a read lock on a file that is open for reading. Other processes may hold one at the same time.
///
/// It is lost when this process closes *any* descriptor of the file, including by an exec that closes it (fcntl(2)).
pub fn take(file: impl AsFd) -> io::Result<()> {
    fcntl(file.as_fd(), FcntlArg::F_SETLK(&whole(cast(libc::F_RDLCK))))?;
    Ok(())
}

/// An exclusive lock for one start. It is released when dropped, or when the process ends.
#[derive(Debug)]
pub struct StartLock {
    _file: Flock<File>,
}

/// Waits for the exclusive lock (flock(2)). The error is of kind `TimedOut` if another process held it all the time.
/// Any process that can read the file can hold it, and so can one that was stopped (SIGSTOP, a frozen cgroup) while it
/// held it.
pub fn lock_starts(file: File, timeout: Duration) -> io::Result<StartLock> {
    /// flock(2) has no timeout and no descriptor to poll.
    const POLL_INTERVAL: Duration = Duration::from_millis(2);
    let begun = Instant::now();
    let mut file = file;
    loop {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => return Ok(StartLock { _file: file }),
            Err((_, Errno::EWOULDBLOCK)) if begun.elapsed() >= timeout => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err((file, Errno::EWOULDBLOCK)) => {
                fd::wait_readable(&[], Some(POLL_INTERVAL))?;
                file
            }
            Err((file, Errno::EINTR)) => file,
            Err((_, error)) => return Err(error.into()),
        };
    }
}

/// Returns who holds a lock on a file.
pub fn holder(file: impl AsFd) -> io::Result<Holder> {
    // F_GETLK reports the holder that would block a write lock. Asking needs no write access.
    let mut asked = whole(cast(libc::F_WRLCK));
    fcntl(file.as_fd(), FcntlArg::F_GETLK(&mut asked))?;
    // The types of the constants differ between systems; here and below.
    let free: libc::c_short = cast(libc::F_UNLCK);
    Ok(match asked.l_pid {
        _ if asked.l_type == free => Holder::Nobody,
        pid if pid > 0 => Holder::Process(pid),
        0 => Holder::Elsewhere,
        // A lock of an open file description (F_OFD_SETLK), which has no process. This crate takes none.
        _ => Holder::Nobody,
    })
}

/// The same for a file known only by a descriptor number.
pub fn holder_at(number: i32) -> io::Result<Holder> {
    // SAFETY: the borrow lasts for one call to fcntl(2), for which a number that is not open is an error. Duplicating
    // the descriptor first would not help: closing the duplicate would release the lock.
    holder(unsafe { BorrowedFd::borrow_raw(number) })
}

/// A lock of this kind on the whole file.
fn whole(kind: libc::c_short) -> libc::flock {
    // SAFETY: flock consists of numbers, for which zeroes are valid: from the beginning to the end of the file.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind;
    lock.l_whence = cast(libc::SEEK_SET);
    lock
}
