//! POSIX record locks (fcntl(2)): they belong to a process, survive its exec, and tell who holds them.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::FcntlArg;
use nix::fcntl::fcntl;

use super::number::fit;

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
/// It is lost as soon as this process closes *any* descriptor of the file, also by an exec that closes it.
pub fn take(file: impl AsFd) -> io::Result<Holder> {
    let file = file.as_fd();
    match fcntl(file, FcntlArg::F_SETLK(&whole())) {
        Ok(_) => Ok(Holder::Nobody),
        Err(Errno::EACCES | Errno::EAGAIN) => match holder(file)? {
            // It was let go between the two calls; whoever had it was a process all the same.
            Holder::Nobody => Ok(Holder::Elsewhere),
            held => Ok(held),
        },
        Err(error) => Err(error.into()),
    }
}

/// Says who holds the lock of a file.
pub fn holder(file: impl AsFd) -> io::Result<Holder> {
    let mut asked = whole();
    fcntl(file, FcntlArg::F_GETLK(&mut asked))?;
    let free: libc::c_short = fit(libc::F_UNLCK);
    Ok(match asked.l_pid {
        _ if asked.l_type == free => Holder::Nobody,
        pid if pid > 0 => Holder::Process(pid),
        _ => Holder::Elsewhere,
    })
}

/// A write lock on the whole of a file.
fn whole() -> libc::flock {
    // SAFETY: flock is plain numbers, for which all zeroes are valid: from the beginning, to the end.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = fit(libc::F_WRLCK);
    lock.l_whence = fit(libc::SEEK_SET);
    lock
}
