//! Messages to another virtual machine or its host (vsock(7)).

use std::io;
use std::io::Read;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, VsockAddr, bind, connect, send, socket};

use super::super::socket::{VsockAddress, VsockKind};

/// The highest of the ports that only root binds: by it the receiver knows that root has sent the message.
const PRIVILEGED_PORT: u32 = 1023;

/// The option for the time of connect(2) (`SO_VM_SOCKETS_CONNECT_TIMEOUT`).
const CONNECT_TIMEOUT: i32 = 6;

/// Sends one message, and waits until it was read where the receiver can say so. Fails after `timeout`. Without a kind it
/// takes the first one that the kernel has for this machine.
pub(crate) fn send_to_vsock(address: VsockAddress, message: &[u8], timeout: Duration) -> io::Result<()> {
    let all = [VsockKind::Datagram, VsockKind::SequentialPacket, VsockKind::Stream];
    let mut last = io::ErrorKind::Unsupported.into();
    for kind in all.into_iter().filter(|one| address.kind.is_none_or(|kind| kind == *one)) {
        match send_by(kind, address, message, timeout) {
            Err(error) if is_missing(&error) => last = error,
            sent => return sent,
        }
    }
    Err(last)
}

/// Whether the error says that there is no such kind of socket.
fn is_missing(error: &io::Error) -> bool {
    let missing = [libc::ENODEV, libc::ESOCKTNOSUPPORT, libc::EAFNOSUPPORT, libc::EPROTONOSUPPORT];
    error.raw_os_error().is_some_and(|number| missing.contains(&number))
}

fn send_by(kind: VsockKind, address: VsockAddress, message: &[u8], timeout: Duration) -> io::Result<()> {
    let kernel = match kind {
        VsockKind::Datagram => SockType::Datagram,
        VsockKind::SequentialPacket => SockType::SeqPacket,
        VsockKind::Stream => SockType::Stream,
    };
    let socket = socket(AddressFamily::Vsock, kernel, SockFlag::SOCK_CLOEXEC, None)?;
    bind_privileged(&socket)?;
    let to = VsockAddr::new(address.cid, address.port);
    limit(&socket, timeout)?;
    connect(socket.as_raw_fd(), &to)?;
    // Read, write and shutdown(2) of a stream are the same for every family.
    let mut stream = TcpStream::from(socket);
    stream.set_write_timeout(Some(timeout))?;
    stream.set_read_timeout(Some(timeout))?;
    let mut rest = message;
    while !rest.is_empty() {
        let sent = send(stream.as_raw_fd(), rest, MsgFlags::MSG_NOSIGNAL)?;
        rest = if kind == VsockKind::Stream { &rest[sent..] } else { &[] };
    }
    if kind == VsockKind::Datagram {
        return Ok(());
    }
    // The end of the connection is the end of the message, and the receiver closes its side when it has read it.
    stream.shutdown(Shutdown::Write)?;
    match stream.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(io::Error::other("the receiver has sent something")),
        Err(error) => Err(error),
    }
}

/// Only root may bind such a port; others send from any.
fn bind_privileged(socket: &OwnedFd) -> io::Result<()> {
    for port in (1..=PRIVILEGED_PORT).rev() {
        match bind(socket.as_raw_fd(), &VsockAddr::new(libc::VMADDR_CID_ANY, port)) {
            Err(Errno::EADDRINUSE) => {}
            Ok(()) | Err(Errno::EACCES | Errno::EPERM) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Limits the time of connect(2), which knows no other limit here.
fn limit(socket: &OwnedFd, timeout: Duration) -> io::Result<()> {
    let time = libc::timeval {
        tv_sec: timeout.as_secs().try_into().map_err(io::Error::other)?,
        tv_usec: timeout.subsec_micros().into(),
    };
    let length = libc::socklen_t::try_from(size_of_val(&time)).map_err(io::Error::other)?;
    let number = socket.as_fd().as_raw_fd();
    // SAFETY: the kernel reads one timeval, which outlives the call.
    let set = unsafe {
        libc::setsockopt(number, libc::AF_VSOCK, CONNECT_TIMEOUT, (&raw const time).cast(), length)
    };
    Errno::result(set).map(drop).map_err(Into::into)
}
