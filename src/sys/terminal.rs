//! Terminals: opening, resetting, and becoming the controlling process of one (tty_ioctl(4)).

use std::fs::{File, OpenOptions};
use std::io;
use std::io::IsTerminal;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::termios::{
    ControlFlags, InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices as Key, tcgetattr,
    tcsetattr,
};

use super::platform;

/// What is done with the descriptor of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalUse {
    /// Input and output.
    Both,
    /// Output only.
    Output,
}

/// Opens a terminal. It does not become the controlling terminal, and a serial line without a peer is not waited for.
pub fn open(path: &Path, what: TerminalUse) -> io::Result<File> {
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    let file =
        OpenOptions::new().read(what == TerminalUse::Both).write(true).custom_flags(flags).open(path)?;
    if !file.is_terminal() {
        return Err(io::Error::other("it is not a terminal"));
    }
    super::fd::nonblocking(file.as_fd(), false)?;
    Ok(file)
}

/// Makes this process the leader of a session of its own, unless it is one.
pub fn lead_session() -> io::Result<()> {
    if nix::unistd::getsid(None)? == nix::unistd::getpid() { Ok(()) } else { super::process::new_session() }
}

/// Makes the terminal the controlling terminal of this session, which must not have one. The error is of kind
/// `PermissionDenied` if it belongs to another session. With `force`, which root may, it is taken from that.
pub fn control(terminal: impl AsFd, force: bool) -> io::Result<()> {
    let number = terminal.as_fd().as_raw_fd();
    // SAFETY: TIOCSCTTY takes a number, and no pointer.
    Errno::result(unsafe { libc::ioctl(number, platform::TAKE_TERMINAL, i32::from(force)) })?;
    Ok(())
}

/// Resets the modes of a terminal to those of stty(1), `sane`.
pub fn reset(terminal: impl AsFd) -> io::Result<()> {
    let terminal = terminal.as_fd();
    platform::leave_graphics(terminal);
    let mut modes = tcgetattr(terminal)?;
    modes.input_flags.remove(
        InputFlags::IGNBRK | InputFlags::BRKINT | InputFlags::ISTRIP | InputFlags::INLCR | InputFlags::IGNCR,
    );
    modes.input_flags.insert(InputFlags::ICRNL | InputFlags::IMAXBEL | InputFlags::IXON);
    modes.output_flags.remove(OutputFlags::OCRNL);
    modes.output_flags.insert(OutputFlags::OPOST | OutputFlags::ONLCR);
    modes.control_flags.insert(ControlFlags::CREAD);
    modes.local_flags = LocalFlags::ISIG
        | LocalFlags::ICANON
        | LocalFlags::IEXTEN
        | LocalFlags::ECHO
        | LocalFlags::ECHOE
        | LocalFlags::ECHOK
        | LocalFlags::ECHOCTL
        | LocalFlags::ECHOKE;
    for (key, byte) in [
        (Key::VINTR, 0o3),
        (Key::VQUIT, 0o34),
        (Key::VERASE, 0o177),
        (Key::VKILL, 0o25),
        (Key::VEOF, 0o4),
        (Key::VSTART, 0o21),
        (Key::VSTOP, 0o23),
        (Key::VSUSP, 0o32),
        (Key::VLNEXT, 0o26),
        (Key::VWERASE, 0o27),
        (Key::VREPRINT, 0o22),
        (Key::VMIN, 1),
        (Key::VTIME, 0),
    ] {
        modes.control_chars[key as usize] = byte;
    }
    Ok(tcsetattr(terminal, SetArg::TCSANOW, &modes)?)
}

/// The lines and columns of a terminal. `None`: it is something else, or does not know them.
pub fn size(terminal: impl AsFd) -> Option<(u16, u16)> {
    let size = read_size(terminal.as_fd().as_raw_fd()).ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
}

fn read_size(number: RawFd) -> io::Result<libc::winsize> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize, and `size` is one.
    Errno::result(unsafe { libc::ioctl(number, libc::TIOCGWINSZ, &raw mut size) })?;
    Ok(size)
}

/// Sets the size of a terminal. `None`: that side stays.
pub fn set_size(terminal: impl AsFd, rows: Option<u16>, columns: Option<u16>) -> io::Result<()> {
    let number = terminal.as_fd().as_raw_fd();
    let mut size = read_size(number)?;
    size.ws_row = rows.unwrap_or(size.ws_row);
    size.ws_col = columns.unwrap_or(size.ws_col);
    // SAFETY: TIOCSWINSZ reads one winsize, and `size` is one.
    Errno::result(unsafe { libc::ioctl(number, libc::TIOCSWINSZ, &raw const size) })?;
    Ok(())
}

/// Takes a terminal from all processes that have it open (vhangup(2)).
pub fn hang_up(terminal: impl AsFd) -> io::Result<()> {
    platform::hang_up(terminal.as_fd())
}

/// Clears a virtual console and the text that has scrolled off; any other terminal is cleared.
pub fn disallocate(path: &Path) -> io::Result<()> {
    platform::disallocate(path)
}
