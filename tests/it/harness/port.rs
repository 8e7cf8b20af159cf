//! Addresses of sockets for tests that run in parallel in one network and one process.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};

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

/// A port that is free for TCP and UDP on every IPv4 address.
pub(crate) fn free_port() -> u16 {
    wait_until("a port is free", || {
        let port = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap().local_addr().unwrap().port();
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok().then_some(port)
    })
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
