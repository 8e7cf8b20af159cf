//! The journal's socket for the output of programs (systemd-journald.service(8)).

use std::io;
use std::io::Write;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt::SendTimeout,
};
use nix::sys::time::TimeVal;

use super::path_trust::{Judge, Last, Reach};

/// The path of the socket.
pub const SOCKET: &str = "/run/systemd/journal/stdout";

/// How long a journal may take to accept a stream.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What a stream sends to the journal before its first line.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// The name of its lines.
    pub identifier: &'a str,
    /// Facility and level of a line without a prefix.
    pub priority: u8,
    /// Whether a prefix of a line is its level.
    pub level_prefix: bool,
    /// Whether the kernel's log gets the lines, too.
    pub kmsg: bool,
    /// Whether the console gets the lines, too.
    pub console: bool,
}

/// Whether a journal listens, at a path that only root can change.
pub fn listens() -> bool {
    connected(Path::new(SOCKET)).is_ok()
}

/// A stream to the journal, close-on-exec.
pub fn stream(header: Header<'_>) -> io::Result<OwnedFd> {
    let mut stream = connected(Path::new(SOCKET))?;
    stream.shutdown(Shutdown::Read)?;
    stream.write_all(header.to_text().as_bytes())?;
    stream.set_write_timeout(None)?;
    Ok(stream.into())
}

impl Header<'_> {
    /// One line each: identifier, unit, priority, level prefix, and whether the lines go to the system log, the kernel's and
    /// the console. A program's name may have a newline, which would end the first line.
    fn to_text(self) -> String {
        let yes = |is: bool| i32::from(is);
        let Self { identifier, priority, level_prefix, kmsg, console } = self;
        let identifier = identifier.replace('\n', " ");
        format!("{identifier}\n\n{priority}\n{}\n0\n{}\n{}\n", yes(level_prefix), yes(kmsg), yes(console))
    }
}

/// Connects to a socket of root's. The timeout also holds for writes.
fn connected(path: &Path) -> io::Result<UnixStream> {
    let found = std::fs::symlink_metadata(path)?;
    if !found.file_type().is_socket() {
        return Err(io::Error::other("it is not a socket"));
    }
    if found.uid() != 0 || Judge::of_root().reach(path, Last::File)? != Reach::RootOnly {
        return Err(io::Error::other("other users than root can replace it"));
    }
    let stream = UnixStream::from(socket(AddressFamily::Unix, SockType::Stream, flags(), None)?);
    super::fd::close_on_exec(&stream)?;
    setsockopt(&stream, SendTimeout, &TimeVal::new(i64::try_from(TIMEOUT.as_secs()).unwrap_or(1), 0))?;
    connect(std::os::fd::AsRawFd::as_raw_fd(&stream), &UnixAddr::new(path)?)?;
    Ok(stream)
}

#[cfg(target_os = "linux")]
fn flags() -> SockFlag {
    SockFlag::SOCK_CLOEXEC
}

#[cfg(not(target_os = "linux"))]
fn flags() -> SockFlag {
    SockFlag::empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newline_in_a_name_adds_no_line_to_the_header() {
        let header =
            Header { identifier: "a\n\n0\n", priority: 30, level_prefix: true, kmsg: false, console: true };
        assert_eq!(header.to_text(), "a  0 \n\n30\n1\n0\n0\n1\n");
    }
}
