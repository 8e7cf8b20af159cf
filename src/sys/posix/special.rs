//! What these systems do not have.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;

use super::unsupported;
use crate::sys::special::Messages;

pub(crate) fn set_pipe_size(_fifo: &OwnedFd, _bytes: i32) -> io::Result<()> {
    Err(unsupported("this system does not set the size of a FIFO"))
}

pub(crate) fn open_netlink(_family: i32, _groups: u32) -> io::Result<OwnedFd> {
    Err(unsupported("this system has no netlink sockets"))
}

pub(crate) fn open_queue(
    _name: &OsStr,
    _mode: u16,
    _limits: Option<(i64, i64)>,
) -> io::Result<(OwnedFd, bool)> {
    Err(unsupported("this system has no message queues"))
}

pub(crate) fn remove_queue(_name: &OsStr, _identity: (u64, u64), _messages: Messages) -> io::Result<()> {
    Err(unsupported("this system has no message queues"))
}
