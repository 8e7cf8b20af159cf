//! File descriptors.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout};

use super::platform;

/// pipe(2): the read end and the write end, both close-on-exec.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    platform::pipe()
}

/// A duplicate with a number of at least `floor`, close-on-exec.
pub fn duplicate(fd: impl AsFd, floor: i32) -> io::Result<OwnedFd> {
    let number = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(floor))?;
    // SAFETY: fcntl(2) has just created this descriptor, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Duplicates `fd` until its number is not in `numbers`. (Their maximum may exceed RLIMIT_NOFILE, so it does not go
/// above that.)
pub fn move_off(fd: OwnedFd, numbers: &[i32]) -> io::Result<OwnedFd> {
    let mut moved = fd;
    while numbers.contains(&moved.as_raw_fd()) {
        moved = duplicate(&moved, moved.as_raw_fd() + 1)?;
    }
    Ok(moved)
}

/// Moves a descriptor to exactly this number, close-on-exec, and closes what the number was before. The caller
/// guarantees that nothing else in the process owns `number`.
pub fn renumber(fd: OwnedFd, number: i32) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() == number {
        return Ok(fd);
    }
    duplicate_to(&fd, number).map_err(|error| match error.raw_os_error() {
        Some(libc::EBADF) => io::Error::other(format!(
            "the limit of open files (RLIMIT_NOFILE) leaves no room for descriptor {number}"
        )),
        _ => error,
    })?;
    // SAFETY: dup2(2) has just created this descriptor, and the caller guarantees that nothing else owns its number.
    let moved = unsafe { OwnedFd::from_raw_fd(number) };
    close_on_exec(&moved)?;
    Ok(moved)
}

/// A duplicate of a descriptor known only by its number, with a number of at least `floor`, close-on-exec.
pub fn duplicate_raw(number: i32, floor: i32) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC takes two numbers; one that is not open is an error.
    let copy = nix::errno::Errno::result(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, floor) })?;
    // SAFETY: fcntl(2) has just created this descriptor, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Makes `number` a duplicate of `fd` that survives an exec, and closes what it was before (dup2(2)).
///
/// The caller guarantees that nothing in the process owns `number`: it is a standard stream, or a number reserved for
/// the program.
pub fn duplicate_to(fd: impl AsFd, number: i32) -> io::Result<()> {
    let fd = fd.as_fd();
    if fd.as_raw_fd() == number {
        // dup2(2) does nothing then, and keeps the close-on-exec flag.
        return clear_close_on_exec(number);
    }
    // SAFETY: both are numbers; the call touches no memory. The caller guarantees that nothing owns `number`.
    nix::errno::Errno::result(unsafe { libc::dup2(fd.as_raw_fd(), number) })?;
    Ok(())
}

/// A descriptor that came through the exec. Nothing in this process owns the number, so it may be closed through this
/// value. Only [`inherited`] creates one.
#[derive(Debug, PartialEq, Eq)]
pub struct InheritedFd(i32);

impl InheritedFd {
    /// Its number.
    pub fn number(&self) -> i32 {
        self.0
    }

    /// Replaces it by `fd`, close-on-exec, which releases its file.
    ///
    /// The number stays open: code that assumes to own it closes this duplicate, never a file opened since.
    pub fn replace(self, fd: impl AsFd) -> io::Result<()> {
        duplicate_to(fd, self.0)?;
        close_on_exec_raw(self.0)
    }

    /// Marks it close-on-exec.
    pub fn close_on_exec_raw(self) -> io::Result<()> {
        close_on_exec_raw(self.0)
    }

    /// Takes ownership, and marks it close-on-exec.
    pub fn adopt(self) -> io::Result<OwnedFd> {
        close_on_exec_raw(self.0)?;
        // SAFETY: it is open, or the call before had failed; nothing in this process owns the number: it came through
        // the exec, and `self` is the only value that represents it.
        Ok(unsafe { OwnedFd::from_raw_fd(self.0) })
    }

    /// Closes it.
    pub fn close(self) -> io::Result<()> {
        // SAFETY: the call takes no pointer, and nothing in this process owns the number: it came through the exec.
        nix::errno::Errno::result(unsafe { libc::close(self.0) })?;
        Ok(())
    }
}

/// The descriptors above the standard streams without the close-on-exec flag: all that came through an exec, because
/// the kernel closes the others then, and those that this process has opened without the flag.
pub fn inherited() -> io::Result<Vec<InheritedFd>> {
    let open = platform::open_descriptors()?.into_iter();
    Ok(open.filter(|&number| number > 2 && survives(number)).map(InheritedFd).collect())
}

/// Closes all descriptors above the standard streams, in a forked process that uses none of them until its end.
pub fn close_others() -> io::Result<()> {
    for number in platform::open_descriptors()?.into_iter().filter(|number| *number > 2) {
        // SAFETY: the call takes no pointer. The owners of these numbers are the parent's, never used or dropped in this
        // process, which ends without running destructors (_exit(2)).
        unsafe { libc::close(number) };
    }
    Ok(())
}

/// The path of a descriptor's file, with links resolved.
pub fn path(number: i32) -> io::Result<PathBuf> {
    platform::descriptor_path(number)
}

fn survives(number: i32) -> bool {
    // SAFETY: F_GETFD takes no pointer.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

/// Sets the close-on-exec flag of a descriptor known by its number.
pub fn close_on_exec_raw(number: i32) -> io::Result<()> {
    // SAFETY: F_SETFD takes no pointer.
    nix::errno::Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    Ok(())
}

/// Lets an open descriptor survive an exec. `false` if the number is not open.
pub fn keep_if_open(number: i32) -> io::Result<bool> {
    // SAFETY: F_GETFD takes no pointer.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    if flags >= 0 && flags & libc::FD_CLOEXEC != 0 {
        clear_close_on_exec(number)?;
    }
    Ok(flags >= 0)
}

/// Whether this number is an open descriptor.
pub fn is_open(number: i32) -> bool {
    // SAFETY: F_GETFD takes no pointer.
    unsafe { libc::fcntl(number, libc::F_GETFD) >= 0 }
}

/// Whether this number is a pipe.
pub fn is_pipe(number: i32) -> bool {
    // SAFETY: stat is plain numbers, for which all zeroes are valid.
    let mut found: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `found` has room for the result of fstat(2); a number that is not open is an error.
    let asked = unsafe { libc::fstat(number, &raw mut found) };
    asked == 0 && found.st_mode & libc::S_IFMT == libc::S_IFIFO
}

/// Clears the close-on-exec flag of a descriptor known by its number.
pub fn clear_close_on_exec(number: i32) -> io::Result<()> {
    // SAFETY: F_SETFD takes no pointer.
    nix::errno::Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, 0) })?;
    Ok(())
}

/// Marks every descriptor above the standard streams close-on-exec, except those in `keep`, which survive an exec.
///
/// One system call with close_range(2), whatever the numbers and the limit; otherwise one call for each open
/// descriptor.
pub fn keep_only(keep: &[i32]) -> io::Result<()> {
    platform::mark_all_close_on_exec(3)?;
    for &number in keep {
        clear_close_on_exec(number)?;
    }
    Ok(())
}

/// Sets the close-on-exec flag.
pub fn close_on_exec(fd: impl AsFd) -> io::Result<()> {
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(())
}

/// Sets or clears O_NONBLOCK.
pub fn nonblocking(fd: impl AsFd, yes: bool) -> io::Result<()> {
    let fd = fd.as_fd();
    let mut flags = OFlag::from_bits_truncate(fcntl(fd, FcntlArg::F_GETFL)?);
    flags.set(OFlag::O_NONBLOCK, yes);
    fcntl(fd, FcntlArg::F_SETFL(flags))?;
    Ok(())
}

/// Sets O_NONBLOCK on a new pipe or socket. No other flag is set on it, so F_GETFL is not needed.
pub fn fresh_nonblocking(fd: impl AsFd) -> io::Result<()> {
    fcntl(fd.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

/// The device and the inode of an open file (fstat(2)).
pub fn identity(fd: impl AsFd) -> io::Result<(u64, u64)> {
    let found = nix::sys::stat::fstat(fd)?;
    Ok((super::number::cast(found.st_dev), super::number::cast(found.st_ino)))
}

/// read(2). `None` if there is nothing to read now; zero bytes are the end of file.
pub fn read(fd: impl AsFd, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    use nix::errno::Errno;
    match nix::unistd::read(fd, buffer) {
        Ok(count) => Ok(Some(count)),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// write(2) until all bytes are written, or an error.
pub fn write_all(fd: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    use nix::errno::Errno;
    let fd = fd.as_fd();
    while !bytes.is_empty() {
        match nix::unistd::write(fd, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether both are duplicates of one descriptor (kcmp(2), `KCMP_FILE`). Where the kernel may not be asked, the same file,
/// opened in the same way, counts as the same.
pub fn is_same(one: &OwnedFd, other: &OwnedFd) -> io::Result<bool> {
    if let Ok(same) = platform::is_same_description(one.as_raw_fd(), other.as_raw_fd()) {
        return Ok(same);
    }
    let (first, second) = (nix::sys::stat::fstat(one)?, nix::sys::stat::fstat(other)?);
    // Files without a type, such as an eventfd(2), share one inode.
    let alike = first.st_mode & libc::S_IFMT != 0
        && (first.st_dev, first.st_ino, first.st_mode) == (second.st_dev, second.st_ino, second.st_mode);
    Ok(alike && fcntl(one, FcntlArg::F_GETFL)? == fcntl(other, FcntlArg::F_GETFL)?)
}

/// Waits until one of `fds` is readable or at its end, at most for `timeout` (`None`: without limit). Returns for each
/// whether it has an event (poll(2)).
pub fn wait_readable(fds: &[BorrowedFd<'_>], timeout: Option<std::time::Duration>) -> io::Result<Vec<bool>> {
    wait(fds, &[], timeout)
}

/// The same, and waits also until one of `ending` has an error or its other end is gone (POLLERR, POLLHUP). The results of
/// those follow.
pub fn wait(
    fds: &[BorrowedFd<'_>],
    ending: &[BorrowedFd<'_>],
    timeout: Option<std::time::Duration>,
) -> io::Result<Vec<bool>> {
    use nix::errno::Errno;
    let readable = fds.iter().map(|&fd| PollFd::new(fd, PollFlags::POLLIN));
    let ending = ending.iter().map(|&fd| PollFd::new(fd, PollFlags::empty()));
    let mut polled: Vec<PollFd<'_>> = readable.chain(ending).collect();
    // Rounded up, so that a caller with a deadline does not return just before it in a busy loop.
    let timeout = match timeout {
        None => PollTimeout::NONE,
        Some(timeout) => {
            let millis = timeout.as_micros().div_ceil(1000);
            PollTimeout::from(u16::try_from(millis).unwrap_or(u16::MAX))
        }
    };
    match nix::poll::poll(&mut polled, timeout) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(polled.iter().map(|fd| fd.revents().is_some_and(|events| !events.is_empty())).collect())
}
