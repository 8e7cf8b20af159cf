//! Who sent a datagram is told by no system in the way of Linux, and a program's word counts only where it is known
//! to be the program's.

use std::io;
use std::os::unix::net::UnixDatagram;

use nix::sys::socket::{MsgFlags, UnixAddr};

use super::unsupported;

/// Here received descriptors are marked after they have come.
pub(crate) const CLOEXEC_ON_RECEIVE: MsgFlags = MsgFlags::empty();

/// A socket whose senders are all strangers would hear nothing, so it is none.
pub(crate) fn ask_for_credentials(_socket: &UnixDatagram) -> io::Result<()> {
    Err(unsupported("this system does not tell who sent a notification, so none can be trusted"))
}

pub(crate) fn sender(_level: i32, _kind: i32, _data: &[u8]) -> Option<i32> {
    None
}

/// getpeereid(3). Of a pair it is whoever made it, on both sides.
pub(crate) fn peer_user(number: i32) -> io::Result<u32> {
    let (mut user, mut group) = (u32::MAX, u32::MAX);
    // SAFETY: both are valid places of their types; a number that is no socket is an error.
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
    unsupported("on this system every socket's name is in the file system")
}
