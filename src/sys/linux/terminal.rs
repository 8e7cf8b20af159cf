//! Virtual consoles (ioctl_console(2)) and vhangup(2).

use std::io;
use std::io::Write;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;

use crate::sys::terminal::{TerminalUse, open};

/// TIOCSCTTY.
pub(crate) const TAKE_TERMINAL: libc::Ioctl = libc::TIOCSCTTY;

const KDSETMODE: libc::Ioctl = 0x4b3a;
const KD_TEXT: libc::c_int = 0;
const VT_DISALLOCATE: libc::Ioctl = 0x5608;

/// Text mode, and no exclusive use. A terminal that is no virtual console has neither.
pub(crate) fn leave_graphics(terminal: BorrowedFd<'_>) {
    let number = terminal.as_raw_fd();
    // SAFETY: the request takes a number, and no pointer; what fails changes nothing.
    let _ = unsafe { libc::ioctl(number, libc::TIOCNXCL, 0) };
    // SAFETY: as above.
    let _ = unsafe { libc::ioctl(number, KDSETMODE, KD_TEXT) };
}

pub(crate) fn hang_up(terminal: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: TIOCVHANGUP takes no argument.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCVHANGUP, 0) })?;
    Ok(())
}

pub(crate) fn disallocate(path: &Path) -> io::Result<()> {
    const CLEAR: &[u8] = b"\x1b[r\x1b[H\x1b[3J\x1b[2J";
    let console = path.to_str().and_then(|path| path.strip_prefix("/dev/tty")?.parse::<libc::c_int>().ok());
    if let Some(console @ 1..) = console {
        let any = open(Path::new("/dev/tty0"), TerminalUse::Both)?;
        // SAFETY: VT_DISALLOCATE takes a number, and no pointer.
        if unsafe { libc::ioctl(any.as_raw_fd(), VT_DISALLOCATE, console) } == 0 {
            return Ok(());
        }
    }
    // A console that is in use cannot be given back.
    open(path, TerminalUse::Output)?.write_all(CLEAR)
}
