//! POSIX record locks (fcntl(2)): they belong to a process, survive its exec, and tell who holds them. And one that
//! does not: a turn.

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
    /// Nobody, or this very process.
    Nobody,
    /// The process with this number, perhaps beside others.
    Process(i32),
    /// A process that this pid namespace has no number for.
    Elsewhere,
}

/// Takes a lock of a file that is open for reading: a read lock, which others may have beside us.
///
/// It is lost as soon as this process closes *any* descriptor of the file, also by an exec that closes it.
pub fn take(file: impl AsFd) -> io::Result<()> {
    fcntl(file.as_fd(), FcntlArg::F_SETLK(&whole(cast(libc::F_RDLCK))))?;
    Ok(())
}

/// A turn at something that only one process can do at a time. It ends with the value, or with the process.
#[derive(Debug)]
pub struct StartLock {
    _file: Flock<File>,
}

/// Waits for a turn (flock(2)); an error of kind `TimedOut` where nobody has let us have one for so long. Whoever may read
/// the file can make us wait, and so does who was stopped (SIGSTOP, a frozen cgroup) in the middle of a turn.
pub fn lock_starts(file: File, timeout: Duration) -> io::Result<StartLock> {
    /// The kernel tells of the end of a turn only whom it keeps asleep until then.
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

/// Says who holds a lock of a file.
pub fn holder(file: impl AsFd) -> io::Result<Holder> {
    // Asked is who would keep us from a write lock, which needs no right to write.
    let mut asked = whole(cast(libc::F_WRLCK));
    fcntl(file.as_fd(), FcntlArg::F_GETLK(&mut asked))?;
    // The constants are not of one type on every system; here and below.
    let free: libc::c_short = cast(libc::F_UNLCK);
    Ok(match asked.l_pid {
        _ if asked.l_type == free => Holder::Nobody,
        pid if pid > 0 => Holder::Process(pid),
        0 => Holder::Elsewhere,
        // Another kind of lock, which belongs to an open file and to no process (F_OFD_SETLK): none that we take.
        _ => Holder::Nobody,
    })
}

/// The same, of a file that is known only by the number of a descriptor.
pub fn holder_at(number: i32) -> io::Result<Holder> {
    // SAFETY: the borrow lasts for one call to fcntl(2), for which a number that is not open is an error. To copy the
    // descriptor first would be no better: closing the copy would let go of the lock.
    holder(unsafe { BorrowedFd::borrow_raw(number) })
}

/// A lock of this kind on the whole of a file.
fn whole(kind: libc::c_short) -> libc::flock {
    // SAFETY: flock is plain numbers, for which all zeroes are valid: from the beginning, to the end.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind;
    lock.l_whence = cast(libc::SEEK_SET);
    lock
}
