//! Changes of the files in a directory (inotify(7)).

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

/// A descriptor that is readable after a change of a file in the directory.
pub(crate) fn watch(directory: &Path) -> io::Result<Option<OwnedFd>> {
    let path = CString::new(directory.as_os_str().as_bytes())?;
    // SAFETY: the call takes a number, and no pointer.
    let number = Errno::result(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) })?;
    // SAFETY: inotify_init1(2) has just created this descriptor, so nothing else owns it.
    let watch = unsafe { OwnedFd::from_raw_fd(number) };
    let what = libc::IN_MODIFY | libc::IN_CREATE | libc::IN_MOVED_TO | libc::IN_MOVED_FROM | libc::IN_DELETE;
    // SAFETY: the kernel reads the path up to its NUL, which `path` has.
    Errno::result(unsafe { libc::inotify_add_watch(watch.as_raw_fd(), path.as_ptr(), what) })?;
    Ok(Some(watch))
}
