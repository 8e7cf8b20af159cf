//! Files in memory.

use std::fs::File;
use std::io;
use std::io::{Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

/// memfd_create(2), close-on-exec.
pub(crate) fn memory_file(name: &str) -> io::Result<OwnedFd> {
    Ok(memfd_create(name, MFdFlags::MFD_CLOEXEC)?)
}

pub(crate) use memory_file as unnamed_file;

/// A file in memory that no process can change (F_ADD_SEALS, fcntl(2)), open for reading.
pub(crate) fn sealed_file(name: &str, content: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    file.write_all(content)?;
    file.rewind()?;
    let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals | SealFlag::F_SEAL_SEAL))?;
    // Without /proc the sealed one does.
    let reopened = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()));
    Ok(reopened.unwrap_or(file).into())
}
