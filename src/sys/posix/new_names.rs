//! Only Linux announces new names in directories without a wait at the end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use super::unsupported;

/// See the Linux implementation.
#[derive(Debug)]
pub struct NewNames(OwnedFd);

impl NewNames {
    /// Not on this system.
    pub fn new() -> io::Result<Self> {
        Err(unsupported("this system does not announce new names"))
    }

    /// Not on this system.
    pub fn announce<'a>(&mut self, _directories: impl Iterator<Item = &'a Path>) -> bool {
        false
    }
}

impl AsFd for NewNames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
