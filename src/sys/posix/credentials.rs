//! Socket credentials. Only Linux reports the sender of a datagram, and an unverified sender must not be trusted.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::{MsgFlags, UnixAddr};

use super::unsupported;

/// Received descriptors are marked close-on-exec after recvmsg(2).
pub(crate) const CLOEXEC_ON_RECEIVE: MsgFlags = MsgFlags::empty();

/// A socket whose senders are all unknown would accept nothing, so it is not created.
pub(crate) fn ask_for_credentials(_socket: &UnixDatagram) -> io::Result<()> {
    Err(unsupported(
        "this system does not report the sender of a notification, so notifications cannot be trusted",
    ))
}

pub(crate) fn sender(_level: i32, _kind: i32, _data: &[u8]) -> Option<i32> {
    None
}

/// getpeereid(3). For a pair it is the user that created it, on both sides.
pub(crate) fn peer_user(number: i32) -> io::Result<u32> {
    let (mut user, mut group) = (u32::MAX, u32::MAX);
    // SAFETY: both are valid for writing; a number that is not a socket is an error.
    let asked = unsafe { libc::getpeereid(number, &raw mut user, &raw mut group) };
    nix::errno::Errno::result(asked)?;
    Ok(user)
}

pub(crate) fn bind_abstract() -> io::Result<(UnixDatagram, Vec<u8>)> {
    Err(no_names())
}

pub(crate) fn abstract_address(_name: &[u8]) -> io::Result<UnixAddr> {
    Err(no_names())
}

pub(crate) fn connect_abstract(_socket: &UnixDatagram, _name: &[u8]) -> io::Result<()> {
    Err(no_names())
}

fn no_names() -> io::Error {
    unsupported("this system has no abstract socket names")
}

/// Without abstract names the other end does not learn what is wanted.
pub(crate) fn connect_named(
    path: &Path,
    _wanted: &str,
    _timeout: Duration,
) -> io::Result<std::os::unix::net::UnixStream> {
    std::os::unix::net::UnixStream::connect(path)
}
