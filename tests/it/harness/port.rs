//! Addresses of sockets, where tests run side by side: on one network, and in one process.

use std::io;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;

use super::wait_until;

/// A port of TCP below 1024 that nobody listens on, and that no other test of this binary is given.
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

/// Lets go of a socket of any kind, so that its path is one that was left behind. A child that another test is just
/// forking has the socket too, until its exec.
pub(crate) fn leave_behind(socket: impl Into<OwnedFd>, path: &Path) {
    drop(socket.into());
    let refused =
        || UnixStream::connect(path).err().filter(|why| why.kind() == io::ErrorKind::ConnectionRefused);
    wait_until("nobody has the socket any more", refused);
}
