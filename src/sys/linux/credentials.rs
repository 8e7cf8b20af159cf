//! Socket credentials: the sender of a datagram, the peer of a socket (unix(7)).

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{MsgFlags, UnixAddr, setsockopt};

pub(crate) const CLOEXEC_ON_RECEIVE: MsgFlags = MsgFlags::MSG_CMSG_CLOEXEC;

pub(crate) fn ask_for_credentials(socket: &UnixDatagram) -> io::Result<()> {
    Ok(setsockopt(socket, PassCred, &true)?)
}

/// The sender's pid, if this control message holds credentials: the first field of a ucred (unix(7)).
pub(crate) fn sender(level: i32, kind: i32, data: &[u8]) -> Option<i32> {
    let credentials = (level, kind) == (libc::SOL_SOCKET, libc::SCM_CREDENTIALS);
    credentials.then_some(data)?.first_chunk().map(|pid| i32::from_ne_bytes(*pid))
}

/// An unconnected socket has no peer; the kernel then reports an invalid uid.
pub(crate) fn peer_user(number: i32) -> io::Result<u32> {
    let mut peer = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut length = libc::socklen_t::try_from(size_of::<libc::ucred>()).map_err(io::Error::other)?;
    let place = (&raw mut peer).cast();
    // SAFETY: there is room for the ucred that this option returns; a number that is not a socket is an error.
    let asked =
        unsafe { libc::getsockopt(number, libc::SOL_SOCKET, libc::SO_PEERCRED, place, &raw mut length) };
    nix::errno::Errno::result(asked)?;
    Ok(peer.uid)
}

/// The kernel's own choice (autobind) has five hexadecimal digits; a longer random name cannot collide by chance, and
/// is free again when its socket is closed.
pub(crate) fn bind_abstract() -> io::Result<(UnixDatagram, Vec<u8>)> {
    let mut random = [0; 16];
    // SAFETY: the buffer is valid for its whole length.
    let filled = unsafe { libc::getrandom(random.as_mut_ptr().cast(), random.len(), 0) };
    nix::errno::Errno::result(filled)?;
    let name = format!("svcadapt/notify/{:032x}", u128::from_ne_bytes(random)).into_bytes();
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    Ok((socket, name))
}

pub(crate) fn abstract_address(name: &[u8]) -> io::Result<UnixAddr> {
    Ok(UnixAddr::new_abstract(name)?)
}

pub(crate) fn connect_abstract(socket: &UnixDatagram, name: &[u8]) -> io::Result<()> {
    socket.connect_addr(&SocketAddr::from_abstract_name(name)?)
}
