//! Descriptors, in two steps where Linux needs one: no other thread can fork in between, because there are none.

use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::super::fd;

pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (out, input) = nix::unistd::pipe()?;
    fd::close_on_exec(&out)?;
    fd::close_on_exec(&input)?;
    Ok((out, input))
}

/// Only Linux has kcmp(2).
pub(crate) fn is_same_description(_one: i32, _other: i32) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Marks a descriptor close-on-exec. A closed number needs no mark.
pub(crate) fn mark(number: i32) -> io::Result<()> {
    // SAFETY: F_SETFD takes no pointer.
    match Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) }) {
        Ok(_) | Err(Errno::EBADF) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
