//! The running program, by its path: macOS cannot execute a descriptor.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use nix::errno::Errno;

/// Apple's frameworks must not be used between a fork and an exec (fork(2), CAVEATS).
pub(crate) const EXEC_AFTER_FORK: bool = true;

/// proc_pidpath(3): the kernel derives the path from the running file, so a renamed file is found. The loader's path
/// (`_NSGetExecutablePath`) is the starter's, and may be relative or a link.
pub(crate) fn own_image() -> io::Result<PathBuf> {
    let own = nix::unistd::getpid().as_raw();
    let size = usize::try_from(libc::PROC_PIDPATHINFO_MAXSIZE).map_err(io::Error::other)?;
    let room = u32::try_from(size).map_err(io::Error::other)?;
    let mut path = vec![0_u8; size];
    // SAFETY: the buffer is `room` bytes long, and the call keeps no pointer to it.
    let length = Errno::result(unsafe { libc::proc_pidpath(own, path.as_mut_ptr().cast(), room) })?;
    match usize::try_from(length) {
        Ok(length @ 1..) => {
            path.truncate(length);
            Ok(OsString::from_vec(path).into())
        }
        // The file was deleted.
        _ => Err(Errno::last().into()),
    }
}

/// F_GETPATH of fcntl(2).
pub(crate) fn descriptor_path(number: i32) -> io::Result<PathBuf> {
    // The kernel writes up to PATH_MAX bytes.
    let mut path = vec![0_u8; usize::try_from(libc::PATH_MAX).map_err(io::Error::other)?];
    // SAFETY: the buffer has PATH_MAX bytes, which is what the kernel requires, and the call keeps no pointer to it.
    Errno::result(unsafe { libc::fcntl(number, libc::F_GETPATH, path.as_mut_ptr()) })?;
    let length = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
    path.truncate(length);
    Ok(OsString::from_vec(path).into())
}

/// On macOS the name is the last part of the executed path and cannot be set.
pub(crate) fn process_name() -> Vec<u8> {
    Vec::new()
}

pub(crate) fn set_process_name(_name: &[u8]) {}
