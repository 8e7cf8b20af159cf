//! Files in memory.

use std::io;
use std::os::fd::OwnedFd;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// memfd_create(2), close-on-exec.
pub(crate) fn memory_file(name: &str) -> io::Result<OwnedFd> {
    Ok(memfd_create(name, MFdFlags::MFD_CLOEXEC)?)
}
