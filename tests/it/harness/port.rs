//! Addresses of sockets for tests that run in parallel in one network and one process.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::{io, process};

use nix::sys::socket::sockopt::ReuseAddr;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, setsockopt, socket};

use super::wait_until;

/// A free TCP port below 1024 that no other test of this binary gets.
pub(crate) fn low_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(600);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(port < 1024, "no port below 1024 is free");
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

/// How a message names this test as the holder of a socket.
pub(crate) fn this_process() -> String {
    let name = std::fs::read_to_string(format!("/proc/{}/comm", process::id())).unwrap();
    format!("process {} ({})", process::id(), name.trim_end())
}

/// A port that is free for TCP and UDP on every IPv4 address, and that no other test of this binary gets.
///
/// It is below those that Linux gives to sockets without one (`ip_local_port_range`, ip(7)), so no connection of
/// another test can take it before the program does. Test binaries that run at the same time begin at different ones.
pub(crate) fn free_port() -> u16 {
    const PORTS: Range<u16> = 10_000..32_000;
    static COUNT: AtomicU16 = AtomicU16::new(0);
    let length = u32::from(PORTS.end - PORTS.start);
    wait_until("a port is free", || {
        let count = u32::from(COUNT.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start
            + u16::try_from((process::id().wrapping_mul(997).wrapping_add(count)) % length).unwrap();
        let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port));
        (udp.is_ok() && is_free(port)).then_some(port)
    })
}

/// Whether no TCP server has the port. The socket that tries it does not listen: a child that another test is just forking has
/// it too, until its exec, and a server could not listen beside one that does.
fn is_free(port: u16) -> bool {
    let socket = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    setsockopt(&socket, ReuseAddr, &true).unwrap();
    bind(socket.as_raw_fd(), &SockaddrIn::new(0, 0, 0, 0, port)).is_ok()
}

/// Whether this machine has IPv6.
pub(crate) fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// Closes a socket of any kind, so that its path is stale. A child that another test is just forking holds the socket
/// too, until its exec.
pub(crate) fn leave_behind(socket: impl Into<OwnedFd>, path: &Path) {
    drop(socket.into());
    let refused =
        || UnixStream::connect(path).err().filter(|why| why.kind() == io::ErrorKind::ConnectionRefused);
    wait_until("no process has the socket open", refused);
}
