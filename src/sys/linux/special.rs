//! Netlink sockets, message queues and the size of pipes.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::sys::socket::NetlinkAddr;

use super::super::number::cast;
use super::super::special::Messages;
use super::super::{fd, file};

pub(crate) fn set_pipe_size(fifo: &OwnedFd, bytes: i32) -> io::Result<()> {
    nix::fcntl::fcntl(fifo, nix::fcntl::FcntlArg::F_SETPIPE_SZ(bytes))?;
    Ok(())
}

pub(crate) fn open_netlink(family: i32, groups: u32) -> io::Result<OwnedFd> {
    // nix knows only some of the families.
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
    // SAFETY: socket(2) takes three numbers and touches no memory.
    let number = Errno::result(unsafe { libc::socket(libc::AF_NETLINK, kind, family) })?;
    // SAFETY: the kernel has just created this descriptor, so nothing else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    nix::sys::socket::bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
    Ok(socket)
}

/// `/NAME`, as mq_overview(7) has it.
fn queue_name(name: &OsStr) -> io::Result<CString> {
    Ok(CString::new([b"/", name.as_bytes()].concat())?)
}

/// Attempts before giving up if other processes create and remove the queue.
const TRIES: usize = 3;

pub(crate) fn open_queue(name: &OsStr, mode: u16, limits: Option<(i64, i64)>) -> io::Result<(OwnedFd, bool)> {
    for _ in 0..TRIES {
        match create_queue(name, mode, limits) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return Ok((created?, true)),
        }
        match existing_queue(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return Ok((opened?, false)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn existing_queue(name: &OsStr) -> io::Result<OwnedFd> {
    let name = queue_name(name)?;
    // SAFETY: the name is a C string that outlives the call.
    let opened = unsafe { libc::mq_open(name.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK) };
    // SAFETY: on Linux a message queue is a descriptor (mq_overview(7)), which the kernel has just created.
    Ok(unsafe { OwnedFd::from_raw_fd(Errno::result(opened)?) })
}

pub(crate) fn remove_queue(name: &OsStr, identity: (u64, u64), messages: Messages) -> io::Result<()> {
    let queue = existing_queue(name)?;
    // SAFETY: mq_attr is plain numbers, for which all zeroes are valid.
    let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and the attributes outlive the call, which only writes them.
    Errno::result(unsafe { libc::mq_getattr(queue.as_raw_fd(), &raw mut attributes) })?;
    let goes = match messages {
        Messages::Kept => attributes.mq_curmsgs == 0,
        Messages::Lost => true,
    };
    if goes && fd::identity(&queue)? == identity {
        let name = queue_name(name)?;
        // SAFETY: the name is a C string that outlives the call.
        Errno::result(unsafe { libc::mq_unlink(name.as_ptr()) })?;
    }
    Ok(())
}

fn create_queue(name: &OsStr, mode: u16, limits: Option<(i64, i64)>) -> io::Result<OwnedFd> {
    let name = queue_name(name)?;
    // SAFETY: mq_attr is plain numbers, for which all zeroes are valid.
    let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
    if let Some((messages, size)) = limits {
        (attributes.mq_maxmsg, attributes.mq_msgsize) = (cast(messages), cast(size));
    }
    let chosen = if limits.is_some() { &raw const attributes } else { std::ptr::null() };
    let flags = libc::O_RDONLY | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC | libc::O_NONBLOCK;
    let before = file::set_umask(0o777 & !mode);
    // SAFETY: the name is a C string and the attributes are valid or null; both outlive the call, which keeps neither.
    let opened = unsafe { libc::mq_open(name.as_ptr(), flags, libc::mode_t::from(mode), chosen) };
    let opened = Errno::result(opened);
    file::set_umask(before);
    // SAFETY: on Linux a message queue is a descriptor (mq_overview(7)), which the kernel has just created.
    Ok(unsafe { OwnedFd::from_raw_fd(opened?) })
}
