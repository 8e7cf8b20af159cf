//! Socket credentials: the sender of a datagram, the peer of a socket (unix(7)).

use std::io;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::sockopt::{PassCred, SendTimeout};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, bind, connect, setsockopt, socket,
};
use nix::sys::time::{TimeVal, TimeValLike};

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
    let name = format!("svcadapt/notify/{:032x}", random()?).into_bytes();
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    Ok((socket, name))
}

fn random() -> io::Result<u128> {
    let mut random = [0; 16];
    // SAFETY: the buffer is valid for its whole length.
    let filled = unsafe { libc::getrandom(random.as_mut_ptr().cast(), random.len(), 0) };
    nix::errno::Errno::result(filled)?;
    Ok(u128::from_ne_bytes(random))
}

/// Connects within this time to a path, from a random abstract name that ends with `wanted`.
pub(crate) fn connect_named(path: &Path, wanted: &str, timeout: Duration) -> io::Result<UnixStream> {
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let seconds = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
    setsockopt(&socket, SendTimeout, &TimeVal::seconds(seconds))?;
    let name = format!("{:016x}{wanted}", random()?);
    bind(socket.as_raw_fd(), &UnixAddr::new_abstract(name.as_bytes())?)?;
    connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(socket.into())
}

pub(crate) fn abstract_address(name: &[u8]) -> io::Result<UnixAddr> {
    Ok(UnixAddr::new_abstract(name)?)
}

pub(crate) fn connect_abstract(socket: &UnixDatagram, name: &[u8]) -> io::Result<()> {
    socket.connect_addr(&SocketAddr::from_abstract_name(name)?)
}
