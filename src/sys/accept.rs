//! Accepting connections.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{SockaddrLike, SockaddrStorage, getpeername};

use super::{fd, platform};

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// An address and a port. An IPv4 address that came over IPv6 is an IPv4 address.
    Internet(IpAddr, u16),
    /// A process of this user.
    User(u32),
    /// Not known.
    Unknown,
}

/// Accepts a connection, close-on-exec. `None`: no connection is waiting.
pub fn accept(listener: &OwnedFd) -> io::Result<Option<(OwnedFd, Peer)>> {
    let number = match nix::sys::socket::accept(listener.as_raw_fd()) {
        Ok(number) => number,
        // A client that has left meanwhile (accept(2)).
        Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNABORTED) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // SAFETY: accept(2) has just created this descriptor, so nothing else owns it.
    let connection = unsafe { OwnedFd::from_raw_fd(number) };
    fd::close_on_exec(&connection)?;
    // Where accept(2) passes the flag of the listener on, it is cleared.
    fd::nonblocking(&connection, false)?;
    let peer = peer(&connection);
    Ok(Some((connection, peer)))
}

fn peer(connection: &OwnedFd) -> Peer {
    let Ok(address) = getpeername::<SockaddrStorage>(connection.as_raw_fd()) else { return Peer::Unknown };
    if let Some(address) = address.as_sockaddr_in() {
        return Peer::Internet(address.ip().into(), address.port());
    }
    if let Some(address) = address.as_sockaddr_in6() {
        return Peer::Internet(address.ip().to_canonical(), address.port());
    }
    if address.family() == Some(nix::sys::socket::AddressFamily::Unix) {
        return platform::peer_user(connection.as_raw_fd()).map_or(Peer::Unknown, Peer::User);
    }
    Peer::Unknown
}
