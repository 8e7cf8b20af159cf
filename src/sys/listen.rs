//! Opening sockets that listen or receive datagrams.

use std::ffi::OsStr;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrLike, SockaddrStorage, UnixAddr, setsockopt, sockopt,
};

use super::platform::listeners::Listening;
use super::rules::refusal;
use super::rules::refusal::ConnectResult;
use super::{escape_control, fd, file, platform, process_info};

/// The type of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SOCK_STREAM.
    Stream,
    /// SOCK_DGRAM.
    Datagram,
    /// SOCK_SEQPACKET.
    SequentialPacket,
}

impl Kind {
    fn number(self) -> SockType {
        match self {
            Self::Stream => SockType::Stream,
            Self::Datagram => SockType::Datagram,
            Self::SequentialPacket => SockType::SeqPacket,
        }
    }
}

/// Options of a listening socket.
#[derive(Clone, Copy, Default)]
pub struct Settings<'a> {
    /// Whether an IPv6 socket rejects IPv4 (`IPV6_V6ONLY`). `None`: the system's default.
    pub only_ipv6: Option<bool>,
    /// The length of the queue of connections. `None`: the kernel's maximum.
    pub backlog: Option<u32>,
    /// What is done before an address of the Internet is bound.
    pub before_bind: Option<&'a SetOptions<'a>>,
}

/// Sets options of a new socket.
pub type SetOptions<'a> = dyn Fn(&OwnedFd) -> io::Result<()> + 'a;

/// Listens on one address. Every socket opened here is close-on-exec.
pub fn on_address(kind: Kind, address: SocketAddr, settings: Settings<'_>) -> io::Result<OwnedFd> {
    let family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let new_socket = || {
        let socket = new_socket(family, kind)?;
        if let (true, Some(only)) = (address.is_ipv6(), settings.only_ipv6) {
            setsockopt(&socket, sockopt::Ipv6V6Only, &only)?;
        }
        settings.before_bind.map_or(Ok(()), |set| set(&socket))?;
        Ok::<_, io::Error>(socket)
    };
    let local = SockaddrStorage::from(address);
    let mut socket = new_socket()?;
    // Old connections (TIME_WAIT) must not block a new server. Datagram sockets leave none; there SO_REUSEADDR would
    // let two servers share a port (socket(7)).
    if kind == Kind::Datagram {
        bind(&socket, &local)?;
    } else if !platform::REUSE_SHARES_A_PORT {
        setsockopt(&socket, sockopt::ReuseAddr, &true)?;
        bind(&socket, &local)?;
    } else if let Err(error) = bind(&socket, &local) {
        if error.kind() != io::ErrorKind::AddrInUse || is_taken(address)? {
            return Err(error);
        }
        socket = new_socket()?;
        setsockopt(&socket, sockopt::ReuseAddr, &true)?;
        bind(&socket, &local)?;
    }
    listen(socket, kind, settings)
}

/// Whether a server listens on this address. If not, a port that cannot be bound only has old connections.
///
/// On the BSDs and macOS SO_REUSEADDR lets a server bind one address of a port that another server has on other
/// addresses, and so intercept its clients (`in_pcbbind` in bsd/netinet/in_pcb.c of xnu); Linux refuses that.
fn is_taken(address: SocketAddr) -> io::Result<bool> {
    let only = (!address.ip().is_unspecified()).then(|| address.ip());
    Ok(!platform::listeners::tcp(only, address.port())?.is_empty())
}

/// Listens on a port on every address: IPv6, which the system may extend to IPv4, or IPv4 if there is no IPv6.
pub fn on_port(kind: Kind, port: u16, settings: Settings<'_>) -> io::Result<OwnedFd> {
    let on = |address| on_address(kind, address, settings);
    match on((Ipv6Addr::UNSPECIFIED, port).into()) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)) => {
            on((Ipv4Addr::UNSPECIFIED, port).into())
        }
        opened => opened,
    }
}

/// Creates a socket at a path that must not exist, with this mode whatever the umask. It does not listen yet.
pub fn bind_path(kind: Kind, path: &Path, mode: u16) -> io::Result<OwnedFd> {
    let address = UnixAddr::new(path)?;
    let socket = new_socket(AddressFamily::Unix, kind)?;
    let before = file::set_umask(0o777 & !mode);
    let bound = bind(&socket, &address);
    file::set_umask(before);
    bound?;
    Ok(socket)
}

/// Listens on a name in the abstract namespace (unix(7)).
pub fn on_abstract_name(kind: Kind, name: &OsStr, settings: Settings<'_>) -> io::Result<OwnedFd> {
    let address = platform::abstract_address(name.as_bytes())?;
    let socket = new_socket(AddressFamily::Unix, kind)?;
    bind(&socket, &address)?;
    listen(socket, kind, settings)
}

/// Whether a process has the socket at this path open.
///
/// The kernel is asked first, because a server may not tolerate a client that connects and leaves. But the kernel knows
/// only sockets of this network namespace, so unknown ones are connected to.
///
/// A symbolic link or any other file is an error: it could direct the connection to a server that accepts no other
/// clients.
pub fn is_open(kind: Kind, path: &Path) -> io::Result<bool> {
    let Some(held) = file::open_socket(path)? else { return Ok(false) };
    if platform::listeners::unix(held.path()).is_ok_and(|found| !found.is_empty()) {
        return Ok(true);
    }
    let another = if kind == Kind::Datagram { Kind::Stream } else { Kind::Datagram };
    match refusal::is_open(connect(kind, held.path()), || connect(another, held.path())) {
        // A held socket cannot have vanished; then /proc is not mounted.
        Err(Errno::ENOENT) if !held.stays() => Ok(false),
        open => Ok(open?),
    }
}

/// Who has one of these sockets, for people: `process 4711 (nginx)`, or `another process` if it is not visible.
pub fn holder(sockets: &[Listening]) -> String {
    let found = platform::listeners::holder(sockets).and_then(process_info::of);
    found.map_or_else(
        || "another process".to_owned(),
        |found| format!("process {} ({})", found.pid, escape_control(&found.comm)),
    )
}

/// Connects to a stream socket, without waiting: neither for the connection nor for reads and writes later.
pub fn connect_stream(path: &Path) -> io::Result<std::os::unix::net::UnixStream> {
    Ok(connected(Kind::Stream, path)?.into())
}

/// The result of a non-blocking connect(2).
fn connect(kind: Kind, path: &Path) -> ConnectResult {
    connected(kind, path).map(drop)
}

fn connected(kind: Kind, path: &Path) -> Result<OwnedFd, Errno> {
    let errno = |error: io::Error| error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw);
    let socket = new_socket(AddressFamily::Unix, kind).map_err(errno)?;
    fd::nonblocking(&socket, true).map_err(errno)?;
    nix::sys::socket::connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(socket)
}

fn new_socket(family: AddressFamily, kind: Kind) -> io::Result<OwnedFd> {
    // Two steps, where Linux needs one: no other thread can fork in between, because there are none.
    let socket = nix::sys::socket::socket(family, kind.number(), SockFlag::empty(), None)?;
    fd::close_on_exec(&socket)?;
    Ok(socket)
}

fn bind(socket: &OwnedFd, address: &dyn SockaddrLike) -> io::Result<()> {
    Ok(nix::sys::socket::bind(socket.as_raw_fd(), address)?)
}

/// listen(2), for types with connections.
///
/// nix's wrapper of listen(2) limits the backlog to its own idea of the kernel's maximum.
pub fn listen(socket: OwnedFd, kind: Kind, settings: Settings<'_>) -> io::Result<OwnedFd> {
    if kind != Kind::Datagram {
        let backlog =
            settings.backlog.and_then(|backlog| backlog.try_into().ok()).unwrap_or(libc::c_int::MAX);
        // SAFETY: listen(2) takes two numbers and touches no memory.
        Errno::result(unsafe { libc::listen(socket.as_raw_fd(), backlog) })?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn socket_is_open_until_it_is_closed_and_has_its_mode() {
        let path = std::env::temp_dir().join(format!("svcadapt-listen-{}", std::process::id()));
        for kind in [Kind::Stream, Kind::Datagram] {
            let socket = listen(bind_path(kind, &path, 0o640).unwrap(), kind, Settings::default()).unwrap();
            assert_eq!(std::fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
            assert!(is_open(Kind::Stream, &path).unwrap() && is_open(Kind::Datagram, &path).unwrap());
            assert_eq!(bind_path(kind, &path, 0o640).unwrap_err().kind(), io::ErrorKind::AddrInUse);
            drop(socket);
            assert!(!is_open(kind, &path).unwrap());
            std::fs::remove_file(&path).unwrap();
            assert!(!is_open(kind, &path).unwrap());
        }
    }

    #[test]
    fn socket_that_refuses_connections_is_still_open() {
        let path = std::env::temp_dir().join(format!("svcadapt-listen-full-{}", std::process::id()));
        // Bound but not listening: it refuses, as a full queue does on BSD and macOS.
        let server = new_socket(AddressFamily::Unix, Kind::Stream).unwrap();
        bind(&server, &UnixAddr::new(&path).unwrap()).unwrap();
        assert_eq!(connect(Kind::Stream, &path), Err(Errno::ECONNREFUSED));
        assert!(is_open(Kind::Stream, &path).unwrap());
        drop(server);
        assert!(!is_open(Kind::Stream, &path).unwrap());
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn port_is_taken_until_the_server_ends() {
        let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        let server = on_address(Kind::Stream, any, Settings::default()).unwrap();
        let name: SockaddrStorage = nix::sys::socket::getsockname(server.as_raw_fd()).unwrap();
        let port = name.as_sockaddr_in().unwrap().port();
        for address in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv4Addr::UNSPECIFIED.into()] {
            assert!(is_taken((address, port).into()).unwrap(), "{address}");
        }
        drop(server);
        assert!(!is_taken((Ipv4Addr::LOCALHOST, port).into()).unwrap());
    }

    #[test]
    fn link_to_another_server_is_not_followed() {
        let place = std::env::temp_dir().join(format!("svcadapt-listen-link-{}", std::process::id()));
        std::fs::create_dir(&place).unwrap();
        let server = std::os::unix::net::UnixListener::bind(place.join("server")).unwrap();
        server.set_nonblocking(true).unwrap();
        std::os::unix::fs::symlink("server", place.join("s")).unwrap();
        is_open(Kind::Stream, &place.join("s")).unwrap_err();
        assert_eq!(server.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        std::fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn second_socket_on_a_port_is_refused() {
        for kind in [Kind::Stream, Kind::Datagram] {
            let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
            let first = std::net::TcpListener::bind(any).unwrap();
            let port = first.local_addr().unwrap().port();
            drop(first);
            let held = on_port(kind, port, Settings::default()).unwrap();
            let again = on_address(kind, (Ipv4Addr::LOCALHOST, port).into(), Settings::default());
            assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AddrInUse, "{kind:?}");
            drop(held);
        }
    }
}
