//! POSIX record locks (fcntl(2)): they belong to a process, survive its exec, and tell who holds them.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::FcntlArg;
use nix::fcntl::fcntl;

/// Who holds the lock of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Nobody, or this very process.
    Nobody,
    /// The process with this number.
    Process(i32),
    /// A process that this pid namespace has no number for.
    Elsewhere,
}

/// Takes the lock of a file, or says who has it.
///
/// It is lost as soon as this process closes *any* descriptor of the file, also by an exec that closes it. An error
/// where somebody has a read lock on it: whoever may read a file can have that, so it says nothing about services.
pub fn take(file: impl AsFd) -> io::Result<Holder> {
    let file = file.as_fd();
    loop {
        match fcntl(file, FcntlArg::F_SETLK(&whole())) {
            Ok(_) => return Ok(Holder::Nobody),
            Err(Errno::EACCES | Errno::EAGAIN) => {}
            Err(error) => return Err(error.into()),
        }
        match ask(file)? {
            // It was let go between the two calls.
            (libc::F_UNLCK, _) => {}
            (libc::F_RDLCK, pid) => {
                let cause = format!("process {pid} has locked it for reading, which no service does");
                return Err(io::Error::other(cause));
            }
            (_, pid) => return Ok(holder_of(pid)),
        }
    }
}

/// Says who holds the lock of a file. A read lock is nobody's, as far as services go.
pub fn holder(file: impl AsFd) -> io::Result<Holder> {
    Ok(match ask(file.as_fd())? {
        (libc::F_UNLCK | libc::F_RDLCK, _) => Holder::Nobody,
        (_, pid) => holder_of(pid),
    })
}

fn holder_of(pid: i32) -> Holder {
    if pid > 0 { Holder::Process(pid) } else { Holder::Elsewhere }
}

/// The kind of lock that keeps us from ours, and whose it is. It needs no right to write.
fn ask(file: BorrowedFd<'_>) -> io::Result<(i32, i32)> {
    let mut asked = whole();
    fcntl(file, FcntlArg::F_GETLK(&mut asked))?;
    Ok((i32::from(asked.l_type), asked.l_pid))
}

/// A write lock on the whole of a file.
fn whole() -> libc::flock {
    // SAFETY: flock is plain numbers, for which all zeroes are valid: from the beginning, to the end.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    // The constant is 0, 1 or 3 on every platform.
    lock.l_type = libc::c_short::try_from(libc::F_WRLCK).unwrap_or(1);
    lock.l_whence = libc::c_short::try_from(libc::SEEK_SET).unwrap_or(0);
    lock
}
