//! The program of a process, by its path: the kernel executes no descriptor here.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use nix::errno::Errno;

/// fork(2), CAVEATS: Apple's frameworks are not to be used between a fork and an exec.
pub(crate) const EXEC_AFTER_FORK: bool = true;

/// proc_pidpath(3): the kernel makes the path from the file that it runs, so that a file which was renamed is found. What
/// the loader knows (`_NSGetExecutablePath`) is what the starter wrote, and may be relative or a link.
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
        // The file has no name any more.
        _ => Err(Errno::last().into()),
    }
}

/// F_GETPATH of fcntl(2).
pub(crate) fn descriptor_path(number: i32) -> io::Result<PathBuf> {
    // The kernel writes as many bytes as it has a limit for paths.
    let mut path = vec![0_u8; usize::try_from(libc::PATH_MAX).map_err(io::Error::other)?];
    // SAFETY: the buffer has the room that the kernel takes for granted, and the call keeps no pointer to it.
    Errno::result(unsafe { libc::fcntl(number, libc::F_GETPATH, path.as_mut_ptr()) })?;
    let length = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
    path.truncate(length);
    Ok(OsString::from_vec(path).into())
}

/// Here it is the last part of the path that was executed, and nobody can set it.
pub(crate) fn process_name() -> Vec<u8> {
    Vec::new()
}

pub(crate) fn set_process_name(_name: &[u8]) {}
