//! How the kernel reports changes of a control group.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Waits until a file of the kernel that was read has changed (poll(2), POLLPRI), at most for `timeout`.
pub(crate) fn wait_for_priority(file: BorrowedFd<'_>, timeout: Duration) -> io::Result<()> {
    let millis = u16::try_from(timeout.as_millis()).unwrap_or(u16::MAX).max(1);
    match poll(&mut [PollFd::new(file, PollFlags::POLLPRI)], PollTimeout::from(millis)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A descriptor that is readable after a file has changed (inotify(7)).
pub(crate) fn watch_changes(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: inotify_init1(2) takes a number.
    let number = Errno::result(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) })?;
    // SAFETY: the call has just created this descriptor, so nothing else owns it.
    let watch = unsafe { OwnedFd::from_raw_fd(number) };
    // SAFETY: the path ends in NUL and lives longer than the call.
    Errno::result(unsafe { libc::inotify_add_watch(watch.as_raw_fd(), path.as_ptr(), libc::IN_MODIFY) })?;
    Ok(watch)
}
