//! Only Linux has control groups.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use super::unsupported;

pub(crate) fn wait_for_priority(_file: BorrowedFd<'_>, _timeout: Duration) -> io::Result<()> {
    Err(unsupported("this system has no control groups"))
}

pub(crate) fn watch_changes(_path: &Path) -> io::Result<OwnedFd> {
    Err(unsupported("this system has no control groups"))
}
