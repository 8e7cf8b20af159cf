//! The descriptors that a later image of the monitor has from the one before.

use std::io;
use std::os::fd::OwnedFd;

use crate::sys::fd;
use crate::sys::fd::InheritedFd;

/// The descriptors that came through the exec.
#[derive(Debug)]
pub(super) struct Inherited(Vec<InheritedFd>);

impl Inherited {
    pub(super) fn new() -> io::Result<Self> {
        fd::inherited().map(Self)
    }

    /// Takes ownership of one of them.
    pub(super) fn take(&mut self, number: i32) -> io::Result<OwnedFd> {
        let at = self.0.iter().position(|one| one.number() == number);
        self.0.swap_remove(at.ok_or(io::ErrorKind::NotFound)?).adopt()
    }
}
