//! Options of sockets (setsockopt(2)).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;

use super::platform;

/// An option of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "socket(7), tcp(7), ip(7), ipv6(7) and unix(7) explain them")]
pub enum KernelOption {
    ReusePort,
    KeepAlive,
    KeepAliveTime,
    KeepAliveInterval,
    KeepAliveProbes,
    NoDelay,
    DeferAccept,
    Congestion,
    Priority,
    ReceiveBuffer,
    ReceiveBufferForce,
    SendBuffer,
    SendBufferForce,
    Tos,
    Ttl,
    HopLimit,
    Mark,
    FreeBind,
    Transparent,
    Broadcast,
    BindToDevice,
    PassCredentials,
    PassSecurity,
}

/// Sets an option that is a number.
pub fn set(socket: &OwnedFd, setting: KernelOption, value: i32) -> io::Result<()> {
    set_bytes(socket, setting, &value.to_ne_bytes())
}

/// Sets an option that is a name.
pub fn set_name(socket: &OwnedFd, setting: KernelOption, name: &str) -> io::Result<()> {
    set_bytes(socket, setting, name.as_bytes())
}

fn set_bytes(socket: &OwnedFd, setting: KernelOption, value: &[u8]) -> io::Result<()> {
    let Some((level, number)) = platform::socket_option(setting) else {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no such option"));
    };
    let length = libc::socklen_t::try_from(value.len()).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: setsockopt(2) reads so many bytes of the value, which outlives the call.
    let done = unsafe { libc::setsockopt(socket.as_raw_fd(), level, number, value.as_ptr().cast(), length) };
    Errno::result(done)?;
    Ok(())
}
