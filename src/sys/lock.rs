//! POSIX record locks (fcntl(2)): they belong to a process, survive its exec, and tell who holds them. And one that
//! does not: a turn.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::FcntlArg;
use nix::fcntl::Flock;
use nix::fcntl::FlockArg;
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
            (Kind::Free, _) => {}
            (Kind::Read, pid) => {
                let cause = format!("process {pid} has locked it for reading, which no service does");
                return Err(io::Error::other(cause));
            }
            (Kind::Write, pid) => return Ok(holder_of(pid)),
        }
    }
}

/// A turn at something that only one process can do at a time. It ends with the value, or with the process.
#[derive(Debug)]
pub struct Turn {
    _file: Flock<File>,
}

/// Waits for a turn (flock(2)). Whoever may read the file can make us wait.
pub fn turn(file: File) -> io::Result<Turn> {
    let mut file = file;
    loop {
        file = match Flock::lock(file, FlockArg::LockExclusive) {
            Ok(file) => return Ok(Turn { _file: file }),
            Err((file, Errno::EINTR)) => file,
            Err((_, error)) => return Err(error.into()),
        };
    }
}

/// Says who holds the lock of a file. A read lock is nobody's, as far as services go.
pub fn holder(file: impl AsFd) -> io::Result<Holder> {
    Ok(match ask(file.as_fd())? {
        (Kind::Free | Kind::Read, _) => Holder::Nobody,
        (Kind::Write, pid) => holder_of(pid),
    })
}

/// The same, of a file that is known only by the number of a descriptor.
pub fn holder_at(number: i32) -> io::Result<Holder> {
    // SAFETY: the borrow lasts for one call to fcntl(2), for which a number that is not open is an error. To copy the
    // descriptor first would be no better: closing the copy would let go of the lock.
    holder(unsafe { BorrowedFd::borrow_raw(number) })
}

fn holder_of(pid: i32) -> Holder {
    if pid > 0 { Holder::Process(pid) } else { Holder::Elsewhere }
}

/// What keeps us from a lock.
enum Kind {
    Free,
    Read,
    Write,
}

/// The kind of lock that keeps us from ours, and whose it is. It needs no right to write.
fn ask(file: BorrowedFd<'_>) -> io::Result<(Kind, i32)> {
    let mut asked = whole();
    fcntl(file, FcntlArg::F_GETLK(&mut asked))?;
    // The constants are not of one type on every system.
    let (free, read): (libc::c_short, libc::c_short) = (fit(libc::F_UNLCK), fit(libc::F_RDLCK));
    let kind = match asked.l_type {
        kind if kind == free => Kind::Free,
        kind if kind == read => Kind::Read,
        _ => Kind::Write,
    };
    Ok((kind, asked.l_pid))
}

/// A write lock on the whole of a file.
fn whole() -> libc::flock {
    // SAFETY: flock is plain numbers, for which all zeroes are valid: from the beginning, to the end.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = fit(libc::F_WRLCK);
    lock.l_whence = fit(libc::SEEK_SET);
    lock
}
