//! What only Linux does with terminals.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use super::unsupported;

/// TIOCSCTTY.
pub(crate) const TAKE_TERMINAL: libc::c_ulong = libc::TIOCSCTTY as libc::c_ulong;

pub(crate) fn leave_graphics(_terminal: BorrowedFd<'_>) {}

pub(crate) fn hang_up(_terminal: BorrowedFd<'_>) -> io::Result<()> {
    Err(unsupported("this system cannot take a terminal from its processes by a descriptor"))
}

pub(crate) fn disallocate(_path: &Path) -> io::Result<()> {
    Err(unsupported("this system has no virtual consoles"))
}
